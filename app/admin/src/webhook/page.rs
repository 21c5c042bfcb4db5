//! One webhook: what it is told, whether that arrives, and its messages.

use kit::{
    door::{DoorForm, Form, query_value, use_door},
    part::{self, Drawn, later},
    ui::{
        button::{Button, LinkButton, Weight},
        crumbs::Crumbs,
        empty::Empty,
        link::SecretLink,
        page::found,
        select::{Pick, Select},
        send::Send,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use rapport_domain::{
    event::EventType,
    webhook::{Delivery, DeliveryState, Webhook, WebhookPage as Sheet, WebhookState},
};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    list::{Fares, Inputs, said},
};

/// The page.
#[component]
pub fn WebhookPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let search = use_location().search;
    let read = move |id| api::get_webhook(id, query_value(&search.get_untracked(), "before"));
    Ok(found(
        read,
        ("/admin/webhooks", "Webhooks"),
        "Webhook",
        draw_sheet,
    ))
}

fn draw_sheet(sheet: Sheet) -> AnyView {
    let webhook = sheet.webhook.clone();
    let above = vec![
        ("/admin".to_owned(), "Admin".to_owned()),
        ("/admin/webhooks".to_owned(), "Webhooks".to_owned()),
    ];
    view! {
        <Title text=webhook.name.clone()/>
        <div class="bar">
            <Crumbs above here=webhook.name.clone()/>
            <Fares state=webhook.state.clone()/>
        </div>
        <div class="scroll">
            <div class="page broad">
                <Standing webhook=webhook.clone()/>
                <Log sheet/>
                <Setting webhook/>
            </div>
        </div>
    }
    .into_any()
}

/// Whether it is told, and what can be done about that.
#[component]
fn Standing(webhook: Webhook) -> impl IntoView {
    let id = webhook.id;
    let arrived = match &webhook.arrived {
        Some(at) => format!("The last message arrived {}.", at.said),
        None => "No message has arrived yet.".to_owned(),
    };
    let secret = webhook.secret.clone().map(|link| {
        view! {
            <p class="sm dim">"What its messages are signed with. For ten minutes you can copy it; then nobody sees it again."</p>
            <SecretLink link label=format!("Secret of {}", webhook.name)/>
        }
    });
    let given_up = (webhook.state == WebhookState::GivenUp).then(|| {
        view! {
            <p class="notice">
                "Nothing arrived there for long, so it was paused. What happened since is kept, and told when it goes on."
            </p>
        }
    });
    let acts = if webhook.active() {
        view! {
            <div class="acts">
                <DoorForm form=Form::PingWebhook(id) label="Try it" on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Send a test message"</Button>
                </DoorForm>
                <DoorForm form=Form::PauseWebhook(id) label="Pause" on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Pause"</Button>
                </DoorForm>
            </div>
        }
        .into_any()
    } else {
        view! {
            <DoorForm form=Form::ResumeWebhook(id) class="form" label="Go on" on_done=Callback::new(|_| ())>
                <Select name="missed" label="What happened meanwhile" options=missed()/>
                <Send words="Let it go on"/>
            </DoorForm>
        }
        .into_any()
    };
    view! {
        <section class="grid gap-3">
            <p class="sm dim break-all">{webhook.url}</p>
            <p>{arrived}</p>
            {given_up}
            {secret}
            {acts}
        </section>
    }
    .into_any()
}

fn missed() -> Vec<Pick> {
    let both = [("send", "Send it first"), ("skip", "Leave it out")];
    both.map(|(key, words)| (key.to_owned(), words.to_owned()))
        .to_vec()
}

