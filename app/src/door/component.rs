//! The door in the page: [`DoorForm`], its fields, programmatic submits, toasts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use leptos::{context::Provider, ev, html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::{
    error::{AppError, FieldConflict},
    form::{Done, Values},
    id::BatchId,
};
use uuid::Uuid;
use wasm_bindgen::JsCast;

use super::{Flash, Form, FormState, SECRETS, WAS, api::submit_form, take_over};
use crate::{api::Fault, browser};

/// What all forms of the page share. Provided by the app.
#[derive(Clone, Copy)]
pub struct Door {
    failed: StoredValue<Option<FormState>>,
    toasts: Toasts,
    changes: RwSignal<u64>,
    lanes: StoredValue<Lanes>,
}

/// One lane for each form's path, so that the edits of a record are sent one after another.
type Lanes = Arc<Mutex<HashMap<String, Arc<futures::lock::Mutex<()>>>>>;

impl Door {
    /// The door of a page that was rendered with a failed form or a message, if there was one.
    #[must_use]
    pub fn new(failed: Option<FormState>, flash: Option<Flash>) -> Self {
        Self {
            failed: StoredValue::new(failed),
            toasts: Toasts::starting_with(flash),
            changes: RwSignal::new(0),
            lanes: StoredValue::new(Lanes::default()),
        }
    }

    /// Forgets the form that failed before the page was loaded: the person has moved on.
    pub fn forget_failed(&self) {
        self.failed.set_value(None);
    }

    /// What failed, if it was this form.
    fn failed(&self, path: &str, fixed: &Values) -> Option<FormState> {
        let same = |state: &FormState| {
            let own =
                |(field, value): (&String, &String)| field == "back" || state.values.get(field) == value;
            state.path == path && fixed.0.iter().all(own)
        };
        self.failed.with_value(|failed| failed.clone().filter(same))
    }

    fn lane(&self, path: &str) -> Arc<futures::lock::Mutex<()>> {
        self.lanes.with_value(|lanes| {
            let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.entry(path.to_owned()).or_default().clone()
        })
    }
}

/// What all forms of the page share.
#[must_use]
pub fn use_door() -> Door {
    use_context::<Door>().unwrap_or_else(|| Door::new(None, None))
}

/// Counts up whenever something was written from this page. A resource that names it among its sources loads again.
#[must_use]
pub fn use_changes() -> Signal<u64> {
    use_door().changes.into()
}

/// The messages that the page shows.
#[must_use]
pub fn use_toasts() -> Toasts {
    use_door().toasts
}

/// A message, with what it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// Tells the messages of one page apart; the same on the server and in the browser.
    pub key: u32,
    /// The sentence.
    pub said: String,
    /// The batch that Undo takes back.
    pub undo: Option<BatchId>,
    /// The page to come back to after Undo without script.
    pub back: String,
    /// Whether it tells of something that went wrong.
    pub is_error: bool,
}

/// The messages that the page shows, oldest first. The layout draws them.
#[derive(Clone, Copy)]
pub struct Toasts {
    list: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    fn starting_with(flash: Option<Flash>) -> Self {
        let toasts = Self {
            list: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        };
        if let Some(flash) = flash {
            toasts.push(flash.said, flash.undo, flash.back, false);
        }
        toasts
    }

    /// Those that are shown now.
    #[must_use]
    pub fn list(&self) -> Signal<Vec<Toast>> {
        self.list.into()
    }

    /// Shows what a form answered; nothing when it has nothing to say.
    pub fn show(&self, done: &Done) {
        if !done.said.is_empty() {
            self.push(done.said.clone(), done.undo, done.to.clone(), false);
        }
    }

    /// Shows what went wrong with something that has no form to show it in.
    pub fn show_fault(&self, fault: &Fault) {
        self.push(sentence(fault), None, String::new(), true);
    }

    /// Takes a message away.
    pub fn close(&self, key: u32) {
        self.list.update(|list| list.retain(|toast| toast.key != key));
    }

    fn push(&self, said: String, undo: Option<BatchId>, back: String, is_error: bool) {
        let key = self.next.with_value(|next| *next);
        self.next.set_value(key + 1);
        self.list.update(|list| {
            // One Undo at a time: the older message leaves.
            list.retain(|toast| toast.undo.is_none());
            list.push(Toast {
                key,
                said,
                undo,
                back,
                is_error,
            });
        });
    }
}

/// Everything a fault has to say, when there are no fields to say it under.
fn sentence(fault: &Fault) -> String {
    match fault.told() {
        Some(AppError::Invalid { fields }) => fields.0.values().cloned().collect::<Vec<_>>().join(" "),
        _ => fault.to_string(),
    }
}

/// Sends forms that are not drawn as forms: a cell edited in place, a card that was dragged.
#[derive(Clone, Copy)]
pub struct Submitter {
    door: Door,
    under_way: RwSignal<u32>,
}

