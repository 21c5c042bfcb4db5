//! The REST API: every route as every role, what is sent and answered, and the keys it takes.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
};
use chrono::TimeDelta;
use http::{HeaderMap, Method, Request, StatusCode};
use rapport_domain::{
    access::BuiltInRole,
    api_key::NewKey,
    form::Values,
    id::{ApiKeyId, CustomerId},
    user::people::Heir,
};
use rapport_server::{
    rest, router,
    state::State,
};
use rapport_service::{Ctx, Service, api_key, user};
use rapport_testing::House;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::browser::{Site, patient};

/// A program with a key.
#[derive(Clone)]
struct Program {
    router: Router,
    key: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The pointers and parameters that a problem names, in order.
    fn wrong(&self) -> Vec<String> {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.body
        );
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let named = |error: &Value| {
            error["pointer"]
                .as_str()
                .or(error["parameter"].as_str())
                .map(str::to_owned)
        };
        errors.iter().filter_map(named).collect()
    }
}

impl Program {
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.key))
            .extension(ConnectInfo::<std::net::SocketAddr>(
                "127.0.0.1:4711".parse().unwrap(),
            ));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    async fn json(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(method, path, &all, Body::from(body.to_string())).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, &[], body).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, &[], body).await
    }

    /// Makes a customer; gives its path.
    async fn customer(&self, body: Value) -> String {
        let made = self.post("/api/v1/customers", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.header("location").to_owned()
    }
}

/// A new key of somebody.
async fn key(ctx: &Ctx, access: &str, days: &str) -> (ApiKeyId, String) {
    let id: ApiKeyId = ctx.clock().new_id();
    let values = Values::default()
        .with("id", id.to_string())
        .with("name", "Sync")
        .with("access", access)
        .with("days", days);
    api_key::make(ctx, NewKey::parse(&values).unwrap()).await.unwrap();
    let keys = api_key::list(ctx).await.unwrap();
    let made = keys.into_iter().find(|key| key.id == id).unwrap();
    (id, made.secret.unwrap())
}

async fn program(site: &Site, ctx: &Ctx, access: &str) -> Program {
    Program {
        router: site.router.clone(),
        key: key(ctx, access, "90").await.1,
    }
}

/// A site with an admin's program.
async fn with_program() -> (Site, Ctx, Program) {
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let program = program(&site, &admin, "write").await;
    (site, admin, program)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Any,
    Near,
    Far,
}
use Whose::{Any, Far, Near};

