//! Appointments, free times and types.

use axum::body::Body;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use rapport_domain::access::BuiltInRole;
use serde_json::{Value, json};

use super::{Program, with_program};
use crate::browser::Site;

/// A type that every installation has.
pub(super) const MEETING: &str = "01900000-0000-7000-8000-000000000021";

fn at(staff: &str, starts_at: &str, minutes: u16) -> Value {
    json!({
        "title": "Talk", "starts_at": starts_at, "minutes": minutes, "type_id": MEETING, "staff_ids": [staff]
    })
}

/// A site, an admin's program, and the admin's id.
async fn with_keeper() -> (Site, Program, String) {
    let (site, admin, program) = with_program().await;
    (site, program, admin.actor().user.to_string())
}

#[tokio::test]
async fn an_appointment_is_booked_moved_cancelled_and_booked_again() {
    let (_site, program, me) = with_keeper().await;
    let body = at(&me, "2030-11-26T09:30:00+01:00", 45);
    let made = program.post("/api/v1/appointments", &body).await;
    assert_eq!(
        (made.status, made.header("etag")),
        (StatusCode::CREATED, "\"1\""),
        "{}",
        made.body
    );
    assert_eq!(made.body["starts_at"], "2030-11-26T08:30:00.000000Z");
    assert_eq!(
        (&made.body["minutes"], &made.body["status"]),
        (&json!(45), &json!("booked"))
    );
    let path = made.header("location").to_owned();

    let taken = program
        .post("/api/v1/appointments", &at(&me, "2030-11-26T08:45:00Z", 30))
        .await;
    assert_eq!(
        (taken.status.as_u16(), taken.wrong()),
        (422, vec!["/starts_at".to_owned()])
    );
    let why = taken.body["errors"][0]["detail"].as_str().unwrap();
    assert!(why.contains("Talk") && why.contains("Free next"), "{why}");

    let moved = json!({"starts_at": "2030-11-26T10:00:00Z"});
    let moved = program
        .json(Method::PATCH, &path, &[("if-match", "\"1\"")], &moved)
        .await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    assert_eq!(
        (&moved.body["starts_at"], &moved.body["minutes"]),
        (&json!("2030-11-26T10:00:00.000000Z"), &json!(45))
    );
    let stale = json!({"minutes": 60});
    let stale = program
        .json(Method::PATCH, &path, &[("if-match", "\"1\"")], &stale)
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);

    let status = format!("{path}/status");
    let without_reason = program.post(&status, &json!({"status": "cancelled"})).await;
    assert_eq!(without_reason.wrong(), ["/reason"]);
    let unknown = program.post(&status, &json!({"status": "maybe"})).await;
    assert_eq!(unknown.wrong(), ["/status"]);
    let early = program.post(&status, &json!({"status": "done"})).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    let cancelled = json!({"status": "cancelled", "reason": "Ill"});
    let cancelled = program.post(&status, &cancelled).await;
    assert_eq!(
        (&cancelled.body["status"], &cancelled.body["reason"]),
        (&json!("cancelled"), &json!("Ill"))
    );
    let undo = format!("/api/v1/commands/{}/undo", cancelled.header("rapport-batch"));
    assert_eq!(program.post(&undo, &Value::Null).await.status, StatusCode::OK);
    assert_eq!(program.get(&path).await.body["status"], "booked");
    let calendar = program.get(&format!("{path}/calendar")).await;
    assert_eq!(
        (calendar.status, calendar.header("content-type")),
        (StatusCode::OK, "text/calendar; charset=utf-8")
    );
}

