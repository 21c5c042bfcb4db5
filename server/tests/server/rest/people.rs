//! People, teams, settings, tags, figures, and what was done.

use axum::body::Body;
use http::{Method, StatusCode};
use rapport_domain::access::BuiltInRole;
use serde_json::{Value, json};

use super::{program, with_program};

const ROBOT: &str = "01933d3e-0000-7000-8000-0000000000b0";
const A_ROBOT: &str = "INSERT INTO app_user (id, name, email, email_key, password_hash, role_id, program, created_at, \
    updated_at) SELECT '01933d3e-0000-7000-8000-0000000000b0', 'Robot', 'r@x', 'r@x', '', id, TRUE, now(), now() \
    FROM role WHERE key = 'member'";

#[tokio::test]
async fn somebody_is_asked_in_changed_closed_and_opened_again() {
    let (site, admin, program) = with_program().await;
    let me = program.get("/api/v1/me").await;
    assert_eq!(me.body["id"], json!(admin.actor().user.to_string()));
    let asked = json!({"email": "ada@x.example", "role": "member"});
    let key = [("idempotency-key", "i")];
    let made = program
        .json(Method::POST, "/api/v1/invitations", &key, &asked)
        .await;
    assert_eq!(
        (made.status, &made.body["open"]),
        (StatusCode::CREATED, &json!(true)),
        "{}",
        made.body
    );
    // The link that lets somebody in is for people.
    assert!(!made.body.to_string().contains("/join"), "{}", made.body);
    let again = program
        .json(Method::POST, "/api/v1/invitations", &key, &asked)
        .await;
    assert_eq!(again.body["id"], made.body["id"]);
    let twice = program.post("/api/v1/invitations", &asked).await;
    assert_eq!(twice.wrong(), ["/email"]);
    for (body, wrong) in [
        (json!({"email": "ada", "role": "member"}), "/email"),
        (json!({"email": "ben@x.example", "role": "boss"}), "/role"),
        (
            json!({"email": "ben@x.example", "role": "member", "team_id": "x"}),
            "/team_id",
        ),
    ] {
        assert_eq!(program.post("/api/v1/invitations", &body).await.wrong(), [wrong]);
    }
    let id = made.body["id"].as_str().unwrap();
    let gone = program
        .send(
            Method::DELETE,
            &format!("/api/v1/invitations/{id}"),
            &[],
            Body::empty(),
        )
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);

    let user = site.house.user(BuiltInRole::Member, None).await;
    let path = format!("/api/v1/users/{user}");
    let changed = program
        .patch(&path, &json!({"name": "Ada", "role": "manager"}))
        .await;
    assert_eq!(
        (&changed.body["name"], &changed.body["role"]),
        (&json!("Ada"), &json!("manager")),
        "{}",
        changed.body
    );
    for (body, wrong) in [
        (json!({"email": "x"}), "/email"),
        (json!({"role": ""}), "/role"),
        (json!({"team_id": 7}), "/team_id"),
        (json!({"password": "x"}), "/password"),
    ] {
        assert_eq!(program.patch(&path, &body).await.wrong(), [wrong]);
    }
    let last = format!("/api/v1/users/{}", admin.actor().user);
    let last = program.patch(&last, &json!({"role": "member"})).await;
    assert_eq!(last.wrong(), ["/role"]);
    let robot = json!({"heir": ROBOT});
    site.house.database.run(A_ROBOT).await;
    let robot = program.post(&format!("{path}/deactivate"), &robot).await;
    assert_eq!(robot.wrong(), ["/heir"]);
    for (method, end) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::POST, "/deactivate"),
        (Method::POST, "/end-sessions"),
    ] {
        let path = format!("/api/v1/users/{ROBOT}{end}");
        let answer = program.json(method, &path, &[], &json!({"heir": "keep"})).await;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status),
            "{end}: {}",
            answer.body
        );
    }
    let unsaid = program.post(&format!("{path}/deactivate"), &json!({})).await;
    assert_eq!(unsaid.wrong(), ["/heir"]);
    let closed = program
        .post(&format!("{path}/deactivate"), &json!({"heir": "keep"}))
        .await;
    assert_eq!(
        (closed.status, &closed.body["customers"]),
        (StatusCode::OK, &json!(0))
    );
    assert_eq!(program.get(&path).await.body["active"], false);
    let opened = program.post(&format!("{path}/reactivate"), &Value::Null).await;
    assert_eq!(opened.body["active"], true);
}

