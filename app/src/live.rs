//! What others do, as it happens: pages follow it without moving under the person's hands.
//!
//! All tabs of a browser share one stream (`wire`). A page says what it shows by [`follow`]; when something of that
//! changed, it is read anew by the way on which its own changes are, [`Door::load_again`]: at once, or as soon as the
//! person is not in the middle of something.

pub mod here;
pub mod status;
mod wire;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use leptos::prelude::*;
use rapport_domain::{
    id::CustomerId,
    live::{Looking, News, Touched},
};
use uuid::Uuid;

pub use here::{Others, use_here};
pub use status::LiveStatus;

use crate::{
    door::{Door, use_door},
    ui::dom,
};

/// News that come together are one reason to read anew.
const TOGETHER: Duration = Duration::from_millis(20);
/// A page is not read anew more often than this.
const PAUSE: f64 = 700.0;
/// How often it is asked whether the person is done with what they are at.
const ASKED_EVERY: Duration = Duration::from_millis(300);
/// The most news of the last moments that are known by their text.
const KNOWN: usize = 200;

/// What a follower is asked: whether something that it shows was touched. Nothing named means anything may have been.
type Asks = Arc<dyn Fn(&[Touched]) -> bool + Send + Sync>;

/// What the tab hears. Provided by the frame.
#[derive(Clone, Copy)]
pub struct Live {
    door: Door,
    /// Whether nothing is heard for now.
    paused: RwSignal<bool>,
    /// Whether the page has changed and waits for the person to be done.
    waits: RwSignal<bool>,
    people: RwSignal<HashMap<Uuid, Vec<Looking>>>,
    followers: StoredValue<Vec<(u32, Asks)>>,
    asked: StoredValue<u32>,
    due: StoredValue<bool>,
    read_at: StoredValue<f64>,
    known: StoredValue<VecDeque<String>>,
    tab: StoredValue<Uuid>,
}

impl Live {
    fn new(door: Door) -> Self {
        Self {
            door,
            paused: RwSignal::new(false),
            waits: RwSignal::new(false),
            people: RwSignal::new(HashMap::new()),
            followers: StoredValue::new(Vec::new()),
            asked: StoredValue::new(0),
            due: StoredValue::new(false),
            read_at: StoredValue::new(0.0),
            known: StoredValue::new(VecDeque::new()),
            tab: StoredValue::new(Uuid::nil()),
        }
    }

    /// Takes in a piece of news, once, however often it comes. The wire outlives the frame: what it is told then is lost.
    fn hear(self, text: &str) {
        let Ok(news) = serde_json::from_str::<News>(text) else {
            // A newer server says something that this page does not know.
            return;
        };
        match news {
            News::Begun => {
                say_it_hears();
                self.say_paused(false);
            }
            News::Paused => self.say_paused(true),
            News::Missed => {
                self.say_paused(false);
                self.read_anew_if(|_| true);
            }
            // Reading anew says so, where it matters.
            News::Over => self.read_anew_if(|_| true),
            News::Looking { record, people } => {
                let _ = self.people.try_update(|all| drop(all.insert(record, people)));
            }
            News::Changed { batch, touched } => {
                if !self.door.wrote(batch) && self.is_new(text) {
                    self.read_anew_if(|asks| touched.is_empty() || asks(&touched));
                }
            }
        }
    }

    fn say_paused(self, paused: bool) {
        if self.paused.try_get_untracked() == Some(!paused) {
            self.paused.set(paused);
        }
    }

    fn is_new(self, text: &str) -> bool {
        self.known
            .try_update_value(|known| {
                if known.iter().any(|one| one == text) {
                    return false;
                }
                known.push_back(text.to_owned());
                if known.len() > KNOWN {
                    known.pop_front();
                }
                true
            })
            .unwrap_or(false)
    }

    fn read_anew_if(self, touches: impl Fn(&Asks) -> bool) {
        let any = self
            .followers
            .try_with_value(|followers| followers.iter().any(|(_, asks)| touches(asks)));
        if any == Some(true) && self.due.try_get_value() == Some(false) {
            self.due.set_value(true);
            let since = js_sys::Date::now() - self.read_at.get_value();
            let rest = Duration::from_secs_f64((PAUSE - since).clamp(0.0, PAUSE) / 1_000.0);
            set_timeout(move || self.read_when_free(), rest.max(TOGETHER));
        }
    }

    fn read_when_free(self) {
        if self.due.try_get_value() != Some(true) {
            return;
        }
        if is_busy() {
            self.waits.set(true);
            set_timeout(move || self.read_when_free(), ASKED_EVERY);
        } else {
            self.read_now();
        }
    }

    /// Reads the page anew, whatever the person is at.
    fn read_now(self) {
        self.due.set_value(false);
        self.waits.set(false);
        self.read_at.set_value(js_sys::Date::now());
        self.door.load_again();
    }
}

/// Whether the person types, drags, or has something open: what is drawn anew then would be taken out of their hands.
fn is_busy() -> bool {
    const AT_IT: &str = "#page input:focus:not(#search, [type=checkbox], [type=radio]), #page textarea:focus, \
        #page select:focus, dialog[open], #page .pop:popover-open, #page :active, #page .taken";
    !dom::all(AT_IT).is_empty()
}

/// Marks the page, for tests: from now on it hears what others do.
fn say_it_hears() {
    if let Some(page) = document().document_element() {
        // Setting a fixed, valid attribute name cannot fail.
        let _ = page.set_attribute("data-hears", "");
    }
}

/// Begins to listen, in the browser. Called once, by the frame.
pub fn provide_live() {
    let live = Live::new(use_door());
    provide_context(live);
    Effect::new(move || {
        live.tab.set_value(crate::browser::new_id());
        wire::listen(live);
    });
}

/// Has the page read anew when `asks` says that something was touched that it shows.
pub fn follow(asks: impl Fn(&[Touched]) -> bool + Send + Sync + 'static) {
    let Some(live) = use_context::<Live>() else {
        return;
    };
    let asks: Asks = Arc::new(asks);
    Effect::new(move || {
        live.asked.update_value(|number| *number += 1);
        let (number, asks) = (live.asked.get_value(), Arc::clone(&asks));
        live.followers
            .update_value(|followers| followers.push((number, asks)));
        on_cleanup(move || {
            let _ = live
                .followers
                .try_update_value(|followers| followers.retain(|(one, _)| *one != number));
        });
    });
}

/// Follows one customer, with all that is about it.
pub fn follow_customer(id: CustomerId) {
    follow(move |touched| touched.iter().any(|one| one.customer == Some(id.0)));
}
