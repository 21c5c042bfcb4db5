//! The form as it stands in the page.

use leptos::{context::Provider, ev, html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::{
    error::AppError,
    form::{Done, Values},
};
use uuid::Uuid;
use wasm_bindgen::JsCast;

use super::{
    Form, FormState, SECRETS, WAS, field::FormHandle, shared::use_door, submitter::use_submit, take_over,
};
use crate::{api::Fault, browser};

/// A form that passes the door, with script and without.
///
/// It draws the `<form>`, its hidden fields and what is wrong with it as a whole; fields and buttons are its children.
/// Mark a wrong control with `aria-invalid="true"`: the first one gets the focus when the form failed.
#[component]
pub fn DoorForm(
    /// Which form.
    form: Form,
    /// What its fields start with.
    #[prop(optional)]
    values: Values,
    /// Fixed hidden fields. They also tell forms of one path on one page apart.
    #[prop(optional)]
    hidden: Values,
    /// The version of the record that `values` come from. The form then sends what every field was, so that only
    /// fields that were changed are saved.
    #[prop(optional, into)]
    seen: Option<i64>,
    /// Whether it makes a record, whose id is minted with the form so that sending it twice makes one.
    #[prop(optional)]
    mint: bool,
    /// What to do instead of going to the next page; the form is then emptied for the next time.
    #[prop(optional, into)]
    on_done: Option<Callback<Done>>,
    /// The `id` of the form, by which its fields are named; needed where forms of one path stand on one page.
    #[prop(optional, into)]
    id: Option<String>,
    /// The classes of the form.
    #[prop(optional, into)]
    class: Option<String>,
    /// The name of the form for those who cannot see it.
    #[prop(optional, into)]
    label: Option<String>,
    /// Its fields and buttons; none where they stand elsewhere and name it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let door = use_door();
    let submitter = use_submit();
    let navigate = use_navigate();
    let path = form.path();
    let failed = door.failed(&path, &hidden);
    let was = RwSignal::new(seen.map(|_| hidden_was(&values, failed.as_ref())));
    let version = RwSignal::new(seen.map(
        |seen| match failed.as_ref().map(|state| state.values.get("version")) {
            Some(version) if !version.is_empty() => version.to_owned(),
            _ => seen.to_string(),
        },
    ));
    let kept = failed
        .as_ref()
        .and_then(|state| state.values.get("id").parse::<Uuid>().ok());
    // Drawn anew by the browser it would differ from the server's: hydration leaves the server's in place, and that is
    // the one that is sent. (A `SharedValue` inside a `Suspend`, which renders several times, shifts all ids after it.)
    let new_id = RwSignal::new(mint.then(|| kept.unwrap_or_else(browser::new_id).to_string()));
    let (initial, error) = match failed {
        Some(state) => (
            with_defaults(state.values, &values),
            Some(Fault::Told(state.error)),
        ),
        None => (values, None),
    };
    let error = RwSignal::new(error);
    let pending = RwSignal::new(false);
    let id = id.unwrap_or_else(|| path.trim_start_matches('/').replace('/', "-"));
    let handle = FormHandle {
        id: StoredValue::new(id.clone()),
        initial: StoredValue::new(initial),
        error,
        pending: pending.into(),
    };
    let node = NodeRef::<html::Form>::new();

    let sent = move |result: Result<Done, Fault>| match result {
        Ok(done) => {
            let _ = error.try_set(None);
            match on_done {
                Some(on_done) => {
                    if let Some(node) = node.try_get_untracked().flatten() {
                        node.reset();
                    }
                    let _ = new_id.try_update(|id| *id = id.as_ref().map(|_| browser::new_id().to_string()));
                    let _ = on_done.try_run(done);
                }
                None if form.reloads() => go_anew(&done.to),
                None => navigate(&done.to, NavigateOptions::default()),
            }
        }
        Err(fault) => {
            if let Some(told) = fault.told() {
                let _ = version.try_update(|version| was.try_update(|was| refresh(version, was, told)));
            }
            let _ = error.try_set(Some(fault));
            focus_first_wrong(node);
        }
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        let Some(node) = node.get_untracked() else { return };
        let values = typed(&node, &event);
        let sent = sent.clone();
        pending.set(true);
        spawn_local(async move {
            let result = submitter.send(form, values).await;
            let _ = pending.try_set(false);
            sent(result);
        });
    };

    view! {
        <form
            method="post"
            action=path
            id=id
            class=class
            aria-label=label
            novalidate=true
            node_ref=node
            on:submit=on_submit
        >
            <FormError handle=handle/>
            {hidden
                .0
                .into_iter()
                .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
                .collect_view()}
            {move || new_id.get().map(|id| view! { <input type="hidden" name="id" value=id/> })}
            {move || version.get().map(|version| view! { <input type="hidden" name="version" value=version/> })}
            {move || {
                was.get()
                    .unwrap_or_default()
                    .0
                    .into_iter()
                    .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
                    .collect_view()
            }}
            <Provider value=handle>{children.map(|children| children())}</Provider>
        </form>
    }
}

/// What is wrong with the form as a whole, said aloud when it appears.
#[component]
fn FormError(handle: FormHandle) -> impl IntoView {
    let sentence = handle.sentence();
    let signed_out = move || matches!(handle.error.get(), Some(Fault::Told(AppError::Unauthenticated)));
    view! {
        <div role="alert" class="form-error" hidden=move || sentence.get().is_none()>
            {sentence}
            {move || {
                signed_out()
                    .then(|| view! { " " <a href="/sign-in" target="_blank">"Sign in in a new tab, then send this again."</a> })
            }}
        </div>
    }
}

/// The hidden fields that say what every field was.
fn hidden_was(values: &Values, failed: Option<&FormState>) -> Values {
    let fields = values
        .0
        .iter()
        .map(|(field, value)| (format!("{WAS}{field}"), value.clone()));
    let was: Values = fields.collect();
    match failed {
        Some(state) => {
            let own = state.values.0.iter().filter(|(field, _)| field.starts_with(WAS));
            let own: Values = own.map(|(field, value)| (field.clone(), value.clone())).collect();
            with_defaults(own, &was)
        }
        None => was,
    }
}

fn with_defaults(mut values: Values, defaults: &Values) -> Values {
    for (field, value) in &defaults.0 {
        if !values.has(field) && !SECRETS.contains(&field.as_str()) {
            values.set(field, value.clone());
        }
    }
    values
}

/// After a conflict the hidden fields name what stands now.
fn refresh(version: &mut Option<String>, was: &mut Option<Values>, error: &AppError) {
    if let (Some(version), Some(was)) = (version, was) {
        let mut values = std::mem::take(was);
        take_over(&mut values, error);
        if let Some(now) = values.0.remove("version") {
            *version = now;
        }
        *was = values;
    }
}

/// What stands in a form's controls.
#[must_use]
pub fn values_of(form: &web_sys::HtmlFormElement) -> Values {
    pairs(form).into_iter().collect()
}

fn pairs(form: &web_sys::HtmlFormElement) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if let Some(entries) = web_sys::FormData::new_with_form(form)
        .ok()
        .and_then(|data| js_sys::try_iter(&data).ok().flatten())
    {
        for entry in entries.flatten() {
            let entry = js_sys::Array::from(&entry);
            if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
                pairs.push((name, value));
            }
        }
    }
    pairs
}

/// What stands in the form's controls, with the button that sent it.
fn typed(form: &web_sys::HtmlFormElement, event: &ev::SubmitEvent) -> Values {
    let mut pairs = pairs(form);
    if let Some(button) = event
        .submitter()
        .and_then(|button| button.dyn_into::<web_sys::HtmlButtonElement>().ok())
        && !button.name().is_empty()
    {
        pairs.push((button.name(), button.value()));
    }
    pairs.into_iter().collect()
}

/// Leaves for a page by loading it anew: what this one knows is out of date.
fn go_anew(to: &str) {
    if let Some(window) = web_sys::window() {
        // It fails only where a page may not leave, and then there is nothing else to do.
        let _ = window.location().assign(to);
    }
}

/// Moves the focus to the first control marked as wrong, once the marks are drawn.
fn focus_first_wrong(node: NodeRef<html::Form>) {
    request_animation_frame(move || {
        let wrong = node
            .try_get_untracked()
            .flatten()
            .and_then(|form| form.query_selector("[aria-invalid=true]").ok().flatten());
        if let Some(control) = wrong.and_then(|control| control.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = control.focus();
        }
    });
}
