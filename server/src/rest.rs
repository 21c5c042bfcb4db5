//! The REST API under `/api/v1`: what a person can do, a program can do, by a key, with the same rights, the same journal
//! and the same undo.
//!
//! A request passes [`admit`] (its key, its limit, its deadline), then its handler, which reads what was sent, calls the
//! service and writes the answer down. What goes wrong is a [`problem`].

mod appointment;
mod bulk;
mod customer;
mod describe;
pub mod docs;
mod figures;
mod import;
mod input;
mod journal;
mod note;
mod output;
mod people;
pub(crate) mod problem;
mod setting;
mod webhook;

use axum::{
    Router,
    extract::{Request, State as Extract},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use rapport_domain::{api_key::KeyAccess, error::AppError};
use rapport_service::{
    api_key::{self, Caller},
    import::PIECE_MAX,
    limit,
};
use tokio::time::timeout;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        SecurityRequirement,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{BODY_MAX, client::Client, outside, state::State, transfer::MENDED_MAX};
use problem::{Problem, refuse};

/// Where the API lies.
pub const ROOT: &str = "/api/v1";

/// The largest body of many customers at once, in bytes.
const BULK_MAX: usize = 4 << 20;

/// The command of the journal that a write made: what can be taken back.
const BATCH: HeaderName = HeaderName::from_static("rapport-batch");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rapport",
        description = "What a person can do in Rapport, a program can do here: with a key of that person, the same \
            rights, the same journal and the same undo. Errors are problems by RFC 9457."
    ),
    components(schemas(Problem)),
    tags(
        (name = "Customers"), (name = "Notes"), (name = "Appointments"), (name = "Imports"), (name = "Journal"),
        (name = "Figures"), (name = "People"), (name = "Settings"), (name = "Webhooks")
    ),
    modifiers(&ByKey)
)]
struct Description;

struct ByKey;

impl Modify for ByKey {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components
            .get_or_insert_with(Default::default)
            .add_security_scheme("key", scheme);
        api.security = Some(vec![SecurityRequirement::new("key", Vec::<String>::new())]);
    }
}

/// Whether a path belongs to the API.
#[must_use]
pub fn holds(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn described() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Description::openapi()).nest(
        ROOT,
        OpenApiRouter::new()
            .merge(of_customers())
            .merge(of_appointments())
            .merge(of_imports())
            .merge(of_people())
            .merge(of_webhooks())
            .routes(routes!(journal::list))
            .routes(routes!(journal::get))
            .routes(routes!(journal::undo))
            .routes(routes!(journal::audit))
            .routes(routes!(setting::get, setting::save))
            .routes(routes!(setting::tags))
            .routes(routes!(setting::retag))
            .routes(routes!(figures::figures))
            .routes(routes!(figures::analytics)),
    )
}

fn of_customers() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(customer::list, customer::create))
        .routes(routes!(customer::export))
        .routes(routes!(bulk::bulk))
        .routes(routes!(customer::get, customer::save, customer::trash))
        .routes(routes!(customer::restore))
        .routes(routes!(note::timeline))
        .routes(routes!(note::write))
        .routes(routes!(note::get, note::save, note::remove))
        .routes(routes!(journal::trash))
}

fn of_appointments() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(appointment::list, appointment::book))
        .routes(routes!(appointment::free))
        .routes(routes!(appointment::get, appointment::save))
        .routes(routes!(appointment::set_status))
        .routes(routes!(appointment::ics))
        .routes(routes!(appointment::of_customer))
        .routes(routes!(appointment::types, appointment::create_type))
        .routes(routes!(appointment::save_type))
}

fn of_imports() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(import::list, import::begin))
        .routes(routes!(import::get, import::set, import::forget))
        .routes(routes!(import::receive))
        .routes(routes!(import::check))
        .routes(routes!(import::run))
        .routes(routes!(import::stop))
        .routes(routes!(import::problems))
        .routes(routes!(import::problems_csv))
        .routes(routes!(import::mended))
}

fn of_people() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(people::me))
        .routes(routes!(people::staff))
        .routes(routes!(people::users))
        .routes(routes!(people::user, people::save_user))
        .routes(routes!(people::deactivate))
        .routes(routes!(people::reactivate))
        .routes(routes!(people::end_sessions))
        .routes(routes!(people::teams, people::create_team))
        .routes(routes!(people::team, people::rename_team, people::remove_team))
        .routes(routes!(people::roles))
        .routes(routes!(people::invitations, people::invite))
        .routes(routes!(people::withdraw_invitation))
        .routes(routes!(people::renew_invitation))
}

