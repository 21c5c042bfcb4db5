//! Figures as Prometheus reads them.

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use rapport_domain::access::BuiltInRole;
use rapport_server::{metrics, state::State};
use tower::ServiceExt;

use crate::browser::{Site, patient};

#[tokio::test]
async fn requests_are_counted_by_route_and_the_state_of_things_is_told() {
    let figures = metrics::begin().unwrap();
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let mut browser = site.signed_in(admin.actor().user).await;
    let id = site.customer(&admin, &[("name", "Ada")]).await;
    assert_eq!(
        browser.get(&format!("/customers/{id}")).await.status,
        StatusCode::OK
    );
    browser.get("/nowhere/at/all").await;

    let state = State::new(
        site.house.service.clone(),
        rapport_server::assets::Site::none(),
        Vec::new(),
        patient(),
    );
    let ask = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = metrics::router(figures, state).oneshot(ask).await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "rapport_requests_total{method=\"GET\",route=\"/customers/{id}\",status=\"200\"}",
        "rapport_request_seconds_bucket{method=\"GET\",route=\"/customers/{id}\",le=\"0.1\"}",
        "rapport_database_up 1",
        "rapport_jobs_open 0",
        "rapport_webhook_messages_waiting 0",
        "rapport_changes_unsealed",
        "rapport_live_streams 0",
    ] {
        assert!(text.contains(line), "no “{line}” in\n{text}");
    }
    assert!(
        !text.contains(&id.to_string()) && !text.contains("nowhere"),
        "paths are no routes\n{text}"
    );
    // It is no page.
    assert_eq!(browser.get("/metrics").await.status, StatusCode::NOT_FOUND);
}