#[tokio::test]
async fn a_time_that_cannot_be_is_named_where_it_stands() {
    let (_site, program, me) = with_keeper().await;
    let good = "2030-11-26T09:30:00Z";
    for (body, wrong) in [
        (at(&me, "2030-11-26 09:30", 30), "/starts_at"),
        (at(&me, "2030-11-26T09:30:00", 30), "/starts_at"),
        (at(&me, "2030-02-30T09:30:00Z", 30), "/starts_at"),
        (at(&me, "2030-11-26T09:30:30Z", 30), "/starts_at"),
        (at(&me, "2020-11-20T09:30:00Z", 30), "/starts_at"),
        (at(&me, "2500-01-01T09:30:00Z", 30), "/starts_at"),
        (at(&me, good, 0), "/minutes"),
        (at(&me, good, 1_500), "/minutes"),
        (at("x", good, 30), "/staff_ids"),
        (at(MEETING, good, 30), "/staff_ids"),
        (
            json!({"title": "x", "minutes": 30, "type_id": MEETING, "staff_ids": [me]}),
            "/starts_at",
        ),
        (
            json!({"starts_at": good, "minutes": 30, "type_id": MEETING, "staff_ids": [me]}),
            "/title",
        ),
        (
            json!({"title": "x", "starts_at": good, "minutes": 30, "type_id": me, "staff_ids": [me]}),
            "/type_id",
        ),
        (
            json!({"customer_id": me, "starts_at": good, "minutes": 30, "type_id": MEETING, "staff_ids": [me]}),
            "/customer_id",
        ),
    ] {
        let answer = program.post("/api/v1/appointments", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (422, vec![wrong.to_owned()]),
            "{body}"
        );
    }
    // Asked under a key that was refused, it can be mended.
    let key = [("idempotency-key", "a")];
    let path = "/api/v1/appointments";
    let refused = program.json(Method::POST, path, &key, &at("x", good, 30)).await;
    assert_eq!(refused.status.as_u16(), 422);
    let made = program.json(Method::POST, path, &key, &at(&me, good, 30)).await;
    let again = program.json(Method::POST, path, &key, &at(&me, good, 30)).await;
    assert_eq!(
        (made.status, again.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(made.body, again.body);
    let other = program.json(Method::POST, path, &key, &at(&me, good, 60)).await;
    assert_eq!(other.wrong(), ["Idempotency-Key"]);
}

#[tokio::test]
async fn an_hour_that_the_clock_says_twice_is_told_apart_by_its_instant() {
    let (site, program, me) = with_keeper().await;
    site.house
        .database
        .run("UPDATE organisation SET zone = 'Europe/Berlin'")
        .await;
    for instant in ["2031-10-26T00:30:00Z", "2031-10-26T01:30:00Z"] {
        let made = program.post("/api/v1/appointments", &at(&me, instant, 30)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let expected = instant.replace('Z', ".000000Z");
        assert_eq!(made.body["starts_at"], expected);
    }
}

#[tokio::test]
async fn what_people_keep_is_read_page_by_page_and_free_times_are_between() {
    let (site, program, me) = with_keeper().await;
    for hour in [9, 10, 11, 13, 14] {
        let start = format!("2030-11-26T{hour:02}:00:00Z");
        let made = program.post("/api/v1/appointments", &at(&me, &start, 60)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }
    let mut path = "/api/v1/appointments?from=2030-11-26T00:00:00Z&to=2030-11-27T00:00:00Z&size=2".to_owned();
    let mut starts = Vec::new();
    loop {
        let page = program.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for line in page.body["data"].as_array().unwrap() {
            starts.push(line["starts_at"].as_str().unwrap()[11..13].to_owned());
        }
        let link = page.header("link").to_owned();
        assert_eq!(link.is_empty(), page.body["next"].is_null());
        if link.is_empty() {
            break;
        }
        path = link[1..link.find('>').unwrap()].to_owned();
    }
    assert_eq!(starts, ["09", "10", "11", "13", "14"]);
    let free = program
        .get(&format!(
            "/api/v1/appointments/free?staff={me}&date=2030-11-26&minutes=60"
        ))
        .await;
    let first = free.body["data"][0]["starts_at"].as_str().unwrap();
    assert_eq!(first, "2030-11-26T12:00:00.000000Z", "{}", free.body);
    // A booking that was taken back is none that was cancelled, and ends no page too early.
    let day = "from=2030-11-26T00:00:00Z&to=2030-11-27T00:00:00Z";
    let made = program
        .post("/api/v1/appointments", &at(&me, "2030-11-26T08:00:00Z", 30))
        .await;
    let undo = format!("/api/v1/commands/{}/undo", made.header("rapport-batch"));
    program.post(&undo, &Value::Null).await;
    let page = program
        .get(&format!("/api/v1/appointments?{day}&cancelled=true&size=2"))
        .await;
    let first = &page.body["data"][0]["starts_at"];
    assert_eq!(first, "2030-11-26T09:00:00.000000Z", "{}", page.body);
    assert!(page.body["next"].is_string(), "{}", page.body);

    for (asked, wrong) in [
        ("from=yesterday", "from"),
        ("from=2030-11-26T00:00:00Z&to=2030-11-26T00:00:00Z", "to"),
        ("from=2030-11-26T00:00:00Z&to=2034-11-24T00:00:00Z", "to"),
        ("staff=me", "staff"),
        ("staff=01933d3e-0000-7000-8000-00000000ffff", "staff"),
        ("after=x", "after"),
        (
            "after=-300000000000000000_0190f0e0-0000-7000-8000-000000000001",
            "after",
        ),
        ("size=0", "size"),
        ("cancelled=perhaps", "cancelled"),
        ("day=today", "day"),
    ] {
        let answer = program.get(&format!("/api/v1/appointments?{asked}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (400, vec![wrong.to_owned()]),
            "{asked}"
        );
    }
    let asked = "/api/v1/appointments/free?staff=x&minutes=0&except=y";
    assert_eq!(
        program.get(asked).await.wrong(),
        ["date", "except", "minutes", "staff"]
    );

    // Of what is out of sight only the time is told.
    let far = site.house.team("Far").await;
    let stranger = site.ctx(BuiltInRole::Member, Some(far)).await;
    let other = super::program(&site, &stranger, "read").await;
    let seen = other
        .get(&format!(
            "/api/v1/appointments?from=2030-11-26T00:00:00Z&staff={me}"
        ))
        .await;
    let line = &seen.body["data"][0];
    assert_eq!(
        (
            &line["title"],
            &line["visible"],
            &line["type"],
            &line["customer_id"]
        ),
        (&json!("Busy"), &json!(false), &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_type_is_made_and_changed_field_by_field() {
    let (site, _, program) = with_program().await;
    let made = program
        .post(
            "/api/v1/appointment-types",
            &json!({"name": "Call", "minutes": 15}),
        )
        .await;
    assert_eq!(
        (made.status, &made.body["active"], &made.body["colour"]),
        (StatusCode::CREATED, &json!(true), &json!(0)),
        "{}",
        made.body
    );
    let path = made.header("location").to_owned();
    let changed = program.patch(&path, &json!({"colour": 3})).await;
    assert_eq!(
        (
            &changed.body["name"],
            &changed.body["minutes"],
            &changed.body["colour"]
        ),
        (&json!("Call"), &json!(15), &json!(3))
    );
    for (body, wrong) in [
        (json!({"name": ""}), "/name"),
        (json!({"minutes": "15"}), "/minutes"),
        (json!({"colour": 9}), "/colour"),
        (json!({"active": 1}), "/active"),
    ] {
        assert_eq!(program.patch(&path, &body).await.wrong(), [wrong], "{body}");
    }
    let stale = program
        .send(
            Method::PATCH,
            &path,
            &[("content-type", "application/json"), ("if-match", "\"1\"")],
            Body::from("{\"name\": \"x\"}"),
        )
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    site.house.clock.advance(TimeDelta::days(1));
    let listed = program.get("/api/v1/appointment-types").await;
    let names = listed.body["data"].as_array().unwrap();
    assert!(names.iter().any(|kind| kind["name"] == "Call"));
}
