//! The mail that this installation wrote.

use kit::{
    part::{self, Drawn, later},
    ui::{
        empty::Empty,
        page::{PlainPage, below_admin, loaded},
    },
};
use leptos::prelude::*;
use rapport_domain::user::people::{Mail, MailState, Outbox};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn OutboxPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Outbox" above=below_admin()>
            {loaded(api::get_outbox, "/admin/outbox", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

fn sheet(outbox: Outbox) -> AnyView {
    let kept = (!outbox.leaves).then(|| {
        view! {
            <p class="notice mb-4">
                "No mail leaves this installation: its host has named no mail server (SMTP_URL). What was written waits here, and its links can be handed on by other means."
            </p>
        }
    });
    let list = if outbox.mails.is_empty() {
        let text = "Invitations and links for new passwords are listed here.";
        view! { <Empty icon=icondata::LuMail title="No mail yet" text/> }.into_any()
    } else {
        let mails = outbox.mails.into_iter().map(|mail| view! { <Line mail/> });
        view! { <div class="grid gap-2">{mails.collect_view()}</div> }.into_any()
    };
    view! { {kept} {list} }.into_any()
}

/// How a mail is: the pill's class and words, and what there is to say about it.
fn told(state: MailState) -> (&'static str, &'static str, Option<String>) {
    match state {
        MailState::Sent => ("pill dot c0", "Sent", None),
        MailState::Kept => ("pill dot c5", "Kept", None),
        MailState::Waiting(why) => ("pill dot c3", "Waiting", why),
        MailState::Failed(why) => ("pill dot c4", "Given up", Some(why)),
    }
}

#[component]
fn Line(mail: Mail) -> impl IntoView {
    let (class, words, why) = told(mail.state);
    let text = mail
        .body
        .unwrap_or_else(|| "Its text was not kept once it was sent.".to_owned());
    view! {
        <details class="card">
            <summary>
                <span class=class>{words}</span>
                {format!(" {} ", mail.subject)}
                <span class="faint">{format!("to {} · {}", mail.to, mail.at.said)}</span>
            </summary>
            {why.map(|why| view! { <p class="wrong">{why}</p> })}
            <p class="prose dim">{text}</p>
        </details>
    }
    .into_any()
}
