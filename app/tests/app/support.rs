//! Rendering, and records to render.

use leptos::{context::Provider, prelude::*};
use leptos_router::{components::Router, location::RequestUrl};
use rapport_app::door::Door;
use rapport_domain::{
    customer::{CustomerKind, CustomerRow, Stage},
    id::{CustomerId, UserId},
    timeline::Moment,
};

/// What breaks out of a page that does not escape.
pub(crate) const HOSTILE: &str = "</td><img src=x onerror=alert(1)>\"'&";

/// Renders a view as the server does.
pub(crate) fn html<V: IntoView + 'static>(view: impl FnOnce() -> V + Send + 'static) -> String {
    html_at("/customers", view)
}

/// Renders a view as the server does, on the page of an address.
pub(crate) fn html_at<V: IntoView + 'static>(
    address: &str,
    view: impl FnOnce() -> V + Send + 'static,
) -> String {
    let owner = Owner::new();
    owner.with(|| {
        provide_context(RequestUrl::new(address));
        view! {
            <Provider value=Door::new(None, None)>
                <Router>{view()}</Router>
            </Provider>
        }
        .to_html()
    })
}

pub(crate) fn moment(said: &str) -> Moment {
    Moment {
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
        said: said.to_owned(),
    }
}

pub(crate) fn customer_id() -> CustomerId {
    "01933d3e-0000-7000-8000-00000000000a".parse().unwrap()
}

pub(crate) fn user_id() -> UserId {
    "01933d3e-0000-7000-8000-00000000000b".parse().unwrap()
}

/// A row whose every text is the same.
pub(crate) fn row(text: &str) -> CustomerRow {
    CustomerRow {
        id: customer_id(),
        version: 1,
        kind: CustomerKind::Company,
        stage: Stage::Customer,
        name: text.to_owned(),
        contact: text.to_owned(),
        email: Some(text.to_owned()),
        phone: None,
        owner: Some((user_id(), text.to_owned())),
        city: Some(text.to_owned()),
        country: None,
        tags: Vec::new(),
        updated: moment("4 min ago"),
    }
}
