//! /setup, /sign-in, /sign-out.

use http::StatusCode;
use rapport_domain::access::BuiltInRole;
use rapport_server::{assets, router, state::State};
use rapport_service::user;
use rapport_testing::PASSWORD;

use crate::browser::{Site, patient};

const SET_UP: [(&str, &str); 4] = [
    ("organisation", "Acme"),
    ("name", "Ada"),
    ("email", "ada@example.org"),
    ("password", PASSWORD),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_is_made_with_the_token_from_the_console_and_is_signed_in() {
    let site = Site::empty().await;
    let token = user::issue_setup_token(&site.house.service)
        .await
        .unwrap()
        .unwrap();
    let mut browser = site.browser();
    assert_eq!(browser.get("/customers").await.to(), "/setup");
    let page = browser.get("/setup").await;
    assert_eq!(page.status, StatusCode::OK);

    let mut fields = SET_UP.to_vec();
    fields.push(("token", "WRON-GWRO-NGWR-ONGW"));
    let refused = browser.post("/setup", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused.value_of("organisation").as_deref(),
        Some("Acme"),
        "{}",
        refused.body
    );
    assert!(
        !refused.body.contains(PASSWORD) && !refused.body.contains("WRON-"),
        "{}",
        refused.body
    );

    fields.pop();
    fields.push(("token", &token));
    let done = browser.post("/setup", &fields).await;
    assert_eq!(
        (done.status, done.to()),
        (StatusCode::SEE_OTHER, "/"),
        "{}",
        done.body
    );
    assert_eq!(browser.get("/customers").await.status, StatusCode::OK);

    let again = site.browser().post("/setup", &fields).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(site.browser().get("/setup").await.to(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_leads_to_where_the_person_wanted_to_go() {
    let (site, mut signed_in) = Site::with_admin().await;
    let mut browser = site.browser();
    let turned_away = browser.get("/customers?q=a%20b&open=1").await;
    assert_eq!(
        turned_away.to(),
        "/sign-in?next=%2Fcustomers%3Fq%3Da%2520b%26open%3D1"
    );
    let page = browser.get(turned_away.to()).await;
    assert_eq!(
        page.value_of("next").as_deref(),
        Some("/customers?q=a%20b&open=1")
    );
    let fields = [
        ("email", "admin0@example.org"),
        ("password", PASSWORD),
        ("next", "/customers?q=a%20b&open=1"),
    ];
    let done = browser.post("/sign-in", &fields).await;
    assert_eq!(
        (done.status, done.to()),
        (StatusCode::SEE_OTHER, "/customers?q=a%20b&open=1")
    );
    assert_eq!(signed_in.get("/sign-in").await.to(), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_never_leads_off_the_site() {
    let (site, _) = Site::with_admin().await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let fields = [
            ("email", "admin0@example.org"),
            ("password", PASSWORD),
            ("next", next),
        ];
        assert_eq!(site.browser().post("/sign-in", &fields).await.to(), "/", "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let (site, _) = Site::with_admin().await;
    let wrong = site
        .browser()
        .post("/sign-in", &[("email", "admin0@example.org"), ("password", "no")])
        .await;
    let unknown = site
        .browser()
        .post(
            "/sign-in",
            &[("email", "nobody0@example.org"), ("password", "no")],
        )
        .await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY)
    );
    assert_eq!(wrong.value_of("email").as_deref(), Some("admin0@example.org"));
    let sentence = "The e-mail address or the password is not right.";
    assert!(
        wrong.body.contains(sentence) && unknown.body.contains(sentence),
        "{}",
        wrong.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_hidden_and_new_with_every_sign_in() {
    let (site, mut browser) = Site::with_admin().await;
    let first = browser.cookies["rapport-loopback"].clone();
    let fields = [("email", "admin0@example.org"), ("password", PASSWORD)];
    let done = browser.post("/sign-in", &fields).await;
    let cookie = done.header("set-cookie");
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"),
        "{cookie}"
    );
    assert_ne!(browser.cookies["rapport-loopback"], first);
    // The one before is worth nothing any more.
    let mut old = site.browser();
    old.cookies.insert("rapport-loopback".to_owned(), first);
    assert_eq!(old.get("/customers").await.to(), "/sign-in?next=%2Fcustomers");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_speaks_tls_the_cookie_is_bound_to_the_host() {
    let site = Site::empty().await;
    site.house.user(BuiltInRole::Admin, None).await;
    let mut browser = site
        .browser()
        .header("host", "crm.example")
        .header("origin", "https://crm.example");
    browser = browser
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-forwarded-proto", "https");
    browser.from = "10.1.2.3:5".parse().unwrap();
    let done = browser
        .post(
            "/sign-in",
            &[("email", "admin0@example.org"), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert!(
        done.header("set-cookie").starts_with("__Host-rapport="),
        "{:?}",
        done.headers
    );
    assert!(
        done.header("set-cookie").ends_with("; Secure"),
        "{:?}",
        done.headers
    );
    assert_eq!(done.header("strict-transport-security"), "max-age=31536000");

    let state = State::new(
        site.house.service.clone(),
        assets::Site::none(),
        vec!["10.0.0.0/8".parse().unwrap()],
        patient(),
    );
    browser.router = router(state.with_subdomains());
    let below = browser.get("/sign-in").await;
    assert_eq!(
        below.header("strict-transport-security"),
        "max-age=31536000; includeSubDomains"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_everywhere() {
    let (_site, mut browser) = Site::with_admin().await;
    let mut copy = browser.clone();
    assert_eq!(browser.post("/sign-out", &[]).await.to(), "/sign-in");
    assert!(!browser.cookies.contains_key("rapport-loopback"));
    assert_eq!(copy.get("/customers").await.to(), "/sign-in?next=%2Fcustomers");
    // The page says so, once.
    assert!(browser.get("/sign-in").await.body.contains("You are signed out."));
    assert!(!browser.get("/sign-in").await.body.contains("You are signed out."));
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_limited_by_the_true_address_whatever_the_headers_say() {
    let (site, _) = Site::with_admin().await;
    let mut told = None;
    for guess in 0..40 {
        let mut browser = site
            .browser()
            .header("x-forwarded-for", &format!("192.0.2.{guess}"));
        let answer = browser
            .post(
                "/sign-in",
                &[("email", "admin0@example.org"), ("password", "guess")],
            )
            .await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            told = Some(answer);
            break;
        }
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let told = told.expect("the limit was never reached");
    assert!(told.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(told.value_of("email").as_deref(), Some("admin0@example.org"));
}
