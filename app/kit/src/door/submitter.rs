//! Sending forms, drawn or not, one after another.

use leptos::prelude::*;
use rapport_domain::form::{Done, Values};

use super::{
    Form,
    api::submit_form,
    shared::{Door, use_door},
};
use crate::api::Fault;

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
            self.door.note(done);
            self.door.toasts.show(done);
            self.door.load_again();
        }
        result
    }
}
