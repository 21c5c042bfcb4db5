//! Keys by which programs act for the person.

use leptos::prelude::*;
use rapport_domain::{
    api_key::{KeyAccess, KeyView, Lasts},
    form::Values,
};
use wasm_split_helpers::wasm_split;

use super::api;
use crate::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, Part, later},
    ui::{
        button::Button,
        field::Field,
        link::SecretLink,
        page::{PlainPage, loaded},
        select::{Pick, Select},
        send::Send,
    },
};

/// The page.
#[component]
pub fn KeysPage() -> impl IntoView {
    later(Part::Settings, part::page, draw)
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
    let keys = keys.into_iter().map(|key| view! { <Key key/> });
    let access: Vec<Pick> = KeyAccess::EVERY
        .iter()
        .map(|access| (access.word().to_owned(), access.label().to_owned()))
        .collect();
    let days: Vec<Pick> = Lasts::EVERY
        .iter()
        .map(|(days, words)| ((*days).to_owned(), (*words).to_owned()))
        .collect();
    let values = Values::default().with("access", "read").with("days", "90");
    view! {
        <p class="dim mb-4">
            "By a key a program does what you may do, in your name: all of it stands in the journal and can be undone. It
            loses its rights when you do."
        </p>
        <div class="grid gap-2">
            {keys.collect_view()}
            <details class="card" open=open>
                <summary class="go">"New key"</summary>
                <DoorForm form=Form::NewApiKey mint=true values class="form" label="New key" on_done=Callback::new(|_| ())>
                    <Field name="name" label="What it is for" required=true/>
                    <Select name="access" label="What it may do" options=access/>
                    <Select name="days" label="How long it is good" options=days/>
                    <Send words="Make the key"/>
                </DoorForm>
            </details>
        </div>
    }
    .into_any()
}

#[component]
fn Key(key: KeyView) -> impl IntoView {
    let used = key.used.map_or_else(
        || "never used".to_owned(),
        |used| format!("last used {}", used.said),
    );
    let ends = match (key.expires, key.expired) {
        (Some(day), true) => format!("over since {day}"),
        (Some(day), false) => format!("good until {day}"),
        (None, _) => "good until it is revoked".to_owned(),
    };
    let about = format!(
        "…{} · {} · made {} · {used} · {ends}",
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
                <DoorForm form=Form::RevokeApiKey(key.id) label on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Revoke"</Button>
                </DoorForm>
            </div>
        </section>
    }
    .into_any()
}
