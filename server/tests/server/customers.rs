//! /customers: the list and a customer's page.

use http::StatusCode;
use rapport_domain::access::BuiltInRole;

use crate::browser::Site;

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
    let deep = format!("{}stage.is.lead{}", "not(".repeat(100), ")".repeat(100));
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
        &format!("filter={deep}"),
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
    let links = first
        .body
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let next = links
        .into_iter()
        .find(|link| link.contains("after="))
        .expect("a link to the next page")
        .replace("&amp;", "&");
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
