//! Fields edited in place: what the person changed is shown at once, confirmed later, taken back on refusal.
//!
//! The state lives beside the page's data, not in its view: the view is drawn anew whenever the customer is loaded
//! again, and an edit under way must outlive that. The door sends the edits of one record one after another.

use std::collections::BTreeMap;

use kit::{
    api::{Answer, Fault},
    door::{Door, Form, Submitter, WAS, use_door, use_submit},
    ui::select::Pick,
};
use leptos::{prelude::*, task::spawn_local};
use rapport_domain::{
    customer::{Customer, Field, Related},
    error::{AppError, FieldConflict},
    form::{Done, Values},
    id::{CustomerId, UserId},
};

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Under way.
    Sent,
    /// Saved, as this version.
    Saved(i64),
    /// Refused, and why.
    Refused(String),
    /// Somebody else changed the field; the version that stands.
    Disputed(FieldConflict, i64),
}

/// An edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The field's text, and the words for an id.
    pub value: Pick,
    /// What became of it.
    pub fate: Fate,
}

/// The edits of one record.
#[derive(Clone, Copy)]
pub struct Edits {
    id: CustomerId,
    door: Door,
    submitter: Submitter,
    /// The field whose editor is open.
    pub editing: RwSignal<Option<Field>>,
    /// The field that gets the focus back when the customer has been loaded again.
    back_to: StoredValue<Option<Field>>,
    drafts: RwSignal<BTreeMap<Field, Draft>>,
    /// What each field was when its editor was opened, or is by now: version and text.
    seen: StoredValue<Vec<(Field, i64, String)>>,
    /// What is typed in the editor that is open, once something is: it may be drawn anew while it is in use.
    typed: StoredValue<Option<String>>,
}

/// The edits of a record; call it where the page is set up.
pub fn use_edits(id: CustomerId) -> Edits {
    Edits {
        id,
        door: use_door(),
        submitter: use_submit(),
        editing: RwSignal::new(None),
        back_to: StoredValue::new(None),
        drafts: RwSignal::new(BTreeMap::new()),
        seen: StoredValue::new(Vec::new()),
        typed: StoredValue::new(None),
    }
}

impl Edits {
    /// The edit of a field, if there is one.
    pub fn draft(&self, field: Field) -> Option<Draft> {
        self.drafts.with(|drafts| drafts.get(&field).cloned())
    }

    /// The edit of a field as it is now, for handlers and for what is drawn once.
    pub(super) fn draft_now(&self, field: Field) -> Option<Draft> {
        self.drafts.with_untracked(|drafts| drafts.get(&field).cloned())
    }

    /// Forgets the edit of a field: what stands is shown.
    pub fn drop_draft(&self, field: Field) {
        self.drafts.update(|drafts| drop(drafts.remove(&field)));
    }

    /// Opens the editor of a field.
    pub fn open(&self, field: Field) {
        self.typed.set_value(None);
        self.editing.set(Some(field));
    }

    /// Closes the editor of a field, if it is the one that is open; true if it was.
    pub fn close(&self, field: Field) -> bool {
        let open = self.editing.try_get_untracked().flatten() == Some(field);
        if open {
            self.typed.set_value(None);
            self.editing.set(None);
        }
        open
    }

    /// Notes what a field is as it is drawn; while it is edited, it stays what it was when that began.
    pub(super) fn see(&self, field: Field, version: i64, text: &str) {
        if self.editing.get_untracked() != Some(field) {
            let seen = (field, version, text.to_owned());
            self.seen.update_value(|all| {
                all.retain(|(one, ..)| *one != field);
                all.push(seen);
            });
        }
    }

    /// Notes what is typed in the editor that is open.
    pub(super) fn note_typed(&self, text: String) {
        // The page may be on its way out.
        let _ = self.typed.try_update_value(|typed| *typed = Some(text));
    }

    /// What is typed in the editor that is open, if something is.
    pub(super) fn typed(&self) -> Option<String> {
        self.typed.get_value()
    }

    /// Saves a field if it differs from what it was when its editor was opened. True if it is on its way.
    pub(super) fn save_over_seen(&self, field: Field, value: Pick) -> bool {
        self.seen_of(field)
            .is_some_and(|(version, before)| self.save(field, version, &before, value))
    }

    /// Version and text of a field when its editor was opened, if it is open.
    pub(super) fn seen_open(&self, field: Field) -> Option<(i64, String)> {
        let open = self.editing.try_get_untracked().flatten() == Some(field);
        open.then(|| self.seen_of(field)).flatten()
    }

    fn seen_of(&self, field: Field) -> Option<(i64, String)> {
        let find = |all: &Vec<(Field, i64, String)>| all.iter().find(|(one, ..)| *one == field).cloned();
        let (_, version, before) = self.seen.try_with_value(find).flatten()?;
        Some((version, before))
    }

    /// Saves a field if it differs from `before`. The rules that need no server are checked at once.
    /// True if it is on its way.
    pub fn save(&self, field: Field, version: i64, before: &str, value: Pick) -> bool {
        if value.0.trim() == before.trim() {
            self.drop_draft(field);
            return false;
        }
        if let Err(said) = field.parse(&value.0) {
            self.put(
                field,
                Draft {
                    value,
                    fate: Fate::Refused(said),
                },
            );
            return false;
        }
        let word = field.word();
        let values = Values::default()
            .with("version", version.to_string())
            .with(&format!("{WAS}{word}"), before)
            .with(word, value.0.clone());
        self.put(
            field,
            Draft {
                value: value.clone(),
                fate: Fate::Sent,
            },
        );
        let edits = *self;
        spawn_local(async move {
            let result = edits.submitter.send(Form::EditCustomer(edits.id), values).await;
            let draft = Draft {
                value,
                fate: fate(field, result),
            };
            if matches!(draft.fate, Fate::Disputed(..)) {
                edits.door.load_again();
            }
            // The page may have gone away, or the field may have been changed again while this was under way.
            let _ = edits.drafts.try_update(|drafts| {
                if drafts.get(&field).is_some_and(|now| now.value == draft.value) {
                    drafts.insert(field, draft);
                }
            });
        });
        true
    }

