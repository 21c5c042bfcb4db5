//! A customer's page: the timeline, the fields, the people.

use std::sync::Arc;

use appointment::{api::appointments_of, of_customer::Appointments};
use kit::{
    api::Answer,
    door::{DoorForm, Form, use_changes},
    live::{Others, follow_customer, use_here},
    load::Loaded,
    missing::MissingRecord,
    part::{self, Drawn, later},
    ui::{
        avatar::{Avatar, Shape},
        awaited::{awaited, bones, waiting},
        button::{Button, IconLink, LinkButton},
        crumbs::Trail,
        icon::Icon,
        menu::Menu,
        pill::StagePill,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use rapport_domain::{
    appointment::Slot,
    customer::{Customer, CustomerKind, Field, PEOPLE_LISTED, PersonRow},
    form::Values,
    timeline::Timeline,
};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    composer::Composer,
    edits::{Edits, use_edits},
    facts::{ADDRESS, Facts, main_fields},
    note::{NoteEdits, use_note_edits},
    story::StoryList,
};

/// The page.
#[component]
pub fn RecordPage() -> impl IntoView {
    later(crate::RECORD, part::page, draw)
}

/// Draws the page.
#[wasm_split(record, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

/// Another customer is another page: nothing typed for one is carried to the next.
#[component]
fn Page() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    view! {
        <For each=move || [id.get()] key=String::clone let(id)>
            <Record id/>
        </For>
    }
}

#[component]
fn Record(id: String) -> impl IntoView {
    let changes = use_changes();
    let before = use_query_map();
    let before = Memo::new(move |_| {
        before
            .read()
            .get("before")
            .and_then(|place| place.parse::<i64>().ok())
    });
    let (of_customer, of_story, path) = (id.clone(), id.clone(), format!("/customers/{id}"));
    let kept = id.clone();
    let customer = Loaded::new(
        move || changes.get(),
        move |_| api::get_customer(of_customer.clone()),
    );
    let story = Loaded::new(
        move || (before.get(), changes.get()),
        move |(before, _)| api::timeline(of_story.clone(), before),
    );
    let booked = Loaded::new(move || changes.get(), move |_| appointments_of(kept.clone()));
    let edits = id.parse().ok().map(use_edits);
    if let (Ok(id), Some(edits)) = (id.parse(), edits) {
        follow_customer(id);
        use_here(id, edits.editing);
    }
    let notes = use_note_edits();
    let content = move || {
        let again = path.clone();
        async move {
            let (customer, story, booked) =
                awaited(async move { (customer.await, story.await, booked.await) }).await;
            let both = customer.and_then(|customer| Ok((customer, story?)));
            match (both, edits) {
                (Ok((customer, timeline)), Some(edits)) => {
                    let before = before.get_untracked();
                    view! { <Sheet customer timeline booked edits notes before/> }.into_any()
                }
                (Err(fault), _) => {
                    view! { <MissingRecord fault again above=to_list() what="Customer"/> }.into_any()
                }
                (Ok(_), None) => ().into_any(),
            }
        }
    };
    view! {
        <main class="main grow">
            {waiting(bones::<12>, content)}
        </main>
    }
    .into_any()
}

/// The page above all pages of customers.
#[must_use]
pub fn to_list() -> (String, String) {
    ("/customers".to_owned(), "Customers".to_owned())
}

#[component]
fn Sheet(
    customer: Customer,
    timeline: Timeline,
    booked: Answer<Vec<Slot>>,
    edits: Edits,
    notes: NoteEdits,
    before: Option<i64>,
) -> impl IntoView {
    let customer = Arc::new(customer);
    let (id, earlier) = (customer.id, before.is_some());
    let may_note = customer.may.note && !customer.deleted;
    let latest = format!("/customers/{id}");
    let back = match before {
        Some(before) => format!("{latest}?before={before}"),
        None => latest.clone(),
    };
    view! {
        <Title text=customer.name.clone()/>
        <Head customer=customer.clone()/>
        {customer.deleted.then(|| view! { <InTrash customer=customer.clone()/> })}
        <div class="record">
            <div class="story">
                {(may_note && !earlier).then(|| view! { <Composer id/> })}
                {earlier.then(|| view! { <p class="mb-4"><a class="go" href=latest>"Back to the latest"</a></p> })}
                <StoryList id timeline back notes=may_note.then_some(notes)/>
            </div>
            <Details customer booked edits/>
        </div>
    }
    .into_any()
}