#[tokio::test]
async fn a_team_is_made_renamed_and_removed_as_it_was_seen() {
    let (_site, _, program) = with_program().await;
    let made = program.post("/api/v1/teams", &json!({"name": "North"})).await;
    let path = made.header("location").to_owned();
    let renamed = program
        .json(
            Method::PATCH,
            &path,
            &[("if-match", "\"1\"")],
            &json!({"name": "South"}),
        )
        .await;
    assert_eq!(
        (&renamed.body["name"], renamed.header("etag")),
        (&json!("South"), "\"2\"")
    );
    let stale = program
        .send(Method::DELETE, &path, &[("if-match", "\"1\"")], Body::empty())
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let gone = program.send(Method::DELETE, &path, &[], Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn settings_change_field_by_field() {
    let (_site, _, program) = with_program().await;
    let path = "/api/v1/settings";
    let body = json!({"mon": "08:30-12:00", "sun": null, "week_start": 7, "sign_up": "domains", "sign_up_domains": ["x.example"]});
    let changed = program.patch(path, &body).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(
        (
            &changed.body["hours"][0],
            &changed.body["hours"][6],
            &changed.body["week_start"]
        ),
        (&json!("08:30-12:00"), &Value::Null, &json!(7))
    );
    let more = program
        .patch(
            path,
            &json!({"sign_up_domains": ["x.example", "y.example"], "second_factor": "demanded"}),
        )
        .await;
    assert_eq!(more.body["sign_up_domains"], json!(["x.example", "y.example"]));
    assert_eq!(more.body["second_factor"], "demanded");
    for (body, wrong) in [
        (json!({"mon": "9 to 5"}), "/mon"),
        (json!({"mon": "17:00-09:00"}), "/mon"),
        (json!({"mon": "25:00-26:00"}), "/mon"),
        (json!({"zone": "Mars"}), "/zone"),
        (json!({"currency": "EURO"}), "/currency"),
        (json!({"week_start": 8}), "/week_start"),
        (json!({"sign_up_domains": []}), "/sign_up_domains"),
        (json!({"second_factor": "sometimes"}), "/second_factor"),
        (json!({"hours": {}}), "/hours"),
    ] {
        assert_eq!(program.patch(path, &body).await.wrong(), [wrong], "{body}");
    }
}

#[tokio::test]
async fn what_was_done_is_told_and_looked_up() {
    let (site, _, program) = with_program().await;
    let customer = program.customer(json!({"name": "Ada", "tags": ["fair"]})).await;
    let changed = program.patch(&customer, &json!({"city": "Bath"})).await;
    let batch = changed.header("rapport-batch").to_owned();
    let done = program.get("/api/v1/commands?mine=true").await;
    assert_eq!(done.body["data"][0]["id"], json!(batch), "{}", done.body);
    let one = program.get(&format!("/api/v1/commands/{batch}")).await;
    assert_eq!(
        (&one.body["would"]["undone"], &one.body["not"]),
        (&json!(1), &Value::Null)
    );
    let id = customer.rsplit('/').next().unwrap();
    let log = program
        .get(&format!("/api/v1/audit?record={id}&action=edit%20customer"))
        .await;
    assert_eq!(
        log.body["data"][0]["changes"][0]["fields"][0]["new"], "Bath",
        "{}",
        log.body
    );
    for (asked, wrong) in [
        ("who=x", "who"),
        ("action=", "action"),
        ("from=soon", "from"),
        ("before=x", "before"),
        ("before=01933d3e-0000-7000-8000-00000000ffff", "before"),
        ("page=2", "page"),
    ] {
        let answer = program.get(&format!("/api/v1/audit?{asked}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (400, vec![wrong.to_owned()]),
            "{asked}"
        );
    }
    let tags = program.get("/api/v1/tags").await;
    assert_eq!(tags.body["data"], json!([{"name": "fair", "customers": 1}]));
    let retagged = program
        .post("/api/v1/tags/change", &json!({"tag": "fair", "name": "Fair"}))
        .await;
    assert_eq!(retagged.body["customers"], 1, "{}", retagged.body);
    let none = program.post("/api/v1/tags/change", &json!({"tag": "none"})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    program.send(Method::DELETE, &customer, &[], Body::empty()).await;
    let trash = program.get("/api/v1/trash").await;
    assert_eq!(trash.body["data"][0]["id"], json!(id));
    let figures = program.get("/api/v1/figures?days=7&whose=mine").await;
    assert_eq!(
        figures.body["new"]["parts"].as_array().unwrap().len(),
        7,
        "{}",
        figures.body
    );
    assert_eq!(program.get("/api/v1/figures?days=8").await.wrong(), ["days"]);
    let analytics = program.get("/api/v1/analytics?days=28").await;
    assert_eq!(analytics.body["hours"].as_array().unwrap().len(), 24);
    let member = site.ctx(BuiltInRole::Member, None).await;
    let other = self::program(&site, &member, "write").await;
    assert_eq!(other.get("/api/v1/audit").await.status, StatusCode::FORBIDDEN);
    let export = program.get("/api/v1/customers/export?q=nobody").await;
    assert_eq!(
        (export.status, export.header("content-type")),
        (StatusCode::OK, "text/csv; charset=utf-8")
    );
}