    /// The field is drawn anew once it is saved: it gets the focus back then, unless that has gone elsewhere.
    pub(super) fn give_back(&self, field: Field) {
        self.back_to.set_value(Some(field));
    }

    /// True, once, for the field that the focus goes back to.
    pub(super) fn takes_back(&self, field: Field) -> bool {
        let mine = self.back_to.get_value() == Some(field);
        if mine {
            self.back_to.set_value(None);
        }
        mine
    }

    fn put(&self, field: Field, draft: Draft) {
        self.drafts.update(|drafts| drop(drafts.insert(field, draft)));
    }
}

/// What the answer means for the field.
fn fate(field: Field, result: Result<Done, Fault>) -> Fate {
    match result {
        Ok(done) => Fate::Saved(done.receipt.map_or(0, |receipt| receipt.version)),
        Err(Fault::Told(AppError::Conflict { version, fields })) => {
            match fields.into_iter().find(|conflict| conflict.field == field.word()) {
                Some(conflict) => Fate::Disputed(conflict, version),
                None => Fate::Refused(
                    AppError::Conflict {
                        version,
                        fields: Vec::new(),
                    }
                    .to_string(),
                ),
            }
        }
        Err(Fault::Told(AppError::Invalid { fields })) => {
            let said = fields
                .get(field.word())
                .or_else(|| fields.0.values().next().map(String::as_str));
            Fate::Refused(said.unwrap_or("Please correct this.").to_owned())
        }
        Err(fault) => Fate::Refused(fault.to_string()),
    }
}

/// A field as the record holds it: its text, and the words for an id.
pub fn held(customer: &Customer, field: Field) -> Pick {
    let words = match field {
        Field::Company => match &customer.company {
            Some(Related::Seen(_, name)) => name.clone(),
            Some(Related::NoAccess) => "No access".to_owned(),
            None => String::new(),
        },
        Field::Owner => customer
            .owner
            .as_ref()
            .map(|(_, name)| name.clone())
            .unwrap_or_default(),
        Field::Stage => customer.stage.label().to_owned(),
        Field::Kind => customer.kind.label().to_owned(),
        _ => String::new(),
    };
    (customer.raw(field), words)
}

/// A field as it is shown: an edit that is under way, or saved and not loaded again yet, stands for what is held.
pub fn shown(held: Pick, version: i64, draft: Option<&Draft>) -> Pick {
    match draft {
        Some(Draft {
            value,
            fate: Fate::Sent,
        }) => value.clone(),
        Some(Draft {
            value,
            fate: Fate::Saved(saved),
        }) if *saved > version => value.clone(),
        _ => held,
    }
}

/// The people that a customer can be given to; what offers them opens without them rather than not at all.
pub fn owners_or_nobody(owners: Answer<Vec<(UserId, String)>>) -> Vec<Pick> {
    let owners = owners
        .unwrap_or_default()
        .into_iter()
        .map(|(id, name)| (id.to_string(), name));
    std::iter::once((String::new(), "Nobody".to_owned()))
        .chain(owners)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::error::FieldErrors;

    fn pick(text: &str) -> Pick {
        (text.to_owned(), String::new())
    }

    fn draft(fate: Fate) -> Option<Draft> {
        Some(Draft {
            value: pick("Bern"),
            fate,
        })
    }

    #[test]
    fn an_edit_is_shown_until_the_record_holds_it_and_taken_back_when_refused() {
        let shows = |draft: Option<Draft>| shown(pick("Berlin"), 7, draft.as_ref()).0;
        assert_eq!(shows(None), "Berlin");
        assert_eq!(shows(draft(Fate::Sent)), "Bern");
        assert_eq!(shows(draft(Fate::Saved(8))), "Bern");
        assert_eq!(shows(draft(Fate::Saved(7))), "Berlin");
        assert_eq!(shows(draft(Fate::Refused("No.".to_owned()))), "Berlin");
    }

    #[test]
    fn a_conflict_on_the_field_is_a_dispute() {
        let conflict = FieldConflict {
            field: "city".into(),
            mine: "Bern".into(),
            theirs: "Basel".into(),
            by: None,
        };
        let error = AppError::Conflict {
            version: 9,
            fields: vec![conflict.clone()],
        };
        assert_eq!(
            fate(Field::City, Err(Fault::Told(error))),
            Fate::Disputed(conflict, 9)
        );
    }

    #[test]
    fn a_refusal_says_why_in_the_words_of_the_field() {
        let error = AppError::from(FieldErrors::one("emails", "No."));
        assert_eq!(
            fate(Field::Emails, Err(Fault::Told(error))),
            Fate::Refused("No.".to_owned())
        );
        let error = AppError::Forbidden;
        assert_eq!(
            fate(Field::City, Err(Fault::Told(error))),
            Fate::Refused("You may not do this.".to_owned())
        );
    }
}
