//! The pages of customers, in their plainest form.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};
use rapport_domain::{
    customer::{Customer, Field},
    form::Values,
    id::BatchId,
    timeline::{Story, Timeline, Undo},
};

use super::api;
use crate::{
    api::Fault,
    door::{DoorForm, Form, use_changes},
    layout::PlainField,
};

/// The list.
#[component]
pub fn ListPage() -> impl IntoView {
    let (location, changes) = (use_location(), use_changes());
    let page = Resource::new(
        move || (location.search.get(), changes.get()),
        |(query, _)| api::list_customers(query.trim_start_matches('?').to_owned()),
    );
    let table = move || {
        Suspend::new(async move {
            page.await.map(|page| {
                let rows = page.rows.into_iter().map(|row| {
                    let href = format!("/customers/{}", row.id);
                    view! {
                        <tr>
                            <td><a href=href>{row.name}</a></td>
                            <td>{row.contact}</td>
                            <td>{row.city}</td>
                            <td>{row.stage.label()}</td>
                        </tr>
                    }
                });
                let rows = rows.collect_view();
                view! {
                    <table>
                        <tbody>{rows}</tbody>
                    </table>
                }
            })
        })
    };
    view! {
        <Title text="Customers"/>
        <main>
            <h1>"Customers"</h1>
            <a href="/customers/new">"New customer"</a>
            <Transition fallback=|| ()>
                <ErrorBoundary fallback=faults>{table}</ErrorBoundary>
            </Transition>
        </main>
    }
}

/// A new customer.
#[component]
pub fn NewPage() -> impl IntoView {
    view! {
        <Title text="New customer"/>
        <main>
            <h1>"New customer"</h1>
            <DoorForm form=Form::NewCustomer mint=true values=Values::default().with("kind", "person").with("stage", "lead")>
                {Field::EVERY.iter().map(|field| view! { <PlainField name=field.word() label=field.label()/> }).collect_view()}
                <button>"Create"</button>
            </DoorForm>
        </main>
    }
}

fn use_customer() -> Resource<Result<Customer, Fault>> {
    let (params, changes) = (use_params_map(), use_changes());
    let id = move || params.read().get("id").unwrap_or_default();
    Resource::new(move || (id(), changes.get()), |(id, _)| api::get_customer(id))
}

/// A customer's page.
#[component]
pub fn RecordPage() -> impl IntoView {
    let customer = use_customer();
    let (params, changes) = (use_params_map(), use_changes());
    let id = move || params.read().get("id").unwrap_or_default();
    let timeline = Resource::new(move || (id(), changes.get()), |(id, _)| api::timeline(id, None));
    let view = move || {
        Suspend::new(async move {
            let (customer, timeline) = (customer.await, timeline.await);
            customer.and_then(|customer| timeline.map(|timeline| record(customer, timeline)))
        })
    };
    view! {
        <main>
            <Transition fallback=|| ()>
                <ErrorBoundary fallback=faults>{view}</ErrorBoundary>
            </Transition>
        </main>
    }
}

fn record(customer: Customer, timeline: Timeline) -> impl IntoView {
    let id = customer.id;
    let fields = Field::EVERY
        .iter()
        .map(|&field| view! { <tr><th>{field.label()}</th><td>{customer.raw(field)}</td></tr> });
    let fields = fields.collect_view();
    let entries = timeline.entries.into_iter().map(|entry| {
        let said = match entry.story {
            Story::Note { body, .. } => body,
            Story::Changed(changes) => changes.into_iter().map(|c| format!("{}: {} → {}", c.label, c.before, c.after)).collect::<Vec<_>>().join(", "),
            Story::Created => "Created".to_owned(),
            Story::Imported { file } => format!("Imported from {file}"),
            Story::NoteEdited => "Note changed".to_owned(),
            Story::NoteRemoved => "Note removed".to_owned(),
            Story::NoteRestored => "Note brought back".to_owned(),
            Story::Trashed => "Moved to the trash".to_owned(),
            Story::Restored => "Taken out of the trash".to_owned(),
        };
        view! { <li>{entry.by} " · " {entry.at.said} " · " {said} {(entry.undo == Undo::Offered).then(|| undo(entry.batch, &format!("/customers/{id}")))}</li> }
    });
    let entries = entries.collect_view();
    view! {
        <Title text=customer.name.clone()/>
        <h1>{customer.name.clone()}</h1>
        <a href=format!("/customers/{id}/edit")>"Edit"</a>
        <table><tbody>{fields}</tbody></table>
        <DoorForm form=Form::TrashCustomer(id)><button>"Delete"</button></DoorForm>
        <DoorForm form=Form::WriteNote(id) mint=true on_done=Callback::new(|_| ())>
            <PlainField name="body" label="Note"/>
            <button>"Add note"</button>
        </DoorForm>
        <ol>{entries}</ol>
    }
}

fn undo(batch: BatchId, back: &str) -> impl IntoView + use<> {
    let hidden = Values::default()
        .with("batch", batch.to_string())
        .with("back", back);
    view! { <DoorForm form=Form::Undo hidden=hidden id=format!("undo-{batch}")><button>"Undo"</button></DoorForm> }
}

/// All fields of a customer in one form.
#[component]
pub fn EditPage() -> impl IntoView {
    let customer = use_customer();
    let view = move || {
        Suspend::new(async move {
            customer.await.map(|customer| {
                let values: Values = Field::EVERY.iter().map(|&field| (field.word(), customer.raw(field))).collect();
                view! {
                    <Title text=format!("Edit {}", customer.name)/>
                    <h1>{format!("Edit {}", customer.name)}</h1>
                    <DoorForm form=Form::EditCustomer(customer.id) values=values seen=customer.version>
                        {Field::EVERY.iter().map(|field| view! { <PlainField name=field.word() label=field.label()/> }).collect_view()}
                        <button>"Save"</button>
                    </DoorForm>
                }
            })
        })
    };
    view! {
        <main>
            <Suspense fallback=|| ()>
                <ErrorBoundary fallback=faults>{view}</ErrorBoundary>
            </Suspense>
        </main>
    }
}

fn faults(errors: ArcRwSignal<Errors>) -> impl IntoView {
    view! {
        <ul role="alert">
            {move || errors.read().iter().map(|(_, error)| view! { <li>{error.to_string()}</li> }).collect_view()}
        </ul>
    }
}
