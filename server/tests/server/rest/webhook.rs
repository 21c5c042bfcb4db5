//! Webhooks by the API.

use axum::body::Body;
use http::{Method, StatusCode};
use rapport_domain::access::BuiltInRole;
use serde_json::json;

use super::{program, with_program};

#[tokio::test]
async fn a_webhook_is_made_once_changed_paused_and_removed() {
    let (site, admin, program_) = with_program().await;
    let new = json!({
        "name": "Shop", "url": "https://shop.example.org/hook", "events": ["note.created", "customer.created"],
        "filter": "1:stage.is(customer)"
    });
    let key = [("idempotency-key", "w")];
    let made = program_.json(Method::POST, "/api/v1/webhooks", &key, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let secret = made.body["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let again = program_.json(Method::POST, "/api/v1/webhooks", &key, &new).await;
    assert_eq!(again.body, made.body);

    let path = made.header("location").to_owned();
    let read = program_.get(&path).await;
    assert_eq!(read.body["secret"], json!(null), "told once");
    assert_eq!(read.body["events"], json!(["customer.created", "note.created"]));
    let changed = program_
        .patch(&path, &json!({"filter": null, "name": "Till"}))
        .await;
    assert_eq!(
        (
            &changed.body["filter"],
            &changed.body["name"],
            &changed.body["url"]
        ),
        (&json!(null), &json!("Till"), &new["url"])
    );
    let stale = [("if-match", "\"1\"")];
    let stale = program_
        .json(Method::PATCH, &path, &stale, &json!({"name": "Desk"}))
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    for (body, wrong) in [
        (json!({"name": ""}), "/name"),
        (json!({"url": "shop"}), "/url"),
        (json!({"url": "http://169.254.169.254/latest"}), "/url"),
        (json!({"events": []}), "/events"),
        (json!({"events": ["user.created"]}), "/events"),
        (json!({"filter": "1:owner.is(me)"}), "/filter"),
        (json!({"filter": "stage=lead"}), "/filter"),
        (json!({"secret": "mine"}), "/secret"),
    ] {
        assert_eq!(program_.patch(&path, &body).await.wrong(), [wrong], "{body}");
    }

    let paused = program_.post(&format!("{path}/pause"), &json!(null)).await;
    assert_eq!(paused.body["state"], "paused");
    let ping = program_.post(&format!("{path}/ping"), &json!(null)).await;
    assert_eq!(ping.status, StatusCode::CONFLICT);
    let goes_on = program_
        .post(&format!("{path}/resume"), &json!({"skip": false}))
        .await;
    assert_eq!(goes_on.body["state"], "active");
    let ping = program_.post(&format!("{path}/ping"), &json!(null)).await;
    assert_eq!(ping.status, StatusCode::NO_CONTENT);
    let log = program_.get(&format!("{path}/deliveries")).await;
    assert_eq!(
        (&log.body["data"][0]["event"], &log.body["data"][0]["state"]),
        (&json!("ping"), &json!("waiting"))
    );
    let renewed = program_.post(&format!("{path}/secret"), &json!(null)).await;
    assert_ne!(renewed.body["secret"], made.body["secret"]);
    assert!(renewed.body["secret"].as_str().unwrap().starts_with("whsec_"));
    program_.post(&format!("{path}/pause"), &json!(null)).await;
    program_
        .post(&format!("{path}/resume"), &json!({"skip": true}))
        .await;
    let log = program_.get(&format!("{path}/deliveries")).await;
    assert_eq!(log.body["data"][0]["state"], "skipped");

    // Who only looks sees it, and changes nothing.
    let looks = program(&site, &admin, "read").await;
    assert_eq!(looks.get(&path).await.status, StatusCode::OK);
    assert_eq!(
        looks.post(&format!("{path}/secret"), &json!(null)).await.status,
        StatusCode::FORBIDDEN
    );
    let member = site
        .house
        .acting(site.house.user(BuiltInRole::Member, None).await)
        .await;
    let member = program(&site, &member, "write").await;
    assert_eq!(member.get(&path).await.status, StatusCode::FORBIDDEN);

    let stale = [("if-match", "\"1\"")];
    let stale = program_.send(Method::DELETE, &path, &stale, Body::empty()).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let gone = program_.send(Method::DELETE, &path, &[], Body::empty()).await;
    let batch = gone.header("rapport-batch").to_owned();
    assert_eq!(program_.get(&path).await.status, StatusCode::NOT_FOUND);
    program_
        .post(&format!("/api/v1/commands/{batch}/undo"), &json!(null))
        .await;
    assert_eq!(program_.get(&path).await.body["name"], "Till");
}
