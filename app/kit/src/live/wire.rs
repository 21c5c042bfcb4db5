//! The one stream of a browser: the tab that holds a lock has it, and passes on to the others what it hears. On HTTP/1.1
//! a browser has six connections for all its tabs: with a stream each the sixth would stand still.

use std::{cell::RefCell, rc::Rc, time::Duration};

use js_sys::Promise;
use leptos::{
    prelude::{GetUntracked, document, set_timeout},
    wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen},
    web_sys::{BroadcastChannel, EventSource, MessageEvent},
};
use rapport_domain::live::{News, Place};

use super::Live;

/// What the tabs call their channel, and the lock of the one that has the stream.
const NAME: &str = "rapport-live";
/// What a tab says that has just begun to listen, before where its page stands: it may have missed what came while that
/// was on its way.
const HELLO: &str = "hello ";
/// Messages that a tab is told that says so.
const KEPT: usize = 30;
/// How long they are told, in milliseconds.
const KEPT_FOR: f64 = 15_000.0;
/// For how long a stream may be away before it is said, in milliseconds.
const PATIENCE: u64 = 5_000;
/// A stream from which nothing came for so long, in milliseconds, is broken, whatever the browser thinks.
const SILENCE: f64 = 60_000.0;
/// How often that is asked.
const ASKED_EVERY: Duration = Duration::from_secs(20);
/// The first pause before a stream that was refused is asked for again, in seconds; it doubles up to the longest.
const PAUSE: u32 = 1;
const PAUSE_MAX: u32 = 30;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["navigator", "locks"], js_name = request, catch)]
    fn request_lock(name: &str, then: &Closure<dyn FnMut() -> Promise>) -> Result<Promise, JsValue>;
}

/// The end of the wire in this tab.
struct Wire {
    live: Live,
    /// Nothing in a browser that knows no channels: then each tab listens for itself.
    channel: Option<BroadcastChannel>,
    /// Whether this tab has the stream.
    leads: bool,
    /// The place behind which a stream is to begin.
    place: String,
    kept: Vec<(f64, String)>,
    /// Whether more came in those moments than was kept.
    dropped: bool,
    open: bool,
    /// Whether it was said that it is away.
    away: bool,
    /// Whether a stream was refused before there was a place to come back to.
    began_late: bool,
    over: bool,
    heard_at: f64,
    pause: u32,
}

type Shared = Rc<RefCell<Wire>>;

/// Listens for as long as the tab is there.
pub(super) fn listen(live: Live) {
    let wire = Rc::new(RefCell::new(Wire {
        live,
        channel: BroadcastChannel::new(NAME).ok(),
        leads: false,
        place: page_place(),
        kept: Vec::new(),
        dropped: false,
        open: false,
        away: false,
        began_late: false,
        over: false,
        heard_at: 0.0,
        pause: PAUSE,
    }));
    hear_the_others(&wire);
    let leading = Rc::clone(&wire);
    let lead = Closure::<dyn FnMut() -> Promise>::new(move || {
        leading.borrow_mut().leads = true;
        open(&leading);
        // The lock is held until the tab is gone.
        Promise::new(&mut |_, _| {})
    });
    let has_channel = wire.borrow().channel.is_some();
    if !has_channel || request_lock(NAME, &lead).is_err() {
        wire.borrow_mut().leads = true;
        open(&wire);
    }
    // The tab listens to its end.
    lead.forget();
}

/// Where the page stands, as the server wrote it down before it read the page.
fn page_place() -> String {
    let told = document().query_selector("meta[name=live]").ok().flatten();
    told.and_then(|told| told.get_attribute("content"))
        .unwrap_or_default()
}

fn hear_the_others(wire: &Shared) {
    let Some(channel) = wire.borrow().channel.clone() else {
        return;
    };
    let own = Rc::clone(wire);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let Some(text) = event.data().as_string() else {
            return;
        };
        if let Some(place) = text.strip_prefix(HELLO) {
            own.borrow().tell_again(place);
        } else if let Some((place, news)) = text.split_once('\n') {
            own.borrow_mut().note_place(place);
            let live = own.borrow().live;
            live.hear(news);
        }
    });
    channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    say(&channel, &format!("{HELLO}{}", wire.borrow().place));
}

/// Only what cannot be copied is refused, and texts can.
fn say(channel: &BroadcastChannel, text: &str) {
    let _ = channel.post_message(&JsValue::from_str(text));
}

impl Wire {
    fn note_place(&mut self, place: &str) {
        if !place.is_empty() {
            place.clone_into(&mut self.place);
        }
    }

