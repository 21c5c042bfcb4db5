//! What a program is answered: a record with its version, the command that a write made, the pages beside a page.

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG, LINK, LOCATION},
};
use rapport_domain::{error::AppError, id::BatchId, journal::Receipt, timeline::Undo};
use serde::Serialize;

use super::{BATCH, Refusal, input, problem::Problem, tell};

/// A record as it is answered.
pub(super) trait Versioned: Serialize {
    /// Its version, which its ETag says.
    fn version(&self) -> i64;
}

/// A record that was asked for; 304 where the asker has it already.
pub(super) fn record(headers: &HeaderMap, body: &impl Versioned) -> Response {
    if input::has(headers, body.version()) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        set(&mut response, ETAG, &input::tag(body.version()));
        return response;
    }
    tagged(StatusCode::OK, body)
}

fn tagged(status: StatusCode, body: &impl Versioned) -> Response {
    let mut response = (status, Json(body)).into_response();
    set(&mut response, ETAG, &input::tag(body.version()));
    response
}

/// A record as it stands after a write. What was done is done: where it cannot be read any more, because it went out of
/// sight or a part is away by now, the answer has no body.
pub(super) fn written(receipt: Receipt, read: rapport_service::Result<impl Versioned>) -> Response {
    after(StatusCode::OK, receipt, read)
}

/// A record that was made, and where it is.
pub(super) fn made(place: &str, receipt: Receipt, read: rapport_service::Result<impl Versioned>) -> Response {
    let mut response = after(StatusCode::CREATED, receipt, read);
    self::place(&mut response, place);
    response
}

/// Says where something is.
pub(super) fn place(response: &mut Response, place: &str) {
    set(response, LOCATION, place);
}

fn after(status: StatusCode, receipt: Receipt, read: rapport_service::Result<impl Versioned>) -> Response {
    let response = match tell(read) {
        Ok(body) => tagged(status, &body),
        Err(_) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            set(&mut response, ETAG, &input::tag(receipt.version));
            response
        }
    };
    with_batch(response, receipt.batch)
}

/// Something was done, and there is no more to say.
pub(super) fn done(batch: Option<BatchId>) -> Response {
    with_batch(StatusCode::NO_CONTENT.into_response(), batch)
}

/// Names the command that an answer comes from.
pub(super) fn with_batch(mut response: Response, batch: Option<BatchId>) -> Response {
    if let Some(batch) = batch {
        set(&mut response, BATCH, &batch.to_string());
    }
    response
}

/// A page of a list, with the addresses of the pages beside it (RFC 8288): each with its relation.
pub(super) fn page(
    body: &impl Serialize,
    beside: impl IntoIterator<Item = (&'static str, String)>,
) -> Response {
    let mut response = Json(body).into_response();
    let links = beside
        .into_iter()
        .map(|(rel, place)| format!("<{place}>; rel=\"{rel}\""));
    let links = links.collect::<Vec<_>>().join(", ");
    if !links.is_empty() {
        set(&mut response, LINK, &links);
    }
    response
}

/// A file of lines.
pub(super) fn csv(body: Body) -> Response {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// What is wrong with a list is a parameter.
pub(super) fn listed<T>(result: rapport_service::Result<T>) -> Result<T, Refusal> {
    match tell(result) {
        Err(AppError::Invalid { fields }) => Err(Problem::parameters(fields).into()),
        result => Ok(result?),
    }
}

/// Whether something can be taken back.
pub(super) fn undo_word(undo: Undo) -> &'static str {
    match undo {
        Undo::Offered => "offered",
        Undo::Done => "done",
        Undo::No => "no",
    }
}

/// An instant by ISO 8601, in UTC.
pub(super) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
