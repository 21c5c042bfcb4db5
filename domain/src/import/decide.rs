//! What becomes of a row whose record is there already: how it is recognised, and what the row may change.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Draft;
use crate::customer::{CONTACT_POINTS_MAX, CustomerPatch, Field, FieldValue, TAGS_MAX};

/// By what a record is recognised. In this order, whatever the person picks: the first one that finds any decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    /// Our own id, in an export of ours.
    Id,
    /// The key by which the file's source knows the record.
    Reference,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The name; of a person, the name and the company's.
    Name,
}

impl MatchBy {
    /// Every way, in their order.
    pub const EVERY: [Self; 5] = [Self::Id, Self::Reference, Self::Email, Self::Phone, Self::Name];
}

/// What a row does to the record that it is recognised as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMatch {
    /// Nothing.
    #[default]
    Skip,
    /// It fills what is empty.
    FillEmpty,
    /// It overwrites what differs. Contact points and tags are added, never taken away.
    Update,
    /// It makes another record.
    Create,
}

/// What a row does whose record lies in the trash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTrash {
    /// It brings the record back, and then does what [`OnMatch`] says.
    #[default]
    Restore,
    /// Nothing.
    Skip,
}

/// How rows are recognised, and what happens then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// By what.
    pub by: BTreeSet<MatchBy>,
    /// What a row does to a record that it is recognised as.
    pub then: OnMatch,
    /// What it does when that lies in the trash.
    pub trash: OnTrash,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            by: BTreeSet::from([MatchBy::Id, MatchBy::Reference, MatchBy::Email]),
            then: OnMatch::Skip,
            trash: OnTrash::Restore,
        }
    }
}

/// A name in the form in which two are compared.
pub(super) fn name_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        key.extend(word.chars().flat_map(char::to_lowercase));
    }
    key
}

impl Rules {
    /// The fields to write into the record that a row was recognised as: nothing under [`OnMatch::Skip`] and
    /// [`OnMatch::Create`], and never what the record has already. Its kind and its owner stay. `standing` holds the
    /// record's fields; what is missing there is empty.
    ///
    /// A value that every row is given (a constant, the usual stage) fills what is empty but overwrites nothing; the
    /// tags that every row is given are added whatever tags there are.
    ///
    /// # Errors
    /// A sentence, when the union of both lists is longer than the field may be.
    pub fn patch(&self, standing: &CustomerPatch, draft: &Draft) -> Result<CustomerPatch, String> {
        let mut patch = CustomerPatch::default();
        if matches!(self.then, OnMatch::Skip | OnMatch::Create) {
            return Ok(patch);
        }
        for (&field, wanted) in &draft.fields.0 {
            if matches!(field, Field::Kind | Field::Owner) || is_empty(wanted) {
                continue;
            }
            let stands = standing.0.get(&field).filter(|value| !is_empty(value));
            let new = match (stands, wanted) {
                (None, _) => Some(wanted.clone()),
                (Some(FieldValue::List(old)), FieldValue::List(new)) => {
                    let new: &[String] = if self.then == OnMatch::Update {
                        new
                    } else if field == Field::Tags {
                        &draft.tags
                    } else {
                        &[]
                    };
                    union(field, old, new)?
                }
                (Some(old), new) => {
                    (self.then == OnMatch::Update && old != new && !draft.supplied.contains(&field))
                        .then(|| new.clone())
                }
            };
            if let Some(new) = new {
                patch.0.insert(field, new);
            }
        }
        Ok(patch)
    }
}

fn is_empty(value: &FieldValue) -> bool {
    match value {
        FieldValue::Nothing => true,
        FieldValue::List(list) => list.is_empty(),
        FieldValue::Text(text) => text.is_empty(),
        FieldValue::Id(_) => false,
    }
}

