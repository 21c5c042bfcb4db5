//! All webhooks, and a new one.

use kit::{
    door::{DoorForm, Form, use_door, use_field},
    part::{self, Drawn, later},
    ui::{
        field::Field,
        page::{PlainPage, below_admin, loaded},
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    event::{EventKind, EventType, Happened},
    form::Values,
    webhook::{Webhook, WebhookState},
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn WebhooksPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Webhooks" above=below_admin()>
            {loaded(api::get_webhooks, "/admin/webhooks", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

fn sheet(webhooks: Vec<Webhook>) -> AnyView {
    let open = use_door().failed_form() == Some(Form::NewWebhook) || webhooks.is_empty();
    let lines = webhooks.into_iter().map(|webhook| view! { <Line webhook/> });
    let values = Values::default().with("events", of_customers());
    view! {
        <p class="dim mb-4">
            "A webhook tells another program of changes as they happen: what changed and by whom, never the values. The
            program reads those by the API, with its own rights. "
            <a class="go" href="/api/docs/" rel="external">"What programs can do"</a>
        </p>
        <div class="grid gap-2">
            {lines.collect_view()}
            <details class="card" open=open>
                <summary class="go">"New webhook"</summary>
                <DoorForm form=Form::NewWebhook mint=true values class="form" label="New webhook">
                    <Inputs/>
                    <Send words="Set it up"/>
                </DoorForm>
            </details>
        </div>
    }
    .into_any()
}

/// What most are told of.
fn of_customers() -> String {
    let all = EventType::every().filter(|one| one.kind == EventKind::Customer);
    all.map(|one| one.to_string()).collect::<Vec<_>>().join("\n")
}

#[component]
fn Line(webhook: Webhook) -> impl IntoView {
    let href = format!("/admin/webhooks/{}", webhook.id);
    view! {
        <section class="card run" aria-label=webhook.name>
            <div class="acts">
                <h2 class="grow"><a class="go" href=href>{webhook.name.clone()}</a></h2>
                <Fares state=webhook.state.clone()/>
            </div>
            <p class="sm dim break-all">{webhook.url}</p>
        </section>
    }
    .into_any()
}

/// How a webhook fares.
#[component]
pub(super) fn Fares(state: WebhookState) -> impl IntoView {
    let (class, words) = match state {
        WebhookState::Well => ("pill dot c0", "Active".to_owned()),
        WebhookState::Failing { since } => ("pill dot c3", format!("Nothing arrives since {}", since.said)),
        WebhookState::GivenUp => ("pill dot c4", "Paused: nothing arrived".to_owned()),
        WebhookState::Paused => ("pill dot c5", "Paused".to_owned()),
    };
    view! { <span class=class>{words}</span> }.into_any()
}

/// The fields of a webhook.
#[component]
pub(super) fn Inputs() -> impl IntoView {
    view! {
        <Field name="name" label="What it is for" required=true/>
        <Field name="url" label="Address" kind="url" hint="Where the messages are sent, by POST." required=true/>
        <Events/>
        <Field
            name="filter"
            label="Only about these customers"
            hint="In the language of lists, such as 1:and(stage.is(customer),country.is(CH)); empty for all."
        />
    }
    .into_any()
}

/// What it is told of: a box for each type.
#[component]
fn Events() -> impl IntoView {
    let state = use_field("events");
    let error = state.error;
    let chosen: Vec<String> = state.value.lines().map(str::to_owned).collect();
    let kinds = EventKind::EVERY.iter().map(|kind| {
        let boxes = Happened::EVERY.iter().map(|happened| {
            let what = EventType {
                kind: *kind,
                happened: *happened,
            };
            let on = chosen.contains(&what.to_string());
            view! {
                <label class="check">
                    <input type="checkbox" name="events" value=what.to_string() checked=on/>
                    {said(what)}
                </label>
            }
        });
        view! { <div class="kinds">{boxes.collect_view()}</div> }
    });
    let error_id = format!("{}-error", state.id);
    view! {
        <fieldset class="checks" aria-describedby=error_id tabindex="-1" aria-invalid=move || error.with(Option::is_some).then_some("true")>
            <legend>"What it is told"</legend>
            {kinds.collect_view()}
            <div id=error_id.clone() class="w-full" aria-live="polite">
                {move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}
            </div>
        </fieldset>
    }
    .into_any()
}

/// An event for people: "Customer created".
pub(super) fn said(what: EventType) -> String {
    let kind = match what.kind {
        EventKind::Customer => "Customer",
        EventKind::Note => "Note",
        EventKind::Appointment => "Appointment",
    };
    let happened = match what.happened {
        Happened::Created => "created",
        Happened::Updated => "changed",
        Happened::Trashed => "deleted",
        Happened::Restored => "restored",
    };
    format!("{kind} {happened}")
}
