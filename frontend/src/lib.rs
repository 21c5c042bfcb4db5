//! Wakes up, in the browser, the page that the server rendered. Nothing else belongs here.

/// Called by the page's script once the program is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(rapport_app::App);
}
