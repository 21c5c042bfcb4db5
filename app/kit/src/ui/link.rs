//! Secrets to copy: links, codes.

use leptos::prelude::*;

/// A link to copy: it lets somebody in, and is shown to the one who made it for a while.
#[component]
pub fn SecretLink(
    /// The link.
    link: String,
    /// Whose it is, for those who cannot see it.
    label: String,
) -> impl IntoView {
    // Whoever goes there wants to copy it.
    let select_all =
        |event: leptos::ev::FocusEvent| event_target::<web_sys::HtmlInputElement>(&event).select();
    view! {
        <input
            class="input num"
            type="text"
            readonly=true
            value=link
            aria-label=label
            on:focus=select_all
        />
    }
    .into_any()
}

/// Secrets to copy, one a line: they are shown to the one who made them for a while.
#[component]
pub fn SecretLines(
    /// The secrets.
    lines: Vec<String>,
    /// What they are, for those who cannot see it.
    label: &'static str,
) -> impl IntoView {
    let lines = lines.into_iter().map(|line| view! { <li>{line}</li> });
    view! {
        <ul class="codes" aria-label=label>
            {lines.collect_view()}
        </ul>
    }
    .into_any()
}
