//! The button that sends a form.

use leptos::prelude::*;

use super::button::{Button, Weight};
use crate::door::use_form;

/// The main button of a form.
#[component]
pub fn Send(
    /// What it does.
    words: &'static str,
) -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <div class="acts">
            <Button kind="submit" weight=Weight::Main tall=true busy>{words}</Button>
        </div>
    }
    .into_any()
}
