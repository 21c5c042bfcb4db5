//! Files on their way in and out: what is too large for a form or a server function.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{
        Path, Query, Request, State as Extract,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post, put},
};
use futures::TryStreamExt;
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};
use rapport_domain::{
    analytics::Table,
    error::AppError,
    id::{AppointmentId, ImportId},
    query::ListQuery,
};
use rapport_service::{
    Ctx, analytics, appointment,
    customer::export,
    import::{self, NewImport, PIECE_MAX},
};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{BODY_MAX, function, guard, rest, state::State};

/// The routes, each with what answers it.
fn routes() -> [(&'static str, MethodRouter<State>); 8] {
    [
        ("/imports/upload", post(begin)),
        ("/imports/{id}/file", put(receive)),
        ("/imports/{id}/problems.csv", get(problems)),
        ("/imports/{id}/mended", put(mended)),
        ("/customers/export.csv", get(export_list)),
        ("/appointments/{id}/calendar.ics", get(appointment_ics)),
        ("/calendar/{file}", get(feed_ics)),
        ("/admin/analytics/{file}", get(analytics_csv)),
    ]
}

/// The paths of the routes, for the walk that asks each of them as everybody.
pub fn paths() -> impl Iterator<Item = &'static str> {
    routes().into_iter().map(|(path, _)| path)
}

/// Adds the routes.
pub fn add(router: Router<State>) -> Router<State> {
    routes()
        .into_iter()
        .fold(router, |router, (path, answer)| router.route(path, answer))
}

/// The largest file of mended rows, in bytes.
pub const MENDED_MAX: usize = 8 << 20;

/// The largest body that a path takes, in bytes.
pub fn body_max(path: &str) -> usize {
    if rest::holds(path) {
        return rest::body_max(path);
    }
    if path.starts_with("/imports/") && path.ends_with("/file") {
        PIECE_MAX
    } else if path.starts_with("/imports/") && path.ends_with("/mended") {
        MENDED_MAX
    } else {
        BODY_MAX
    }
}

#[derive(Deserialize)]
struct Begin {
    id: ImportId,
    file: String,
    size: u64,
    #[serde(default)]
    stamp: i64,
}

type Asked<T> = Result<Query<T>, QueryRejection>;
type Named<Id = ImportId> = Result<Path<Id>, PathRejection>;

/// Begins an upload, or goes on with an earlier one of the same file.
async fn begin(Extract(state): Extract<State>, query: Asked<Begin>, request: Request) -> Response {
    within(&state, async {
        let (ctx, _) = admit(&state, request).await?;
        let Query(begin) = query.map_err(|_| AppError::invalid("file", "Please choose the file again."))?;
        let new = NewImport {
            id: begin.id,
            file: begin.file,
            size: begin.size,
            stamp: begin.stamp,
        };
        Ok(Json(tell(import::begin(&ctx, new).await)?).into_response())
    })
    .await
}

#[derive(Deserialize)]
struct At {
    at: u64,
}

/// Takes a piece of a file.
async fn receive(
    Extract(state): Extract<State>,
    path: Named,
    query: Asked<At>,
    request: Request,
) -> Response {
    within(&state, async {
        let (ctx, body) = admit(&state, request).await?;
        let (Ok(Path(id)), Ok(Query(At { at }))) = (path, query) else {
            return Err(AppError::NotFound);
        };
        // The body was read, and its size checked, before it came here.
        let bytes = to_bytes(body, PIECE_MAX).await.unwrap_or_default();
        Ok(Json(tell(import::receive(&ctx, id, at, &bytes).await)?).into_response())
    })
    .await
}

/// The rows of an import that need a person, as a file.
async fn problems(Extract(state): Extract<State>, path: Named, request: Request) -> Response {
    within(&state, async {
        let (ctx, _) = admit(&state, request).await?;
        let Path(id) = path.map_err(|_| AppError::NotFound)?;
        let pieces = tell(import::problems_csv(&ctx, id).await)?;
        let body = Body::from_stream(pieces.map_err(rapport_service::Error::tell));
        Ok(attachment("rows-to-mend.csv", CSV, body))
    })
    .await
}

