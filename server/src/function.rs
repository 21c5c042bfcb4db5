//! Server functions: what the pages ask for once they are awake.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::ACCEPT};
use kit::{door::Form, visit::Visit};
use leptos::prelude::provide_context;
use rapport_domain::error::AppError;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    guard, headers,
    state::{Deadlines, State},
};

/// The function that sends a form; it asks each form itself whether somebody has to be signed in.
const SUBMIT: &str = "/api/fn/form/submit";
/// What those read who are not signed in: the pages of links, and the way to one.
const OPEN: [&str; 3] = [
    "/api/fn/session/invited",
    "/api/fn/session/resettable",
    "/api/fn/session/sign-up",
];

/// What those may read, too, who lack the second factor that everybody has to have.
const OF_FACTOR: &str = "/api/fn/session/second-factor";

/// Answers a call: the guard first, then the function, within the deadline.
pub async fn call(axum::extract::State(state): axum::extract::State<State>, request: Request) -> Response {
    let (state, _hold) = state.for_request();
    let answer = if request.uri().path() == SUBMIT {
        submit(&state, request).await
    } else {
        within(state.deadlines().page, read(&state, request)).await
    };
    answer.unwrap_or_else(|error| refuse(&error))
}

async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, AppError>>,
) -> Result<T, AppError> {
    let answer = timeout(deadline, answer).await;
    answer.unwrap_or(Err(AppError::Unavailable))
}

/// A function that reads: for those who are signed in. Pages read anew by themselves when others change something.
async fn read(state: &State, request: Request) -> Result<Response, AppError> {
    let (parts, body) = request.into_parts();
    let visit = guard::admit_page(state, &parts).await?;
    let may = match parts.uri.path() {
        OF_FACTOR => visit.someone().is_some(),
        path => visit.ctx.is_some() || OPEN.contains(&path),
    };
    if !may {
        return Err(AppError::Unauthenticated);
    }
    Ok(handle(visit, Request::from_parts(parts, body)).await)
}

/// The function that sends a form, which has the deadline of that form.
async fn submit(state: &State, request: Request) -> Result<Response, AppError> {
    let (parts, body) = request.into_parts();
    let visit = guard::admit(state, &parts).await?;
    // The body was read, and its size checked, before it came here.
    let body = to_bytes(body, crate::BODY_MAX).await.unwrap_or_default();
    let deadline = deadline(state.deadlines(), &body);
    let request = Request::from_parts(parts, Body::from(body));
    within(deadline, async { Ok(handle(visit, request).await) }).await
}

/// What is looked at of a form before it is sent.
#[derive(Deserialize)]
struct Sent {
    path: String,
}

fn deadline(deadlines: Deadlines, body: &[u8]) -> Duration {
    let sent = serde_json::from_slice::<Sent>(body).ok();
    let form = sent.and_then(|sent| Form::parse(&sent.path));
    form.map_or(deadlines.form, |form| deadlines.of(form))
}

async fn handle(visit: Visit, mut request: Request) -> Response {
    // To whom accepts HTML, Leptos answers with a redirect that carries the whole error in its address.
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let visit = Arc::new(visit);
    let context = move || provide_context(Arc::clone(&visit));
    leptos_axum::handle_server_fns_with_context(context, request)
        .await
        .into_response()
}

/// An error in the form in which functions answer it.
pub fn refuse(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(error)).into_response();
    headers::say_when_again(error, response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn only_a_form_with_a_password_has_time_for_a_hash() {
        let deadlines = Deadlines::default();
        for (body, given) in [
            (r#"{"path":"/sign-in","values":{}}"#, deadlines.hash),
            (r#"{"path":"/settings/security/off","values":{}}"#, deadlines.hash),
            (r#"{"path":"/settings/security/end","values":{}}"#, deadlines.hash),
            (r#"{"path":"/settings/calendar","values":{}}"#, deadlines.form),
            (r#"{"path":"/undo","values":{}}"#, deadlines.form),
            ("{", deadlines.form),
        ] {
            assert_eq!(deadline(deadlines, body.as_bytes()), given, "{body}");
        }
    }

    #[test]
    fn a_refusal_says_when_another_try_is_worth_it() {
        let limit = refuse(&AppError::TooManyRequests { retry_after: 7 });
        assert_eq!(limit.headers()[RETRY_AFTER], "7");
        assert!(refuse(&AppError::Forbidden).headers().get(RETRY_AFTER).is_none());
    }
}
