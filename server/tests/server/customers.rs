//! /customers: the list and a customer's page.

use http::StatusCode;
use rapport_domain::{access::BuiltInRole, customer::Field};

use crate::browser::{Answer, Site};

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_there_is_as_text() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    site.customer(&ctx, &[("name", "<script>alert(1)</script>")])
        .await;
    site.customer(&ctx, &[("name", "مرحبا 👩‍👩‍👧")]).await;
    let page = browser.get("/customers").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<script>alert(1)"), "{}", page.body);
    assert!(page.body.contains("مرحبا 👩‍👩‍👧"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_read_is_said_on_the_page_of_the_list() {
    let (_site, mut browser) = Site::with_admin().await;
    let cases = [
        "size=-1",
        "size=0",
        "size=100000",
        "size=x",
        "sort=password",
        "after=%00",
        "q=%00",
        "q=%FF",
        "filter=(",
    ];
    for query in cases {
        let page = browser.get(&format!("/customers?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.body.contains("<main"), "{query}: {}", page.body);
        let call = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", query)
            .finish();
        let answer = browser.read("customer/list", &call).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{query}: {}",
            answer.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_nested_without_end_is_refused_for_its_depth() {
    let (_site, mut browser) = Site::with_admin().await;
    let deep = format!("1:{}stage.is(lead){}", "not(".repeat(100), ")".repeat(100));
    let sentence = "and, or, not may be nested at most 5 deep.";
    let page = browser.get(&format!("/customers?filter={deep}")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains(sentence), "{}", page.body);
    let call = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", &format!("filter={deep}"))
        .finish();
    let answer = browser.read("customer/list", &call).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains(sentence), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_search_leads_on_and_back_without_script() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    for number in 0..3 {
        site.customer(&ctx, &[("name", &format!("Customer {number}"))])
            .await;
    }
    let first = browser.get("/customers?q=customer&size=2").await;
    assert!(first.body.contains("3 customers"), "{}", first.body);
    let second = browser.get(&link_with(&first, "after=")).await;
    let shown = |page: &Answer| {
        (0..3)
            .map(|number| page.body.contains(&format!(">Customer {number}<")))
            .collect::<Vec<_>>()
    };
    let (here, there) = (shown(&first), shown(&second));
    assert_eq!(here.iter().filter(|shown| **shown).count(), 2, "{}", first.body);
    assert!(
        here.iter().zip(&there).all(|(here, there)| here != there),
        "{}",
        second.body
    );
    let back = browser.get(&previous_of(&second)).await;
    assert_eq!(shown(&back), here);
}

/// Where the link leads whose address holds this.
fn link_with(page: &Answer, part: &str) -> String {
    page.body
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|link| link.contains(part))
        .unwrap()
        .replace("&amp;", "&")
}

/// Where "Previous" leads.
fn previous_of(page: &Answer) -> String {
    let (before, _) = page.body.split_once("</svg>Previous").unwrap();
    let link = before.rsplit("href=\"").next().unwrap();
    link.split('"').next().unwrap().replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_leads_on_without_script() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    for number in 0..5 {
        site.customer(&ctx, &[("name", &format!("Customer {number}"))])
            .await;
    }
    let first = browser.get("/customers?size=2").await;
    assert!(
        first.body.contains("Customer 0")
            && first.body.contains("Customer 1")
            && !first.body.contains("Customer 2")
    );
    let next = link_with(&first, "after=");
    let second = browser.get(&next).await;
    assert!(
        second.body.contains("Customer 2")
            && second.body.contains("Customer 3")
            && !second.body.contains("Customer 4"),
        "{next}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_shown_with_its_timeline() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    let id = site
        .customer(
            &ctx,
            &[
                ("name", "Ada Lovelace"),
                ("city", "London"),
                ("emails", "ada@example.org"),
            ],
        )
        .await;
    browser
        .post(
            &format!("/customers/{id}/notes"),
            &[
                ("id", "01933d3e-0000-7000-8000-0000000000b1"),
                ("body", "Likes <i>engines</i>"),
            ],
        )
        .await;
    let page = browser.get(&format!("/customers/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in [
        "Ada Lovelace",
        "London",
        "ada@example.org",
        "Likes &lt;i&gt;engines&lt;/i&gt;",
        "Note added.",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_leads_to_the_list_and_offers_to_take_it_back() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    let id = site.customer(&ctx, &[("name", "Ada Lovelace")]).await;
    let done = browser.post(&format!("/customers/{id}/trash"), &[]).await;
    assert_eq!((done.status, done.to()), (StatusCode::SEE_OTHER, "/customers"));
    let page = browser.get("/customers").await;
    assert!(
        page.body.contains("Moved to the trash.") && page.value_of("batch").is_some(),
        "{}",
        page.body
    );
    assert!(!page.body.contains("Ada Lovelace"));
}

/// Markup, quotes, a turn of the direction of writing and a joined emoji.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=a()>\"'&amp; \u{202e}مرحبا 👩‍👩‍👧";

/// A text for a field that its rules allow; none where only one of a list is allowed.
fn hostile(field: Field) -> Option<String> {
    Some(match field {
        Field::Kind | Field::Stage | Field::Owner | Field::Company => return None,
        Field::Emails => "'onerror=a()&\u{202e}👩‍👩‍👧@مرحبا.example".to_owned(),
        Field::Phones => format!("{HOSTILE} 123"),
        Field::Links => "https://x.example/<script>alert(1)</script>\"'&amp;\u{202e}👩‍👩‍👧".to_owned(),
        Field::Tags => "<script>alert(1)</script>&amp;\u{202e}👩‍👩‍👧".to_owned(),
        field => format!("{field} {HOSTILE}"),
    })
}

/// The text of a page, as a browser reads it out of its markup.
fn as_read(page: &Answer) -> String {
    let text = page.body.replace("&lt;", "<").replace("&gt;", ">");
    let text = text
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'");
    text.replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_stands_whole_and_as_text_wherever_a_field_is_shown() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    let company = format!("company {HOSTILE}");
    let company_id = site
        .customer(&ctx, &[("name", &company), ("kind", "company")])
        .await
        .to_string();
    let texts: Vec<(Field, String)> = Field::EVERY
        .iter()
        .filter_map(|field| Some((*field, hostile(*field)?)))
        .collect();
    let mut fields: Vec<(&str, &str)> = texts
        .iter()
        .map(|(field, text)| (field.word(), text.as_str()))
        .collect();
    fields.push(("company_id", &company_id));
    let id = site.customer(&ctx, &fields).await;
    let note = format!("note {HOSTILE}");
    let noted = [
        ("id", "01933d3e-0000-7000-8000-0000000000b1"),
        ("body", note.as_str()),
    ];
    let done = browser.post(&format!("/customers/{id}/notes"), &noted).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let quoted = HOSTILE.replace('\'', "''");
    let database = &site.house.database;
    database
        .run(&format!("UPDATE app_user SET name = 'user {quoted}'"))
        .await;
    database
        .run(&format!("UPDATE organisation SET name = 'organisation {quoted}'"))
        .await;
    database
        .run(&format!(
            "INSERT INTO external_ref (id, customer_id, source, key) \
             VALUES (gen_random_uuid(), '{id}', 'source {quoted}', 'key {quoted}')"
        ))
        .await;

    let all: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    let others =
        ["company", "note", "user", "organisation", "source", "key"].map(|what| format!("{what} {HOSTILE}"));
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let [company, _, user, organisation, ..] = others[..] else {
        panic!("six others");
    };
    let name = hostile(Field::Name).unwrap();
    let record: Vec<&str> = all.iter().chain(&others).copied().collect();
    let edit: Vec<&str> = all
        .iter()
        .chain(&[company, user, organisation])
        .copied()
        .collect();
    for (path, shown) in [
        ("/customers".to_owned(), vec![name.as_str(), user, organisation]),
        (
            format!("/customers?open={id}"),
            vec![name.as_str(), user, company],
        ),
        (format!("/customers/{id}"), record),
        (format!("/customers/{id}/edit"), edit),
        ("/customers/new".to_owned(), vec![user, organisation]),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for markup in ["<script>alert", "<img src=x"] {
            assert!(!page.body.contains(markup), "{path}: {markup}: {}", page.body);
        }
        let read = as_read(&page);
        for text in shown {
            assert!(read.contains(text), "{path}: {text}: {read}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_about_a_stage_says_both_by_their_words() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(BuiltInRole::Admin, None).await;
    let id = site.customer(&ctx, &[("name", "Ada")]).await;
    let mut other = site.signed_in(ctx.actor().user).await;
    let path = format!("/customers/{id}/edit");
    let first = other
        .submit(&path, &[("version", "1"), ("stage", "customer")])
        .await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let second = browser
        .submit(&path, &[("version", "1"), ("stage", "former")])
        .await;
    assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.body);
    let error: serde_json::Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!(
        (
            &error["conflict"]["fields"][0]["theirs"],
            &error["conflict"]["fields"][0]["mine"]
        ),
        (&"Customer".into(), &"Former".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_offers_only_what_the_person_may_do() {
    let site = Site::empty().await;
    for (role, may) in [(BuiltInRole::Member, true), (BuiltInRole::ReadOnly, false)] {
        let user = site.house.user(role, None).await;
        let page = site.signed_in(user).await.get("/customers").await;
        assert!(page.body.contains("No customers yet"), "{}", page.body);
        for offer in ["Import a file", "Add the first one here", "/customers/new"] {
            assert_eq!(page.body.contains(offer), may, "{role} {offer}: {}", page.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_customer_is_offered_to_those_who_may_get_it() {
    let site = Site::empty().await;
    let (team, other) = (site.house.team("North").await, site.house.team("South").await);
    let admin = site.house.user(BuiltInRole::Admin, Some(other)).await;
    let manager = site.house.user(BuiltInRole::Manager, Some(team)).await;
    let member = site.house.user(BuiltInRole::Member, Some(team)).await;
    for (user, offered) in [
        (admin, [true, true, true, true]),
        (manager, [false, false, true, true]),
        (member, [false, false, false, true]),
    ] {
        let mut browser = site.signed_in(user).await;
        let page = browser.get("/customers/new").await;
        let (_, select) = page.body.split_once("name=\"owner_id\"").unwrap();
        let (select, _) = select.split_once("</select>").unwrap();
        let there = ["Nobody", "admin 0", "manager 1", "member 2"].map(|name| select.contains(name));
        assert_eq!(there, offered, "{select}");
        let owner = user.to_string();
        let id = page.value_of("id").unwrap();
        let fields = [("id", id.as_str()), ("name", "Ada"), ("owner_id", owner.as_str())];
        let made = browser.post("/customers/new", &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    }
}
