//! What a program is told of an error: a problem by RFC 9457, with a pointer (RFC 6901) to each field that is wrong.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};
use rapport_domain::error::{AppError, FieldErrors};
use serde::Serialize;
use utoipa::ToSchema;

use crate::headers;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: a name that stays.
    #[serde(rename = "type")]
    #[schema(example = "urn:rapport:problem:invalid")]
    pub(crate) kind: String,
    /// The same in words.
    #[schema(example = "What was sent is not right")]
    pub(crate) title: String,
    /// The status of the answer.
    #[schema(example = 422)]
    pub(crate) status: u16,
    /// What is wrong in this case.
    pub(crate) detail: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Wrong>,
    /// The version that stands, where another one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i64>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Wrong {
    /// Where it stands in what was sent, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/emails")]
    pub(crate) pointer: Option<String>,
    /// The parameter of the address, or the header, where that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// What is wrong, as a sentence.
    #[schema(example = "“ada” is not an e-mail address.")]
    pub(crate) detail: String,
}

impl Problem {
    fn new(status: u16, name: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:rapport:problem:{name}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            errors: Vec::new(),
            version: None,
        }
    }

    /// What was sent is no JSON of the right form.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(400, "unreadable", "What was sent cannot be read", detail)
    }

    /// What was sent is of another kind.
    pub(crate) fn of_another_kind(detail: impl Into<String>) -> Self {
        Self::new(415, "media-type", "What was sent is of another kind", detail)
    }

    /// There is no such thing to be done there.
    pub(crate) fn wrong_method() -> Self {
        let detail =
            "There is something at this address, but not for this method; Allow names those that there are.";
        Self::new(405, "method", "Not for this method", detail)
    }

    /// What may not come in at all: without TLS, too large, too slow.
    pub(crate) fn of_transport(status: StatusCode, title: &str, detail: &str) -> Self {
        let name = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "too-large",
            StatusCode::REQUEST_TIMEOUT => "too-slow",
            _ => "tls-needed",
        };
        Self::new(status.as_u16(), name, title, detail)
    }

    /// Parameters of the address are wrong.
    pub(crate) fn parameters(fields: FieldErrors) -> Self {
        let mut problem = Self::new(
            400,
            "parameter",
            "A parameter is not right",
            "Please correct the parameters that are named.",
        );
        problem.errors = fields
            .0
            .into_iter()
            .map(|(name, detail)| Wrong {
                pointer: None,
                // The address as a whole is no parameter.
                parameter: Some(name).filter(|name| name != "form"),
                detail,
            })
            .collect();
        problem
    }

    /// One parameter of the address is wrong.
    pub(crate) fn parameter(name: &str, sentence: &str) -> Self {
        Self::parameters(FieldErrors::one(name, sentence))
    }

    /// What an error says.
    pub(crate) fn of(error: &AppError) -> Self {
        let (name, title) = match error {
            AppError::Unauthenticated => ("unauthenticated", "A key is needed"),
            AppError::Forbidden => ("forbidden", "The rights do not reach this"),
            AppError::NotFound => ("not-found", "There is no such thing in sight"),
            AppError::Conflict { .. } => ("conflict", "Somebody else changed the same fields"),
            AppError::Stale { .. } => ("stale", "It was changed since it was read"),
            AppError::Refused { .. } => ("refused", "It cannot be done as things stand"),
            AppError::Invalid { .. } => ("invalid", "What was sent is not right"),
            AppError::TooManyRequests { .. } => ("too-many-requests", "Too much was asked"),
            AppError::Unavailable => ("unavailable", "A part is away for the moment"),
            AppError::Internal { .. } => ("internal", "A defect"),
        };
        let detail = match error {
            AppError::Unauthenticated => {
                "Please send a key that is good: “Authorization: Bearer rapport_key_…”.".to_owned()
            }
            error => error.to_string(),
        };
        let mut problem = Self::new(error.status(), name, title, detail);
        match error {
            AppError::Invalid { fields } => problem.errors = fields.0.iter().map(wrong).collect(),
            AppError::Conflict { version, fields } => {
                problem.version = Some(*version);
                problem.errors = fields
                    .iter()
                    .map(|field| Wrong {
                        pointer: Some(format!("/{}", field.field)),
                        parameter: None,
                        detail: format!("It is “{}” by now.", field.theirs),
                    })
                    .collect();
            }
            AppError::Stale { version } => problem.version = Some(*version),
            _ => {}
        }
        problem
    }
}

/// The headers that may be wrong; everything else is a field of the body, or the body as a whole.
const HEADERS: [&str; 2] = ["If-Match", "Idempotency-Key"];

fn wrong((field, detail): (&String, &String)) -> Wrong {
    let is_header = HEADERS.contains(&field.as_str());
    let pointer = match field.as_str() {
        "form" => String::new(),
        field => format!("/{field}"),
    };
    Wrong {
        pointer: (!is_header).then_some(pointer),
        parameter: is_header.then(|| field.clone()),
        detail: detail.clone(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The answer to an error.
pub(crate) fn refuse(error: &AppError) -> Response {
    let mut response = Problem::of(error).into_response();
    headers::say_when_again(error, response.headers_mut());
    response
}
