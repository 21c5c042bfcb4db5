//! What the parts of a form know of it: its fields, its buttons.

use leptos::prelude::*;
use rapport_domain::{
    error::{AppError, FieldConflict},
    form::Values,
};

use crate::api::Fault;

/// The form that a field or a button stands in.
#[derive(Clone, Copy)]
pub struct FormHandle {
    pub(super) id: StoredValue<String>,
    pub(super) initial: StoredValue<Values>,
    pub(super) error: RwSignal<Option<Fault>>,
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
