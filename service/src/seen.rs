//! As which version a command saw what it changes.

use rapport_domain::error::AppError;

use crate::Result;

/// As which version a command saw the record that it changes. What takes one fails with [`AppError::Stale`] where another
/// version stands than the one it had to be, and with [`AppError::Invalid`] on `form` for one that there never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// This one: what others changed since merges, or is refused by field.
    At(i64),
    /// This one, and nothing may have changed since.
    Exactly(i64),
    /// Whichever stands.
    Latest,
}

impl From<i64> for Seen {
    fn from(version: i64) -> Self {
        Self::At(version)
    }
}

impl Seen {
    /// What was seen by who read this version just now, where nothing else was said.
    #[must_use]
    pub fn or(self, read: i64) -> Self {
        match self {
            Self::Latest => Self::At(read),
            seen => seen,
        }
    }

    /// The version, where another one stands.
    ///
    /// # Errors
    /// [`AppError::Stale`] where it had to be the same; [`AppError::Invalid`] on `form` for a version that there never
    /// was: nothing could be told about conflicts.
    pub(crate) fn of(self, stands: i64) -> Result<i64> {
        match self {
            Self::Exactly(seen) if seen != stands => Err(AppError::Stale { version: stands }.into()),
            Self::Latest => Ok(stands),
            Self::At(seen) | Self::Exactly(seen) if (1..=stands).contains(&seen) => Ok(seen),
            Self::At(_) | Self::Exactly(_) => {
                let sentence = "Please open the form again; it names a version that does not exist.";
                Err(AppError::invalid("form", sentence).into())
            }
        }
    }
}
