//! Rendering.

use kit::door::Door;
use leptos::{context::Provider, prelude::*};
use leptos_router::{components::Router, location::RequestUrl};

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
