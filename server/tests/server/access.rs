//! The walk: every server function and every form as every role. What has no line here fails.

use std::collections::BTreeSet;

use http::StatusCode;
use rapport_app::door::Form;
use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    id::{ActivityId, CustomerId},
    journal::Receipt,
};
use rapport_service::{Ctx, activity, customer::command};
use rapport_testing::PASSWORD;

use crate::browser::{Browser, Site};

/// Admin, manager, member, read-only, nobody.
type Answers = [u16; 5];

/// What a line acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Nothing in particular.
    Any,
    /// A customer of the member; manager and read-only are of the same team.
    Near,
    /// A customer of another team.
    Far,
}
use Whose::{Any, Far, Near};

/// Server functions that read, by their path under `/api/fn/`, with their query.
const FUNCTIONS: &[(&str, Whose, &str, Answers)] = &[
    ("session/me", Any, "", [200, 200, 200, 200, 401]),
    ("customer/list", Any, "query=", [200, 200, 200, 200, 401]),
    ("customer/get", Near, "id={id}", [200, 200, 200, 200, 401]),
    ("customer/get", Far, "id={id}", [200, 200, 404, 200, 401]),
    ("customer/timeline", Near, "id={id}", [200, 200, 200, 200, 401]),
    ("customer/timeline", Far, "id={id}", [200, 200, 404, 200, 401]),
    ("customer/suggest", Any, "text=a", [200, 200, 200, 200, 401]),
    ("customer/owners", Any, "", [200, 200, 200, 200, 401]),
    // The door by script: walked form by form below.
    ("form/submit", Any, "", [0, 0, 0, 0, 0]),
];

