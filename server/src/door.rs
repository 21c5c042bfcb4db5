//! The form door without script: a plain HTML form, posted to its own path.

use axum::{body::to_bytes, extract::Request, response::Response};
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, SET_COOKIE},
    request::Parts,
};
use kit::{
    cookie,
    door::{
        Form, FormState,
        submit::{self, Outcome},
    },
    visit::Visit,
};
use rapport_domain::{error::AppError, form::Values};
use tokio::time::timeout;

use crate::{guard, page, plain, state::State};

/// Answers the post of a form: with a redirect and a one-time message, or with the form again, what was typed in it and
/// what is wrong.
pub async fn post(axum::extract::State(state): axum::extract::State<State>, request: Request) -> Response {
    let style = &state.assets().style;
    let Some(form) = Form::parse(request.uri().path()) else {
        return plain::fault(&AppError::NotFound, style);
    };
    if !is_form(request.headers()) {
        let text = "This address takes forms as a browser sends them.";
        return plain::page(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not possible", text, style);
    }
    let (parts, body) = request.into_parts();
    // The body was read, and its size checked, before it came here.
    let body = to_bytes(body, crate::BODY_MAX).await.unwrap_or_default();
    let values: Values = form_urlencoded::parse(&body).into_iter().collect();
    let again = |error: &AppError| plain::send_again(error, &form.path(), &values, style);

    let visit = match guard::admit(&state, &parts).await {
        Ok(visit) if visit.someone().is_none() && !form.is_open() => {
            return again(&AppError::Unauthenticated);
        }
        Ok(visit) => visit,
        Err(error) => return again(&error),
    };
    let submitted = timeout(state.deadlines().of(form), submit::submit(form, &values, &visit)).await;
    match submitted.unwrap_or(Err(AppError::Unavailable)) {
        Ok(outcome) => done(&outcome, &visit),
        Err(error) => {
            let error = error.of_request(visit.request.as_deref());
            match failed(&state, form, parts, &values, visit, &error).await {
                Some(page) => page,
                None => again(&error),
            }
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| {
        kind.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

fn done(outcome: &Outcome, visit: &Visit) -> Response {
    let mut response = guard::see(&outcome.done.to);
    let flash = submit::flash(&outcome.done).map(|flash| cookie::flash(visit.secure, &flash));
    for cookie in outcome.cookies.iter().cloned().chain(flash) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn failed(
    state: &State,
    form: Form,
    parts: Parts,
    values: &Values,
    mut visit: Visit,
    error: &AppError,
) -> Option<Response> {
    let page = form.page(values);
    visit.flash = None;
    visit.failed = Some(FormState::new(form, values.clone(), error.clone()));
    page::render_failed(parts, &page, visit, error, state.deadlines().page).await
}