fn of_webhooks() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(webhook::list, webhook::create))
        .routes(routes!(webhook::get, webhook::save, webhook::remove))
        .routes(routes!(webhook::pause))
        .routes(routes!(webhook::resume))
        .routes(routes!(webhook::renew_secret))
        .routes(routes!(webhook::ping))
        .routes(routes!(webhook::deliveries))
        .routes(routes!(webhook::send_again))
}

/// The description of the API: OpenAPI 3.1.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = described().split_for_parts().1;
    describe::complete(&mut api);
    api
}

/// The routes.
pub fn router(state: &State) -> Router<State> {
    let (router, _) = described().split_for_parts();
    let nowhere = async || refuse(&AppError::NotFound);
    let wrong_method = async || Problem::wrong_method().into_response();
    router
        .method_not_allowed_fallback(wrong_method)
        .route(ROOT, axum::routing::any(nowhere))
        .route(&format!("{ROOT}/"), axum::routing::any(nowhere))
        .route(&format!("{ROOT}/{{*rest}}"), axum::routing::any(nowhere))
        .layer(from_fn_with_state(state.clone(), admit))
        .merge(docs::router())
}

/// Finds out which program asks and for whom, counts it, and answers within the deadline.
async fn admit(Extract(state): Extract<State>, mut request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>();
    let from = client
        .map(|client| limit::client(client.address))
        .unwrap_or_default();
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let deadline = if large(request.uri().path()).is_some() {
        state.deadlines().file
    } else {
        state.deadlines().form
    };
    let (state, _hold) = state.for_request();
    let answer = timeout(deadline, async {
        let caller = caller(&state, request.headers(), &from).await?;
        outside::note_who(caller.ctx.actor().user);
        let mut response = if writes && caller.access == KeyAccess::Read {
            refuse(&AppError::Forbidden)
        } else {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        };
        say_left(response.headers_mut(), &caller);
        Ok(response)
    });
    answer
        .await
        .unwrap_or(Err(AppError::Unavailable))
        .unwrap_or_else(|error| refused(&error))
}

/// The routes where much goes in or out, by their ends, with the largest body of each, in bytes.
const LARGE: [(&str, usize); 4] = [
    ("/export", BODY_MAX),
    ("/content", PIECE_MAX),
    ("/mended", MENDED_MAX),
    ("/bulk", BULK_MAX),
];

fn large(path: &str) -> Option<usize> {
    let found = LARGE.iter().find(|(end, _)| path.ends_with(end));
    found.map(|(_, most)| *most)
}

/// The largest body of a route, in bytes.
#[must_use]
pub fn body_max(path: &str) -> usize {
    large(path).unwrap_or(BODY_MAX)
}

/// The answer to who is not let in. Of a key that asked too much nothing is left.
fn refused(error: &AppError) -> Response {
    let mut response = refuse(error);
    if let AppError::TooManyRequests { retry_after } = error {
        let headers = response.headers_mut();
        headers.insert(REMAINING, HeaderValue::from(0));
        headers.insert(RESET, HeaderValue::from(*retry_after));
    }
    response
}

async fn caller(state: &State, headers: &HeaderMap, from: &str) -> Result<Caller, AppError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, key) = given
        .and_then(|given| given.split_once(' '))
        .ok_or(AppError::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AppError::Unauthenticated);
    }
    tell(api_key::resolve(state.service(), key.trim(), from).await)
}

fn say_left(headers: &mut HeaderMap, caller: &Caller) {
    headers.insert(LIMIT, HeaderValue::from(caller.left.burst));
    headers.insert(REMAINING, HeaderValue::from(caller.left.remaining));
    headers.insert(RESET, HeaderValue::from(caller.left.reset));
}

/// Who asks, for a handler.
type By = axum::Extension<Caller>;

fn tell<T>(result: rapport_service::Result<T>) -> Result<T, AppError> {
    result.map_err(rapport_service::Error::tell)
}

/// What a handler answers.
type Answer = Result<Response, Refusal>;

/// What a handler refuses with.
#[derive(Debug)]
enum Refusal {
    /// As the service says it.
    App(AppError),
    /// What was sent cannot be read at all.
    Unreadable(Problem),
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Unreadable(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::App(error) => refuse(&error),
            Self::Unreadable(problem) => problem.into_response(),
        }
    }
}
