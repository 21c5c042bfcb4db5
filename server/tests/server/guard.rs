//! What comes in, and with what headers it goes out.

use axum::{Router, body::Body, extract::Request, middleware::from_fn_with_state, routing::get};
use http::{Method, StatusCode};
use rapport_server::{
    outside,
    state::{Deadlines, State},
};
use rapport_testing::House;
use tower::ServiceExt;

use crate::browser::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_cookie_lets_nobody_in() {
    let (_site, browser) = Site::with_admin().await;
    let good = browser.cookies["rapport-loopback"].clone();
    let turned: String = good.chars().rev().collect();
    for bad in [
        &turned,
        &good[1..],
        &format!("{good}0"),
        "%00",
        "'; DROP TABLE app_user; --",
        &"0".repeat(64),
    ] {
        let mut browser = browser.clone();
        browser
            .cookies
            .insert("rapport-loopback".to_owned(), bad.to_owned());
        assert_eq!(
            browser.get("/customers").await.to(),
            "/sign-in?next=%2Fcustomers",
            "{bad}"
        );
        assert_eq!(
            browser.read("session/me", "").await.status,
            StatusCode::UNAUTHORIZED,
            "{bad}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_another_site_started_is_refused() {
    let (_site, browser) = Site::with_admin().await;
    let cases = [
        browser.clone().header("origin", "https://evil.example"),
        browser.clone().header("origin", "null"),
        browser.clone().header("origin", "http://localhost.evil.example"),
        browser.clone().header("origin", "https://localhost"),
        browser.clone().header("origin", "http://localhost:4000"),
        browser.clone().header("sec-fetch-site", "cross-site"),
        browser
            .clone()
            .header("sec-fetch-site", "same-site")
            .without("origin"),
        browser.clone().without("origin"),
    ];
    for mut case in cases {
        assert_eq!(
            case.post("/sign-out", &[]).await.status,
            StatusCode::FORBIDDEN,
            "{:?}",
            case.headers
        );
        let by_script = case.submit("/sign-out", &[]).await;
        assert_eq!(by_script.status, StatusCode::FORBIDDEN);
        assert_eq!(by_script.body, r#""forbidden""#);
    }
    let mut browser = browser.header("sec-fetch-site", "same-origin");
    assert_eq!(
        browser.get("/customers").await.status,
        StatusCode::OK,
        "the session is still there"
    );
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_from_elsewhere_gets_a_page_that_says_how_to_add_tls() {
    let (_site, mut browser) = Site::with_admin().await;
    browser.from = "192.0.2.9:1".parse().unwrap();
    for mut case in [
        browser.clone(),
        browser.clone().header("x-forwarded-proto", "https"),
    ] {
        let answer = case.get("/customers").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("TRUSTED_PROXIES"), "{}", answer.body);
    }
    assert_eq!(browser.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_bears_headers_that_let_only_its_own_program_run() {
    let (_site, mut browser) = Site::with_admin().await;
    let page = browser.get("/customers").await;
    let policy = page.header("content-security-policy").to_owned();
    let (_, nonce) = policy.split_once("'nonce-").unwrap();
    let (nonce, _) = nonce.split_once('\'').unwrap();
    for directive in [
        "default-src 'none'",
        "'wasm-unsafe-eval'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    for script in page.body.split("<script").skip(1) {
        let (tag, _) = script.split_once('>').unwrap();
        assert!(
            tag.contains(&format!("nonce=\"{nonce}\"")),
            "a script without the nonce: {tag}"
        );
    }
    assert!(
        !page.body.contains(" style=\"") && !page.body.contains(" onclick="),
        "inline style or handler"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(
        page.header("strict-transport-security"),
        "",
        "not over plain HTTP"
    );
    assert_ne!(
        browser.get("/customers").await.header("content-security-policy"),
        policy,
        "a nonce is good once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_with_the_right_status() {
    let (_site, mut browser) = Site::with_admin().await;
    for path in [
        "/no/such/page",
        "/customers/not-an-id",
        "/customers/1/edit",
        "/customers/01933d3e-0000-7000-8000-000000000001",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("<main"), "{path}: {}", answer.body);
    }
    assert_eq!(browser.get("/favicon.nope").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        browser.post("/no/such/form", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        browser.post("/customers/not-an-id/trash", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        browser.post("/customers", &[]).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let delete = browser
        .send(Method::DELETE, "/customers/new", None, String::new())
        .await;
    assert_eq!(delete.status, StatusCode::METHOD_NOT_ALLOWED);
    let head = browser
        .send(Method::HEAD, "/customers", None, String::new())
        .await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_path_that_is_only_visited_leads_to_its_page() {
    let (_site, mut browser) = Site::with_admin().await;
    assert_eq!(browser.get("/undo").await.to(), "/customers");
    let id = "01933d3e-0000-7000-8000-000000000001";
    assert_eq!(
        browser.get(&format!("/customers/{id}/trash")).await.to(),
        format!("/customers/{id}")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_of_the_wrong_kind_is_refused_with_a_sentence() {
    let (_site, mut browser) = Site::with_admin().await;
    let megabyte = "x".repeat(1 << 20);
    let answer = browser.post("/customers/new", &[("name", &megabyte)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("at most 256 KB"), "{}", answer.body);
    let by_script = browser.submit("/customers/new", &[("name", &megabyte)]).await;
    assert_eq!(by_script.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(by_script.body.contains("at most 256 KB"), "{}", by_script.body);
    let json = browser
        .send(
            Method::POST,
            "/customers/new",
            Some("application/json"),
            "{}".to_owned(),
        )
        .await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_read_is_the_callers_mistake_and_never_redirects() {
    let (_site, mut browser) = Site::with_admin().await;
    browser = browser.header("referer", "http://localhost/customers");
    for body in [
        "",
        "{",
        "[]",
        r#"{"path":"/customers/new"}"#,
        r#"{"path":1,"values":{}}"#,
        "\u{0}",
    ] {
        let answer = browser
            .send(
                Method::POST,
                "/api/fn/form/submit",
                Some("application/json"),
                body.to_owned(),
            )
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            answer.body
        );
        assert_eq!(answer.to(), "");
    }
    for query in ["", "id", "id=%FF", "before=x&id=1"] {
        let answer = browser.read("customer/timeline", query).await;
        assert!(
            answer.status.is_client_error(),
            "{query}: {} {}",
            answer.status,
            answer.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_with_a_page() {
    async fn defect() -> &'static str {
        panic!("a defect")
    }
    let house = House::new().await;
    let state = State::new(
        house.service.clone(),
        rapport_server::assets::Site::none(),
        Vec::new(),
        Deadlines::default(),
    );
    let router = Router::new()
        .route("/", get(defect))
        .layer(from_fn_with_state(state, outside::survive));
    let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
