//! The form door, in both ways.

use chrono::TimeDelta;
use http::StatusCode;
use rapport_domain::access::BuiltInRole;
use rapport_service::{clock::Clock, customer::query, limit};
use rapport_testing::House;

use crate::browser::{Site, patient};

const ID: &str = "01933d3e-0000-7000-8000-0000000000a1";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_twice_makes_one_record() {
    let (site, mut browser) = Site::with_admin().await;
    let minted = browser.get("/customers/new").await.value_of("id").unwrap();
    let fields = [
        ("id", minted.as_str()),
        ("name", "Ada Lovelace"),
        ("kind", "person"),
    ];
    for _ in 0..2 {
        let done = browser.post("/customers/new", &fields).await;
        assert_eq!(
            (done.status, done.to()),
            (StatusCode::SEE_OTHER, &*format!("/customers/{minted}")),
            "{}",
            done.body
        );
    }
    let by_script = browser.submit("/customers/new", &fields).await;
    assert_eq!(by_script.status, StatusCode::OK, "{}", by_script.body);
    assert_eq!(
        site.house
            .database
            .read("SELECT count(*)::text FROM customer")
            .await,
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_forms_without_end() {
    let site = Site::within(House::with_clock(Clock::stopped()).await, patient());
    let admin = site.house.user(BuiltInRole::Admin, None).await;
    let (ctx, mut browser) = (site.house.acting(admin).await, site.signed_in(admin).await);
    for _ in 0..limit::FORMS_OF.burst {
        limit::take_own(&ctx, limit::FORMS_OF).await.unwrap();
    }
    let fields = [("id", ID), ("name", "Ada Lovelace"), ("kind", "person")];
    let refused = browser.post("/customers/new", &fields).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        refused.value_of("name").as_deref(),
        Some("Ada Lovelace"),
        "what was typed stays"
    );
    site.house.clock.advance(TimeDelta::seconds(1));
    let done = browser.post("/customers/new", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_form_comes_back_with_what_was_typed_and_what_is_wrong() {
    let (_site, mut browser) = Site::with_admin().await;
    let fields = [
        ("id", ID),
        ("name", ""),
        ("emails", "no address"),
        ("city", "<b>\"Zürich\"</b> 👩‍👩‍👧 مرحبا"),
    ];
    let answer = browser.post("/customers/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        answer.value_of("id").as_deref(),
        Some(ID),
        "the id stays, so that sending again makes the same record"
    );
    assert_eq!(
        answer.value_of("city").as_deref(),
        Some("<b>\"Zürich\"</b> 👩‍👩‍👧 مرحبا")
    );
    assert!(answer.body.contains("Please give a name."), "{}", answer.body);
    assert!(answer.body.contains("“no address” is not an e-mail address."));
    assert!(answer.body.contains("aria-invalid=\"true\""));
    assert!(!answer.body.contains("<b>\"Z"), "what was typed is text");

    let by_script = browser.submit("/customers/new", &fields).await;
    assert_eq!(by_script.status, StatusCode::UNPROCESSABLE_ENTITY);
    let error: serde_json::Value = serde_json::from_str(&by_script.body).unwrap();
    assert_eq!(error["invalid"]["fields"]["name"], "Please give a name.");
}

#[tokio::test(flavor = "multi_thread")]
async fn nul_bytes_and_texts_without_end_are_refused_at_their_field() {
    let (_site, mut browser) = Site::with_admin().await;
    let long = "x".repeat(100_000);
    for text in ["a\0b", &long] {
        let answer = browser
            .post("/customers/new", &[("id", ID), ("name", text)])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let by_script = browser
            .submit("/customers/new", &[("id", ID), ("name", text)])
            .await;
        assert_eq!(by_script.status, StatusCode::UNPROCESSABLE_ENTITY);
        let error: serde_json::Value = serde_json::from_str(&by_script.body).unwrap();
        assert!(error["invalid"]["fields"]["name"].is_string(), "{error}");
    }
    for id in ["", "x", "01933d3e\0"] {
        let answer = browser
            .post("/customers/new", &[("id", id), ("name", "Ada")])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{id:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_of_a_form_is_shown_once_and_takes_back_what_it_says() {
    let (site, mut browser) = Site::with_admin().await;
    let done = browser
        .post("/customers/new", &[("id", ID), ("name", "Ada Lovelace")])
        .await;
    let page = browser.get(done.to()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Customer created."), "{}", page.body);
    let batch = page.value_of("batch").unwrap();
    assert!(!browser.get(done.to()).await.body.contains("Customer created."));

    let undone = browser
        .post("/undo", &[("batch", &batch), ("back", "/customers?q=ada")])
        .await;
    assert_eq!(
        (undone.status, undone.to()),
        (StatusCode::SEE_OTHER, "/customers?q=ada")
    );
    assert_eq!(
        site.house
            .database
            .read("SELECT count(*)::text FROM customer WHERE deleted_at IS NULL")
            .await,
        "0"
    );
    let page = browser.get("/customers").await;
    assert!(page.body.contains("Undone."), "{}", page.body);
    // Undoing the undo is the redo.
    let redo = page.value_of("batch").unwrap();
    browser.post("/undo", &[("batch", &redo)]).await;
    assert_eq!(
        site.house
            .database
            .read("SELECT count(*)::text FROM customer WHERE deleted_at IS NULL")
            .await,
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_saves_only_what_was_changed_and_merges_with_others() {
    let (site, mut browser) = Site::with_admin().await;
    let other = site.ctx(BuiltInRole::Admin, None).await;
    let id = site
        .customer(
            &other,
            &[("name", "Ada"), ("city", "London"), ("street", "1 Old Road")],
        )
        .await;
    let path = format!("/customers/{id}/edit");
    let page = browser.get(&path).await;
    let (version, city) = (
        page.value_of("version").unwrap(),
        page.value_of("was.city").unwrap(),
    );
    assert_eq!(city, "London");

    // Somebody else changes another field meanwhile.
    let mut colleague = browser.clone();
    let edit = [("version", version.as_str()), ("street", "2 New Road")];
    assert_eq!(colleague.submit(&path, &edit).await.status, StatusCode::OK);
    let fields = [
        ("version", version.as_str()),
        ("was.city", "London"),
        ("city", "Bath"),
        ("was.street", "1 Old Road"),
        ("street", "1 Old Road"),
    ];
    let saved = browser.post(&path, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let customer = query::get(&other, id).await.unwrap();
    assert_eq!(
        (customer.city.as_deref(), customer.street.as_deref()),
        (Some("Bath"), Some("2 New Road"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_edit_of_the_same_field_shows_both_values_and_lets_the_person_pick() {
    let (site, mut browser) = Site::with_admin().await;
    let other = site.house.user(BuiltInRole::Admin, None).await;
    let mut colleague = site.signed_in(other).await;
    let ctx = site.house.acting(other).await;
    let id = site.customer(&ctx, &[("name", "Ada"), ("city", "London")]).await;
    let path = format!("/customers/{id}/edit");
    let version = browser.get(&path).await.value_of("version").unwrap();
    let theirs = [
        ("version", version.as_str()),
        ("was.city", "London"),
        ("city", "Basel"),
    ];
    assert_eq!(colleague.post(&path, &theirs).await.status, StatusCode::SEE_OTHER);

    let mine = [
        ("version", version.as_str()),
        ("was.city", "London"),
        ("city", "Bern"),
    ];
    let conflict = browser.post(&path, &mine).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT, "{}", conflict.body);
    assert_eq!(
        conflict.value_of("city").as_deref(),
        Some("Bern"),
        "what was typed stays"
    );
    assert!(
        conflict.body.contains("Basel") && conflict.body.contains("name=\"pick.city\""),
        "{}",
        conflict.body
    );
    let now = conflict.value_of("version").unwrap();
    let was = conflict.value_of("was.city").unwrap();
    assert_eq!(was, "Basel");

    let by_script = browser.submit(&path, &mine).await;
    assert_eq!(by_script.status, StatusCode::CONFLICT);
    let error: serde_json::Value = serde_json::from_str(&by_script.body).unwrap();
    assert_eq!(
        (
            &error["conflict"]["fields"][0]["mine"],
            &error["conflict"]["fields"][0]["theirs"]
        ),
        (&"Bern".into(), &"Basel".into())
    );

    let keep = [
        ("version", now.as_str()),
        ("was.city", was.as_str()),
        ("city", "Bern"),
        ("pick.city", "theirs"),
    ];
    assert_eq!(browser.post(&path, &keep).await.status, StatusCode::SEE_OTHER);
    assert_eq!(query::get(&ctx, id).await.unwrap().city.as_deref(), Some("Basel"));
    let insist = [
        ("version", now.as_str()),
        ("was.city", was.as_str()),
        ("city", "Bern"),
        ("pick.city", "mine"),
    ];
    assert_eq!(browser.post(&path, &insist).await.status, StatusCode::SEE_OTHER);
    assert_eq!(query::get(&ctx, id).await.unwrap().city.as_deref(), Some("Bern"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_stands_on_another_page_fails_there() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    let id = site.customer(&ctx, &[("name", "Ada Lovelace")]).await;
    let answer = browser
        .post(&format!("/customers/{id}/notes"), &[("id", ID), ("body", " ")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.body.contains("Ada Lovelace") && answer.body.contains("Please write something first."),
        "{}",
        answer.body
    );
    assert!(
        answer
            .body
            .contains(&format!("history.replaceState(null,'','/customers/{id}')")),
        "{}",
        answer.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_somebody_whose_session_ended_is_kept_to_be_sent_again() {
    let (_site, mut browser) = Site::with_admin().await;
    browser.cookies.clear();
    let answer = browser
        .post("/customers/new", &[("id", ID), ("name", "Ada <3")])
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer
            .value_of("name")
            .map(|name| name.trim().to_owned())
            .as_deref(),
        Some("Ada <3"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("Send again"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_colours_are_chosen_without_script_and_painted_at_once() {
    let (_site, mut browser) = Site::with_admin().await;
    assert!(!browser.get("/customers").await.body.contains("data-theme="));
    let done = browser
        .post("/theme", &[("theme", "dark"), ("back", "/customers")])
        .await;
    assert_eq!(done.to(), "/customers");
    assert!(
        browser
            .get("/customers")
            .await
            .body
            .contains("<html lang=\"en\" data-theme=\"dark\"")
    );
    assert_eq!(
        browser.post("/theme", &[("theme", "pink")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    browser.post("/theme", &[("theme", "system")]).await;
    assert!(!browser.get("/customers").await.body.contains("data-theme="));
}
