//! The messages of a page.

use leptos::prelude::*;
use rapport_domain::{error::AppError, form::Done, id::BatchId};

use super::{Flash, shared::use_door};
use crate::api::Fault;

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
    pub(super) fn starting_with(flash: Option<Flash>) -> Self {
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
#[must_use]
pub fn sentence(fault: &Fault) -> String {
    match fault.told() {
        Some(AppError::Invalid { fields }) => fields.0.values().cloned().collect::<Vec<_>>().join(" "),
        _ => fault.to_string(),
    }
}
