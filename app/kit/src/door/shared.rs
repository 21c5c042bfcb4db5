//! What all forms of a page share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use leptos::prelude::*;
use rapport_domain::{
    form::{Done, Values},
    id::BatchId,
};

use super::{Flash, Form, FormState, SECRETS, toasts::Toasts};

/// Commands that a page remembers to have written.
const REMEMBERED: usize = 50;

/// What all forms of the page share. Provided by the app.
#[derive(Clone, Copy)]
pub struct Door {
    failed: StoredValue<Option<FormState>>,
    pub(super) toasts: Toasts,
    pub(super) changes: RwSignal<u64>,
    lanes: StoredValue<Lanes>,
    /// What this page wrote last.
    wrote: StoredValue<Vec<BatchId>>,
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
            wrote: StoredValue::new(Vec::new()),
        }
    }

    /// Has everything loaded again that may have changed: somebody else wrote meanwhile.
    pub fn load_again(&self) {
        self.changes.update(|count| *count += 1);
    }

    /// Remembers what this page wrote: it need not be told of that.
    pub(super) fn note(&self, done: &Done) {
        let batches = done
            .undo
            .into_iter()
            .chain(done.receipt.and_then(|receipt| receipt.batch));
        // The page may have gone away meanwhile.
        let _ = self.wrote.try_update_value(|wrote| {
            wrote.extend(batches);
            let over = wrote.len().saturating_sub(REMEMBERED);
            wrote.drain(..over);
        });
    }

    /// Whether this page wrote a command.
    #[must_use]
    pub fn wrote(&self, batch: BatchId) -> bool {
        self.wrote.with_value(|wrote| wrote.contains(&batch))
    }

    /// The form that failed before the page was loaded, if one did.
    #[must_use]
    pub fn failed_form(&self) -> Option<Form> {
        self.failed
            .with_value(|failed| Form::parse(&failed.as_ref()?.path))
    }

    /// Whether a form failed before the page was loaded: that with these hidden fields.
    #[must_use]
    pub fn has_failed(&self, form: Form, hidden: &Values) -> bool {
        self.failed(&form.path(), hidden).is_some()
    }

    /// Forgets the form that failed before the page was loaded: the person has moved on.
    pub fn forget_failed(&self) {
        self.failed.set_value(None);
    }

    /// What failed, if it was this form.
    pub(super) fn failed(&self, path: &str, fixed: &Values) -> Option<FormState> {
        let same = |state: &FormState| {
            // What is secret is not kept of a form that failed; the page itself knows it.
            let told = |field: &str| field != "back" && !SECRETS.contains(&field);
            let own = |(field, value): (&String, &String)| !told(field) || state.values.get(field) == value;
            state.path == path && fixed.0.iter().all(own)
        };
        self.failed.with_value(|failed| failed.clone().filter(same))
    }

    pub(super) fn lane(&self, path: &str) -> Arc<futures::lock::Mutex<()>> {
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
