//! Bringing customers in from a file.

use axum::body::Body;
use http::{Method, StatusCode};
use rapport_service::job::Worker;
use serde_json::{Value, json};

use super::{Answer, Program, with_program};

const FILE: &str = "Company,Contact,E-mail,Shoe size\n\
    Nordlicht,Ada Berg,ada@n.example,40\n\
    Südwind,Ben Tal,nobody,41\n";

async fn put_up(program: &Program) -> String {
    let begun = program
        .post(
            "/api/v1/imports",
            &json!({"file": "list.csv", "size": FILE.len()}),
        )
        .await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let place = begun.header("location").to_owned();
    let sent = put(program, &format!("{place}/content?at=0"), FILE).await;
    assert_eq!(sent.body["complete"], true, "{}", sent.body);
    place
}

async fn put(program: &Program, path: &str, body: &str) -> Answer {
    let kind = [("content-type", "application/octet-stream")];
    program
        .send(Method::PUT, path, &kind, Body::from(body.to_owned()))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_put_up_mapped_checked_brought_in_and_mended() {
    let (site, _, program) = with_program().await;
    let place = put_up(&program).await;
    let there = program.get(&place).await;
    assert_eq!(there.body["state"], "ready");
    assert_eq!(
        there.body["settings"]["headers"],
        json!(["Company", "Contact", "E-mail", "Shoe size"])
    );
    let columns = json!(["company.name", "person.name", "person.emails:Work", "ignore"]);
    let set =
        json!({"columns": columns, "tags": ["fair", "north"], "match_by": ["email"], "on_match": "update"});
    let set = program.patch(&place, &set).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    let settings = &set.body["settings"];
    assert_eq!(
        (
            &settings["columns"],
            &settings["tags"],
            &settings["match_by"],
            &settings["on_match"]
        ),
        (
            &columns,
            &json!(["fair", "north"]),
            &json!(["email"]),
            &json!("update")
        )
    );
    let unchanged = program.patch(&place, &json!({})).await;
    assert_eq!(&unchanged.body["settings"], settings);

    let checking = program.post(&format!("{place}/check"), &Value::Null).await;
    assert_eq!(checking.status, StatusCode::ACCEPTED, "{}", checking.body);
    let worker = Worker::new(&site.house.service);
    worker.work_off().await.unwrap();
    let checked = program.get(&place).await;
    assert_eq!(checked.body["forecast"]["rows"], 2, "{}", checked.body);
    assert_eq!(checked.body["batch"], Value::Null);
    let running = program.post(&format!("{place}/run"), &Value::Null).await;
    assert_eq!(running.status, StatusCode::ACCEPTED);
    worker.work_off().await.unwrap();
    let done = program.get(&place).await;
    assert_eq!(
        (
            &done.body["state"],
            &done.body["problems"],
            &done.body["progress"]["percent"]
        ),
        (&json!("done"), &json!(1), &json!(100)),
        "{}",
        done.body
    );
    let listed = program.get("/api/v1/imports").await;
    assert_eq!(listed.body["data"][0]["problems"], 1);
    let rows = program.get(&format!("{place}/problems")).await;
    assert_eq!(
        (&rows.body["data"][0]["line"], &rows.body["data"][0]["values"][2]),
        (&json!(3), &json!("nobody"))
    );
    let file = "Line,Company,Contact,E-mail,Shoe size,Reason\n3,Südwind,Ben Tal,ben@s.example,41,\n";
    let mended = put(&program, &format!("{place}/mended"), file).await;
    assert_eq!(mended.body, json!({"taken": 1, "still": 0, "unknown": 0}));
    let undo = format!("/api/v1/commands/{}/undo", done.body["batch"].as_str().unwrap());
    assert_eq!(program.post(&undo, &Value::Null).await.status, StatusCode::OK);
    let alive = "SELECT count(*)::text FROM customer WHERE deleted_at IS NULL";
    assert_eq!(site.house.database.read(alive).await, "0");
}

#[tokio::test]
async fn what_is_wrong_with_an_import_is_named_and_nothing_begins() {
    let (_site, _, program) = with_program().await;
    for (body, wrong) in [
        (json!({"file": "", "size": 7}), vec!["/file"]),
        (json!({"file": "a.csv"}), vec!["/size"]),
        (json!({"file": "a.csv", "size": -1}), vec!["/size"]),
        (json!({"file": "a.csv", "size": 1_u64 << 40}), vec!["/size"]),
        (
            json!({"file": "a.csv", "size": "7", "stamp": 1}),
            vec!["/size", "/stamp"],
        ),
    ] {
        assert_eq!(
            program.post("/api/v1/imports", &body).await.wrong(),
            wrong,
            "{body}"
        );
    }
    let begun = program
        .post(
            "/api/v1/imports",
            &json!({"file": "list.csv", "size": FILE.len()}),
        )
        .await;
    let place = begun.header("location").to_owned();
    let early = program.patch(&place, &json!({"tags": ["x"]})).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    let early = program.post(&format!("{place}/run"), &Value::Null).await;
    assert!(early.status.is_client_error());
    for path in ["content", "content?at=x", "content?at=-1"] {
        let answer = put(&program, &format!("{place}/{path}"), FILE).await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (400, vec!["at".to_owned()]),
            "{path}"
        );
    }
    let elsewhere = put(&program, &format!("{place}/content?at=5"), FILE).await;
    assert_eq!(elsewhere.body["received"], 0);
    let too_much = put(&program, &format!("{place}/content?at=0"), &FILE.repeat(20)).await;
    assert_eq!(too_much.status.as_u16(), 422);
    let place = put_up(&program).await;
    for (body, wrong) in [
        (json!({"columns": ["company.name"]}), "/columns"),
        (
            json!({"columns": ["company.name", "x", "ignore", "ignore"]}),
            "/columns/1",
        ),
        (json!({"columns": ["ignore", "ignore", "ignore", "ignore"]}), ""),
        (json!({"match_by": ["email", "shoe"]}), "/match_by/1"),
        (json!({"on_match": "merge"}), "/on_match"),
        (json!({"days": "sideways"}), "/days"),
        (json!({"restore": "yes"}), "/restore"),
        (json!({"dialect": "x"}), "/dialect"),
    ] {
        let answer = program.patch(&place, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.wrong()),
            (422, vec![wrong.to_owned()]),
            "{body}"
        );
    }
    let key = [("idempotency-key", "file")];
    let (first, other) = (
        json!({"file": "a.csv", "size": 70_000}),
        json!({"file": "b.csv", "size": 10}),
    );
    let begun = program.json(Method::POST, "/api/v1/imports", &key, &first).await;
    let again = program.json(Method::POST, "/api/v1/imports", &key, &first).await;
    assert_eq!((&begun.body, begun.status), (&again.body, StatusCode::CREATED));
    let other = program.json(Method::POST, "/api/v1/imports", &key, &other).await;
    assert_eq!(other.wrong(), ["Idempotency-Key"]);
    let gone = program.send(Method::DELETE, &place, &[], Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&place).await.status, StatusCode::NOT_FOUND);
}
