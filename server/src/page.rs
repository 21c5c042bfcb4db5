//! Renders pages.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{
    Method, StatusCode, Uri,
    header::{CONTENT_SECURITY_POLICY, SET_COOKIE},
    request::Parts,
};
use kit::{cookie, door::Form, visit::Visit};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use rapport_app::document::document;
use rapport_domain::{error::AppError, live::Place, user::Me};
use rapport_service::live;
use tokio::time::timeout;

use crate::{client::Client, guard, headers, plain, state::State};

/// Answers the GET of a page: the guard first, then the page, all within the deadline.
pub async fn get(axum::extract::State(state): axum::extract::State<State>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let (state, _hold) = state.for_request();
    let deadline = state.deadlines().page;
    let answer = timeout(deadline, guarded(&state, parts)).await;
    answer
        .unwrap_or(Err(AppError::Unavailable))
        .unwrap_or_else(|error| plain::fault(&error, &state.assets().style))
}

async fn guarded(state: &State, parts: Parts) -> Result<Response, AppError> {
    let visit = guard::admit(state, &parts).await?;
    match guard::way(state, &visit, &parts).await? {
        Some(elsewhere) => Ok(elsewhere),
        None => {
            let arrival = arrival(&visit).await;
            Ok(render(parts, Visit { arrival, ..visit }).await)
        }
    }
}

/// Where a page stands and who reads it, before anything of it is read. Without that it asks who it is by itself, and is
/// told more than it needs to hear.
async fn arrival(visit: &Visit) -> Option<(Place, Me)> {
    live::arrive(visit.ctx.as_ref()?).await.ok()
}

/// Who is at the other end, as the outermost layer found out.
pub fn client(parts: &Parts) -> Client {
    parts
        .extensions
        .get::<Client>()
        .cloned()
        .unwrap_or_else(|| Client::of(parts, &[]))
}

/// Renders the page of a path, and takes the one-time message away with it.
pub async fn render(mut parts: Parts, visit: Visit) -> Response {
    parts.method = Method::GET;
    let (secure, had_flash) = (visit.secure, visit.flash.is_some());
    let visit = Arc::new(visit);
    let context = move || {
        provide_context(Arc::clone(&visit));
        let options = use_context::<ResponseOptions>();
        if let (Some(options), Some(nonce)) = (options, use_nonce()) {
            options.insert_header(CONTENT_SECURITY_POLICY, headers::page_policy(&nonce));
        }
    };
    let page = leptos_axum::render_app_async_with_context(context, document);
    let mut response = page(Request::from_parts(parts, Body::empty())).await;
    if had_flash && !response.status().is_redirection() {
        response
            .headers_mut()
            .append(SET_COOKIE, cookie::no_flash(secure));
    }
    response
}

/// Renders the page that holds a form again, after the form failed. What the page itself has to say goes first: it may
/// be gone, or not there for this person.
pub async fn render_failed(
    mut parts: Parts,
    page: &str,
    visit: Visit,
    error: &AppError,
    within: Duration,
) -> Option<Response> {
    parts.uri = page.parse::<Uri>().ok()?;
    let mut response = timeout(within, render(parts, visit)).await.ok()?;
    if response.status().is_server_error() {
        return None;
    }
    if response.status() == StatusCode::OK {
        *response.status_mut() =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    }
    headers::say_when_again(error, response.headers_mut());
    Some(response)
}

/// Answers the GET of a path that only takes forms: leads to the page that holds the form.
pub async fn lead_to_page(request: Request) -> Response {
    let form = Form::parse(request.uri().path());
    guard::see(&form.map_or_else(|| "/".to_owned(), |form| form.page(&Default::default())))
}

/// Answers what is asked for in a way that nothing here answers to.
pub async fn wrong_method(axum::extract::State(state): axum::extract::State<State>) -> Response {
    let text = "This address cannot be used in that way.";
    plain::page(
        StatusCode::METHOD_NOT_ALLOWED,
        "Not possible",
        text,
        &state.assets().style,
    )
}

/// Answers everything that has no route: a file of the site, or the page that says that there is nothing.
pub async fn otherwise(
    axum::extract::State(state): axum::extract::State<State>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain::fault(&AppError::NotFound, &state.assets().style);
    }
    if let Some(file) = state.files().serve(&request) {
        return file;
    }
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    if name.contains('.') {
        return (StatusCode::NOT_FOUND, "Not found").into_response();
    }
    let mut response = get(axum::extract::State(state), request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}
