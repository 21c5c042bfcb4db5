//! The table of customers: each byte of a row is paid fifty times a page.

use customer::rows::{CustomerTable, heads};
use leptos::prelude::*;
use rapport_domain::{customer::CustomerRow, id::CustomerId, query::ListQuery};

use crate::{
    render::{HOSTILE, html},
    support::{customer_id, row},
};

fn table(rows: Vec<CustomerRow>, query: &str, open: Option<CustomerId>) -> String {
    let heads = heads(&ListQuery::from_query_string(query).unwrap());
    html(move || view! { <CustomerTable rows heads open on_open=Callback::new(|_| ())/> })
}

fn body(table: &str) -> &str {
    table
        .split_once("<tbody>")
        .unwrap()
        .1
        .split_once("</tbody>")
        .unwrap()
        .0
}

#[test]
fn a_row_is_plain_and_small() {
    let one = table(vec![row("Berglunds snabbköp")], "", None);
    insta::assert_snapshot!(body(&one), @r#"<tr><td><a href="/customers/01933d3e-0000-7000-8000-00000000000a"><i aria-hidden="true" class="ava sq c5">BS</i><span>Berglunds snabbköp</span></a></td><td>Berglunds snabbköp</td><td><span class="pill dot c0">Customer</span></td><td><i aria-hidden="true" class="ava c5">BS</i>Berglunds snabbköp</td><td>Berglunds snabbköp</td><td>Berglunds snabbköp</td><td class="num">4 min ago</td></tr><!>"#);
    assert!(body(&one).len() < 450, "{} bytes", body(&one).len());
}

#[test]
fn html_in_any_field_of_a_row_stays_text() {
    let rows = table(vec![row(HOSTILE)], "", None);
    assert!(!rows.contains("<img"), "{rows}");
    assert_eq!(rows.matches("&lt;img").count(), 6, "{rows}");
}

#[test]
fn a_name_that_may_be_cut_is_told_whole() {
    let long = "Ana Trujillo Emparedados y helados";
    assert!(table(vec![row(long)], "", None).contains(&format!("title=\"{long}\"")));
    assert!(!table(vec![row("Bon app")], "", None).contains("title="));
}

#[test]
fn the_row_that_is_open_is_marked() {
    assert!(table(vec![row("a")], "", Some(customer_id())).contains("<tr aria-current=\"true\">"));
    assert!(!table(vec![row("a")], "", None).contains("aria-current"));
}

#[test]
fn the_head_says_how_the_list_is_sorted() {
    assert!(table(Vec::new(), "", None).contains("aria-sort=\"ascending\"><a href=\"/customers?sort="));
    assert!(!table(Vec::new(), "q=ann", None).contains("aria-sort"));
}
