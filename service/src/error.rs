//! What can go wrong in here, and what of it a person may read.

use rapport_domain::error::{AppError, FieldErrors};
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// The result of every service function.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a service function did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the person can be told as it is.
    #[error(transparent)]
    Told(#[from] AppError),
    /// PostgreSQL refused or is away.
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// Redis refused or is away.
    #[error("redis: {0}")]
    Redis(#[from] crate::redis::RedisError),
    /// A row that the program cannot read: a defect.
    #[error("cannot read what is stored: {0}")]
    Stored(String),
}

impl From<FieldErrors> for Error {
    fn from(fields: FieldErrors) -> Self {
        Self::Told(fields.into())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Stored(error.to_string())
    }
}

impl Error {
    /// What the person sees. Logs the cause once, here, when it is not theirs to see.
    #[must_use]
    pub fn tell(self) -> AppError {
        match self {
            Self::Told(error) => error,
            Self::Database(cause) if is_absence(&cause) => {
                tracing::warn!(%cause, "PostgreSQL cannot be reached");
                AppError::Unavailable
            }
            Self::Redis(cause) => {
                tracing::warn!(%cause, "Redis cannot be reached");
                AppError::Unavailable
            }
            cause => {
                tracing::error!(%cause, "a defect");
                AppError::internal()
            }
        }
    }

    /// The name of the unique constraint that was hurt, if that is what happened.
    #[must_use]
    pub fn unique_violation(&self) -> Option<String> {
        match self {
            Self::Database(cause) => match cause.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(message)) => Some(message),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it would have taken the last admin away.
    #[must_use]
    pub fn is_of_last_admin(&self) -> bool {
        self.refused_by().as_deref() == Some("app_user_last_admin")
    }

    fn refused_by(&self) -> Option<String> {
        match self {
            Self::Database(
                DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => error.as_database_error()?.constraint().map(str::to_owned),
            _ => None,
        }
    }

    /// The SQLSTATE with which PostgreSQL said no, if it did.
    #[must_use]
    pub fn sql_state(&self) -> Option<String> {
        match self {
            Self::Database(
                DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => error.as_database_error()?.code().map(|code| code.into_owned()),
            _ => None,
        }
    }
}

/// True when the database did not answer, as opposed to answering no.
fn is_absence(cause: &DbErr) -> bool {
    match cause {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            is_absent(error)
        }
        _ => false,
    }
}

fn is_absent(error: &sea_orm::SqlxError) -> bool {
    use sea_orm::SqlxError as E;
    match error {
        E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
        E::Database(error) => error.code().is_some_and(|code| passes(&code)),
        _ => false,
    }
}

/// Whether an error of this SQLSTATE may be gone at the next try, with nothing wrong in what was asked.
fn passes(code: &str) -> bool {
    // Broken connections; no more disk, memory or connections; trouble of its operating system.
    ["08", "53", "58"].iter().any(|class| code.starts_with(class))
        // 57P0x: shutting down, starting, or the connection was ended; 57014: the statement's time was up.
        || code.starts_with("57P0")
        || code == "57014"
        // Another transaction was in the way: a deadlock, or a conflict of their order.
        || matches!(code, "40P01" | "40001")
        // The transaction was idle too long; this server only reads, for another one has taken its place.
        || matches!(code, "25P03" | "25006")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_gone_at_the_next_try_is_no_defect() {
        for code in [
            "08006", "53100", "53200", "53300", "58030", "57P01", "57P02", "57P03", "57P05", "57014",
            "40P01", "40001", "25P03", "25006",
        ] {
            assert!(passes(code), "{code}");
        }
        for code in [
            "23505", "23503", "22P02", "42601", "42P01", "25P02", "0A000", "P0001", "XX000",
        ] {
            assert!(!passes(code), "{code}");
        }
    }
}
