//! Server functions: what the pages ask for once they are awake.

use std::sync::Arc;

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, RETRY_AFTER},
};
use leptos::prelude::provide_context;
use rapport_domain::error::AppError;
use tokio::time::timeout;

use crate::{guard, page, state::State};

/// The one function that somebody may call who is not signed in; it asks each form itself.
const OPEN: &str = "/api/fn/form/submit";

/// Answers a call: the guard first, then the function, within the deadline.
pub async fn call(axum::extract::State(state): axum::extract::State<State>, request: Request) -> Response {
    let deadlines = state.deadlines();
    let deadline = if request.uri().path() == OPEN {
        deadlines.form
    } else {
        deadlines.page
    };
    let answer = timeout(deadline, guarded(&state, request)).await;
    answer
        .unwrap_or(Err(AppError::Unavailable))
        .unwrap_or_else(|error| refuse(&error))
}

async fn guarded(state: &State, mut request: Request) -> Result<Response, AppError> {
    let client = request.extensions().get().cloned();
    let (parts, body) = request.into_parts();
    let client = client.unwrap_or_else(|| page::client(&parts));
    request = Request::from_parts(parts, body);
    let visit = guard::admit(state, &client, request.headers()).await?;
    if visit.ctx.is_none() && request.uri().path() != OPEN {
        return Err(AppError::Unauthenticated);
    }
    // To whom accepts HTML, Leptos answers with a redirect that carries the whole error in its address.
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let visit = Arc::new(visit);
    let context = move || provide_context(Arc::clone(&visit));
    Ok(leptos_axum::handle_server_fns_with_context(context, request)
        .await
        .into_response())
}

/// An error in the form in which functions answer it.
pub fn refuse(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(error)).into_response();
    if *error == AppError::Unavailable {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
