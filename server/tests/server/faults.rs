//! PostgreSQL or Redis stopped or frozen: an honest 503, nobody let in, and all well again soon after.

use std::time::{Duration, Instant};

use http::StatusCode;
use rapport_domain::access::BuiltInRole;
use rapport_testing::{Faults, House, Proxy, eventually};

use crate::browser::{Answer, Browser, Site};

/// What a page may take when it cannot be had.
const PATIENCE: Duration = Duration::from_millis(1_500);
const BACK_WITHIN: Duration = Duration::from_secs(2);
const ID: &str = "01933d3e-0000-7000-8000-0000000000c1";

async fn scene() -> (Site, Faults, Browser) {
    let (house, faults) = House::with_faults().await;
    let site = Site::of(house);
    let admin = site.house.user(BuiltInRole::Admin, None).await;
    let browser = site.signed_in(admin).await;
    (site, faults, browser)
}

async fn timed(what: impl Future<Output = Answer>) -> Answer {
    let began = Instant::now();
    let answer = what.await;
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    answer
}

/// A page, a call and a form while a part is away, then all of them when it is back.
async fn endure(proxy: &Proxy, mut browser: Browser, harm: impl Fn(&Proxy)) {
    assert_eq!(browser.get("/customers").await.status, StatusCode::OK);
    harm(proxy);
    let page = timed(browser.get("/customers")).await;
    assert_eq!(
        (page.status, page.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "1")
    );
    assert!(page.body.contains("Nothing was lost"), "{}", page.body);
    let call = timed(browser.read("session/me", "")).await;
    assert_eq!(
        (call.status, call.body.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"unavailable"}"#)
    );
    assert_eq!(
        timed(browser.get("/health/ready")).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(browser.get("/health/live").await.status, StatusCode::OK);
    let form = browser
        .post("/customers/new", &[("id", ID), ("name", "Ada <3")])
        .await;
    assert_eq!(form.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        form.body.contains("Ada &lt;3") && form.body.contains("Send again"),
        "{}",
        form.body
    );

    proxy.restore();
    eventually("the page is there again", BACK_WITHIN, || {
        let mut browser = browser.clone();
        async move { browser.get("/customers").await.status == StatusCode::OK }
    })
    .await;
    let form = browser
        .post("/customers/new", &[("id", ID), ("name", "Ada <3")])
        .await;
    assert_eq!(form.status, StatusCode::SEE_OTHER, "{}", form.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stopped_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.postgres, browser, Proxy::break_off).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_frozen_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.postgres, browser, Proxy::freeze).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stopped_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.redis, browser, Proxy::break_off).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_frozen_is_said_and_heals() {
    let (_site, faults, browser) = scene().await;
    endure(&faults.redis, browser, Proxy::freeze).await;
}