/// What is set, its secret, and its end.
#[component]
fn Setting(webhook: Webhook) -> impl IntoView {
    let id = webhook.id;
    let refused = use_door().failed_form() == Some(Form::EditWebhook(id));
    view! {
        <section class="grid gap-3">
            <h2>"Settings"</h2>
            <details class="card" open=refused>
                <summary>"What it is told, and where"</summary>
                <DoorForm
                    form=Form::EditWebhook(id)
                    values=webhook.values()
                    seen=webhook.version
                    class="form"
                    label="Settings"
                    on_done=Callback::new(|_| ())
                >
                    <Inputs/>
                    <Send words="Save"/>
                </DoorForm>
            </details>
            <div class="acts">
                <DoorForm form=Form::RenewWebhookSecret(id) label="New secret" on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Make a new secret"</Button>
                </DoorForm>
                <DoorForm form=Form::RemoveWebhook(id) label="Remove">
                    <Button kind="submit">"Remove the webhook"</Button>
                </DoorForm>
            </div>
            <p class="sm faint">"For a day after a new secret is made, messages are signed with the one before, too."</p>
        </section>
    }
    .into_any()
}

#[component]
fn Log(sheet: Sheet) -> impl IntoView {
    let list = if sheet.log.is_empty() {
        let text = "What it is told is listed here for a month, with what was answered.";
        view! { <Empty icon=icondata::LuSend title="No message yet" text/> }.into_any()
    } else {
        let active = sheet.webhook.active();
        let lines = sheet
            .log
            .into_iter()
            .map(|message| view! { <Line message active/> });
        view! { <div class="grid gap-2">{lines.collect_view()}</div> }.into_any()
    };
    let earlier = sheet.before.map(|before| {
        let href = format!("/admin/webhooks/{}?before={before}", sheet.webhook.id);
        view! { <div class="acts"><LinkButton href weight=Weight::Quiet>"Earlier"</LinkButton></div> }
    });
    view! {
        <section class="grid gap-3">
            <h2>"Messages"</h2>
            {list}
            {earlier}
        </section>
    }
    .into_any()
}

/// How a message fares: the pill's class and words.
fn fares(message: &Delivery) -> (&'static str, String) {
    match (message.state, message.status) {
        (DeliveryState::Delivered, _) => ("pill dot c0", "Arrived".to_owned()),
        (DeliveryState::Skipped, _) => ("pill dot c5", "Left out".to_owned()),
        (DeliveryState::Waiting, _) if message.attempts == 0 => ("pill dot c3", "Waiting".to_owned()),
        (DeliveryState::Waiting, Some(status)) => ("pill dot c4", format!("Answered {status}")),
        (DeliveryState::Waiting, None) => ("pill dot c4", "No answer".to_owned()),
    }
}

/// What came of the last time that it was sent.
fn outcome(message: &Delivery) -> Option<String> {
    let tried = message.tried.as_ref()?;
    let sent = match message.attempts {
        0 | 1 => format!("Sent {}", tried.said),
        many => format!("Sent {many} times, last {}", tried.said),
    };
    let status = message
        .status
        .map_or("no answer".to_owned(), |status| format!("answered {status}"));
    let took = message
        .millis
        .map(|millis| format!(" in {millis} ms"))
        .unwrap_or_default();
    Some(format!("{sent}: {status}{took}"))
}

#[component]
fn Line(message: Delivery, active: bool) -> impl IntoView {
    let (class, words) = fares(&message);
    let what = match message.event.parse::<EventType>() {
        Ok(event) => said(event),
        Err(_) => "Test message".to_owned(),
    };
    let outcome = outcome(&message).map(|outcome| view! { <p class="sm dim">{outcome}</p> });
    let answer = message
        .said
        .clone()
        .map(|said| view! { <pre class="raw">{said}</pre> });
    let words_of_act = if message.state == DeliveryState::Waiting {
        "Try it now"
    } else {
        "Send it again"
    };
    let again = active.then(|| {
        let id = format!("again-{}", message.id);
        view! {
            <div class="acts">
                <DoorForm form=Form::SendAgain(message.id) id label="Send again" on_done=Callback::new(|_| ())>
                    <Button kind="submit">{words_of_act}</Button>
                </DoorForm>
            </div>
        }
    });
    view! {
        <details class="card">
            <summary>
                <span class=class>{words}</span>
                {format!(" {what} ")}
                <span class="faint">{message.at.said.clone()}</span>
            </summary>
            {outcome}
            {answer}
            <pre class="raw">{message.body.clone()}</pre>
            {again}
        </details>
    }
    .into_any()
}
