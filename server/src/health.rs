//! Whether the server is alive, and whether it can do its work. For load balancers and scripts; says nothing else.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use rapport_service::{session, user};
use tokio::time::timeout;

use crate::state::State;

/// A session that nobody has: looking it up asks Redis and finds nothing.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The process runs and answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// PostgreSQL and Redis answer, with what the first page of anybody needs.
pub async fn ready(axum::extract::State(state): axum::extract::State<State>) -> Response {
    let ask = async {
        tokio::try_join!(
            user::setup_needed(state.service()),
            session::resolve(state.service(), NOBODY)
        )
    };
    match timeout(state.deadlines().page, ask).await {
        Ok(Ok(_)) => "ok\n".into_response(),
        _ => {
            let mut response = (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response();
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}
