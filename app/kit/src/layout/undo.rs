//! Ctrl Z, or Cmd Z: takes back what the person did last, on any page.

use leptos::{ev, prelude::*, task::spawn_local};
use rapport_domain::form::Values;

use crate::{
    door::{Form, use_submit, use_toasts},
    ui::dom,
};

/// Listens for the key. While something is typed the key is the field's own.
pub fn undo_by_key() {
    let (submitter, toasts) = (use_submit(), use_toasts());
    Effect::new(move || {
        let key = window_event_listener(ev::keydown, move |event| {
            let held = (event.ctrl_key() || event.meta_key()) && !event.shift_key() && !event.alt_key();
            // A key that is held down takes one thing back, not all of the day.
            if !held
                || event.repeat()
                || !event.key().eq_ignore_ascii_case("z")
                || dom::keys_are_taken(&event)
            {
                return;
            }
            event.prevent_default();
            spawn_local(async move {
                if let Err(fault) = submitter.send(Form::UndoLast, Values::default()).await {
                    toasts.show_fault(&fault);
                }
            });
        });
        on_cleanup(move || key.remove());
    });
}