/// The old list with what is new behind it; nothing when nothing is new.
fn union(field: Field, old: &[String], new: &[String]) -> Result<Option<FieldValue>, String> {
    let key = |value: &String| match field.contact_kind() {
        Some(kind) => kind.normalise(value),
        None => value.to_lowercase(),
    };
    let mut seen: BTreeSet<_> = old.iter().map(key).collect();
    let added: Vec<_> = new
        .iter()
        .filter(|value| seen.insert(key(value)))
        .cloned()
        .collect();
    if added.is_empty() {
        return Ok(None);
    }
    let most = if field == Field::Tags {
        TAGS_MAX
    } else {
        CONTACT_POINTS_MAX
    };
    let all: Vec<_> = old.iter().cloned().chain(added).collect();
    if all.len() > most {
        return Err(format!(
            "“{}” would have {} values with those that stand; at most {most} are kept.",
            field.label(),
            all.len()
        ));
    }
    Ok(Some(FieldValue::List(all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(pairs: &[(Field, &str)]) -> CustomerPatch {
        let fields = pairs
            .iter()
            .map(|(field, raw)| (*field, field.parse(raw).unwrap()));
        CustomerPatch(fields.collect())
    }

    fn draft(pairs: &[(Field, &str)]) -> Draft {
        Draft {
            fields: patch(pairs),
            ..Draft::default()
        }
    }

    fn rules(then: OnMatch) -> Rules {
        Rules {
            then,
            ..Rules::default()
        }
    }

    const STANDS: [(Field, &str); 4] = [
        (Field::Kind, "person"),
        (Field::City, "Bath"),
        (Field::Emails, "ada@example.org"),
        (Field::Tags, "vip"),
    ];
    const SAYS: [(Field, &str); 5] = [
        (Field::Kind, "company"),
        (Field::City, "York"),
        (Field::Country, "England"),
        (Field::Emails, "ADA@example.org\nada@work.example"),
        (Field::Tags, "VIP, new"),
    ];

    #[test]
    fn skipping_and_making_another_change_nothing() {
        for then in [OnMatch::Skip, OnMatch::Create] {
            let changed = rules(then).patch(&patch(&STANDS), &draft(&SAYS)).unwrap();
            assert_eq!(changed, CustomerPatch::default());
        }
    }

    #[test]
    fn filling_touches_only_what_is_empty() {
        let filled = rules(OnMatch::FillEmpty)
            .patch(&patch(&STANDS), &draft(&SAYS))
            .unwrap();
        assert_eq!(filled, patch(&[(Field::Country, "England")]));
    }

    #[test]
    fn an_update_overwrites_what_differs_and_adds_to_lists_but_never_the_kind() {
        let updated = rules(OnMatch::Update)
            .patch(&patch(&STANDS), &draft(&SAYS))
            .unwrap();
        let expected = [
            (Field::City, "York"),
            (Field::Country, "England"),
            (Field::Emails, "ada@example.org\nada@work.example"),
            (Field::Tags, "vip, new"),
        ];
        assert_eq!(updated, patch(&expected));
    }

    #[test]
    fn what_every_row_is_given_overwrites_nothing() {
        let mut draft = draft(&[(Field::City, "York"), (Field::Country, "England")]);
        draft.supplied = BTreeSet::from([Field::City, Field::Country]);
        let updated = rules(OnMatch::Update).patch(&patch(&STANDS), &draft).unwrap();
        assert_eq!(updated, patch(&[(Field::Country, "England")]));
    }

    #[test]
    fn a_list_that_would_grow_too_long_is_named() {
        let many = |from: usize| {
            let mails = (from..from + CONTACT_POINTS_MAX).map(|n| format!("a{n}@example.org"));
            mails.collect::<Vec<_>>().join("\n")
        };
        let (old, new) = (many(0), many(CONTACT_POINTS_MAX));
        let refused =
            rules(OnMatch::Update).patch(&patch(&[(Field::Emails, &old)]), &draft(&[(Field::Emails, &new)]));
        assert!(refused.unwrap_err().contains("E-mail"));
    }
}
