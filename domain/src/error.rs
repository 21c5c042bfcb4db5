//! The one error that crosses the edge to a person or a program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Sentences by field name. Empty means that all fields are right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldErrors(pub BTreeMap<String, String>);

impl FieldErrors {
    /// An error on one field.
    #[must_use]
    pub fn one(field: &str, sentence: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, sentence);
        errors
    }

    /// Adds a sentence to a field; the first one said of a field stays.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        self.0.entry(field.to_owned()).or_insert_with(|| sentence.into());
    }

    /// The sentence for a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// True when no field is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the value, or notes the error under the field and gives nothing.
    pub fn take<T>(&mut self, field: &str, result: Result<T, impl Into<String>>) -> Option<T> {
        result.map_err(|sentence| self.add(field, sentence)).ok()
    }
}

/// One field that two people changed: what was typed, and what stands there by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// The field's name, as in the form.
    pub field: String,
    /// The value that this save wanted.
    pub mine: String,
    /// The value that stands.
    pub theirs: String,
    /// Who put it there, by name, as far as known.
    pub by: Option<String>,
}

/// Why something was not done, in words that are safe to show. The cause stays in the server's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// Nobody is signed in.
    #[error("Please sign in.")]
    Unauthenticated,
    /// The person's rights do not reach this.
    #[error("You may not do this.")]
    Forbidden,
    /// There is no such thing, or it is out of the person's sight.
    #[error("This does not exist, or you may not see it.")]
    NotFound,
    /// Somebody else changed the same fields since.
    #[error("Somebody else changed this in the meantime.")]
    Conflict {
        /// The version that stands now; a new save names it.
        version: i64,
        /// The fields in dispute.
        fields: Vec<FieldConflict>,
    },
    /// It is not what it was when a program read it, and the program asked for nothing to be merged.
    #[error("This was changed since you read it.")]
    Stale {
        /// The version that stands now.
        version: i64,
    },
    /// The command cannot be done in the present state; the sentence says why.
    #[error("{reason}")]
    Refused {
        /// A whole sentence.
        reason: String,
    },
    /// The input is wrong, field by field.
    #[error("Please correct the marked fields.")]
    Invalid {
        /// The sentences by field; the key `form` stands for the whole.
        fields: FieldErrors,
    },
    /// A limit was reached.
    #[error("Too many attempts. Please try again in {retry_after} seconds.")]
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// A part that is needed is away for the moment.
    #[error(
        "Rapport cannot reach its database at the moment. Nothing was lost; please try again in a few seconds."
    )]
    Unavailable,
    /// A defect. The log has the cause.
    #[error("Something went wrong on our side. It has been noted{}.", under(request.as_deref()))]
    Internal {
        /// The id of the request, by which its lines in the log are found.
        request: Option<String>,
    },
}

fn under(request: Option<&str>) -> String {
    request
        .map(|id| format!(" as {id}, by which whoever runs Rapport finds it"))
        .unwrap_or_default()
}

impl AppError {
    /// Wrong input on one field.
    #[must_use]
    pub fn invalid(field: &str, sentence: impl Into<String>) -> Self {
        Self::Invalid {
            fields: FieldErrors::one(field, sentence),
        }
    }

    /// A refusal with its reason.
    #[must_use]
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }

    /// A defect in a place that knows of no request.
    #[must_use]
    pub fn internal() -> Self {
        Self::Internal { request: None }
    }

    /// The same, told of a request that has this id: a defect bears it.
    #[must_use]
    pub fn of_request(self, id: Option<&str>) -> Self {
        match self {
            Self::Internal { request } => Self::Internal {
                request: request.or_else(|| id.map(str::to_owned)),
            },
            error => error,
        }
    }

    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict { .. } | Self::Refused { .. } => 409,
            Self::Stale { .. } => 412,
            Self::Invalid { .. } => 422,
            Self::TooManyRequests { .. } => 429,
            Self::Unavailable => 503,
            Self::Internal { .. } => 500,
        }
    }

    /// After how many seconds it is worth another try, where waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooManyRequests { retry_after } => Some(*retry_after),
            Self::Unavailable => Some(1),
            _ => None,
        }
    }
}

impl From<FieldErrors> for AppError {
    fn from(fields: FieldErrors) -> Self {
        Self::Invalid { fields }
    }
}

impl From<crate::id::InvalidId> for AppError {
    /// A record that has no valid id does not exist.
    fn from(_: crate::id::InvalidId) -> Self {
        Self::NotFound
    }
}
