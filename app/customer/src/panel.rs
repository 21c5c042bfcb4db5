//! A customer beside the list.

use std::sync::Arc;

use kit::{
    door::use_changes,
    live::{Others, follow_customer, use_here},
    load::Loaded,
    part::{Drawn, later},
    ui::{
        avatar::{Avatar, Shape},
        awaited::{awaited, bones, nothing, waiting},
        button::{IconLink, LinkButton},
        dom,
        empty::ErrorState,
        panel::SidePanel,
    },
};
use leptos::{ev, prelude::*};
use rapport_domain::{
    customer::{ContactKind, Customer, CustomerKind},
    id::CustomerId,
    query::ListQuery,
    timeline::Timeline,
};
use wasm_split_helpers::wasm_split;

use super::{
    address::{PATH, neighbours, with_open},
    api,
    edits::{Edits, use_edits},
    facts::{Facts, mail_link, main_fields, phone_link},
    list::{PageResource, focus_open_row},
    story::StoryList,
};

/// How much of the timeline the panel shows.
const ENTRIES: usize = 6;

/// The panel of one customer.
#[component]
pub fn CustomerPanel(
    /// Whose.
    id: CustomerId,
    /// What the list asks for.
    query: Memo<ListQuery>,
    /// The list's page, to walk it from here.
    page: PageResource,
) -> impl IntoView {
    // The panel of the next one has the same link, which has the focus then; when none is left its row has it.
    let press = |event: ev::MouseEvent| {
        if dom::closest(&event, "#walk-before, #walk-next").is_some() {
            dom::keep_focus();
        } else if dom::closest(&event, "#close-panel").is_some() {
            focus_open_row();
        }
    };
    let close = Signal::derive(move || query.with(|query| query.href(PATH)));
    let tools = view! {
        <div class="contents" on:click=press>
            <Walk id query page/>
            <span class="grow"></span>
            <IconLink name="Open the page" icon=icondata::LuMaximize2 href=format!("/customers/{id}")/>
            <IconLink name="Close" icon=icondata::LuX href=close id="close-panel"/>
        </div>
    };
    view! {
        <SidePanel label="Customer" tools=tools.into_any()>
            {later(crate::RECORD, |content| content, move || draw(id, query))}
        </SidePanel>
    }
    .into_any()
}

/// Draws what the panel holds: all that changes a customer stands in it, which the list does without until one is open.
#[wasm_split(record, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw(id: CustomerId, query: Memo<ListQuery>) -> Drawn {
    Ok(view! { <Content id query/> }.into_any())
}

#[component]
fn Content(id: CustomerId, query: Memo<ListQuery>) -> impl IntoView {
    let changes = use_changes();
    let customer = Loaded::new(move || changes.get(), move |_| api::get_customer(id.to_string()));
    let story = Loaded::new(
        move || changes.get(),
        move |_| api::timeline(id.to_string(), None),
    );
    let edits = use_edits(id);
    follow_customer(id);
    use_here(id, edits.editing);
    let content = move || async move {
        let (customer, story) = awaited(async move { (customer.await, story.await) }).await;
        match customer.and_then(|customer| Ok((customer, story?))) {
            Ok((customer, timeline)) => view! { <Summary customer timeline edits query/> }.into_any(),
            Err(fault) => {
                let again = with_open(&query.get_untracked(), id);
                view! { <ErrorState fault again/> }.into_any()
            }
        }
    };
    waiting(bones::<8>, content)
}

/// The links to the customers before and after this one in the list.
#[component]
fn Walk(id: CustomerId, query: Memo<ListQuery>, page: PageResource) -> impl IntoView {
    let links = move || async move {
        let ids: Vec<_> = awaited(page)
            .await
            .map(|page| page.rows.iter().map(|row| row.id).collect())
            .unwrap_or_default();
        let (before, after) = neighbours(&ids, id);
        let link = move |to: Option<CustomerId>, id, name, icon| {
            to.map(|to| {
                let href = with_open(&query.get_untracked(), to);
                view! { <IconLink name icon href id/> }
            })
        };
        view! {
            {link(before, "walk-before", "The one before", icondata::LuChevronUp)}
            {link(after, "walk-next", "The next one", icondata::LuChevronDown)}
        }
        .into_any()
    };
    waiting(nothing, links)
}

#[component]
fn Summary(customer: Customer, timeline: Timeline, edits: Edits, query: Memo<ListQuery>) -> impl IntoView {
    let Timeline { mut entries, .. } = timeline;
    let more = entries.len() > ENTRIES;
    entries.truncate(ENTRIES);
    let customer = Arc::new(customer);
    let (id, fields) = (customer.id, main_fields(customer.kind));
    let back = with_open(&query.get_untracked(), id);
    view! {
        <div class="sec">
            <div class="flex items-center gap-3">
                <Avatar name=customer.name.clone() shape=Shape::Large/>
                <div class="min-w-0">
                    <h2 class="title">{customer.name.clone()}</h2>
                    <p class="dim">{subtitle(&customer)}</p>
                </div>
                <Others id/>
            </div>
            <Reach customer=customer.clone()/>
        </div>
        <div class="sec">
            <Facts customer fields edits/>
        </div>
        <div class="sec">
            <h2>"Timeline"</h2>
            <StoryList id timeline=Timeline { entries, before: None } back/>
            {more.then(|| view! { <a class="go" href=format!("/customers/{id}")>"The whole timeline"</a> })}
        </div>
    }
    .into_any()
}

/// Buttons that reach the customer.
#[component]
fn Reach(customer: Arc<Customer>) -> impl IntoView {
    let first = |kind| customer.contacts(kind).next().map(|point| point.value.clone());
    let (email, phone) = (first(ContactKind::Email), first(ContactKind::Phone));
    view! {
        <div class="acts mt-3.5">
            <LinkButton href=format!("/customers/{}", customer.id)>"Open"</LinkButton>
            {email.map(|email| view! { <LinkButton href=mail_link(&email) icon=icondata::LuMail>"E-mail"</LinkButton> })}
            {phone.map(|phone| view! { <LinkButton href=phone_link(&phone) icon=icondata::LuPhone>"Call"</LinkButton> })}
            <span class="grow"></span>
            {customer.deleted.then(|| view! { <span class="pill c3">"In the trash"</span> })}
        </div>
    }
    .into_any()
}

/// What a customer is and where: "Company in Luleå, Sweden".
pub fn subtitle(customer: &Customer) -> String {
    let what = match (customer.kind, &customer.job_title) {
        (CustomerKind::Person, Some(title)) => title.as_str(),
        (kind, _) => kind.label(),
    };
    let place = [&customer.city, &customer.country]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if place.is_empty() {
        what.to_owned()
    } else {
        format!("{what} in {place}")
    }
}
