//! Customers and their notes.

use std::collections::BTreeSet;

use axum::body::Body;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Program, another, here, with_program};

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
        from: here(),
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
