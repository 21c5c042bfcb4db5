//! Moves that are under way: what moved is shown at its new place at once, and taken back when it is refused.

use std::collections::BTreeMap;

use kit::{
    door::{Form, Submitter, Toasts, use_submit, use_toasts},
    ui::dom,
};
use leptos::{prelude::*, task::spawn_local};
use rapport_domain::{
    appointment::{Slot, Wall, clock, layout::lasts},
    form::Values,
    id::{AppointmentId, UserId},
};

/// An appointment at its new place, until the calendar holds it there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Draft {
    from: Wall,
    to: Wall,
    staff: Vec<UserId>,
    /// The version that it was saved as.
    saved: Option<i64>,
}

/// The moves that are under way.
#[derive(Clone, Copy)]
pub struct Moves {
    drafts: RwSignal<BTreeMap<AppointmentId, Draft>>,
    submitter: Submitter,
    toasts: Toasts,
    pub(super) said: RwSignal<String>,
    /// The appointment that keys moved: it gets the focus back whenever it is drawn anew.
    pub(super) held: StoredValue<Option<AppointmentId>>,
}

/// The moves of a page; call it where the page is set up.
#[must_use]
pub fn use_moves() -> Moves {
    Moves {
        drafts: RwSignal::new(BTreeMap::new()),
        submitter: use_submit(),
        toasts: use_toasts(),
        said: RwSignal::new(String::new()),
        held: StoredValue::new(None),
    }
}

impl Moves {
    /// What was said last, for those who do not see it.
    pub fn said(&self) -> String {
        self.said.get()
    }

    /// Forgets the moves that the calendar holds by now.
    pub fn arrived(&self, slots: &[Slot]) {
        let is_here = |id: &AppointmentId, draft: &Draft| {
            let slot = slots.iter().find(|slot| slot.id == *id);
            draft
                .saved
                .is_some_and(|saved| slot.is_none_or(|slot| slot.version >= saved))
        };
        let any = self
            .drafts
            .with_untracked(|drafts| drafts.iter().any(|(id, draft)| is_here(id, draft)));
        if any {
            self.drafts
                .update(|drafts| drafts.retain(|id, draft| !is_here(id, draft)));
        }
    }

    /// The appointments with those that moved at their new places, in order of time.
    pub fn applied(&self, slots: &[Slot]) -> Vec<Slot> {
        let mut slots = slots.to_vec();
        self.drafts.with(|drafts| {
            for slot in &mut slots {
                if let Some(draft) = drafts.get(&slot.id) {
                    slot.from = draft.from;
                    slot.to = draft.to;
                    slot.staff.clone_from(&draft.staff);
                }
            }
        });
        slots.sort_by_key(|slot| (slot.from, slot.id));
        slots
    }

    /// Gives the focus back to what keys moved, unless it has gone elsewhere.
    pub fn give_back(&self) {
        if let Some(id) = self.held.get_value() {
            focus_slot(id);
        }
    }

    /// The appointment as it is shown now.
    pub(super) fn shown(&self, slots: &[Slot], id: AppointmentId) -> Option<Slot> {
        untrack(|| self.applied(slots))
            .into_iter()
            .find(|slot| slot.id == id)
    }

    /// Moves an appointment: shown at once, sent, taken back when it is refused.
    pub(super) fn send(&self, slot: &Slot, from: Wall, to: Wall, staff: Vec<UserId>) {
        let id = slot.id;
        if (from, to) == (slot.from, slot.to) && staff == slot.staff {
            return;
        }
        let mut values = Values::default().with("version", slot.version.to_string());
        if from != slot.from {
            values.set("date", from.day.to_string());
            values.set("time", clock(from.minute));
        }
        if lasts(from, to) != lasts(slot.from, slot.to) {
            values.set("minutes", lasts(from, to).to_string());
        }
        if staff != slot.staff {
            values.set("staff", lines(&staff));
        }
        let draft = Draft {
            from,
            to,
            staff,
            saved: None,
        };
        self.drafts
            .update(|drafts| drop(drafts.insert(id, draft.clone())));
        self.said
            .set(format!("{}: {from} to {}", slot.title, clock(to.minute)));
        let moves = *self;
        spawn_local(async move {
            let result = moves
                .submitter
                .send(Form::EditAppointment(id), values.with("back", "/appointments"))
                .await;
            // The page may have gone away, or it may have been moved again meanwhile.
            let _ = moves.drafts.try_update(|drafts| {
                if drafts.get(&id) != Some(&draft) {
                    return;
                }
                match &result {
                    Ok(done) => {
                        let saved = done.receipt.map_or(0, |receipt| receipt.version);
                        drafts.insert(
                            id,
                            Draft {
                                saved: Some(saved),
                                ..draft
                            },
                        );
                    }
                    Err(_) => drop(drafts.remove(&id)),
                }
            });
            if let Err(fault) = result {
                moves.toasts.show_fault(&fault);
                let _ = moves.said.try_set(fault.to_string());
            }
        });
    }
}

fn lines(staff: &[UserId]) -> String {
    let ids: Vec<String> = staff.iter().map(ToString::to_string).collect();
    ids.join("\n")
}

/// Puts the focus on an appointment once it is drawn, unless it has gone elsewhere.
fn focus_slot(id: AppointmentId) {
    request_animation_frame(move || {
        let active = document().active_element();
        if active.is_none_or(|active| active.matches("body, #page") == Ok(true)) {
            let found = dom::all(&format!("[data-slot=\"{id}\"]"));
            dom::focus(found.into_iter().next());
        }
    });
}
