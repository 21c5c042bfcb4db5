//! Every route as every role.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
};

use axum::body::Body;
use chrono::{SecondsFormat, TimeDelta};
use http::{Method, StatusCode};
use rapport_domain::{access::BuiltInRole, id::TeamId};
use rapport_server::rest;
use rapport_service::Ctx;
use serde_json::{Value, json};

use super::{Program, program};
use crate::browser::Site;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Nobody's, or it makes no difference.
    Any,
    /// The member's who asks.
    Near,
    /// Somebody's of another team.
    Far,
}
use Whose::{Any, Far, Near};

/// Every route, as admin, manager, member and read-only, by a key of the admin that only looks, and by none.
const ROUTES: &[(&str, &str, Whose, [u16; 6])] = &[
    ("get", "/api/v1/analytics", Any, [200, 403, 403, 403, 200, 401]),
    (
        "get",
        "/api/v1/appointment-types",
        Any,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "post",
        "/api/v1/appointment-types",
        Any,
        [201, 403, 403, 403, 403, 401],
    ),
    (
        "patch",
        "/api/v1/appointment-types/{id}",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    ("get", "/api/v1/appointments", Any, [200, 200, 200, 200, 200, 401]),
    (
        "post",
        "/api/v1/appointments",
        Any,
        [201, 201, 201, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/appointments/free",
        Any,
        [200, 200, 200, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/appointments/{id}",
        Near,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "get",
        "/api/v1/appointments/{id}",
        Far,
        [200, 200, 404, 200, 200, 401],
    ),
    (
        "patch",
        "/api/v1/appointments/{id}",
        Near,
        [200, 200, 200, 403, 403, 401],
    ),
    (
        "patch",
        "/api/v1/appointments/{id}",
        Far,
        [200, 403, 404, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/appointments/{id}/calendar",
        Near,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "get",
        "/api/v1/appointments/{id}/calendar",
        Far,
        [200, 200, 404, 200, 200, 401],
    ),
    (
        "post",
        "/api/v1/appointments/{id}/status",
        Near,
        [200, 200, 200, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/appointments/{id}/status",
        Far,
        [200, 403, 404, 403, 403, 401],
    ),
    ("get", "/api/v1/audit", Any, [200, 403, 403, 403, 200, 401]),
    ("get", "/api/v1/commands", Any, [200, 200, 200, 200, 200, 401]),
    (
        "get",
        "/api/v1/commands/{id}",
        Near,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "get",
        "/api/v1/commands/{id}",
        Far,
        [200, 200, 404, 200, 200, 401],
    ),
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
    ("get", "/api/v1/customers", Any, [200, 200, 200, 200, 200, 401]),
    ("post", "/api/v1/customers", Any, [201, 201, 201, 403, 403, 401]),
    (
        "post",
        "/api/v1/customers/bulk",
        Any,
        [200, 200, 200, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/customers/export",
        Any,
        [200, 200, 403, 403, 200, 401],
    ),
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
        "get",
        "/api/v1/customers/{id}/appointments",
        Near,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "get",
        "/api/v1/customers/{id}/appointments",
        Far,
        [200, 200, 404, 200, 200, 401],
    ),
    (
        "post",
        "/api/v1/customers/{id}/notes",
        Near,
        [201, 201, 201, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/customers/{id}/notes",
        Far,
        [201, 403, 404, 403, 403, 401],
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
    (
        "get",
        "/api/v1/customers/{id}/timeline",
        Near,
        [200, 200, 200, 200, 200, 401],
    ),
    (
        "get",
        "/api/v1/customers/{id}/timeline",
        Far,
        [200, 200, 404, 200, 200, 401],
    ),
    ("get", "/api/v1/figures", Any, [200, 200, 200, 200, 200, 401]),
    ("get", "/api/v1/imports", Any, [200, 200, 200, 403, 403, 401]),
    ("post", "/api/v1/imports", Any, [201, 201, 201, 403, 403, 401]),
    (
        "get",
        "/api/v1/imports/{id}",
        Near,
        [200, 404, 200, 403, 403, 401],
    ),
    ("get", "/api/v1/imports/{id}", Far, [200, 404, 404, 403, 403, 401]),
    (
        "delete",
        "/api/v1/imports/{id}",
        Near,
        [204, 404, 204, 403, 403, 401],
    ),
    (
        "delete",
        "/api/v1/imports/{id}",
        Far,
        [204, 404, 404, 403, 403, 401],
    ),
    (
        "patch",
        "/api/v1/imports/{id}",
        Near,
        [200, 404, 200, 403, 403, 401],
    ),
    (
        "patch",
        "/api/v1/imports/{id}",
        Far,
        [200, 404, 404, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/imports/{id}/check",
        Near,
        [202, 404, 202, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/imports/{id}/check",
        Far,
        [202, 404, 404, 403, 403, 401],
    ),
    (
        "put",
        "/api/v1/imports/{id}/content",
        Near,
        [404, 404, 200, 403, 403, 401],
    ),
    (
        "put",
        "/api/v1/imports/{id}/content",
        Far,
        [200, 404, 404, 403, 403, 401],
    ),
    (
        "put",
        "/api/v1/imports/{id}/mended",
        Near,
        [409, 404, 409, 403, 403, 401],
    ),
    (
        "put",
        "/api/v1/imports/{id}/mended",
        Far,
        [409, 404, 404, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/imports/{id}/problems",
        Near,
        [200, 404, 200, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/imports/{id}/problems",
        Far,
        [200, 404, 404, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/imports/{id}/problems/export",
        Near,
        [200, 404, 200, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/imports/{id}/problems/export",
        Far,
        [200, 404, 404, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/imports/{id}/run",
        Near,
        [202, 404, 202, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/imports/{id}/run",
        Far,
        [202, 404, 404, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/imports/{id}/stop",
        Near,
        [202, 404, 202, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/imports/{id}/stop",
        Far,
        [202, 404, 404, 403, 403, 401],
    ),
    ("get", "/api/v1/invitations", Any, [200, 403, 403, 403, 200, 401]),
    ("post", "/api/v1/invitations", Any, [201, 403, 403, 403, 403, 401]),
    (
        "delete",
        "/api/v1/invitations/{id}",
        Any,
        [204, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/invitations/{id}/renew",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    ("get", "/api/v1/me", Any, [200, 200, 200, 200, 200, 401]),
    ("get", "/api/v1/notes/{id}", Near, [200, 200, 200, 200, 200, 401]),
    ("get", "/api/v1/notes/{id}", Far, [200, 200, 404, 200, 200, 401]),
    (
        "delete",
        "/api/v1/notes/{id}",
        Near,
        [204, 204, 204, 403, 403, 401],
    ),
    (
        "delete",
        "/api/v1/notes/{id}",
        Far,
        [204, 403, 404, 403, 403, 401],
    ),
    (
        "patch",
        "/api/v1/notes/{id}",
        Near,
        [200, 200, 200, 403, 403, 401],
    ),
    ("patch", "/api/v1/notes/{id}", Far, [200, 403, 404, 403, 403, 401]),
    ("get", "/api/v1/roles", Any, [200, 403, 403, 403, 200, 401]),
    ("get", "/api/v1/settings", Any, [200, 403, 403, 403, 200, 401]),
    ("patch", "/api/v1/settings", Any, [200, 403, 403, 403, 403, 401]),
    ("get", "/api/v1/staff", Any, [200, 200, 200, 200, 200, 401]),
    ("get", "/api/v1/tags", Any, [200, 403, 403, 403, 200, 401]),
    ("post", "/api/v1/tags/change", Any, [200, 403, 403, 403, 403, 401]),
    ("get", "/api/v1/teams", Any, [200, 403, 403, 403, 200, 401]),
    ("post", "/api/v1/teams", Any, [201, 403, 403, 403, 403, 401]),
    ("get", "/api/v1/teams/{id}", Any, [200, 403, 403, 403, 200, 401]),
    (
        "delete",
        "/api/v1/teams/{id}",
        Any,
        [204, 403, 403, 403, 403, 401],
    ),
    ("patch", "/api/v1/teams/{id}", Any, [200, 403, 403, 403, 403, 401]),
    ("get", "/api/v1/trash", Any, [200, 200, 200, 200, 200, 401]),
    ("get", "/api/v1/users", Any, [200, 403, 403, 403, 200, 401]),
    ("get", "/api/v1/users/{id}", Any, [200, 403, 403, 403, 200, 401]),
    ("patch", "/api/v1/users/{id}", Any, [200, 403, 403, 403, 403, 401]),
    (
        "post",
        "/api/v1/users/{id}/deactivate",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/users/{id}/end-sessions",
        Any,
        [204, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/users/{id}/reactivate",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    ("get", "/api/v1/webhooks", Any, [200, 403, 403, 403, 200, 401]),
    ("post", "/api/v1/webhooks", Any, [201, 403, 403, 403, 403, 401]),
    (
        "get",
        "/api/v1/webhooks/{id}",
        Any,
        [200, 403, 403, 403, 200, 401],
    ),
    (
        "patch",
        "/api/v1/webhooks/{id}",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    (
        "delete",
        "/api/v1/webhooks/{id}",
        Any,
        [204, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/webhooks/{id}/pause",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/webhooks/{id}/resume",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/webhooks/{id}/secret",
        Any,
        [200, 403, 403, 403, 403, 401],
    ),
    (
        "post",
        "/api/v1/webhooks/{id}/ping",
        Any,
        [204, 403, 403, 403, 403, 401],
    ),
    (
        "get",
        "/api/v1/webhooks/{id}/deliveries",
        Any,
        [200, 403, 403, 403, 200, 401],
    ),
    (
        "post",
        "/api/v1/deliveries/{id}/send",
        Any,
        [204, 403, 403, 403, 403, 401],
    ),
];

const MEETING: &str = "01900000-0000-7000-8000-000000000021";

/// People and their programs, and what they ask for.
struct Scene {
    site: Site,
    near: TeamId,
    member: Ctx,
    stranger: Ctx,
    /// As the answers of the table.
    programs: Vec<Program>,
    count: AtomicI64,
}

impl Scene {
    async fn new() -> Self {
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
            from: programs[0].from,
        });
        Self {
            site,
            near,
            member,
            stranger,
            programs,
            count: AtomicI64::new(0),
        }
    }

    fn next(&self) -> i64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn owner(&self, whose: Whose) -> String {
        let owner = if whose == Far {
            &self.stranger
        } else {
            &self.member
        };
        owner.actor().user.to_string()
    }

    /// The id of what the admin makes there.
    async fn made(&self, path: &str, body: Value) -> String {
        let made = self.programs[0].post(path, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{path}: {}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    async fn customer(&self, whose: Whose) -> String {
        let body = json!({"name": "Ada", "owner_id": self.owner(whose)});
        self.made("/api/v1/customers", body).await
    }

    /// A time that nobody has taken yet.
    fn time(&self) -> String {
        let at = self.member.clock().now() + TimeDelta::hours(24 + self.next());
        let at = at.timestamp() / 3600 * 3600;
        let at = chrono::DateTime::from_timestamp(at, 0).unwrap();
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    fn appointment(&self, staff: &str) -> Value {
        json!({"title": "Talk", "starts_at": self.time(), "minutes": 30, "type_id": MEETING, "staff_ids": [staff]})
    }

    /// An import of whoever it is, whose file is here.
    async fn import(&self, whose: Whose) -> String {
        let by = match whose {
            Near => &self.programs[2],
            _ => &self.programs[0],
        };
        let file = "Company,E-mail\nNordlicht,a@n.example\n";
        let body = json!({"file": format!("{}.csv", self.next()), "size": file.len()});
        let begun = by.post("/api/v1/imports", &body).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
        let place = begun.header("location").to_owned();
        let sent = by
            .send(
                Method::PUT,
                &format!("{place}/content?at=0"),
                &[],
                Body::from(file),
            )
            .await;
        assert_eq!(sent.body["complete"], true, "{}", sent.body);
        place.rsplit('/').next().unwrap().to_owned()
    }

    /// Where a route is asked and with what, so that only the rights decide.
    async fn ask(&self, method: &str, pattern: &str, whose: Whose) -> (String, String) {
        let number = self.next();
        let some = || json!({"name": format!("Ada {number}")});
        let route = pattern.strip_prefix("/api/v1").unwrap();
        let (id, body) = match (method, route) {
            (_, "/customers/bulk") => {
                let item = json!({"op": "create", "values": {"name": "Ada"}});
                (String::new(), json!({"items": [item]}))
            }
            (_, "/customers/{id}/restore") => {
                let id = self.customer(whose).await;
                let path = format!("/api/v1/customers/{id}");
                self.programs[0]
                    .send(Method::DELETE, &path, &[], Body::empty())
                    .await;
                (id, Value::Null)
            }
            (_, "/customers/{id}/notes") => (self.customer(whose).await, json!({"body": "Hello"})),
            (_, route) if route.starts_with("/customers/{id}") => (self.customer(whose).await, some()),
            (_, "/notes/{id}") => {
                let path = format!("/api/v1/customers/{}/notes", self.customer(whose).await);
                let note = self.made(&path, json!({"body": "Hello"})).await;
                (note, json!({"body": "Hello again"}))
            }
            ("post", "/appointments") => (String::new(), self.appointment(&self.owner(Near))),
            ("get", "/appointments/free") => {
                let query = format!("?staff={}&date=2026-12-01&minutes=30", self.owner(Near));
                return (format!("{pattern}{query}"), String::new());
            }
            (_, route) if route.starts_with("/appointments/{id}") => {
                let body = self.appointment(&self.owner(whose));
                let id = self.made("/api/v1/appointments", body).await;
                let body = if route.ends_with("status") {
                    json!({"status": "confirmed"})
                } else {
                    json!({"place": format!("Room {number}")})
                };
                (id, body)
            }
            ("post", "/appointment-types") => (
                String::new(),
                json!({"name": format!("Type {number}"), "minutes": 30}),
            ),
            (_, "/appointment-types/{id}") => (MEETING.to_owned(), some()),
            (_, "/commands/{id}" | "/commands/{id}/undo") => {
                let id = self.customer(whose).await;
                let made = format!("SELECT batch::text FROM change WHERE subject = '{id}' AND op = 'create'");
                (self.site.house.database.read(&made).await, Value::Null)
            }
            ("post", "/imports") => (String::new(), json!({"file": "a.csv", "size": 10})),
            ("put", "/imports/{id}/content") => {
                let id = self.import(whose).await;
                return (format!("/api/v1/imports/{id}/content?at=0"), String::new());
            }
            ("put", "/imports/{id}/mended") => {
                let id = self.import(whose).await;
                let rows = "Line,Company,E-mail\n7,Nordlicht,a@n.example\n";
                return (pattern.replace("{id}", &id), rows.to_owned());
            }
            ("post", "/imports/{id}/stop") => {
                let id = self.import(whose).await;
                self.programs[0]
                    .post(&format!("/api/v1/imports/{id}/run"), &Value::Null)
                    .await;
                (id, json!({"take_back": true}))
            }
            ("patch", "/imports/{id}") => (self.import(whose).await, json!({"source": "crm"})),
            (_, route) if route.starts_with("/imports/{id}") => (self.import(whose).await, Value::Null),
            ("patch", "/users/{id}") => (self.user().await, some()),
            (_, "/users/{id}/deactivate") => (self.user().await, json!({"heir": "keep"})),
            (_, "/users/{id}/reactivate") => {
                let id = self.user().await;
                let path = format!("/api/v1/users/{id}/deactivate");
                self.programs[0].post(&path, &json!({"heir": "keep"})).await;
                (id, Value::Null)
            }
            (_, route) if route.starts_with("/users/{id}") => (self.user().await, Value::Null),
            ("post", "/teams") => (String::new(), some()),
            (_, "/teams/{id}") => (self.made("/api/v1/teams", json!({"name": "Gone"})).await, some()),
            ("post", "/invitations") => (String::new(), invitation(number)),
            (_, route) if route.starts_with("/invitations/{id}") => (
                self.made("/api/v1/invitations", invitation(number)).await,
                Value::Null,
            ),
            ("post", "/webhooks") => (String::new(), webhook()),
            (_, "/webhooks/{id}/resume") => {
                let id = self.made("/api/v1/webhooks", webhook()).await;
                let path = format!("/api/v1/webhooks/{id}/pause");
                self.programs[0].post(&path, &Value::Null).await;
                (id, json!({"skip": true}))
            }
            (_, "/deliveries/{id}/send") => {
                let id = self.made("/api/v1/webhooks", webhook()).await;
                let path = format!("/api/v1/webhooks/{id}");
                self.programs[0].post(&format!("{path}/ping"), &Value::Null).await;
                let log = self.programs[0].get(&format!("{path}/deliveries")).await;
                (
                    log.body["data"][0]["id"].as_str().unwrap().to_owned(),
                    Value::Null,
                )
            }
            (_, route) if route.starts_with("/webhooks/{id}") => (
                self.made("/api/v1/webhooks", webhook()).await,
                json!({"name": format!("Till {number}")}),
            ),
            ("patch", "/settings") => (String::new(), some()),
            (_, "/tags/change") => {
                let tag = format!("tag {number}");
                self.made("/api/v1/customers", json!({"name": "Ada", "tags": [tag]}))
                    .await;
                (String::new(), json!({"tag": tag, "name": "key"}))
            }
            _ => (String::new(), some()),
        };
        (pattern.replace("{id}", &id), body.to_string())
    }

    async fn user(&self) -> String {
        let user = self.site.house.user(BuiltInRole::Member, Some(self.near)).await;
        user.to_string()
    }
}

fn webhook() -> Value {
    json!({"name": "Till", "url": "https://shop.example.org/hook", "events": ["customer.created"]})
}

fn invitation(number: i64) -> Value {
    json!({"email": format!("ada{number}@x.example"), "role": "member"})
}

/// Every route that the description knows.
fn described() -> BTreeSet<(String, String)> {
    let api = serde_json::to_value(rest::description()).unwrap();
    let paths = api["paths"].as_object().unwrap().iter();
    let routes = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(|method| (method.clone(), path.clone()))
    });
    routes.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_role_as_the_table_says() {
    let listed: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(
        listed,
        described(),
        "a route without a line, or a line without a route"
    );
    let scene = Scene::new().await;
    let mut wrong = Vec::new();
    for (line, (method, pattern, whose, answers)) in ROUTES.iter().enumerate() {
        let mut given = Vec::new();
        for program in &scene.programs {
            let (path, body) = scene.ask(method, pattern, *whose).await;
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            // Who guesses keys from one address is stopped.
            let mut program = program.clone();
            program
                .from
                .set_ip([127, 0, 1, u8::try_from(line + 1).unwrap()].into());
            let kind = [("content-type", "application/json")];
            let answer = program.send(method, &path, &kind, Body::from(body)).await;
            given.push(answer.status.as_u16());
        }
        if given != answers {
            wrong.push(format!("(\"{method}\", \"{pattern}\", {whose:?}, {given:?}),"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
