//! Keys by which programs act for the person.

use kit::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, later},
    ui::{
        button::Button,
        field::Field,
        link::SecretLink,
        page::{PlainPage, loaded},
        rows::rows,
        select::{Pick, Select},
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    api_key::{KeyAccess, KeyView, Lasts},
    form::Values,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn KeysPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="API keys" above=vec![("/settings", "Your settings")]>
            {loaded(api::get_keys, "/settings/keys", |keys| view! { <Keys keys/> }.into_any())}
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Keys(keys: Vec<KeyView>) -> impl IntoView {
    let open = use_door().failed_form() == Some(Form::NewApiKey) || keys.is_empty();
    let own = |key: KeyView| view! { <Key form=Form::RevokeApiKey(key.id) key/> }.into_any();
    let keys = rows(keys, identity, own);
    view! {
        <p class="dim mb-4">
            "By a key a program does what you may do, in your name: all of it stands in the journal and can be undone. It
            loses its rights when you do. "
            <Described/>
        </p>
        <div class="grid gap-2">
            {keys}
            <details class="card" open=open>
                <summary class="go">"New key"</summary>
                <NewKey form=Form::NewApiKey label="New key"/>
            </details>
        </div>
    }
    .into_any()
}

/// What tells the row of a key from all others, and from what it said before.
pub(super) fn identity(key: &KeyView) -> String {
    let used = key.used.as_ref().map_or("", |used| &used.said);
    format!("{} {used} {} {}", key.id, key.expired, key.secret.is_some())
}

/// Where it is said how a program uses a key.
#[component]
pub(super) fn Described() -> impl IntoView {
    view! { <a class="go" href="/api/docs/" rel="external">"What programs can do"</a> }
}

/// The form of a new key; with more fields where it is of more than a key.
#[component]
pub(super) fn NewKey(
    /// Where it goes.
    form: Form,
    /// What it is called.
    label: &'static str,
    /// What stands between the name and the rest.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let access: Vec<Pick> = KeyAccess::EVERY
        .iter()
        .map(|access| (access.word().to_owned(), access.label().to_owned()))
        .collect();
    let days: Vec<Pick> = Lasts::EVERY
        .iter()
        .map(|(days, words)| ((*days).to_owned(), (*words).to_owned()))
        .collect();
    let values = Values::default()
        .with("access", "read")
        .with("days", "90")
        .with("role", "member");
    view! {
        <DoorForm form mint=true values class="form" label on_done=Callback::new(|_| ())>
            <Field name="name" label="What it is for" required=true/>
            {children.map(|children| children())}
            <Select name="access" label="What it may do" options=access/>
            <Select name="days" label="How long it is good" options=days/>
            <Send words="Make the key"/>
        </DoorForm>
    }
    .into_any()
}

/// A key, with what revokes it.
#[component]
pub(super) fn Key(
    /// The key.
    key: KeyView,
    /// What revokes it.
    form: Form,
    /// Whose it is, where that has to be said.
    #[prop(optional, into)]
    owner: String,
) -> impl IntoView {
    let used = key.used.map_or_else(
        || "never used".to_owned(),
        |used| format!("last used {}", used.said),
    );
    let ends = match (key.expires, key.expired) {
        (Some(day), true) => format!("over since {day}"),
        (Some(day), false) => format!("good until {day}"),
        (None, _) => "good until it is revoked".to_owned(),
    };
    let whose = if owner.is_empty() {
        owner
    } else {
        format!("{owner} · ")
    };
    let about = format!(
        "{whose}…{} · {} · made {} · {used} · {ends}",
        key.hint,
        key.access.label(),
        key.created.said
    );
    let label = format!("Key {}", key.name);
    let secret = key.secret.map(|link| view! { <SecretLink link label/> });
    let label = format!("Revoke {}", key.name);
    let name = key.name.clone();
    view! {
        <section class="card run" aria-label=name>
            <h2>{key.name}</h2>
            <p class="sm dim">{about}</p>
            {secret}
            <div class="acts">
                <DoorForm form label on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Revoke"</Button>
                </DoorForm>
            </div>
        </section>
    }
    .into_any()
}
