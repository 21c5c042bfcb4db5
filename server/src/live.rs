//! The stream by which a browser hears of what others do, and the word by which it says where its person is.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Query, Request, State as Extract, rejection::QueryRejection},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use futures::{StreamExt, stream};
use http::{HeaderName, HeaderValue, StatusCode};
use rapport_domain::{
    error::AppError,
    live::{Here, News, Place},
};
use rapport_service::live::{self, Listener};
use serde::Deserialize;
use tokio::time::sleep;

use crate::{BODY_MAX, function::refuse, guard, state::State};

/// What a browser sends when it comes back by itself.
const LAST: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that hold answers back (nginx) let this one through.
const UNHELD: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How soon a browser comes back to a stream that broke.
const BACK_AFTER: Duration = Duration::from_secs(1);
/// How often a stream says that it is there still.
const STILL_EVERY: Duration = Duration::from_secs(15);

/// Adds the routes.
pub fn add(router: Router<State>) -> Router<State> {
    router.route("/live", get(hear)).route("/live/here", post(here))
}

#[derive(Deserialize)]
struct From {
    after: Option<String>,
}

/// News, as long as somebody listens and is signed in.
async fn hear(
    Extract(state): Extract<State>,
    from: Result<Query<From>, QueryRejection>,
    request: Request,
) -> Response {
    let after = from.ok().and_then(|Query(from)| from.after?.parse().ok());
    match begin(&state, after, request).await {
        Ok(listener) => {
            let mut response = answer(listener, state.deadlines().stream);
            response
                .headers_mut()
                .insert(UNHELD, HeaderValue::from_static("no"));
            response
        }
        Err(error) => refuse(&error),
    }
}

async fn begin(state: &State, after: Option<Place>, request: Request) -> Result<Listener, AppError> {
    let (parts, _) = request.into_parts();
    let visit = guard::admit_page(state, &parts).await?;
    let (Some(ctx), Some(session)) = (visit.ctx, visit.session) else {
        return Err(AppError::Unauthenticated);
    };
    let last = parts
        .headers
        .get(LAST)
        .and_then(|last| last.to_str().ok()?.parse().ok());
    let listener = live::listen(
        state.service(),
        state.live(),
        ctx.actor().clone(),
        &session,
        last.or(after),
    );
    listener.await.map_err(rapport_service::Error::tell)
}

fn answer(listener: Listener, at_least: Duration) -> Response {
    let still = Event::default().json_data(News::Still).unwrap_or_default();
    let news = stream::unfold(listener, |mut listener| async move {
        let (place, news) = listener.next().await?;
        let event = Event::default().json_data(news).unwrap_or_default();
        let event = match place {
            Some(place) => event.id(place.to_string()).retry(BACK_AFTER),
            None => event,
        };
        Some((Ok::<_, Infallible>(event), listener))
    });
    // Streams that began together are not to end together.
    let news = news.take_until(sleep(at_least.mul_f32(1.0 + rand::random::<f32>())));
    // A comment would keep the connection, too, but the page could not tell that it is there.
    let alive = KeepAlive::new().interval(STILL_EVERY).event(still);
    Sse::new(news).keep_alive(alive).into_response()
}

/// Notes where somebody is. Sent as a beacon, which has no kind of its own.
async fn here(Extract(state): Extract<State>, request: Request) -> Response {
    match note(&state, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(&error),
    }
}

async fn note(state: &State, request: Request) -> Result<(), AppError> {
    let (parts, body) = request.into_parts();
    // The body was read, and its size checked, before it came here.
    let body = to_bytes(body, BODY_MAX).await.unwrap_or_default();
    let said = serde_json::from_slice::<Here>(&body).ok();
    let visit = if said.as_ref().is_some_and(|said| said.active) {
        guard::admit(state, &parts).await?
    } else {
        guard::admit_page(state, &parts).await?
    };
    let ctx = visit.ctx.ok_or(AppError::Unauthenticated)?;
    let said = said.ok_or_else(|| AppError::invalid("form", "This cannot be read."))?;
    live::here(&ctx, said).await.map_err(rapport_service::Error::tell)
}
