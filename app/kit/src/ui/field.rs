//! Fields of whole forms: label, input, hint, what is wrong, and what somebody else wrote meanwhile.
//!
//! A field belongs to the `DoorForm` around it, which knows its value and its error.

use leptos::{html, prelude::*};
use rapport_domain::error::FieldConflict;

use super::{dom, raw::raw_text};
use crate::door::{FieldState, PICK, use_field};

/// Label above, error below.
#[component]
pub fn FieldFrame(
    /// The field.
    state: FieldState,
    /// Its label.
    label: &'static str,
    /// What helps to fill it in.
    #[prop(default = "")]
    hint: &'static str,
    /// The input itself.
    children: Children,
) -> impl IntoView {
    let FieldState {
        name,
        id,
        error,
        conflict,
        ..
    } = state;
    let hint_id = format!("{id}-hint");
    let pick = format!("{PICK}{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            {children()}
            {(!hint.is_empty()).then(|| view! { <span class="hint" id=hint_id>{hint}</span> })}
            <div id=format!("{id}-error") aria-live="polite">
                {move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}
                {move || {
                    conflict.get().map(|conflict| view! { <PickOne conflict name=pick.clone()/> })
                }}
            </div>
        </div>
    }
    .into_any()
}

/// Two values of one field: the person picks with a pair of radio buttons.
#[component]
pub fn PickOne(
    /// Both values.
    conflict: FieldConflict,
    /// The name of the pair, `pick.` and the field's.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    let by = conflict.by.unwrap_or_else(|| "Somebody else".to_owned());
    let theirs = if conflict.theirs.is_empty() {
        "nothing".to_owned()
    } else {
        conflict.theirs
    };
    view! {
        <fieldset class="clash">
            <legend class="sr-only">"Which value should stand?"</legend>
            <label>
                <input type="radio" name=name.clone() value="theirs"/>
                <span>{format!("Keep what {by} wrote: ")} <b class="prose">{theirs}</b></span>
            </label>
            <label>
                <input type="radio" name=name value="mine" checked=true/>
                <span>"Use mine, as it stands above"</span>
            </label>
        </fieldset>
    }
}

/// What describes a field: its error, and its hint where it has one.
fn described_by(id: &str, hint: &str) -> String {
    if hint.is_empty() {
        format!("{id}-error")
    } else {
        format!("{id}-error {id}-hint")
    }
}

/// Whether a field is marked as wrong.
pub(super) fn is_wrong(
    state: &FieldState,
) -> impl Fn() -> Option<&'static str> + Clone + Send + 'static + use<> {
    let (error, conflict) = (state.error, state.conflict);
    move || (error.with(Option::is_some) || conflict.with(Option::is_some)).then_some("true")
}

/// A field of one line.
#[component]
pub fn Field(
    /// The field's name in the form.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// The input's type.
    #[prop(default = "text")]
    kind: &'static str,
    /// What helps to fill it in.
    #[prop(default = "")]
    hint: &'static str,
    /// What the browser may fill in by itself.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether the form needs it.
    #[prop(optional)]
    required: bool,
    /// Whether the page opens with the focus here.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let state = use_field(name);
    let wrong = is_wrong(&state);
    let node = NodeRef::<html::Input>::new();
    // The browser heeds `autofocus` in a page that it loads, not in one that script has drawn.
    if autofocus {
        Effect::new(move || {
            if let Some(input) = node.get() {
                // What is drawn while data arrive is put on the page a moment later.
                request_animation_frame(move || {
                    let busy = document()
                        .active_element()
                        .is_some_and(|element| element.matches("input, textarea, select") == Ok(true));
                    if !busy {
                        dom::focus(Some((*input).clone()));
                    }
                });
            }
        });
    }
    view! {
        <FieldFrame state=state.clone() label hint>
            <input
                node_ref=node
                class="input"
                id=state.id.clone()
                name=name
                type=kind
                value=state.value
                autocomplete=autocomplete
                autofocus=autofocus || state.autofocus
                aria-required=required.then_some("true")
                aria-invalid=wrong
                aria-describedby=described_by(&state.id, hint)
            />
        </FieldFrame>
    }
}

/// A field of several lines.
#[component]
pub fn TextArea(
    /// The field's name in the form.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// What helps to fill it in.
    #[prop(default = "")]
    hint: &'static str,
) -> impl IntoView {
    let state = use_field(name);
    let wrong = is_wrong(&state);
    view! {
        <FieldFrame state=state.clone() label hint>
            <textarea
                class="input"
                id=state.id.clone()
                name=name
                rows="2"
                autofocus=state.autofocus
                aria-invalid=wrong
                aria-describedby=described_by(&state.id, hint)
            >
                {raw_text(&state.value)}
            </textarea>
        </FieldFrame>
    }
}

/// A choice between few things, side by side.
#[component]
pub fn Choice(
    /// The field's name in the form.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// Values with their words.
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let state = use_field(name);
    let label_id = format!("{}-label", state.id);
    let options = options.into_iter().map(|(key, words)| {
        view! {
            <label>
                <input type="radio" name=name value=key checked=key == state.value/>
                {words}
            </label>
        }
    });
    view! {
        <div class="field" role="radiogroup" aria-labelledby=label_id>
            <span class="label" id=label_id.clone()>{label}</span>
            <div class="choice">{options.collect_view()}</div>
        </div>
    }
    .into_any()
}
