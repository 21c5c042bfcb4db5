//! Icons: lucide, drawn by one class, always hidden from screen readers. An icon that stands alone sits in a named button.

use leptos::prelude::*;

/// One lucide icon.
#[component]
pub fn Icon(
    /// Which one, `icondata::Lu…`.
    icon: icondata::Icon,
) -> impl IntoView {
    view! { <svg class="ico" viewBox="0 0 24 24" aria-hidden="true" inner_html=icon.data></svg> }
}
