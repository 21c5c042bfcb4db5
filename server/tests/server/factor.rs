//! /second-factor, and what is open to who has to bring one first.

use http::StatusCode;
use rapport_domain::{access::BuiltInRole, form::Values, organisation::OrganisationPatch};
use rapport_service::{organisation, user};
use rapport_testing::PASSWORD;
use totp_rs::{Builder, Secret};

use crate::browser::{Browser, Site};

const EMAIL: &str = "member1@example.org";

/// A site where everybody has to have a second factor, and the browser of a member who has none.
async fn demanding() -> (Site, Browser) {
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let member = site.house.user(BuiltInRole::Member, None).await;
    let browser = site.signed_in(member).await;
    let values = Values::default().with("second_factor", "demanded");
    let patch = OrganisationPatch::parse(&values, &values).unwrap();
    let version = organisation::get(&admin).await.unwrap().version;
    organisation::save(&admin, version, patch).await.unwrap();
    (site, browser)
}

/// What an app shows that took over the key that a page shows; some steps of time later.
fn shown(page: &str, later: i64) -> String {
    let (_, link) = page.split_once("secret=").unwrap();
    let key: String = link.chars().take_while(char::is_ascii_alphanumeric).collect();
    let app = Builder::new()
        .with_secret(Secret::try_from_base32(key).unwrap())
        .with_account_name("app");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let at = now.as_secs().saturating_add_signed(later * 30);
    app.build().unwrap().generate(at).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_a_demanded_factor_may_bring_one_and_nothing_else() {
    let (site, mut browser) = demanding().await;
    for page in [
        "/",
        "/customers",
        "/settings",
        "/settings/security",
        "/sign-in",
        "/no/such/page",
    ] {
        let answer = browser.get(page).await;
        assert_eq!(
            (answer.status, answer.to()),
            (StatusCode::SEE_OTHER, "/second-factor"),
            "{page}"
        );
    }
    for path in ["customer/list", "session/me", "settings/security"] {
        let answer = browser.read(path, "query=").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in [
        "/customers/export.csv",
        "/imports/01900000-0000-7000-8000-000000000021/problems.csv",
        "/live",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let own = browser.read("session/second-factor", "").await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.body);
    let (name, off) = (
        [("name", "Ada"), ("id", "x")],
        [("current", PASSWORD), ("code", "000000")],
    );
    for (form, fields) in [
        ("/customers/new", &name[..]),
        ("/settings/security/off", &off),
        ("/undo/last", &[]),
    ] {
        assert_eq!(
            browser.post(form, fields).await.status,
            StatusCode::UNAUTHORIZED,
            "{form}"
        );
        assert_eq!(
            browser.submit(form, fields).await.status,
            StatusCode::UNAUTHORIZED,
            "{form}"
        );
    }

    let page = browser.get("/second-factor").await;
    assert_eq!(page.status, StatusCode::OK);
    let (first, second) = (shown(&page.body, 0), shown(&page.body, 1));
    let wrong = browser
        .post("/second-factor", &[("current", "wrong"), ("code", &first)])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!wrong.body.contains(&first), "a code is not sent back");
    let before = browser.clone();
    let on = browser
        .post("/second-factor", &[("current", PASSWORD), ("code", &first)])
        .await;
    assert_eq!(
        (on.status, on.to()),
        (StatusCode::SEE_OTHER, "/second-factor"),
        "{}",
        on.body
    );
    assert!(
        browser
            .get("/second-factor")
            .await
            .body
            .contains("Recovery codes")
    );
    assert_eq!(browser.get("/customers").await.status, StatusCode::OK);
    let old = before.clone().get("/customers").await;
    assert!(old.to().starts_with("/sign-in"), "the session without it is over");

    let mut other = site.browser();
    let asked = other
        .post("/sign-in", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(asked.value_of("email").as_deref(), Some(EMAIL));
    assert!(asked.body.contains("name=\"code\""), "{}", asked.body);
    let entry = [("email", EMAIL), ("password", PASSWORD), ("code", &*second)];
    assert_eq!(other.post("/sign-in", &entry).await.to(), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_out_also_without_the_factor_that_they_lack() {
    let (_site, mut browser) = demanding().await;
    assert_eq!(browser.post("/sign-out", &[]).await.to(), "/sign-in");
    assert_eq!(
        browser.get("/second-factor").await.to(),
        "/sign-in?next=%2Fsecond-factor"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_new_password_leads_to_the_sign_in_of_who_has_a_factor() {
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let member = site.house.user(BuiltInRole::Member, None).await;
    let mut browser = site.signed_in(member).await;
    let page = browser.get("/second-factor").await;
    let proof = [("current", PASSWORD), ("code", &*shown(&page.body, 0))];
    assert_eq!(
        browser.post("/second-factor", &proof).await.status,
        StatusCode::SEE_OTHER
    );
    user::reset_link(&admin, member).await.unwrap();
    let link = user::person(&admin, member).await.unwrap().link.unwrap();
    let token = link.rsplit('/').next().unwrap();
    let new = "another horse battery staple";
    let mut other = site.browser();
    let done = other.post("/reset", &[("token", token), ("password", new)]).await;
    assert_eq!(
        (done.status, done.to()),
        (StatusCode::SEE_OTHER, "/sign-in"),
        "{}",
        done.body
    );
    assert!(
        other
            .get("/sign-in")
            .await
            .body
            .contains("Your new password is set.")
    );

    let mut admins = site.signed_in(admin.actor().user).await;
    let dropped = admins
        .post(&format!("/admin/users/{member}/drop-factor"), &[])
        .await;
    assert_eq!(dropped.status, StatusCode::SEE_OTHER, "{}", dropped.body);
    let entry = [("email", EMAIL), ("password", new)];
    assert_eq!(other.post("/sign-in", &entry).await.to(), "/");
}
