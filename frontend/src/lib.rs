//! Wakes up, in the browser, the page that the server rendered. Nothing else belongs here.
// A page is one type, as deep as its markup: laying it out needs more than the default depth.
#![recursion_limit = "512"]

use leptos::prelude::{document, request_animation_frame};

/// Called by the page's script once the program is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // A page that lacks a part would not fit what the server drew: it stays what it is without script.
    if rapport_app::part::load_drawn().await.is_err() {
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
