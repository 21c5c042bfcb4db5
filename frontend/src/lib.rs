//! Wakes up, in the browser, the page that the server rendered.
// A page is one type, as deep as its markup: laying it out needs more than the default depth.
#![recursion_limit = "512"]

use leptos::prelude::{document, request_animation_frame};

/// Room, without which every page would load the texts of all pages. The build lays out the texts of each part of the
/// program by themselves, in the space that all had together; where that is too small, as a few bytes of alignment make
/// it, it leaves all in the first part. Nothing refers to this, so no part holds it. Once it is too small itself, the
/// first load of the list is 25 KB larger, which a browser test of its size tells.
#[cfg(target_family = "wasm")]
#[used]
static ROOM: [u8; 65_536] = [1; 65_536];

/// Called by the page's script once the program is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // A page that lacks a part would not fit what the server drew: it stays what it is without script.
    if rapport_app::load_drawn().await.is_err() {
        return;
    }
    leptos::mount::hydrate_body(rapport_app::App);
    // Parts that waited for data wake up in tasks of their own, before the next frame.
    request_animation_frame(say_awake);
}

/// Marks the page, for style and tests: from now on it does more than it does without script.
fn say_awake() {
    if let Some(page) = document().document_element() {
        // Setting a fixed, valid attribute name cannot fail.
        let _ = page.set_attribute("data-awake", "");
    }
}
