//! The trash: what lies in it, and the way out.

use kit::{
    door::{DoorForm, Form, query_value, use_changes},
    live::follow,
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        avatar::{Avatar, Shape},
        awaited::{awaited, bones, waiting},
        button::{Button, LinkButton, Weight},
        crumbs::Crumbs,
        empty::{Empty, ErrorState},
        rows::rows,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use rapport_domain::{
    feed::{Trash, Trashed},
    form::Values,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn TrashPage() -> impl IntoView {
    later(crate::FEED, part::page, draw)
}

/// Draws the page.
#[wasm_split(feed, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

#[component]
fn Page() -> impl IntoView {
    let search = use_location().search;
    let before = Memo::new(move |_| query_value(&search.get(), "before"));
    let changes = use_changes();
    follow(|_| true);
    let trash = Loaded::new(
        move || (before.get(), changes.get()),
        |(before, _)| api::get_trash(before),
    );
    let list = move || async move {
        match awaited(trash).await {
            Ok(trash) => view! { <List trash/> }.into_any(),
            Err(fault) => view! { <ErrorState fault again="/trash"/> }.into_any(),
        }
    };
    let above = vec![("/activity".to_owned(), "Activity".to_owned())];
    view! {
        <Title text="Trash"/>
        <main class="main grow">
            <div class="bar">
                <Crumbs above here="Trash"/>
            </div>
            <div class="scroll">
                {waiting(bones::<8>, list)}
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn List(trash: Trash) -> impl IntoView {
    if trash.customers.is_empty() {
        return view! {
            <Empty
                icon=icondata::LuTrash2
                title="The trash is empty"
                text="Customers that are deleted lie here until somebody takes them out again."
            />
        }
        .into_any();
    }
    let earlier = trash.before.map(|before| {
        let href = format!("/trash?before={before}");
        view! { <LinkButton href weight=Weight::Quiet>"Earlier"</LinkButton> }
    });
    let key = |customer: &Trashed| format!("{} {}", customer.id, customer.at.said);
    let lines = rows(trash.customers, key, |customer| {
        view! { <Line customer/> }.into_any()
    });
    view! {
        <ul class="agenda" aria-label="In the trash">
            {lines}
        </ul>
        <div class="agenda">{earlier}</div>
    }
    .into_any()
}

#[component]
fn Line(customer: Trashed) -> impl IntoView {
    let (id, href) = (
        format!("restore-{}", customer.id),
        format!("/customers/{}", customer.id),
    );
    let by = customer.by.map(|by| format!(" by {by}")).unwrap_or_default();
    let label = format!("Restore {}", customer.name);
    let restore = customer.may_restore.then(|| {
        let hidden = Values::default().with("back", "/trash");
        view! {
            <DoorForm form=Form::RestoreCustomer(customer.id) hidden id label on_done=Callback::new(|_| ())>
                <Button kind="submit">"Restore"</Button>
            </DoorForm>
        }
    });
    view! {
        <li class="deed">
            <Avatar name=customer.name.clone() shape=Shape::Square/>
            <p class="grow min-w-0">
                <a class="go" href=href>{customer.name}</a>
                <span class="num sm faint block">{format!("{} · {}{by}", customer.kind.label(), customer.at.said)}</span>
            </p>
            {restore}
        </li>
    }
    .into_any()
}
