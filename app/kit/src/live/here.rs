//! Where the person is, said to others; and who else is there.

use std::time::Duration;

use leptos::prelude::*;
use rapport_domain::{
    customer::Field,
    id::CustomerId,
    live::{Here, Looking},
};
use uuid::Uuid;

use super::Live;
use crate::ui::avatar::{Shape, avatar_class, initials};

/// How often it is said again, or it is forgotten.
const AGAIN: Duration = Duration::from_secs(20);
/// How often it is said that the person is active, in milliseconds.
const SAID_EVERY: f64 = 300_000.0;

/// Says where the person is.
fn say(live: Live, record: Option<CustomerId>, field: Option<Field>) {
    if let Some(tab) = live.tab.try_get_value() {
        say_as(live, tab, record, field);
    }
}

/// The same by the name of a tab. Whether it arrives matters to nobody here.
fn say_as(live: Live, tab: Uuid, record: Option<CustomerId>, field: Option<Field>) {
    let Some(turn) = live.said.try_update_value(|said| {
        *said += 1;
        *said
    }) else {
        return;
    };
    let here = Here {
        tab,
        record: record.map(|record| record.0),
        field: field.map(|field| field.to_string()),
        turn,
        active: was_active(live),
    };
    if let Ok(here) = serde_json::to_string(&here) {
        let _ = window()
            .navigator()
            .send_beacon_with_opt_str("/live/here", Some(&here));
    }
}

/// Whether the person did something since that was last said.
fn was_active(live: Live) -> bool {
    let active = live.active.try_update_value(|(did, said)| {
        let active = *did > *said;
        *said = js_sys::Date::now();
        active
    });
    active.unwrap_or(false)
}

/// Says now and then that the person is there, who may only read: their session ends when they are gone, and a page that
/// reads by itself must not keep it.
pub(super) fn note_activity(live: Live) {
    let note = move || {
        let now = js_sys::Date::now();
        let due = live.active.try_update_value(|(did, said)| {
            *did = now;
            now - *said > SAID_EVERY
        });
        if due == Some(true) {
            // By another tab's name: where this one is stays as it was said.
            say_as(live, crate::browser::new_id(), None, None);
        }
    };
    let pressed = window_event_listener(leptos::ev::pointerdown, move |_| note());
    let typed = window_event_listener(leptos::ev::keydown, move |_| note());
    on_cleanup(move || {
        pressed.remove();
        typed.remove();
    });
}

/// Says that the person looks at a customer, and which field they change, for as long as the page is there.
pub fn use_here(id: CustomerId, editing: RwSignal<Option<Field>>) {
    let Some(live) = use_context::<Live>() else {
        return;
    };
    Effect::new(move || say(live, Some(id), editing.get()));
    Effect::new(move || {
        let again = move || say(live, Some(id), editing.try_get_untracked().flatten());
        let again = set_interval_with_handle(again, AGAIN);
        let leaves = window_event_listener(leptos::ev::pagehide, move |_| say(live, None, None));
        on_cleanup(move || {
            if let Ok(again) = again {
                again.clear();
            }
            leaves.remove();
            say(live, None, None);
        });
    });
}

/// Who else looks at a customer.
fn others(live: Option<Live>, id: CustomerId) -> Vec<Looking> {
    let of = |(record, people): &(Uuid, Vec<Looking>)| (*record == id.0).then(|| people.clone());
    let people = live.map(|live| live.people.with(|people| people.iter().find_map(of)));
    people.flatten().unwrap_or_default()
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
    // Nothing here belongs to this view: people come and go while it is drawn anew.
    let live = use_context::<Live>();
    let pictures = move || {
        let others = others(live, id);
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
    let words = move || others(live, id).iter().map(said).collect::<Vec<_>>().join(". ");
    view! {
        <span class="others">
            {pictures}
            <span class="sr-only">{words}</span>
        </span>
    }
    .into_any()
}
