//! What every server function shares: whom it acts for, and how it answers.
//!
//! A server function is an adapter: it takes its [`context`], calls one service function and hands the result to
//! [`answer`]. Its address is spelled out (`prefix` and `endpoint`), so that it neither depends on how the crate was
//! compiled nor changes when a module moves: tabs that are open survive a deploy.

use leptos::server_fn::{
    Bytes, ContentType, Decodes, Encodes, Format, FormatType,
    codec::Post,
    error::{FromServerFnError, ServerFnErrorErr},
};
use rapport_domain::error::AppError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How server functions take and answer JSON.
pub type Json = Post<JsonText>;

/// JSON that is read from a text, as the values are that come with the page. Leptos' own reads it from bytes, and the
/// browser's program would hold every reader twice.
pub struct JsonText;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        // What is no text is no JSON either: the reader says so.
        serde_json::from_str(std::str::from_utf8(&bytes).unwrap_or_default())
    }
}

/// What a server function answers.
pub type Answer<T> = Result<T, Fault>;

/// Why a server function did not answer with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "AppError", into = "AppError")]
pub enum Fault {
    /// The server says why.
    Told(AppError),
    /// The server could not be reached, or what came back was not its answer. Arises in the browser only, and stays
    /// there: it has no form of its own on the wire.
    Offline,
}

impl Fault {
    /// The server's own words, if it is the server who speaks.
    #[must_use]
    pub fn told(&self) -> Option<&AppError> {
        match self {
            Self::Told(error) => Some(error),
            Self::Offline => None,
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
            Self::Offline => f.write_str(
                "Rapport cannot be reached. Nothing was lost; please try again when the connection is back.",
            ),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for AppError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Told(error) => error,
            Fault::Offline => Self::Unavailable,
        }
    }
}

impl From<AppError> for Fault {
    fn from(error: AppError) -> Self {
        Self::Told(error)
    }
}

impl FromServerFnError for Fault {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let cannot_be_read = matches!(
            error,
            E::Args(_) | E::MissingArg(_) | E::Serialization(_) | E::Deserialization(_)
        );
        if cfg!(not(feature = "ssr"))
            && matches!(error, E::Request(_) | E::Deserialization(_) | E::Response(_))
        {
            return Self::Offline;
        }
        respond(if cannot_be_read {
            AppError::invalid("form", "This page is older than the server. Please reload it.")
        } else {
            AppError::internal()
        })
    }
}

/// Answers with an error. On the server it also sets the HTTP status of the page or the call, here for all of them.
#[must_use]
pub fn respond(error: AppError) -> Fault {
    #[cfg(feature = "ssr")]
    let error = on_server::named(error);
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
        use_context::<Arc<Visit>>().ok_or(Fault::Told(AppError::internal()))
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

    /// The error, told of the request that is being answered.
    pub(super) fn named(error: AppError) -> AppError {
        let visit = use_context::<Arc<Visit>>();
        error.of_request(visit.and_then(|visit| visit.request.clone()).as_deref())
    }

    /// Sets the HTTP status that an error stands for.
    pub(super) fn set_status(error: &AppError) {
        if let Some(options) = use_context::<ResponseOptions>() {
            options.set_status(
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            );
            if let Some(seconds) = error.retry_after() {
                options.insert_header(RETRY_AFTER, HeaderValue::from(seconds));
            }
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
        ] {
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), fault, "{json}");
        }
    }
}
