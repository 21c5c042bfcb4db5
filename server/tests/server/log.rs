//! What the log says of who comes in, who is refused and what is tried, and what it never says.

use http::StatusCode;
use rapport_domain::access::BuiltInRole;
use rapport_testing::{Kept, PASSWORD};
use serde_json::Value;

use crate::browser::Site;

const ID: &str = "01933d3e-0000-7000-8000-0000000000d1";

/// The last line of this message.
fn last_line(kept: &Kept, message: &str) -> Value {
    let text = kept.text();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut of_it = lines.filter(|line| line["fields"]["message"] == message);
    of_it
        .next_back()
        .ok_or(format!("no “{message}” in {text}"))
        .unwrap()
}

// On one thread, as what is set here holds for the thread that sets it.
#[tokio::test]
async fn it_says_who_came_in_who_was_refused_and_what_was_tried_and_never_what_was_typed() {
    let site = Site::empty().await;
    let reader = site.house.user(BuiltInRole::ReadOnly, None).await;
    let email = format!("SELECT email FROM app_user WHERE id = '{reader}'");
    let email = site.house.database.read(&email).await;
    let kept = Kept::default();
    let writer = kept.clone();
    let log = tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .finish();
    let _kept = tracing::subscriber::set_default(log);

    let mut browser = site.signed_in(reader).await;
    assert_eq!(
        last_line(&kept, "signed in")["fields"]["account"],
        reader.to_string()
    );

    let refused = browser
        .post("/customers/new", &[("id", ID), ("name", "Ada")])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let answered = last_line(&kept, "answered");
    assert_eq!(answered["fields"]["status"], 403);
    assert_eq!(answered["span"]["who"], reader.to_string());
    assert_eq!(answered["span"]["id"], refused.header("x-request-id"));

    let mut stranger = site.browser();
    let mut wrong = async |email: &str| {
        let fields = [("email", email), ("password", "not quite the password")];
        stranger.post("/sign-in", &fields).await.status
    };
    assert_eq!(wrong(&email).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        last_line(&kept, "a sign-in was refused")["fields"]["account"],
        reader.to_string()
    );
    let mut last = wrong("nobody@x.example").await;
    assert_eq!(
        last_line(&kept, "a sign-in was refused")["fields"]["account"],
        Value::Null
    );
    for _ in 0..40 {
        last = wrong("nobody@x.example").await;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let limits = last_line(&kept, "a limit was reached")["fields"]["limits"].to_string();
    assert!(limits.contains("sign-in-account"), "{limits}");

    let mut elsewhere = browser.clone().header("origin", "https://evil.example");
    assert_eq!(
        elsewhere.post("/sign-out", &[]).await.status,
        StatusCode::FORBIDDEN
    );
    last_line(&kept, "a form of another site was refused");

    let text = kept.text();
    for secret in [PASSWORD, "not quite the password", "nobody@x.example", &email] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
