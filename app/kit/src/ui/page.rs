//! The frame of a plain page: its head, and what it reads.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    awaited::{awaited, bones, waiting},
    crumbs::Crumbs,
    empty::ErrorState,
};
use crate::{api::Answer, door::use_changes, load::Loaded, missing::MissingRecord, part};

/// The pages above a page, outermost first: address and name.
pub type Above = Vec<(&'static str, &'static str)>;

/// The admin panel, above its pages.
#[must_use]
pub fn below_admin() -> Above {
    vec![("/admin", "Admin")]
}

/// A page with its name, tools beside it, and content that scrolls.
#[component]
pub fn PlainPage(
    /// Its name.
    #[prop(into)]
    title: String,
    /// The pages above it.
    #[prop(optional)]
    above: Above,
    /// Links and buttons beside its name.
    #[prop(optional, into)]
    tools: Option<AnyView>,
    /// Whether it takes the whole width.
    #[prop(optional)]
    broad: bool,
    /// What stands on it.
    children: Children,
) -> impl IntoView {
    let above = above
        .into_iter()
        .map(|(href, name)| (href.to_owned(), name.to_owned()));
    view! {
        <Title text=title.clone()/>
        <main class="main grow">
            <div class="bar">
                <Crumbs above=above.collect() here=title/>
                <span class="grow"></span>
                {tools}
            </div>
            <div class="scroll">
                <div class="page" class:broad=broad>
                    {children()}
                </div>
            </div>
        </main>
    }
    .into_any()
}

/// Reads something, again after every change, and draws it; `again` is the page to try again when it could not be read.
pub fn loaded<T, F>(
    read: impl Fn() -> F + Send + Sync + 'static,
    again: &'static str,
    draw: fn(T) -> AnyView,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Answer<T>> + Send + 'static,
{
    let changes = use_changes();
    let resource = Loaded::new(move || changes.get(), move |_| read());
    let content = move || async move {
        match awaited(resource).await {
            Ok(read) => draw(read),
            Err(fault) => view! { <ErrorState fault again/> }.into_any(),
        }
    };
    waiting(bones::<6>, content)
}

/// Reads what the `id` of the address names, again after every change and whenever the address asks for something else
/// about it, and draws it; where there is none, leads to the page above, whose address is that of this one without the id.
pub fn found<T, F>(
    read: impl Fn(String) -> F + Send + Sync + 'static,
    above: (&'static str, &'static str),
    what: &'static str,
    draw: fn(T) -> AnyView,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Answer<T>> + Send + 'static,
{
    let (params, search) = (use_params_map(), use_location().search);
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let changes = use_changes();
    let asked = move || (id.get(), search.get(), changes.get());
    let resource = Loaded::new(asked, move |(id, ..)| read(id));
    let (page, name) = above;
    let content = move || async move {
        match awaited(resource).await {
            Ok(read) => draw(read),
            Err(fault) => {
                let again = format!("{page}/{}", id.get_untracked());
                let above = (page.to_owned(), name.to_owned());
                view! { <MissingRecord fault again above what/> }.into_any()
            }
        }
    };
    part::page(waiting(bones::<6>, content))
}
