//! Figures for the one who hosts, in the form that Prometheus reads: on an address of their own, where no person comes by.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::State as Extract,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use rapport_service::health;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};

use crate::state::State;

/// How many requests were answered, by method, route and status.
const REQUESTS: &str = "rapport_requests_total";
/// How long an answer took to begin, by method and route.
const SECONDS: &str = "rapport_request_seconds";
/// The methods that are told apart.
const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// How often what was counted is put together, also while nobody asks for it.
const UPKEEP: Duration = Duration::from_secs(5);
/// The bounds of the histogram, in seconds: about the budgets of pages and forms.
const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];
/// How long the figures from PostgreSQL may take. Otherwise the last ones are shown, and that it is not up.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the text is.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Begins to count. Until then nothing is counted, and counting costs nothing.
///
/// # Errors
/// When something counts already.
pub fn begin() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), &BOUNDS)?
        .install_recorder()
}

/// Counts an answer. The route is a pattern, not a path: of those there is no end.
pub fn count(method: &str, route: Option<&str>, status: StatusCode, took: Duration) {
    // Whoever asks may name a method as they like.
    let known = KNOWN.iter().find(|known| **known == method);
    let (method, route) = (*known.unwrap_or(&"other"), route.unwrap_or("other").to_owned());
    let status = status.as_str().to_owned();
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status).increment(1);
    histogram!(SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// What answers at `/metrics`.
pub fn router(figures: PrometheusHandle, state: State) -> Router {
    Router::new()
        .route("/metrics", get(show))
        .with_state((figures, state))
}

/// Answers at an address for as long as it is polled.
///
/// # Errors
/// When the address is taken.
pub async fn serve(address: SocketAddr, figures: PrometheusHandle, state: State) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let upkeep = async {
        loop {
            figures.run_upkeep();
            sleep(UPKEEP).await;
        }
    };
    tokio::select! {
        served = axum::serve(listener, router(figures.clone(), state)).into_future() => served,
        () = upkeep => Ok(()),
    }
}

async fn show(Extract((figures, state)): Extract<(PrometheusHandle, State)>) -> Response {
    gauge!("rapport_live_streams").set(f64::from(
        u32::try_from(state.live().streams()).unwrap_or(u32::MAX),
    ));
    let found = timeout(PATIENCE, health::gauges(state.service())).await;
    let up = matches!(found, Ok(Ok(_)));
    gauge!("rapport_database_up").set(if up { 1.0 } else { 0.0 });
    if let Ok(Ok(found)) = found {
        for (name, value) in found {
            gauge!(name).set(value);
        }
    }
    figures.run_upkeep();
    ([(CONTENT_TYPE, KIND)], figures.render()).into_response()
}