/// Sends forms that are not drawn as forms.
///
/// ```ignore
/// let submitter = use_submit();
/// spawn_local(async move {
///     let values = Values::default().with("version", seen).with("was.city", before).with("city", typed);
///     match submitter.send(Form::EditCustomer(id), values).await { Ok(done) => .., Err(fault) => take_back(fault) }
/// });
/// ```
#[must_use]
pub fn use_submit() -> Submitter {
    Submitter {
        door: use_door(),
        under_way: RwSignal::new(0),
    }
}

impl Submitter {
    /// Whether something sent here has not been answered yet.
    #[must_use]
    pub fn pending(&self) -> Signal<bool> {
        let under_way = self.under_way;
        Signal::derive(move || under_way.get() > 0)
    }

    /// Sends a form after those sent before it to the same path, shows its message and counts the change.
    ///
    /// # Errors
    /// What is wrong with it; nothing has been shown then.
    pub async fn send(self, form: Form, values: Values) -> Result<Done, Fault> {
        self.under_way.update(|count| *count += 1);
        let path = form.path();
        let lane = self.door.lane(&path);
        let turn = lane.lock().await;
        let result = submit_form(path, values).await;
        drop(turn);
        // The page may have gone away while this was under way.
        let _ = self.under_way.try_update(|count| *count -= 1);
        if let Ok(done) = &result
            && !form.reloads()
        {
            self.door.toasts.show(done);
            self.door.changes.update(|count| *count += 1);
        }
        result
    }
}

/// The form that a field or a button stands in.
#[derive(Clone, Copy)]
pub struct FormHandle {
    id: StoredValue<String>,
    initial: StoredValue<Values>,
    error: RwSignal<Option<Fault>>,
    /// Whether a request of this form is under way.
    pub pending: Signal<bool>,
}

impl FormHandle {
    /// What is wrong with the form as a whole. Errors of single fields are at the fields.
    #[must_use]
    pub fn error(&self) -> Signal<Option<Fault>> {
        self.error.into()
    }

    /// The sentence for the form as a whole: everything but what a field shows.
    #[must_use]
    pub fn sentence(&self) -> Signal<Option<String>> {
        let error = self.error;
        Signal::derive(move || {
            error.with(|error| match error.as_ref()? {
                Fault::Told(AppError::Invalid { fields }) => Some(
                    fields
                        .get("form")
                        .map_or_else(|| "Please correct the marked fields.".to_owned(), str::to_owned),
                ),
                fault => Some(fault.to_string()),
            })
        })
    }
}

/// The form that the component stands in, if it stands in one.
#[must_use]
pub fn use_form() -> Option<FormHandle> {
    use_context::<FormHandle>()
}

/// One field of the form around it.
#[derive(Debug, Clone)]
pub struct FieldState {
    /// Its name.
    pub name: String,
    /// The id for the control, the same on the server and in the browser; `{id}-error` for what describes it.
    pub id: String,
    /// What the control starts with: what was typed when the form failed without script, else what the form was given.
    /// Set it as the attribute `value`, not as a property: what is typed before the page is awake must stay.
    pub value: String,
    /// What is wrong with it.
    pub error: Signal<Option<String>>,
    /// The value that somebody else put there meanwhile. Show both, and let a pair of radio buttons named
    /// `pick.{name}` with the values `mine` and `theirs` decide; without one, what is in the control wins.
    pub conflict: Signal<Option<FieldConflict>>,
    /// Whether it is the first that is wrong on a page rendered again: set the attribute `autofocus`.
    pub autofocus: bool,
}

/// The state of one field of the form around it.
#[must_use]
pub fn use_field(name: &str) -> FieldState {
    let form = use_form();
    let name = name.to_owned();
    let id = form.map_or_else(|| name.clone(), |form| format!("{}-{name}", form.id.read_value()));
    let value = form.map_or_else(String::new, |form| {
        form.initial.with_value(|values| values.get(&name).to_owned())
    });
    let autofocus = form.is_some_and(|form| {
        form.error
            .with_untracked(|error| first_wrong(error.as_ref()) == Some(&name))
    });
    let (of_error, of_conflict) = (name.clone(), name.clone());
    let error = Signal::derive(move || {
        form?.error.with(|error| match error.as_ref()?.told()? {
            AppError::Invalid { fields } => fields.get(&of_error).map(str::to_owned),
            _ => None,
        })
    });
    let conflict = Signal::derive(move || {
        form?.error.with(|error| match error.as_ref()?.told()? {
            AppError::Conflict { fields, .. } => fields
                .iter()
                .find(|conflict| conflict.field == of_conflict)
                .cloned(),
            _ => None,
        })
    });
    FieldState {
        name,
        id,
        value,
        error,
        conflict,
        autofocus,
    }
}

fn first_wrong(error: Option<&Fault>) -> Option<&String> {
    match error?.told()? {
        AppError::Invalid { fields } => fields.0.keys().next(),
        AppError::Conflict { fields, .. } => fields.first().map(|conflict| &conflict.field),
        _ => None,
    }
}

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
    children: Children,
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
                    on_done.run(done);
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
            <Provider value=handle>{children()}</Provider>
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

/// What stands in the form's controls, with the button that sent it.
fn typed(form: &web_sys::HtmlFormElement, event: &ev::SubmitEvent) -> Values {
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
