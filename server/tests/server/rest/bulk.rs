//! Many customers at once, and notes.

use http::{Method, StatusCode};
use rapport_domain::access::BuiltInRole;
use rapport_testing::House;
use serde_json::{Value, json};

use super::{program, with_program};
use crate::browser::Site;

const BULK: &str = "/api/v1/customers/bulk";

#[tokio::test]
async fn many_are_one_command_that_is_taken_back_as_one() {
    let (site, _, program) = with_program().await;
    let ada = program.customer(json!({"name": "Ada", "city": "Hull"})).await;
    let ben = program.customer(json!({"name": "Ben"})).await;
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let body = json!({"items": [
        {"op": "create", "values": {"name": "Cy", "emails": ["cy@x.example"]}},
        {"op": "update", "id": id(&ada), "version": 1, "values": {"city": null, "tags": ["fair"]}},
        {"op": "delete", "id": id(&ben)},
    ]});
    let done = program.post(BULK, &body).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let batch = done.header("rapport-batch").to_owned();
    assert_eq!(done.body["batch"], json!(batch));
    let told: Vec<(u64, i64)> = done.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["status"].as_u64().unwrap(),
                item["version"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(201, 1), (200, 2), (200, 2)]);
    assert_eq!(program.get(&ben).await.body["deleted"], true);
    assert_eq!(program.get(&ada).await.body["tags"], json!(["fair"]));

    let undo = program
        .post(&format!("/api/v1/commands/{batch}/undo"), &Value::Null)
        .await;
    assert_eq!(undo.body["undone"], 3, "{}", undo.body);
    assert_eq!(program.get(&ada).await.body["city"], "Hull");
    assert_eq!(program.get(&ben).await.body["deleted"], false);
    let alive = "SELECT count(*)::text FROM customer WHERE deleted_at IS NULL";
    assert_eq!(site.house.database.read(alive).await, "2");
}

#[tokio::test]
async fn one_that_is_wrong_lets_all_be_and_each_is_named() {
    let (site, _, program) = with_program().await;
    let ada = program.customer(json!({"name": "Ada"})).await;
    let ada = ada.rsplit('/').next().unwrap();
    let nobody = "01933d3e-0000-7000-8000-00000000ffff";
    let body = json!({"items": [
        {"op": "create", "values": {"name": "Good"}},
        {"op": "create", "values": {"nme": null, "emails": ["a@x.example", 3]}},
        {"op": "merge"},
        {"op": "update", "id": "x", "values": {}},
        {"op": "delete", "id": ada, "version": 0, "more": 1},
        7,
        {"op": "create", "id": ada, "values": {"name": "x"}},
        {"op": "delete", "id": ada, "values": {}},
    ]});
    let refused = program.post(BULK, &body).await;
    assert_eq!(refused.status.as_u16(), 422);
    assert_eq!(
        refused.wrong(),
        [
            "/items/1/values/emails/1",
            "/items/1/values/nme",
            "/items/2/op",
            "/items/3/id",
            "/items/4/more",
            "/items/4/version",
            "/items/5",
            "/items/6/id",
            "/items/7/values",
        ]
    );
    let body = json!({"items": [
        {"op": "create", "values": {"name": "Good"}},
        {"op": "update", "id": ada, "version": 7, "values": {"city": "Bath"}},
        {"op": "delete", "id": nobody},
        {"op": "create", "values": {"name": "x", "owner_id": nobody}},
        {"op": "delete", "id": ada},
    ]});
    let refused = program.post(BULK, &body).await;
    assert_eq!(refused.status.as_u16(), 422);
    assert_eq!(
        refused.wrong(),
        [
            "/items/1",
            "/items/2",
            "/items/3/values/owner_id",
            "/items/4/values/id"
        ]
    );
    for body in [
        json!({}),
        json!({"items": []}),
        json!({"items": {}}),
        json!({"items": vec![json!({"op": "merge"}); 1_001]}),
    ] {
        assert_eq!(program.post(BULK, &body).await.wrong(), ["/items"]);
    }
    let wrong = program
        .post(BULK, &json!({"atomic": "yes", "items": [{}], "more": 1}))
        .await;
    assert_eq!(wrong.wrong(), ["/atomic", "/more"]);
    let all = "SELECT count(*)::text FROM customer";
    assert_eq!(site.house.database.read(all).await, "1");
}

