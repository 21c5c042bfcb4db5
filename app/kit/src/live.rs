//! What others do, as it happens: pages follow it without moving under the person's hands.
//!
//! All tabs of a browser share one stream (`wire`). A page says what it shows by [`follow`]; when something of that
//! changed, it is read anew by the way on which its own changes are, [`Door::load_again`]: at once, or as soon as the
//! person is not in the middle of something.

pub mod here;
pub mod status;
mod wire;

use std::{sync::Arc, time::Duration};

use leptos::{prelude::*, task::spawn_local, wasm_bindgen::JsCast, web_sys};
use rapport_domain::{
    error::AppError,
    id::CustomerId,
    live::{Looking, News, Touched},
};
use uuid::Uuid;

pub use here::{Others, use_here};
pub use status::LiveStatus;

use crate::{
    api::Fault,
    door::{Door, use_door},
    me::me,
    ui::dom,
};

/// What a page says of the time is looked at this often, and the page is read anew when it was read so long ago: what has
/// begun meanwhile can be said to have been held, and today is another day.
const AGES: Duration = Duration::from_secs(60);
const OLD: f64 = 300_000.0;
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
    people: RwSignal<Vec<(Uuid, Vec<Looking>)>>,
    followers: StoredValue<Vec<(u32, Asks)>>,
    asked: StoredValue<u32>,
    due: StoredValue<bool>,
    read_at: StoredValue<f64>,
    known: StoredValue<Vec<String>>,
    tab: StoredValue<Uuid>,
    /// How often the tab said where its person is.
    said: StoredValue<u64>,
    /// When its person last did something, and when that was last said.
    active: StoredValue<(f64, f64)>,
}

impl Live {
    fn new(door: Door) -> Self {
        Self {
            door,
            paused: RwSignal::new(false),
            waits: RwSignal::new(false),
            people: RwSignal::new(Vec::new()),
            followers: StoredValue::new(Vec::new()),
            asked: StoredValue::new(0),
            due: StoredValue::new(false),
            read_at: StoredValue::new(0.0),
            known: StoredValue::new(Vec::new()),
            tab: StoredValue::new(Uuid::nil()),
            said: StoredValue::new(0),
            active: StoredValue::new((0.0, 0.0)),
        }
    }

    /// Takes in a piece of news, once, however often it comes. The wire outlives the frame: what it is told then is lost.
    fn hear(self, text: &str) {
        let Ok(news) = serde_json::from_str::<News>(text) else {
            // A newer server says something that this page does not know.
            return;
        };
        match news {
            News::Still => {}
            News::Begun => {
                say_it_hears();
                self.say_paused(false);
            }
            News::Paused => self.say_paused(true),
            News::Missed => {
                self.say_paused(false);
                self.read_anew_if(|_| true);
            }
            // The page says what to do, once it is read anew.
            News::Over => {
                self.say_paused(false);
                self.read_anew_if(|_| true);
            }
            News::Looking { record, people } => {
                let _ = self.people.try_update(|all| {
                    all.retain(|(one, _)| *one != record);
                    all.push((record, people));
                });
            }
            News::Changed { batch, touched, .. } => {
                // What this page wrote it shows; of a command that goes on in the background it was told the beginning.
                let own = !touched.is_empty() && self.door.wrote(batch);
                if !own && self.is_new(text) {
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
                if known.len() == KNOWN {
                    known.remove(0);
                }
                known.push(text.to_owned());
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

    /// Has the page read anew that was read long ago, if somebody looks at it.
    fn age(self) {
        let read = self.read_at.try_get_value();
        let old = read.is_some_and(|read| js_sys::Date::now() - read > OLD);
        // Who is in the middle of something is told nothing: nobody changed anything.
        if old && !document().hidden() && !is_at_it() {
            self.read_anew_if(|_| true);
        }
    }

    fn read_when_free(self) {
        if self.due.try_get_value() != Some(true) {
            return;
        }
        let (held, at_it) = (is_held(), is_at_it());
        if at_it || held || document().hidden() {
            // A press is over in a moment, and nobody looks at a page that is hidden.
            let _ = self.waits.try_set(at_it);
            set_timeout(move || self.read_when_free(), ASKED_EVERY);
        } else {
            spawn_local(self.read_if_there());
        }
    }

    /// Reads the page anew, unless the server is out of reach: what is shown is worth more than an error in its place.
    async fn read_if_there(self) {
        let away = match me().await {
            Err(fault) => matches!(fault, Fault::Offline | Fault::Told(AppError::Unavailable)),
            Ok(_) => false,
        };
        // The person may have begun something meanwhile.
        if away || is_at_it() || is_held() {
            set_timeout(move || self.read_when_free(), ASKED_EVERY);
        } else if self.due.try_get_value() == Some(true) {
            self.read_now();
        }
    }

    /// Reads the page anew, whatever the person is at.
    fn read_now(self) {
        self.due.set_value(false);
        self.waits.set(false);
        self.read_at.set_value(js_sys::Date::now());
        dom::keep_focus();
        self.door.load_again();
    }
}

/// Whether the pointer is pressed, or drags: what is drawn anew then would be taken out of the person's hand.
fn is_held() -> bool {
    !dom::all("#page :active, #page .taken").is_empty()
}

/// Whether the person is in the middle of something: types, has typed what is not sent yet, or has something open.
fn is_at_it() -> bool {
    const AT_IT: &str = "#page input:focus:not(#search, [type=checkbox], [type=radio]), #page textarea:focus, \
        #page select:focus, #page .kv input, #page .kv textarea, #page .kv select, dialog[open], #page .pop:popover-open";
    // What a dialog keeps that is closed nobody is at.
    let open = |control: &web_sys::HtmlElement| !matches!(control.closest("dialog:not([open])"), Ok(Some(_)));
    !dom::all(AT_IT).is_empty()
        || dom::all("#page form[method=post] :is(input, textarea)")
            .iter()
            .any(|control| is_typed(control) && open(control))
}

/// Whether a control holds something else than what it was drawn with.
fn is_typed(control: &web_sys::HtmlElement) -> bool {
    if let Some(text) = control.dyn_ref::<web_sys::HtmlTextAreaElement>() {
        return text.default_value().is_ok_and(|drawn| drawn != text.value());
    }
    let input = control.dyn_ref::<web_sys::HtmlInputElement>();
    input.is_some_and(|input| match input.type_().as_str() {
        "hidden" => false,
        "checkbox" | "radio" => input.checked() != input.default_checked(),
        _ => input.value() != input.default_value(),
    })
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
        here::note_activity(live);
        let ages = set_interval_with_handle(move || live.age(), AGES);
        on_cleanup(move || {
            if let Ok(ages) = ages {
                ages.clear();
            }
        });
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
        // It has just been read.
        live.read_at.set_value(js_sys::Date::now());
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
