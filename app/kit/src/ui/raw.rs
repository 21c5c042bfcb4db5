//! Text for the elements whose content Leptos writes into the HTML as it is: `title` and `textarea`.

/// The text, made safe where it becomes HTML. The browser is given it as text, and needs it as it is.
#[must_use]
pub fn raw_text(text: &str) -> String {
    if cfg!(feature = "ssr") {
        text.replace('&', "&amp;").replace('<', "&lt;")
    } else {
        text.to_owned()
    }
}
