//! A native select with its label and error.

use leptos::prelude::*;

use super::field::{FieldFrame, is_wrong};
use crate::door::use_field;

/// One thing to pick: its value and its words.
pub type Pick = (String, String);

/// A native select, a field of the form around it.
#[component]
pub fn Select(
    /// The field's name in the form.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// What there is to pick.
    options: Vec<Pick>,
) -> impl IntoView {
    let state = use_field(name);
    let wrong = is_wrong(&state);
    view! {
        <FieldFrame state=state.clone() label>
            <select
                class="input"
                id=state.id.clone()
                name=name
                autofocus=state.autofocus
                aria-invalid=wrong
                aria-describedby=format!("{}-error", state.id)
            >
                <Options options picked=state.value/>
            </select>
        </FieldFrame>
    }
}

/// The options of a select, one of them picked.
#[component]
pub fn Options(
    /// What there is to pick.
    options: Vec<Pick>,
    /// The value that is picked.
    #[prop(into)]
    picked: String,
) -> impl IntoView {
    options
        .into_iter()
        .map(move |(key, words)| {
            let on = key == picked;
            view! { <option value=key selected=on>{words}</option> }
        })
        .collect_view()
}
