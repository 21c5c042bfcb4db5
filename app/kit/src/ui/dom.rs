//! Small steps on the page's own tree, for handlers and effects. None of them runs on the server.

use std::time::Duration;

use leptos::{
    prelude::{document, request_animation_frame, set_timeout},
    wasm_bindgen::JsCast,
    web_sys::{Element, Event, HtmlElement, MouseEvent},
};

/// The element of this id.
#[must_use]
pub fn by_id(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// The first element that a selector finds under another.
#[must_use]
pub fn first(root: &Element, selector: &str) -> Option<HtmlElement> {
    root.query_selector(selector).ok().flatten()?.dyn_into().ok()
}

/// All elements that a selector finds on the page.
#[must_use]
pub fn all(selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|place| found.item(place)?.dyn_into().ok())
        .collect()
}

/// The element that an event came from, or the nearest one around it, that a selector fits.
#[must_use]
pub fn closest(event: &Event, selector: &str) -> Option<HtmlElement> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    target.closest(selector).ok().flatten()?.dyn_into().ok()
}

/// True for a press with the main button and no key held: the others open a tab or a menu.
#[must_use]
pub fn is_plain(event: &MouseEvent) -> bool {
    !event.ctrl_key() && !event.meta_key() && !event.shift_key() && !event.alt_key() && event.button() == 0
}

/// Puts the focus on an element, if it is there.
pub fn focus(element: Option<HtmlElement>) {
    if let Some(element) = element {
        // An element that cannot take the focus leaves it where it was.
        let _ = element.focus();
    }
}

/// How often it is looked where the focus is while a page is drawn anew, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 60;

/// Keeps the focus where it is while the page is drawn anew: what is drawn in the place of the element that has it gets
/// it, unless the person goes elsewhere meanwhile.
pub fn keep_focus() {
    let focused = document().active_element();
    if let Some(focused) = focused.filter(|focused| focused.matches("#page *") == Ok(true)) {
        let told = told(&focused);
        let place = alike(&told).iter().position(|one| **one == focused);
        hold_focus(told, place.unwrap_or_default(), LOOKS);
    }
}

fn hold_focus(told_by: String, place: usize, looks: u32) {
    let look = move || {
        match document().active_element() {
            Some(active) if active.matches("body") != Ok(true) => {
                if told(&active) != told_by {
                    return;
                }
            }
            _ => focus(alike(&told_by).into_iter().nth(place)),
        }
        if looks > 0 {
            hold_focus(told_by, place, looks - 1);
        }
    };
    set_timeout(look, LOOK_EVERY);
}

/// What tells an element from others, and what is drawn in its place does, too: its id, or what it is, leads to and says.
fn told(element: &Element) -> String {
    let attribute = |name| element.get_attribute(name).unwrap_or_default();
    match element.id() {
        id if id.is_empty() => {
            let says = element.text_content().unwrap_or_default();
            let (leads, label) = (attribute("href"), attribute("aria-label"));
            format!("{} {leads} {label} {says}", element.tag_name())
        }
        id => id,
    }
}

/// The elements of the page that can take the focus and are told by the same.
fn alike(told_by: &str) -> Vec<HtmlElement> {
    let mut alike = all("#page a, #page button, #page input, #page summary, #page [tabindex]");
    alike.retain(|one| told(one) == told_by);
    alike
}

/// Puts the focus on the element of this id once what was drawn stands, if it is on what a selector fits by then;
/// `body` where it is nowhere.
pub fn focus_soon(id: String, from: &'static str) {
    request_animation_frame(move || {
        let active = document().active_element();
        if active.is_none_or(|active| active.matches(from) == Ok(true)) {
            focus(by_id(&id));
        }
    });
}

/// True while the person types into something, or a dialog or menu is open: then single keys mean letters.
#[must_use]
pub fn keys_are_taken(event: &Event) -> bool {
    closest(event, "input, textarea, select, [contenteditable]").is_some()
        || document()
            .query_selector("dialog[open], .pop:popover-open")
            .ok()
            .flatten()
            .is_some()
}
