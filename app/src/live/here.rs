//! Where the person is, said to others; and who else is there.

use std::time::Duration;

use leptos::prelude::*;
use rapport_domain::{
    customer::Field,
    id::CustomerId,
    live::{Here, Looking},
};

use super::Live;
use crate::ui::avatar::{Shape, avatar_class, initials};

/// How often it is said again, or it is forgotten.
const AGAIN: Duration = Duration::from_secs(20);

/// Says that the person looks at a customer, and which field they change, for as long as the page is there.
pub fn use_here(id: CustomerId, editing: RwSignal<Option<Field>>) {
    let Some(live) = use_context::<Live>() else {
        return;
    };
    let say = move |record: Option<CustomerId>, field: Option<Field>| {
        let here = Here {
            tab: live.tab.get_value(),
            record: record.map(|record| record.0),
            field: field.map(|field| field.to_string()),
        };
        if let Ok(here) = serde_json::to_string(&here) {
            // Whether it arrives matters to nobody here.
            let _ = window()
                .navigator()
                .send_beacon_with_opt_str("/live/here", Some(&here));
        }
    };
    Effect::new(move || say(Some(id), editing.get()));
    Effect::new(move || {
        let again = set_interval_with_handle(move || say(Some(id), editing.get_untracked()), AGAIN);
        let leaves = window_event_listener(leptos::ev::pagehide, move |_| say(None, None));
        on_cleanup(move || {
            if let Ok(again) = again {
                again.clear();
            }
            leaves.remove();
            say(None, None);
        });
    });
}

/// Who else looks at a customer.
fn others(id: CustomerId) -> Signal<Vec<Looking>> {
    let live = use_context::<Live>();
    Signal::derive(move || {
        let people = live.map(|live| live.people.with(|people| people.get(&id.0).cloned()));
        people.flatten().unwrap_or_default()
    })
}

/// What somebody does there, for people.
fn said(one: &Looking) -> String {
    let field = one.field.as_ref().and_then(|field| field.parse::<Field>().ok());
    match field {
        Some(field) => format!("{} is changing {}", one.name, field.label().to_lowercase()),
        None => format!("{} is looking at this, too", one.name),
    }
}

/// The others who look at a customer, as small pictures with what they do.
#[component]
pub fn Others(
    /// The customer.
    id: CustomerId,
) -> impl IntoView {
    let others = others(id);
    let pictures = move || {
        let others = others.get();
        let pictures = others.iter().map(|one| {
            let busy = one.field.is_some();
            view! {
                <span class="other" class:busy=busy title=said(one)>
                    <i class=avatar_class(&one.name, Shape::Round) aria-hidden="true">{initials(&one.name)}</i>
                </span>
            }
        });
        pictures.collect_view()
    };
    let words = move || others.get().iter().map(said).collect::<Vec<_>>().join(". ");
    view! {
        <span class="others" role="status">
            {pictures}
            <span class="sr-only">{words}</span>
        </span>
    }
    .into_any()
}
