//! The keys that the API takes.

use axum::body::Body;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use rapport_domain::{
    access::BuiltInRole,
    api_key::NewKey,
    form::Values,
    id::{ApiKeyId, CustomerId},
    user::people::Heir,
};
use rapport_service::{api_key, user};
use serde_json::json;

use super::{Program, another, here, key, with_program};
use crate::browser::Site;

#[tokio::test]
async fn a_key_is_good_until_it_is_revoked_or_over_or_its_owner_leaves() {
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let member = site.ctx(BuiltInRole::Member, None).await;
    let asks = async |secret: &str| {
        let program = Program {
            router: site.router.clone(),
            key: secret.to_owned(),
            from: here(),
        };
        program.get("/api/v1/customers").await
    };
    let (first, secret) = key(&member, "write", "0").await;
    assert!(secret.starts_with("rapport_key_") && secret.len() == 76);
    assert_eq!(asks(&secret).await.status, StatusCode::OK);
    let seen = api_key::list(&member).await.unwrap();
    assert!(seen[0].used.is_some() && seen[0].hint == secret[72..]);
    // Rotation: both are good until the old one is revoked.
    let (_, next) = key(&member, "write", "30").await;
    assert_eq!(
        (asks(&secret).await.status, asks(&next).await.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert!(api_key::revoke(&admin, first).await.is_err(), "another's key");
    api_key::revoke(&member, first).await.unwrap();
    let refused = asks(&secret).await;
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );

    site.house.clock.advance(TimeDelta::days(29));
    assert_eq!(asks(&next).await.status, StatusCode::OK);
    site.house.clock.advance(TimeDelta::days(2));
    assert_eq!(asks(&next).await.status, StatusCode::UNAUTHORIZED);
    assert!(api_key::list(&member).await.unwrap()[0].expired);

    let (_, last) = key(&member, "write", "0").await;
    user::deactivate(&admin, member.actor().user, Heir::Nobody)
        .await
        .unwrap();
    assert_eq!(asks(&last).await.status, StatusCode::UNAUTHORIZED);
    user::reactivate(&admin, member.actor().user).await.unwrap();
    assert_eq!(asks(&last).await.status, StatusCode::OK);
    for nonsense in [
        "",
        "x",
        "rapport_key_",
        &format!("rapport_key_{}", "é".repeat(32)),
        &last[12..],
    ] {
        assert_eq!(
            asks(nonsense).await.status,
            StatusCode::UNAUTHORIZED,
            "{nonsense}"
        );
    }
    // The journal knows that there are keys, and no key.
    let told = "SELECT string_agg(detail::text, ' ') FROM batch WHERE command LIKE '%key'";
    let told = site.house.database.read(told).await;
    assert!(told.contains("Sync") && !told.contains("rapport_key_"), "{told}");
}

#[tokio::test]
async fn a_session_is_no_key_and_a_key_makes_no_keys() {
    let (site, admin, program) = with_program().await;
    let mut browser = site.signed_in(admin.actor().user).await;
    assert_eq!(
        browser.get("/api/v1/customers").await.status,
        StatusCode::UNAUTHORIZED
    );
    let by_key = site
        .house
        .service
        .acting(admin.actor().clone(), rapport_domain::journal::Via::Key);
    let values = Values::default()
        .with("id", by_key.clock().new_id::<ApiKeyId>().to_string())
        .with("name", "More")
        .with("access", "write")
        .with("days", "0");
    assert!(
        api_key::make(&by_key, NewKey::parse(&values).unwrap())
            .await
            .is_err()
    );
    // Who wrote by a key is told so.
    let path = program.customer(json!({"name": "Ada"})).await;
    let id: CustomerId = path.rsplit('/').next().unwrap().parse().unwrap();
    let via = format!("SELECT b.via FROM change c JOIN batch b ON b.id = c.batch WHERE c.subject = '{id}'");
    assert_eq!(site.house.database.read(&via).await, "key");
    // No page of another site reads an answer.
    let answer = program
        .send(
            Method::GET,
            "/api/v1/customers",
            &[("origin", "https://evil.example")],
            Body::empty(),
        )
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_asks_600_times_a_minute_over_two_servers_and_is_told_how_many_are_left() {
    let (site, _, program) = with_program().await;
    let second = Program {
        router: another(&site.house).await,
        key: program.key.clone(),
        from: here(),
    };
    let mut answered = 0;
    let refused = loop {
        let turn = if answered % 2 == 0 { &program } else { &second };
        let answer = turn.get("/api/v1/customers/7").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break answer;
        }
        assert_eq!(answer.header("ratelimit-limit"), "600");
        let left: u32 = answer.header("ratelimit-remaining").parse().unwrap();
        answered += 1;
        assert!(
            left >= 600_u32.saturating_sub(answered),
            "{left} left after {answered}"
        );
        assert!(answered < 2_000, "it is never refused");
    };
    assert!(answered >= 600, "{answered}");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
}
