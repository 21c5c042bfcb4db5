//! The side panel: a record beside the list it is in. At phone width it covers the page.

use leptos::prelude::*;

/// A panel with its tools above.
#[component]
pub fn SidePanel(
    /// Its name for screen readers.
    label: &'static str,
    /// What stands in its head: a place, tools.
    tools: AnyView,
    /// Its content.
    children: Children,
) -> impl IntoView {
    view! {
        <aside class="panel" aria-label=label>
            <div class="bar">{tools}</div>
            <div class="scroll">{children()}</div>
        </aside>
    }
}
