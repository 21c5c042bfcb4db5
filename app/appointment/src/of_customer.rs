//! The appointments on a customer's page.

use kit::{api::Answer, ui::button::IconLink};
use leptos::prelude::*;
use rapport_domain::{appointment::Slot, id::CustomerId};

use super::list::Line;

/// How many are listed.
const SHOWN: usize = 8;

/// The section: the next ones and the last ones, and the way to book another.
#[component]
pub fn Appointments(
    /// Whose.
    id: CustomerId,
    /// Those that the viewer may see, the next first.
    slots: Answer<Vec<Slot>>,
    /// Whether one can be booked for it.
    may_book: bool,
) -> impl IntoView {
    let list = match slots {
        Ok(slots) if slots.is_empty() => view! { <p class="faint">"None yet."</p> }.into_any(),
        Ok(slots) => lines(slots),
        Err(fault) => view! { <p class="faint">{fault.to_string()}</p> }.into_any(),
    };
    let href = format!("/appointments/new?customer={id}&back=/customers/{id}");
    view! {
        <div class="sec">
            <h2>
                "Appointments"
                {may_book
                    .then(|| {
                        view! {
                            <span class="grow"></span>
                            <IconLink name="Book an appointment" icon=icondata::LuPlus href/>
                        }
                    })}
            </h2>
            {list}
        </div>
    }
    .into_any()
}

fn lines(mut slots: Vec<Slot>) -> AnyView {
    let rest = slots.split_off(slots.len().min(SHOWN));
    let list = |slots: Vec<Slot>| {
        let lines = slots
            .into_iter()
            .map(|what| view! { <Line what people="" dated=true/> });
        view! { <ul class="agenda plain">{lines.collect_view()}</ul> }.into_any()
    };
    let rest = (!rest.is_empty()).then(|| {
        let words = format!("{} more", rest.len());
        view! {
            <details>
                <summary class="go sm">{words}</summary>
                {list(rest)}
            </details>
        }
    });
    view! {
        {list(slots)}
        {rest}
    }
    .into_any()
}