#[tokio::test]
async fn each_for_itself_is_done_as_far_as_it_can_be() {
    let (_site, _, program) = with_program().await;
    let ada = program.customer(json!({"name": "Ada"})).await;
    let id = ada.rsplit('/').next().unwrap();
    let body = json!({"atomic": false, "items": [
        {"op": "create", "values": {"name": "Cy"}},
        {"op": "create", "values": {"name": ""}},
        {"op": "update", "id": id, "version": 7, "values": {"city": "Bath"}},
        {"op": "update", "id": id, "values": {"city": "Bath"}},
        {"op": "delete", "id": id},
        {"op": "restore", "id": id},
    ]});
    let done = program.post(BULK, &body).await;
    let items = done.body["items"].as_array().unwrap();
    let statuses: Vec<u64> = items
        .iter()
        .map(|item| item["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 422, 412, 200, 200, 200], "{}", done.body);
    assert_eq!(items[1]["problem"]["errors"][0]["pointer"], "/values/name");
    assert_eq!(items[2]["problem"]["version"], 1);
    assert!(items[3]["batch"].is_string() && done.body["batch"].is_null());
    assert_eq!(program.get(&ada).await.body["version"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_again_under_one_key_many_are_done_once() {
    let (site, _, program) = with_program().await;
    for atomic in [true, false] {
        let items: Vec<Value> = (0..20)
            .map(|number| json!({"op": "create", "values": {"name": format!("Ada {number}")}}))
            .collect();
        let body = json!({"atomic": atomic, "items": items});
        let key = format!("key {atomic}");
        let headers = [("idempotency-key", key.as_str())];
        let asked = (0..6).map(|_| program.json(Method::POST, BULK, &headers, &body));
        let answers = futures::future::join_all(asked).await;
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(answer.body, answers[0].body);
        }
    }
    let all = "SELECT count(*)::text FROM customer";
    assert_eq!(site.house.database.read(all).await, "40");
    let commands = "SELECT count(*)::text FROM batch WHERE command = 'edit customers'";
    assert_eq!(site.house.database.read(commands).await, "21");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_again_what_others_did_since_stays_and_another_request_needs_another_key() {
    let (_site, _, program) = with_program().await;
    for atomic in [true, false] {
        let ada = program.customer(json!({"name": "Ada", "city": "Hull"})).await;
        let ben = program.customer(json!({"name": "Ben"})).await;
        let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let key = format!("key {atomic}");
        let headers = [("idempotency-key", key.as_str())];
        let body = json!({"atomic": atomic, "items": [
            {"op": "update", "id": id(&ada), "version": 1, "values": {"city": "Bath"}},
            {"op": "delete", "id": id(&ben)},
        ]});
        // Both at once: one waits for the other, and is told the same.
        let asked = (0..2).map(|_| program.json(Method::POST, BULK, &headers, &body));
        for answer in futures::future::join_all(asked).await {
            let statuses: Vec<&Value> = answer.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| &item["status"])
                .collect();
            assert_eq!(statuses, [200, 200], "{}", answer.body);
        }
        program.patch(&ada, &json!({"city": "York"})).await;
        program.post(&format!("{ben}/restore"), &Value::Null).await;
        let again = program.json(Method::POST, BULK, &headers, &body).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.body);
        assert_eq!(program.get(&ada).await.body["city"], "York");
        assert_eq!(program.get(&ben).await.body["deleted"], false);

        let other = json!({"atomic": atomic, "items": [{"op": "create", "values": {"name": "Cy"}}]});
        let other = program.json(Method::POST, BULK, &headers, &other).await;
        assert_eq!(other.wrong(), ["Idempotency-Key"], "{}", other.body);
    }
}

#[tokio::test]
async fn a_thousand_are_done_within_the_time_of_a_file() {
    // With the deadlines that people meet.
    let site = Site::of(House::new().await);
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let program = program(&site, &admin, "write").await;
    let items: Vec<Value> = (0..1_000)
        .map(|number| {
            json!({"op": "create", "values": {"name": format!("Ada {number}"), "emails": [format!("a{number}@x.example")]}})
        })
        .collect();
    let done = program.post(BULK, &json!({"items": items})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let all = "SELECT count(*)::text FROM customer";
    assert_eq!(site.house.database.read(all).await, "1000");
}

#[tokio::test]
async fn a_note_is_written_changed_removed_and_the_timeline_tells_of_it() {
    let (_site, _, program) = with_program().await;
    let customer = program.customer(json!({"name": "Ada"})).await;
    let notes = format!("{customer}/notes");
    let key = [("idempotency-key", "n")];
    let made = program
        .json(Method::POST, &notes, &key, &json!({"body": "Hello"}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let again = program
        .json(Method::POST, &notes, &key, &json!({"body": "Hello"}))
        .await;
    assert_eq!(again.body, made.body);
    let other = program
        .json(Method::POST, &notes, &key, &json!({"body": "Another"}))
        .await;
    assert_eq!(other.wrong(), ["Idempotency-Key"]);
    let path = made.header("location").to_owned();
    let changed = program.patch(&path, &json!({"body": "Hello again"})).await;
    assert_eq!(
        (&changed.body["body"], &changed.body["version"]),
        (&json!("Hello again"), &json!(2))
    );
    let stale = program
        .json(
            Method::PATCH,
            &path,
            &[("if-match", "\"1\"")],
            &json!({"body": "x"}),
        )
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    for (body, wrong) in [(json!({"body": ""}), "/body"), (json!({"text": "x"}), "/text")] {
        assert_eq!(program.patch(&path, &body).await.wrong(), [wrong]);
    }
    let told = program.get(&format!("{customer}/timeline")).await;
    let what: Vec<&str> = told.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["note_edited", "note_written", "created"]);
    assert_eq!(told.body["data"][1]["text"], "Hello again");
    let gone = program
        .send(
            Method::DELETE,
            &path,
            &[("if-match", "\"2\"")],
            axum::body::Body::empty(),
        )
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.status, StatusCode::NOT_FOUND);
    let undo = format!("/api/v1/commands/{}/undo", gone.header("rapport-batch"));
    assert_eq!(program.post(&undo, &Value::Null).await.status, StatusCode::OK);
    assert_eq!(program.get(&path).await.status, StatusCode::OK);
    for wrong in ["before=0", "before=x", "after=1"] {
        let answer = program.get(&format!("{customer}/timeline?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}
