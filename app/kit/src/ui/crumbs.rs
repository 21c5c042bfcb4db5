//! Where a page is: the pages above it, and its own name as the heading.

use leptos::prelude::*;

use super::icon::Icon;

/// The way down to this page, and its own name.
#[component]
pub fn Crumbs(
    /// The pages above, outermost first: address and name.
    above: Vec<(String, String)>,
    /// The page's own name.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    let title = here.clone();
    view! {
        <Trail above/>
        <h1 class="cut" title=title>{here}</h1>
    }
}

/// The pages above this one. At phone width only the nearest is left, as an arrow.
#[component]
pub fn Trail(
    /// The pages above, outermost first: address and name.
    above: Vec<(String, String)>,
) -> impl IntoView {
    let back = above.last().map(|(href, name)| {
        let name = format!("Back to {name}");
        view! {
            <a class="btn ghost only back" href=href.clone() aria-label=name>
                <Icon icon=icondata::LuArrowLeft/>
            </a>
        }
    });
    let above = above.into_iter().map(|(href, name)| {
        view! {
            <a class="dim cut hide-sm hover:underline" href=href>{name}</a>
            <span class="faint hide-sm" aria-hidden="true">"/"</span>
        }
    });
    view! {
        <nav class="crumbs" aria-label="Where you are">
            {back}
            {above.collect_view()}
        </nav>
    }
}
