//! What passes through the form door: raw strings in, one answer out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{id::BatchId, journal::Receipt};

/// What a person typed, by field name, exactly as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, String>);

impl Values {
    /// The text of a field; empty when the form did not send it.
    #[must_use]
    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// Whether the form sent the field at all.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<String>) {
        self.0.insert(field.to_owned(), value.into());
    }

    /// The same with a field set, to build forms in one expression.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<String>) -> Self {
        self.set(field, value);
        self
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Values {
    /// A field sent several times keeps all its values, one a line.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut values = BTreeMap::<String, String>::new();
        for (key, value) in pairs {
            let value = value.into();
            values
                .entry(key.into())
                .and_modify(|before| {
                    before.push('\n');
                    before.push_str(&value);
                })
                .or_insert(value);
        }
        Self(values)
    }
}

/// What a form that succeeded answers: where to go, what to say, what can be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The page to go to, a path on this site.
    pub to: String,
    /// The sentence for the toast; empty when there is nothing to say.
    pub said: String,
    /// The batch that the toast's Undo takes back.
    pub undo: Option<BatchId>,
    /// What was written, for a page that stays where it is.
    pub receipt: Option<Receipt>,
}