    /// Passes on what the stream said, and keeps it for tabs that begin to listen.
    fn pass_on(&mut self, place: &str, news: &str) {
        self.note_place(place);
        let line = format!("{place}\n{news}");
        if let Some(channel) = &self.channel {
            say(channel, &line);
        }
        let now = js_sys::Date::now();
        self.dropped =
            self.kept.len() == KEPT && self.kept.first().is_some_and(|(at, _)| *at > now - KEPT_FOR);
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push((now, line));
    }

    fn tell_again(&self, place: &str) {
        if !self.leads {
            return;
        }
        let Some(channel) = &self.channel else {
            return;
        };
        if self.dropped {
            self.say_news(channel, &News::Missed);
        }
        let from = js_sys::Date::now() - KEPT_FOR;
        let stands = place.parse::<Place>().map_or(0, |place| place.upto);
        let is_behind = |line: &str| match line.split_once('\n').map(|(_, news)| serde_json::from_str(news)) {
            Some(Ok(News::Changed { upto, .. })) => upto > stands,
            _ => true,
        };
        for (_, line) in self
            .kept
            .iter()
            .filter(|(at, line)| *at > from && is_behind(line))
        {
            say(channel, line);
        }
        let people = self.live.people.try_get_untracked().unwrap_or_default();
        for (record, people) in people {
            self.say_news(channel, &News::Looking { record, people });
        }
        if self.away {
            self.say_news(channel, &News::Paused);
        }
    }

    fn say_news(&self, channel: &BroadcastChannel, news: &News) {
        if let Ok(news) = serde_json::to_string(news) {
            say(channel, &format!("\n{news}"));
        }
    }

    /// Says to all tabs, this one among them, how the stream itself is.
    fn announce(&self, news: &News) {
        if let Some(channel) = &self.channel {
            self.say_news(channel, news);
        }
        if let Ok(news) = serde_json::to_string(news) {
            self.live.hear(&news);
        }
    }
}

/// Opens the stream. The browser opens it again by itself when it breaks; when it was refused, that is done here.
fn open(wire: &Shared) {
    let address = match wire.borrow().place.as_str() {
        "" => "/live".to_owned(),
        place => format!("/live?after={place}"),
    };
    let Ok(source) = EventSource::new(&address) else {
        return;
    };
    wire.borrow_mut().heard_at = js_sys::Date::now();
    let own = Rc::clone(wire);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(news) = event.data().as_string() {
            take_in(&own, &event.last_event_id(), &news);
        }
    });
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    let (own, broken) = (Rc::clone(wire), source.clone());
    let on_error = Closure::<dyn FnMut()>::new(move || {
        {
            let mut wire = own.borrow_mut();
            wire.open = false;
            wire.began_late |= wire.place.is_empty();
        }
        say_if_it_stays_away(&own);
        if broken.ready_state() == EventSource::CLOSED {
            open_later(&own);
        }
    });
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    watch(wire, source);
    // The stream has them for as long as it is there.
    on_message.forget();
    on_error.forget();
}

/// Takes in what the stream said, for all tabs.
fn take_in(wire: &Shared, place: &str, news: &str) {
    let (live, missed) = {
        let mut wire = wire.borrow_mut();
        wire.open = true;
        wire.away = false;
        wire.pause = PAUSE;
        wire.heard_at = js_sys::Date::now();
        wire.over = matches!(serde_json::from_str(news), Ok(News::Over));
        wire.pass_on(place, news);
        (wire.live, std::mem::take(&mut wire.began_late))
    };
    live.hear(news);
    if missed {
        // What happened before it began was told to nobody here.
        wire.borrow().announce(&News::Missed);
    }
}

/// Opens the stream anew when nothing comes from it any more: a connection can be gone without a word.
fn watch(wire: &Shared, source: EventSource) {
    let own = Rc::clone(wire);
    set_timeout(
        move || {
            if source.ready_state() == EventSource::CLOSED {
                return;
            }
            if js_sys::Date::now() - own.borrow().heard_at > SILENCE {
                source.close();
                own.borrow_mut().open = false;
                open(&own);
            } else {
                watch(&own, source);
            }
        },
        ASKED_EVERY,
    );
}

fn open_later(wire: &Shared) {
    let again = Rc::clone(wire);
    // Who is signed out signs in by another tab, which waits for this one's stream.
    let pause = if wire.borrow().over {
        PAUSE_MAX
    } else {
        wire.borrow().pause
    };
    wire.borrow_mut().pause = (pause * 2).min(PAUSE_MAX);
    set_timeout(move || open(&again), Duration::from_secs(pause.into()));
}

fn say_if_it_stays_away(wire: &Shared) {
    let own = Rc::clone(wire);
    set_timeout(
        move || {
            let mut wire = own.borrow_mut();
            wire.away = !wire.open && !wire.over;
            if wire.away {
                wire.announce(&News::Paused);
            }
        },
        Duration::from_millis(PATIENCE),
    );
}
