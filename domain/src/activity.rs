//! Activities: what somebody wrote down about a customer.

use crate::{
    error::FieldErrors,
    form::Values,
    id::{ActivityId, CustomerId, UserId},
    text,
    timeline::Moment,
};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteView {
    /// Its id.
    pub id: ActivityId,
    /// Its version.
    pub version: i64,
    /// The customer it is about.
    pub customer: CustomerId,
    /// Its text.
    pub body: String,
    /// Who wrote it.
    pub author: Option<UserId>,
    /// When it was written.
    pub created: Moment,
    /// When it was changed last.
    pub updated: Moment,
}

/// A checked note. Its id was minted with the form, so that a double post makes one note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// The id it will have.
    pub id: ActivityId,
    /// Its text.
    pub body: String,
}

impl NewNote {
    /// Checks `id` and `body`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let id = errors.take(
            "form",
            values
                .get("id")
                .parse()
                .map_err(|_| "Please open the form again."),
        );
        let body = errors.take("body", note_body(values.get("body")));
        match (id, body) {
            (Some(id), Some(body)) => Ok(Self { id, body }),
            _ => Err(errors),
        }
    }
}

/// Checks the text of a note.
///
/// # Errors
/// A sentence for the field.
pub fn note_body(raw: &str) -> Result<String, String> {
    let body = text::prose(raw)?;
    if body.is_empty() {
        Err("Please write something first.".to_owned())
    } else {
        Ok(body)
    }
}