/// Forms, by pattern. A post that succeeds answers 303, by script 200.
const FORMS: &[(&str, Whose, Answers)] = &[
    ("/setup", Any, [409, 409, 409, 409, 409]),
    ("/sign-in", Any, [303, 303, 303, 303, 303]),
    ("/sign-out", Any, [303, 303, 303, 303, 303]),
    ("/theme", Any, [303, 303, 303, 303, 303]),
    ("/customers/new", Any, [303, 303, 303, 403, 401]),
    ("/customers/{id}/edit", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/edit", Far, [303, 403, 404, 403, 401]),
    ("/customers/{id}/trash", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/trash", Far, [303, 403, 404, 403, 401]),
    ("/customers/{id}/restore", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/restore", Far, [303, 403, 404, 403, 401]),
    ("/customers/{id}/notes", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/notes", Far, [303, 403, 404, 403, 401]),
    ("/notes/{id}/edit", Near, [303, 303, 303, 403, 401]),
    ("/notes/{id}/edit", Far, [303, 403, 404, 403, 401]),
    ("/notes/{id}/remove", Near, [303, 303, 303, 403, 401]),
    ("/notes/{id}/remove", Far, [303, 403, 404, 403, 401]),
    // What the rights do not reach is left as it is, and said so.
    ("/undo", Near, [303, 303, 303, 409, 401]),
    ("/undo", Far, [303, 409, 404, 409, 401]),
];

/// A site with two teams, and a browser for everybody.
struct Scene {
    site: Site,
    admin: Ctx,
    near: String,
    far: String,
    browsers: Vec<Browser>,
}

impl Scene {
    async fn new() -> Self {
        let site = Site::empty().await;
        let (north, south) = (site.house.team("North").await, site.house.team("South").await);
        let admin = site.house.user(BuiltInRole::Admin, None).await;
        let manager = site.house.user(BuiltInRole::Manager, Some(north)).await;
        let member = site.house.user(BuiltInRole::Member, Some(north)).await;
        let read_only = site.house.user(BuiltInRole::ReadOnly, Some(north)).await;
        let stranger = site.house.user(BuiltInRole::Member, Some(south)).await;
        let mut browsers = Vec::new();
        for user in [admin, manager, member, read_only] {
            browsers.push(site.signed_in(user).await);
        }
        browsers.push(site.browser());
        let admin = site.house.acting(admin).await;
        Self {
            site,
            admin,
            near: member.to_string(),
            far: stranger.to_string(),
            browsers,
        }
    }

    async fn customer(&self, whose: Whose) -> CustomerId {
        let owner = if whose == Far { &self.far } else { &self.near };
        self.site
            .customer(&self.admin, &[("name", "Ada"), ("owner_id", owner)])
            .await
    }

    async fn note(&self, about: CustomerId) -> Receipt {
        let note = NewNote {
            id: self.admin.clock().new_id::<ActivityId>(),
            body: "A note".to_owned(),
        };
        activity::write_note(&self.admin, about, note).await.unwrap()
    }

    /// A form's path and fields, right in everything but perhaps who sends it.
    async fn form(&self, pattern: &str, whose: Whose, place: usize) -> (String, Vec<(&'static str, String)>) {
        let customer = self.customer(whose).await;
        let new_id = self.admin.clock().new_id::<ActivityId>().to_string();
        let (id, fields) = match pattern {
            "/setup" => {
                let texts = [
                    ("token", "A"),
                    ("organisation", "A"),
                    ("name", "A"),
                    ("email", "a@b"),
                    ("password", PASSWORD),
                ];
                (
                    String::new(),
                    texts.map(|(name, text)| (name, text.to_owned())).to_vec(),
                )
            }
            "/sign-in" => (
                String::new(),
                vec![("email", email(place)), ("password", PASSWORD.to_owned())],
            ),
            "/theme" => (String::new(), vec![("theme", "dark".to_owned())]),
            "/customers/new" => (String::new(), vec![("id", new_id), ("name", "Ada".to_owned())]),
            "/customers/{id}/edit" => (
                customer.to_string(),
                vec![("version", "1".to_owned()), ("city", "Bath".to_owned())],
            ),
            "/customers/{id}/restore" => {
                command::trash(&self.admin, customer).await.unwrap();
                (customer.to_string(), vec![])
            }
            "/customers/{id}/notes" => (
                customer.to_string(),
                vec![("id", new_id), ("body", "Hello".to_owned())],
            ),
            "/notes/{id}/edit" => (
                self.note(customer).await.record.to_string(),
                vec![("body", "Another".to_owned())],
            ),
            "/notes/{id}/remove" => (self.note(customer).await.record.to_string(), vec![]),
            "/undo" => {
                let batch = self.note(customer).await.batch.unwrap();
                (String::new(), vec![("batch", batch.to_string())])
            }
            _ => (customer.to_string(), vec![]),
        };
        (pattern.replace("{id}", &id), fields)
    }
}

#[test]
fn every_server_function_has_a_line() {
    let here: BTreeSet<String> = FUNCTIONS
        .iter()
        .map(|(path, ..)| format!("/api/fn/{path}"))
        .collect();
    let there: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path.to_owned())
        .collect();
    assert!(!there.is_empty());
    assert_eq!(here, there, "each server function has its answers in this table");
}

#[test]
fn every_form_has_a_line() {
    let here: BTreeSet<&str> = FORMS.iter().map(|(pattern, ..)| *pattern).collect();
    let there: BTreeSet<&str> = Form::PATTERNS.iter().copied().collect();
    assert_eq!(here, there, "each form has its answers in this table");
    for pattern in there.iter().filter(|pattern| pattern.contains("{id}")) {
        let whose: Vec<Whose> = FORMS
            .iter()
            .filter(|(of, ..)| of == pattern)
            .map(|(_, whose, _)| *whose)
            .collect();
        assert_eq!(whose, [Near, Far], "{pattern}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_function_answers_every_role_as_the_table_says() {
    let scene = Scene::new().await;
    for (path, whose, query, answers) in FUNCTIONS.iter().filter(|(path, ..)| *path != "form/submit") {
        let query = query.replace("{id}", &scene.customer(*whose).await.to_string());
        let mut given = Answers::default();
        for (browser, given) in scene.browsers.iter().zip(&mut given) {
            *given = browser.clone().read(path, &query).await.status.as_u16();
        }
        assert_eq!(given, *answers, "{path} {whose:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_answers_every_role_as_the_table_says_with_script_and_without() {
    let scene = Scene::new().await;
    for (pattern, whose, answers) in FORMS {
        let (mut posted, mut submitted) = (Answers::default(), Answers::default());
        for (place, browser) in scene.browsers.iter().enumerate() {
            // A session of its own where the form ends it: that must not reach the next line.
            let mut browser = match (*pattern, place) {
                ("/sign-out" | "/sign-in", 0..4) => fresh(&scene, place).await,
                _ => browser.clone(),
            };
            let (path, fields) = scene.form(pattern, *whose, place).await;
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            posted[place] = browser.clone().post(&path, &fields).await.status.as_u16();
            let (path, fields) = scene.form(pattern, *whose, place).await;
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let answer = browser.submit(&path, &fields).await;
            submitted[place] = if answer.status == StatusCode::OK {
                303
            } else {
                answer.status.as_u16()
            };
        }
        assert_eq!(posted, *answers, "{pattern} {whose:?}, without script");
        assert_eq!(submitted, *answers, "{pattern} {whose:?}, with script");
    }
}

/// The address of the user in this column; for nobody, any.
fn email(place: usize) -> String {
    let name = ["admin0", "manager1", "member2", "read_only3"]
        .get(place)
        .unwrap_or(&"read_only3");
    format!("{name}@example.org")
}

async fn fresh(scene: &Scene, place: usize) -> Browser {
    let mut browser = scene.site.browser();
    let fields = [("email", &*email(place)), ("password", PASSWORD)];
    assert_eq!(
        browser.post("/sign-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    browser
}