/// Takes that file back, mended.
async fn mended(Extract(state): Extract<State>, path: Named, request: Request) -> Response {
    within(&state, async {
        let (ctx, body) = admit(&state, request).await?;
        let Path(id) = path.map_err(|_| AppError::NotFound)?;
        // The body was read, and its size checked, before it came here.
        let file = to_bytes(body, MENDED_MAX).await.unwrap_or_default();
        Ok(Json(tell(import::mend_file(&ctx, id, &file).await)?).into_response())
    })
    .await
}

/// The customers of a list as a file. The query is the list's own.
async fn export_list(Extract(state): Extract<State>, request: Request) -> Response {
    within(&state, async {
        let asked = request.uri().query().map(str::to_owned);
        let (ctx, _) = admit(&state, request).await?;
        let query = ListQuery::from_query_string(&asked.unwrap_or_default()).map_err(AppError::from)?;
        let pieces = tell(export::csv(&ctx, query).await)?;
        let body = Body::from_stream(pieces.map_err(rapport_service::Error::tell));
        Ok(attachment("customers.csv", CSV, body))
    })
    .await
}

/// An appointment as a file for other calendars.
async fn appointment_ics(
    Extract(state): Extract<State>,
    path: Named<AppointmentId>,
    request: Request,
) -> Response {
    within(&state, async {
        let (ctx, _) = admit(&state, request).await?;
        let Path(id) = path.map_err(|_| AppError::NotFound)?;
        let file = tell(appointment::ics(&ctx, id).await)?;
        Ok(attachment(
            "appointment.ics",
            "text/calendar; charset=utf-8",
            file,
        ))
    })
    .await
}

/// A person's calendar, for whoever has its link.
async fn feed_ics(Extract(state): Extract<State>, path: Result<Path<String>, PathRejection>) -> Response {
    within(&state, async {
        let Path(file) = path.map_err(|_| AppError::NotFound)?;
        let token = file.strip_suffix(".ics").ok_or(AppError::NotFound)?;
        let calendar = tell(appointment::feed_ics(state.service(), token).await)?;
        Ok(attachment(
            "calendar.ics",
            "text/calendar; charset=utf-8",
            calendar,
        ))
    })
    .await
}

#[derive(Deserialize)]
struct Days {
    #[serde(default)]
    days: String,
}

/// A table of the analytics as a file.
async fn analytics_csv(
    Extract(state): Extract<State>,
    path: Result<Path<String>, PathRejection>,
    query: Asked<Days>,
    request: Request,
) -> Response {
    within(&state, async {
        let (ctx, _) = admit(&state, request).await?;
        let Path(file) = path.map_err(|_| AppError::NotFound)?;
        let table = file
            .strip_suffix(".csv")
            .and_then(|table| table.parse::<Table>().ok());
        let table = table.ok_or(AppError::NotFound)?;
        let period = query.ok().and_then(|Query(asked)| asked.days.parse().ok());
        let text = tell(analytics::csv(&ctx, period.unwrap_or_default(), table).await)?;
        Ok(attachment(&format!("{table}.csv"), CSV, text))
    })
    .await
}

const CSV: &str = "text/csv; charset=utf-8";

fn tell<T>(result: rapport_service::Result<T>) -> Result<T, AppError> {
    result.map_err(rapport_service::Error::tell)
}

/// A file to be kept, never to be shown in the page.
fn attachment(name: &str, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// Who is signed in, and what they sent.
async fn admit(state: &State, request: Request) -> Result<(Ctx, Body), AppError> {
    let (parts, body) = request.into_parts();
    let visit = guard::admit(state, &parts).await?;
    Ok((visit.ctx.ok_or(AppError::Unauthenticated)?, body))
}

/// Answers within the deadline of a file.
async fn within(state: &State, answer: impl Future<Output = Result<Response, AppError>>) -> Response {
    let answer = timeout(state.deadlines().file, answer).await;
    answer
        .unwrap_or(Err(AppError::Unavailable))
        .unwrap_or_else(|error| function::refuse(&error))
}
