//! What stands where content will be. It shows itself only after 200 ms, so that quick answers do not flicker.

use leptos::prelude::*;

/// Grey lines.
#[component]
pub fn Skeleton(
    /// How many lines.
    #[prop(default = 8)]
    lines: usize,
) -> impl IntoView {
    view! {
        <div class="bones" role="status" aria-label="Loading">
            {(0..lines).map(|_| view! { <i></i> }).collect_view()}
        </div>
    }
}
