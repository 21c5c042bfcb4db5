//! What every server function shares: whom it acts for, and how it answers.
//!
//! A server function is an adapter: it takes its [`context`], calls one service function and hands the result to
//! [`answer`]. Its address is spelled out (`prefix` and `endpoint`), so that it neither depends on how the crate was
//! compiled nor changes when a module moves: tabs that are open survive a deploy.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use rapport_domain::error::AppError;
use serde::{Deserialize, Serialize};

/// What a server function answers.
pub type Answer<T> = Result<T, Fault>;

/// Why a server function did not answer with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    /// The server says why.
    Told(AppError),
    /// The server could not be reached, or what came back was not its answer. Arises in the browser only.
    Offline(Offline),
}

/// The mark of an answer that never came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offline {
    offline: (),
}

impl Fault {
    /// The server's own words, if it is the server who speaks.
    #[must_use]
    pub fn told(&self) -> Option<&AppError> {
        match self {
            Self::Told(error) => Some(error),
            Self::Offline(_) => None,
        }
    }

    /// True when there is no such thing, or not for this person.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.told() == Some(&AppError::NotFound)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Told(error) => error.fmt(f),
            Self::Offline(_) => f.write_str(
                "Rapport cannot be reached. Nothing was lost; please try again when the connection is back.",
            ),
        }
    }
}

impl std::error::Error for Fault {}

impl From<AppError> for Fault {
    fn from(error: AppError) -> Self {
        Self::Told(error)
    }
}

impl FromServerFnError for Fault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let cannot_be_read = matches!(
            error,
            E::Args(_) | E::MissingArg(_) | E::Serialization(_) | E::Deserialization(_)
        );
        if cfg!(not(feature = "ssr"))
            && matches!(error, E::Request(_) | E::Deserialization(_) | E::Response(_))
        {
            return Self::Offline(Offline::default());
        }
        respond(if cannot_be_read {
            AppError::invalid("form", "This page is older than the server. Please reload it.")
        } else {
            AppError::Internal
        })
    }
}

/// Answers with an error. On the server it also sets the HTTP status of the page or the call, here for all of them.
#[must_use]
pub fn respond(error: AppError) -> Fault {
    #[cfg(feature = "ssr")]
    on_server::set_status(&error);
    Fault::Told(error)
}

#[cfg(feature = "ssr")]
pub use on_server::{answer, context, visit};

#[cfg(feature = "ssr")]
mod on_server {
    use std::sync::Arc;

    use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
    use leptos::prelude::*;
    use leptos_axum::ResponseOptions;
    use rapport_domain::error::AppError;
    use rapport_service::Ctx;

    use super::{Answer, Fault, respond};
    use crate::visit::Visit;

    /// The request that is being answered.
    ///
    /// # Errors
    /// [`AppError::Internal`] outside a request.
    pub fn visit() -> Result<Arc<Visit>, Fault> {
        use_context::<Arc<Visit>>().ok_or(Fault::Told(AppError::Internal))
    }

    /// Whom a server function acts for.
    ///
    /// # Errors
    /// [`AppError::Unauthenticated`] when nobody is signed in; the status is set.
    pub fn context() -> Result<Ctx, Fault> {
        let ctx = use_context::<Arc<Visit>>().and_then(|visit| visit.ctx.clone());
        ctx.ok_or_else(|| respond(AppError::Unauthenticated))
    }

    /// Turns what the service says into what the person is told, and sets the HTTP status: the one place for both.
    ///
    /// # Errors
    /// What the service refused.
    pub fn answer<T>(result: rapport_service::Result<T>) -> Answer<T> {
        result.map_err(|error| respond(error.tell()))
    }

    /// Sets the HTTP status that an error stands for.
    pub(super) fn set_status(error: &AppError) {
        if let Some(options) = use_context::<ResponseOptions>() {
            options.set_status(
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            );
            if let Some(seconds) = retry_after(error) {
                options.insert_header(RETRY_AFTER, HeaderValue::from(seconds));
            }
        }
    }

    /// After how many seconds it is worth another try.
    fn retry_after(error: &AppError) -> Option<u32> {
        match error {
            AppError::TooManyRequests { retry_after } => Some(*retry_after),
            AppError::Unavailable => Some(1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_back_from_its_own_json() {
        let conflict = AppError::Conflict {
            version: 7,
            fields: Vec::new(),
        };
        for fault in [
            Fault::Told(conflict),
            Fault::Told(AppError::invalid("name", "No.")),
            Fault::Offline(Offline::default()),
        ] {
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), fault, "{json}");
        }
    }
}