/// Every route, as admin, manager, member and read-only, by a key of the admin that only looks, and by none.
const ROUTES: &[(&str, &str, Whose, [u16; 6])] = &[
    ("get", "/api/v1/customers", Any, [200, 200, 200, 200, 200, 401]),
    ("post", "/api/v1/customers", Any, [201, 201, 201, 403, 403, 401]),
    (
        "get",
        "/api/v1/customers/{id}",
        Near,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "get",
        "/api/v1/customers/{id}",
        Far,
        [200, 200, 404, 200, 200, 401],
    ),
    (
        "patch",
        "/api/v1/customers/{id}",
        Near,
        [200, 200, 200, 403, 403, 401],
    ),
    (
        "patch",
        "/api/v1/customers/{id}",
        Far,
        [200, 403, 404, 403, 403, 401],
    ),
    (
        "delete",
        "/api/v1/customers/{id}",
        Near,
        [204, 204, 204, 403, 403, 401],
    ),
    (
        "delete",
        "/api/v1/customers/{id}",
        Far,
        [204, 403, 404, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/customers/{id}/restore",
        Near,
        [200, 200, 200, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/customers/{id}/restore",
        Far,
        [200, 403, 404, 403, 403, 401],
    ),
    // What the rights do not reach is left as it is, and counted.
    (
        "post",
        "/api/v1/commands/{id}/undo",
        Near,
        [200, 200, 200, 200, 403, 401],
    ),
    (
        "post",
        "/api/v1/commands/{id}/undo",
        Far,
        [200, 200, 404, 200, 403, 401],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_role_as_the_table_says() {
    let described: BTreeSet<(String, String)> = serde_json::to_value(rest::description()).unwrap()["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods
                .map(|method| (method.clone(), path.clone()))
                .collect::<Vec<_>>()
        })
        .collect();
    let listed: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(
        listed, described,
        "a route without a line, or a line without a route"
    );

    let site = Site::empty().await;
    let (near, far) = (site.house.team("Near").await, site.house.team("Far").await);
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let member = site.ctx(BuiltInRole::Member, Some(near)).await;
    let stranger = site.ctx(BuiltInRole::Member, Some(far)).await;
    let manager = site.ctx(BuiltInRole::Manager, Some(near)).await;
    let looks = site.ctx(BuiltInRole::ReadOnly, Some(near)).await;
    let mut programs = Vec::new();
    for (ctx, access) in [
        (&admin, "write"),
        (&manager, "write"),
        (&member, "write"),
        (&looks, "write"),
        (&admin, "read"),
    ] {
        programs.push(program(&site, ctx, access).await);
    }
    programs.push(Program {
        router: site.router.clone(),
        key: format!("rapport_key_{}", "0".repeat(64)),
    });
    for (method, pattern, whose, answers) in ROUTES {
        let mut given = Vec::new();
        for program in &programs {
            let owner = if *whose == Far { &stranger } else { &member };
            let fields = [("name", "Ada"), ("owner_id", &owner.actor().user.to_string())];
            let id = site.customer(&admin, &fields).await.to_string();
            let id = if pattern.contains("commands") {
                made_by(&site, &id).await
            } else {
                id
            };
            if pattern.ends_with("restore") {
                programs[0]
                    .send(
                        Method::DELETE,
                        &format!("/api/v1/customers/{id}"),
                        &[],
                        Body::empty(),
                    )
                    .await;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = pattern.replace("{id}", &id);
            given.push(
                program
                    .json(method, &path, &[], &json!({"name": "Ada B"}))
                    .await
                    .status
                    .as_u16(),
            );
        }
        assert_eq!(given, answers, "{method} {pattern} {whose:?}");
    }
}

/// The command that made a customer.
async fn made_by(site: &Site, id: &str) -> String {
    let made = format!("SELECT batch::text FROM change WHERE subject = '{id}' AND op = 'create'");
    site.house.database.read(&made).await
}

#[tokio::test]
async fn a_customer_is_made_read_changed_thrown_away_and_all_of_it_taken_back() {
    let (_site, admin, program) = with_program().await;
    let body = json!({
        "name": "Nordlicht", "kind": "company", "stage": "lead", "city": "Hamburg",
        "emails": ["a@n.example", "b@n.example"], "tags": ["fair", "north"]
    });
    let made = program.post("/api/v1/customers", &body).await;
    assert_eq!((made.status, made.header("etag")), (StatusCode::CREATED, "\"1\""));
    let path = made.header("location").to_owned();
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&made.body[field], value, "{field}");
    }
    assert_eq!(made.body["owner_id"], json!(admin.actor().user.to_string()));
    assert!(made.body["created_at"].as_str().unwrap().ends_with('Z'));
    let read = program.get(&path).await;
    assert_eq!((read.status, &read.body), (StatusCode::OK, &made.body));
    let unchanged = program
        .send(Method::GET, &path, &[("if-none-match", "W/\"1\"")], Body::empty())
        .await;
    assert_eq!(
        (unchanged.status, unchanged.header("etag")),
        (StatusCode::NOT_MODIFIED, "\"1\"")
    );

    // A merge patch: what is not sent stays, null clears.
    let patch = json!({"city": null, "emails": ["c@n.example"], "stage": "customer"});
    let headers = [
        ("if-match", "\"1\""),
        ("content-type", "application/merge-patch+json"),
    ];
    let changed = program
        .send(Method::PATCH, &path, &headers, Body::from(patch.to_string()))
        .await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (StatusCode::OK, "\"2\"")
    );
    assert_eq!(
        (
            &changed.body["city"],
            &changed.body["emails"],
            &changed.body["name"]
        ),
        (&Value::Null, &json!(["c@n.example"]), &json!("Nordlicht"))
    );
    let nothing = program.patch(&path, &json!({"stage": "customer"})).await;
    assert_eq!(
        (nothing.header("etag"), nothing.header("rapport-batch")),
        ("\"2\"", "")
    );
    let stale = program
        .json(
            Method::PATCH,
            &path,
            &[("if-match", "\"1\"")],
            &json!({"name": "x"}),
        )
        .await;
    assert_eq!(
        (stale.status, &stale.body["version"]),
        (StatusCode::PRECONDITION_FAILED, &json!(2))
    );
    let stale = program
        .send(Method::DELETE, &path, &[("if-match", "\"1\"")], Body::empty())
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);

    let gone = program
        .send(Method::DELETE, &path, &[("if-match", "\"2\"")], Body::empty())
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.body["deleted"], json!(true));
    let in_trash = program.patch(&path, &json!({"name": "x"})).await;
    assert_eq!(
        (in_trash.status, in_trash.header("content-type")),
        (StatusCode::CONFLICT, "application/problem+json")
    );
    let undo = |batch: &str| format!("/api/v1/commands/{batch}/undo");
    let undone = program
        .send(
            Method::POST,
            &undo(gone.header("rapport-batch")),
            &[],
            Body::empty(),
        )
        .await;
    assert_eq!(
        (undone.status, &undone.body["undone"]),
        (StatusCode::OK, &json!(1))
    );
    let back = program
        .send(
            Method::POST,
            &undo(changed.header("rapport-batch")),
            &[],
            Body::empty(),
        )
        .await;
    assert_eq!(back.status, StatusCode::OK);
    let read = program.get(&path).await;
    assert_eq!(
        (&read.body["city"], &read.body["emails"], &read.body["deleted"]),
        (
            &json!("Hamburg"),
            &json!(["a@n.example", "b@n.example"]),
            &json!(false)
        )
    );
    let twice = program
        .send(
            Method::POST,
            &undo(changed.header("rapport-batch")),
            &[],
            Body::empty(),
        )
        .await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_is_wrong_is_named_where_it_stands_and_nothing_is_done() {
    let (site, _, program) = with_program().await;
    let path = program.customer(json!({"name": "Ada"})).await;
    for (body, wrong) in [
        (json!({"nme": "x"}), vec!["/nme"]),
        (json!({"company": null}), vec!["/company"]),
        (json!({"name": 7, "city": ["x"]}), vec!["/city", "/name"]),
        (json!({"name": ""}), vec!["/name"]),
        (json!({"emails": ["a@x.example", 3]}), vec!["/emails/1"]),
        (json!({"emails": "a@x.example"}), vec!["/emails"]),
        (json!({"emails": ["nobody"]}), vec!["/emails"]),
        (json!({"tags": ["a,b"]}), vec!["/tags/0"]),
        (json!({"stage": "boss"}), vec!["/stage"]),
        (json!({"owner_id": "me"}), vec!["/owner_id"]),
        (
            json!({"owner_id": "01933d3e-0000-7000-8000-000000000001"}),
            vec!["/owner_id"],
        ),
        (
            json!({"company_id": "01933d3e-0000-7000-8000-000000000001"}),
            vec!["/company_id"],
        ),
        (json!({"name": "a\u{0}b"}), vec!["/name"]),
    ] {
        let answer = program.patch(&path, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            answer.body
        );
        assert_eq!(answer.wrong(), wrong, "{body}");
    }
    let json = [("content-type", "application/json")];
    let deep = "[".repeat(100_000);
    for (headers, body, status) in [
        (&json[..], "{\"name\": ", 400),
        (&json[..], "", 400),
        (&json[..], "[]", 400),
        (&json[..], deep.as_str(), 400),
        (&json[..], "\u{feff}{}", 400),
        (&[][..], "{}", 415),
        (&[("content-type", "text/plain")][..], "{}", 415),
    ] {
        let answer = program
            .send(Method::PATCH, &path, headers, Body::from(body.to_owned()))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{} {}", body.len(), answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(10 << 20));
    let answer = program.send(Method::PATCH, &path, &json, Body::from(large)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (413, "application/problem+json")
    );
    for value in ["7", "\"0\"", "x"] {
        let answer = program
            .json(
                Method::PATCH,
                &path,
                &[("if-match", value)],
                &json!({"name": "x"}),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (422, vec!["If-Match".to_owned()])
        );
    }
    for (method, path, status) in [
        (Method::GET, "/api/v1/customers/7", 404),
        (
            Method::GET,
            "/api/v1/customers/01933d3e-0000-7000-8000-000000000001",
            404,
        ),
        (Method::GET, "/api/v1/nothing", 404),
        (Method::GET, "/api/v1", 404),
        (Method::GET, "/api/v1/", 404),
        (Method::PUT, "/api/v1/customers", 405),
        (Method::POST, "/api/v1/commands/x/undo", 404),
    ] {
        let answer = program.send(method, path, &[], Body::empty()).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let changed = "SELECT count(*)::text FROM batch WHERE command = 'edit customer'";
    assert_eq!(site.house.database.read(changed).await, "0");
}

#[tokio::test]
async fn a_list_is_read_page_by_page_by_its_links_and_refuses_what_it_does_not_know() {
    let (_site, _, program) = with_program().await;
    for number in 0..7 {
        program
            .customer(json!({"name": format!("Ada {number}"), "city": "Hull"}))
            .await;
    }
    program.customer(json!({"name": "Ben", "city": "York"})).await;
    let mut path = "/api/v1/customers?size=3&sort=-name&filter=1:city.is(Hull)".to_owned();
    let mut names = Vec::new();
    loop {
        let page = program.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert_eq!(page.body["total"], json!({"value": 7, "precision": "exactly"}));
        let rows = page.body["data"].as_array().unwrap();
        names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        let link = page.header("link");
        let next = link.split(", ").find(|link| link.ends_with("rel=\"next\""));
        assert_eq!(next.is_some(), page.body["next"].is_string());
        match next {
            Some(next) => path = next[1..next.find('>').unwrap()].to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = (0..7).rev().map(|number| format!("Ada {number}")).collect();
    assert_eq!(names, expected);
    let found = program.get("/api/v1/customers?q=ben").await;
    assert_eq!(found.body["data"][0]["name"], json!("Ben"));

    let by_name = program.get("/api/v1/customers?size=3").await.body["next"]
        .as_str()
        .unwrap()
        .to_owned();
    for (asked, wrong) in [
        ("sotr=name".to_owned(), "sotr"),
        ("stage=lead".to_owned(), "stage"),
        ("size=0".to_owned(), "size"),
        ("size=1000".to_owned(), "size"),
        ("sort=phone".to_owned(), "sort"),
        ("filter=1:and(".to_owned(), "filter"),
        ("q=a%00b".to_owned(), "q"),
        // A place in another list.
        (format!("sort=created&after={by_name}"), "after"),
    ] {
        let answer = program.get(&format!("/api/v1/customers?{asked}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (400, vec![wrong.to_owned()]),
            "{asked}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_under_one_key_makes_one_customer_on_whichever_server() {
    let (site, _, program) = with_program().await;
    let second = Program {
        router: another(&site.house).await,
        key: program.key.clone(),
    };
    let body = json!({"name": "Once", "emails": ["once@x.example"]});
    let headers = [("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")];
    let asked = (0..24).map(|turn| {
        let program = if turn % 2 == 0 { &program } else { &second };
        program.json(Method::POST, "/api/v1/customers", &headers, &body)
    });
    let answers = futures::future::join_all(asked).await;
    let places: BTreeSet<&str> = answers.iter().map(|answer| answer.header("location")).collect();
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED));
    assert_eq!(places.len(), 1);
    assert_eq!(
        site.house
            .database
            .read("SELECT count(*)::text FROM customer")
            .await,
        "1"
    );
    assert_eq!(answers[0].body, answers[23].body);

    let other = program
        .json(
            Method::POST,
            "/api/v1/customers",
            &headers,
            &json!({"name": "Other"}),
        )
        .await;
    assert_eq!(
        (other.status.as_u16(), other.wrong()),
        (422, vec!["Idempotency-Key".to_owned()])
    );
    for wrong in ["", "\"\"", &"x".repeat(201)] {
        let answer = program
            .json(
                Method::POST,
                "/api/v1/customers",
                &[("idempotency-key", wrong)],
                &body,
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (422, vec!["Idempotency-Key".to_owned()])
        );
    }
    // What was refused takes no key with it.
    let again = [("idempotency-key", "second")];
    for body in [
        json!({"name": ""}),
        json!({"name": "x", "owner_id": "01933d3e-0000-7000-8000-000000000001"}),
    ] {
        let answer = program
            .json(Method::POST, "/api/v1/customers", &again, &body)
            .await;
        assert_eq!(answer.status.as_u16(), 422);
    }
    let mended = program
        .json(
            Method::POST,
            "/api/v1/customers",
            &again,
            &json!({"name": "x", "kind": null}),
        )
        .await;
    assert_eq!(mended.status, StatusCode::CREATED, "{}", mended.body);
    // It is remembered for a day.
    site.house.clock.advance(TimeDelta::hours(25));
    let later = program
        .json(Method::POST, "/api/v1/customers", &headers, &body)
        .await;
    assert_ne!(later.header("location"), answers[0].header("location"));
}

async fn another(house: &House) -> Router {
    let service: Service = house.another_server().await;
    router(State::new(
        service,
        std::path::Path::new("no/such/site"),
        Vec::new(),
        patient(),
    ))
}

#[tokio::test]
async fn a_key_is_good_until_it_is_revoked_or_over_or_its_owner_leaves() {
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let member = site.ctx(BuiltInRole::Member, None).await;
    let asks = async |secret: &str| {
        let program = Program {
            router: site.router.clone(),
            key: secret.to_owned(),
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

#[test]
fn the_description_is_the_one_in_the_repository() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let now = rest::description().to_pretty_json().unwrap();
    assert!(
        kept.trim_end() == now,
        "please write it anew: rapport openapi > docs/openapi.json"
    );
}