#[component]
fn Head(customer: Arc<Customer>) -> impl IntoView {
    let id = customer.id;
    let may_edit = customer.may.update && !customer.deleted;
    let may_trash = customer.may.delete && !customer.deleted;
    view! {
        <div class="bar">
            <Trail above=vec![to_list()]/>
            <div class="named">
                <h1 class="cut" title=customer.name.clone()>{customer.name.clone()}</h1>
                <StagePill stage=customer.stage/>
                <Others id/>
            </div>
            <span class="grow hide-sm"></span>
            {may_trash
                .then(|| {
                    view! {
                        <button class="btn only" type="button" popovertarget="more" aria-label="More" title="More">
                            <Icon icon=icondata::LuEllipsis/>
                        </button>
                        <Menu id="more" label="More">
                            <DoorForm form=Form::TrashCustomer(id) label="Trash">
                                <button class="item bad" type="submit">
                                    <Icon icon=icondata::LuTrash2/>
                                    "Move to the trash"
                                </button>
                            </DoorForm>
                        </Menu>
                    }
                })}
            {may_edit
                .then(|| {
                    view! {
                        <LinkButton href=format!("/customers/{id}/edit") icon=icondata::LuPencil>
                            <span class="sr-sm">"Edit"</span>
                        </LinkButton>
                    }
                })}
        </div>
    }
    .into_any()
}

#[component]
fn InTrash(customer: Arc<Customer>) -> impl IntoView {
    let restore = customer.may.delete.then(|| {
        view! {
            <DoorForm
                form=Form::RestoreCustomer(customer.id)
                hidden=Values::default().with("back", format!("/customers/{}", customer.id))
                on_done=Callback::new(|_| ())
            >
                <Button kind="submit">"Restore"</Button>
            </DoorForm>
        }
    });
    view! {
        <div class="banner" role="status">
            <Icon icon=icondata::LuTrash2/>
            <span>"This customer is in the trash: lists and search leave it out."</span>
            {restore}
        </div>
    }
    .into_any()
}

#[component]
fn Details(customer: Arc<Customer>, booked: Answer<Vec<Slot>>, edits: Edits) -> impl IntoView {
    const NAME: &[Field] = &[Field::Name];
    let fields = main_fields(customer.kind);
    let origin = view! { <Origin customer=customer.clone()/> };
    let may_book = customer.may.book && !customer.deleted;
    let appointments = view! { <Appointments id=customer.id slots=booked may_book/> };
    let people =
        (customer.kind == CustomerKind::Company).then(|| view! { <People customer=customer.clone()/> });
    view! {
        <aside class="facts" aria-label="Details">
            <div class="sec">
                <h2>"Details"</h2>
                <Facts customer=customer.clone() fields=NAME edits/>
                <Facts customer=customer.clone() fields edits>
                    {origin}
                </Facts>
            </div>
            <div class="sec">
                <h2>"Address"</h2>
                <Facts customer=customer fields=ADDRESS edits/>
            </div>
            {appointments}
            {people}
        </aside>
    }
    .into_any()
}

/// What is known and not for editing: the kind, the team, where it came from.
#[component]
fn Origin(customer: Arc<Customer>) -> impl IntoView {
    let team = customer.team.as_ref().map(|(_, name)| name.clone());
    let sources = customer
        .external_refs
        .iter()
        .map(|known| view! { <span>{known.source.clone()} " " {known.key.clone()}</span> });
    let sources = (!customer.external_refs.is_empty()).then(|| {
        view! {
            <dt>"Source"</dt>
            <dd>
                <div class="cell">{sources.collect_view()}</div>
            </dd>
        }
    });
    view! {
        <dt>"Kind"</dt>
        <dd>
            <div class="cell">{customer.kind.label()}</div>
        </dd>
        {team
            .map(|team| {
                view! {
                    <dt>"Team"</dt>
                    <dd>
                        <div class="cell">{team}</div>
                    </dd>
                }
            })}
        {sources}
        <dt>"Added"</dt>
        <dd>
            <div class="cell num">{customer.created.said.clone()}</div>
        </dd>
    }
}

/// The people of a company.
#[component]
fn People(customer: Arc<Customer>) -> impl IntoView {
    let one = |person: &PersonRow| {
        view! {
            <li>
                <a class="person" href=format!("/customers/{}", person.id)>
                    <Avatar name=person.name.clone() shape=Shape::Square/>
                    <span class="min-w-0">
                        <b class="cut block">{person.name.clone()}</b>
                        <span class="cut block sm dim">{person.job_title.clone().unwrap_or_default()}</span>
                    </span>
                </a>
            </li>
        }
    };
    let add = (customer.may.update && !customer.deleted).then(|| {
        let href = format!("/customers/new?company={}", customer.id);
        view! {
            <span class="grow"></span>
            <IconLink name="Add a person" icon=icondata::LuPlus href/>
        }
    });
    let all = (customer.people.len() >= PEOPLE_LISTED).then(|| {
        let href = format!("/customers?company={}", customer.id);
        view! { <a class="go sm" href=href>"All of them"</a> }
    });
    let none = customer
        .people
        .is_empty()
        .then(|| view! { <p class="faint">"Nobody yet."</p> });
    view! {
        <div class="sec">
            <h2>"People" {add}</h2>
            <ul>{customer.people.iter().map(one).collect_view()}</ul>
            {all}
            {none}
        </div>
    }
    .into_any()
}
