//! What every request passes first, and every answer last.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State as Extract},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{Extensions, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_LENGTH};
use rapport_domain::{error::AppError, id::UserId};
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};

use crate::{
    client::Client,
    function, guard, headers, metrics, plain,
    rest::{self, problem::Problem},
    state::State,
    transfer,
};

/// The header by which an answer and its lines in the log find together.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, by which its lines in the log are found.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id of the request that has these; none for one that did not come in through [`record`].
    pub(crate) fn of(extensions: &Extensions) -> Option<String> {
        extensions.get::<Self>().map(|id| id.0.clone())
    }
}

/// Turns a panic into an answer, so that the person is told and the connection goes on.
pub async fn survive(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let by_key = rest::holds(request.uri().path());
    let defect = AppError::internal().of_request(RequestId::of(request.extensions()).as_deref());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        // The panic hook has logged it.
        Err(_) if by_key => rest::problem::refuse(&defect),
        Err(_) => plain::fault(&defect, &state.assets().style),
    }
}

/// Notes who asks, for the lines of this request in the log, once it is known.
pub(crate) fn note_who(who: UserId) {
    tracing::Span::current().record("who", tracing::field::display(who));
}

/// Gives the request an id, finds out where it comes from, writes one line into the log and makes the answer safe.
///
/// The line has no query and no header: they may hold what people search for, and secrets.
pub async fn record(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let client = Client::of(&parts, state.trusted_proxies());
    let hsts = client.secure.then(|| state.hsts());
    parts.extensions.insert(client.clone());
    let id = state
        .service()
        .clock()
        .new_id::<uuid::Uuid>()
        .simple()
        .to_string();
    parts.extensions.insert(RequestId(id.clone()));
    let (method, route) = (
        parts.method.clone(),
        parts.extensions.get::<MatchedPath>().cloned(),
    );
    let span = tracing::info_span!("request", id, method = %parts.method, path = logged(parts.uri.path()), from = %client.address, who = Empty);
    async move {
        let mut response = next.run(Request::from_parts(parts, body)).await;
        headers::protect(response.headers_mut(), hsts);
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        metrics::count(
            method.as_str(),
            route.as_ref().map(MatchedPath::as_str),
            response.status(),
            began.elapsed(),
        );
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), ms, "answered");
        response
    }
    .instrument(span)
    .await
}

/// A path as the log may hold it: what follows in these is a secret.
fn logged(path: &str) -> &str {
    ["/join/", "/reset/", "/calendar/"]
        .into_iter()
        .find(|page| path.starts_with(page))
        .unwrap_or(path)
}

/// Refuses what may not come in at all: plain HTTP from elsewhere, writes that another site started, bodies that are
/// too large or too slow.
pub async fn check(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let style = state.assets().style.clone();
    let client = request.extensions().get::<Client>().cloned();
    if let Some(client) = &client {
        if let Err(page) = guard::check_tls(&state, client, request.uri().path()) {
            return *page;
        }
        // No browser sends a key by itself: what bears one comes from nobody else's page.
        let by_key = rest::holds(request.uri().path());
        if !by_key && let Err(sentence) = guard::check_origin(request.method(), request.headers(), client) {
            tracing::warn!(why = sentence, "a form of another site was refused");
            return refuse(
                &request,
                StatusCode::FORBIDDEN,
                &AppError::Forbidden,
                "Not allowed",
                sentence,
                &style,
            );
        }
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let told = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let most = transfer::body_max(request.uri().path());
    let too_large = format!("Please send less at once: at most {} KB.", most / 1024);
    let too_large_error = AppError::invalid("form", too_large.clone());
    if told.is_some_and(|length| length > most) {
        return refuse(
            &request,
            StatusCode::PAYLOAD_TOO_LARGE,
            &too_large_error,
            "Too much",
            &too_large,
            &style,
        );
    }
    let (parts, body) = request.into_parts();
    let read = timeout(state.deadlines().body, to_bytes(body, most)).await;
    let request = |body| Request::from_parts(parts, body);
    match read {
        Ok(Ok(bytes)) => next.run(request(Body::from(bytes))).await,
        Ok(Err(_)) => {
            let (status, title) = (StatusCode::PAYLOAD_TOO_LARGE, "Too much");
            refuse(
                &request(Body::empty()),
                status,
                &too_large_error,
                title,
                &too_large,
                &style,
            )
        }
        Err(_) => {
            let sentence = "The request did not arrive in time.";
            let error = AppError::refused(sentence);
            refuse(
                &request(Body::empty()),
                StatusCode::REQUEST_TIMEOUT,
                &error,
                "Too slow",
                sentence,
                &style,
            )
        }
    }
}

/// Says no in the form that the asker understands: a page to a form, JSON to a server function.
fn refuse(
    request: &Request,
    status: StatusCode,
    error: &AppError,
    title: &str,
    sentence: &str,
    style: &str,
) -> Response {
    let path = request.uri().path();
    if rest::holds(path) {
        return Problem::of_transport(status, title, sentence).into_response();
    }
    if path.starts_with("/api/") || path.starts_with("/imports/") {
        let mut response = function::refuse(error);
        *response.status_mut() = status;
        return response;
    }
    plain::page(status, title, sentence, style)
}

#[cfg(test)]
mod tests {
    use super::logged;

    #[test]
    fn the_log_holds_no_secret_of_a_link() {
        assert_eq!(logged("/join/0123abcd"), "/join/");
        assert_eq!(logged("/reset/0123abcd"), "/reset/");
        assert_eq!(logged("/calendar/0123abcd.ics"), "/calendar/");
        assert_eq!(logged("/customers/0123"), "/customers/0123");
    }
}
