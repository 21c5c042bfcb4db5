//! Rows that stay themselves when their page is drawn anew.

use leptos::prelude::*;

/// Draws rows so that none takes the place of another when the page is drawn anew: what is typed or open in one, and the
/// button under the pointer, stay with it or go with it. Where a row's words differ, its key has to differ.
pub fn rows<T: Clone + Send + Sync + 'static>(
    all: Vec<T>,
    key: fn(&T) -> String,
    row: impl Fn(T) -> AnyView + Clone + Send + 'static,
) -> AnyView {
    view! { <For each=move || all.clone() key children=row/> }.into_any()
}
