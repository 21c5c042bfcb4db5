//! The stream of news, by URL.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use http::{Method, Response, StatusCode};
use rapport_domain::access::BuiltInRole;
use rapport_server::state::Deadlines;
use rapport_testing::House;
use tokio::time::timeout;
use uuid::Uuid;

use crate::browser::{Browser, Site, patient};

const SOON: Duration = Duration::from_secs(10);

async fn open(browser: &Browser, path: &str) -> Response<Body> {
    browser.begin(Method::GET, path, None, Body::empty()).await
}

/// Reads until a text has come; gives all that did.
async fn until(stream: &mut axum::body::BodyDataStream, wanted: &str) -> String {
    let mut heard = String::new();
    while !heard.contains(wanted) {
        let piece = timeout(SOON, stream.next())
            .await
            .expect(wanted)
            .expect("it is over")
            .unwrap();
        heard.push_str(std::str::from_utf8(&piece).unwrap());
    }
    heard
}

#[tokio::test]
async fn a_browser_hears_what_others_do_and_whoever_is_not_signed_in_does_not() {
    let site = Site::empty().await;
    let anna = site.ctx(BuiltInRole::Admin, None).await;
    let browser = site.signed_in(anna.actor().user).await;
    let nobody = open(&site.browser(), "/live").await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);

    let stream = open(&browser, "/live").await;
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert!(stream.headers().get("content-encoding").is_none());
    let mut stream = stream.into_body().into_data_stream();
    until(&mut stream, "\"begun\"").await;
    let id = site.customer(&anna, &[("name", "Ada")]).await;
    let heard = until(&mut stream, &id.to_string()).await;
    assert!(heard.contains("\nid: ") || heard.starts_with("id: "), "{heard}");
    assert!(!heard.contains("Ada"));

    // It comes back to where it was.
    let place = heard
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    drop(stream);
    let back = open(&browser.clone().header("last-event-id", &place), "/live").await;
    until(&mut back.into_body().into_data_stream(), &id.to_string()).await;
    let back = open(&browser, &format!("/live?after={place}")).await;
    until(&mut back.into_body().into_data_stream(), &id.to_string()).await;

    // Signed out, it is over.
    let mut stream = open(&browser, "/live?after=7.-5")
        .await
        .into_body()
        .into_data_stream();
    let mut leaves = browser.clone();
    leaves.post("/sign-out", &[]).await;
    until(&mut stream, "\"over\"").await;
}

#[tokio::test]
async fn a_stream_ends_by_itself_in_case_nobody_reads_it() {
    let deadlines = Deadlines {
        stream: Duration::from_millis(500),
        ..patient()
    };
    let site = Site::within(House::new().await, deadlines);
    let anna = site.house.user(BuiltInRole::Admin, None).await;
    let stream = open(&site.signed_in(anna).await, "/live").await;
    let mut stream = stream.into_body().into_data_stream();
    until(&mut stream, "\"begun\"").await;
    while timeout(SOON, stream.next()).await.expect("it goes on").is_some() {}
}

#[tokio::test]
async fn a_browser_says_where_its_person_is_and_nobody_says_it_for_them() {
    let site = Site::empty().await;
    let anna = site.ctx(BuiltInRole::Admin, None).await;
    let id = site.customer(&anna, &[("name", "Ada")]).await;
    let browser = site.signed_in(anna.actor().user).await;
    let here = |record: String| {
        format!(
            "{{\"tab\": \"{}\", \"record\": {record}, \"field\": \"city\", \"turn\": 1, \"active\": false}}",
            Uuid::nil()
        )
    };
    let say = async |browser: &Browser, body: String| {
        browser
            .begin(Method::POST, "/live/here", Some("text/plain"), body)
            .await
            .status()
    };
    assert_eq!(
        say(&browser, here(format!("\"{id}\""))).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        say(&browser, here("null".to_owned())).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        say(&browser, here(format!("\"{}\"", Uuid::nil()))).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        say(&browser, "{".to_owned()).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        say(&site.browser(), here("null".to_owned())).await,
        StatusCode::UNAUTHORIZED
    );
    let elsewhere = browser.clone().header("origin", "https://evil.example");
    assert_eq!(
        say(&elsewhere, here("null".to_owned())).await,
        StatusCode::FORBIDDEN
    );
}
