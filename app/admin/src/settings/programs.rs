//! Programs with accounts of their own, and every key there is, for admins.

use kit::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, later},
    ui::{
        button::Button,
        page::{PlainPage, below_admin, loaded},
        rows::rows,
        select::{Pick, Select},
    },
};
use leptos::prelude::*;
use rapport_domain::{
    access::BuiltInRole,
    api_key::{AllKeys, KeyView, OwnedKey, Program},
    id::TeamId,
};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    keys::{Described, Key, NewKey, identity},
};

/// The page.
#[component]
pub fn AllKeysPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="API keys" above=below_admin()>
            {loaded(api::get_all_keys, "/admin/keys", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

fn sheet(all: AllKeys) -> AnyView {
    let AllKeys {
        programs,
        personal,
        teams,
    } = all;
    let open = use_door().failed_form() == Some(Form::NewProgram) || programs.is_empty();
    let programs = programs.into_iter().map(|program| view! { <Account program/> });
    view! {
        <p class="dim mb-4">
            "A program with an account of its own goes on when people leave: it has a role and a team like everybody, and
            nobody signs in by it. "
            <Described/>
        </p>
        <div class="grid gap-2">
            {programs.collect_view()}
            <details class="card" open=open>
                <summary class="go">"New program"</summary>
                <NewKey form=Form::NewProgram label="New program">
                    <Select name="role" label="Role" options=roles()/>
                    <Select name="team" label="Team" options=picks(teams)/>
                </NewKey>
            </details>
        </div>
        {of_people(personal)}
    }
    .into_any()
}

fn roles() -> Vec<Pick> {
    let roles = BuiltInRole::EVERY.iter();
    roles
        .map(|role| (role.word().to_owned(), role.label().to_owned()))
        .collect()
}

fn picks(teams: Vec<(TeamId, String)>) -> Vec<Pick> {
    let none = (String::new(), "No team".to_owned());
    let teams = teams.into_iter().map(|(id, name)| (id.to_string(), name));
    std::iter::once(none).chain(teams).collect()
}

/// A program: what it is here, its keys, another one, and its end.
#[component]
fn Account(program: Program) -> impl IntoView {
    let open = use_door().failed_form() == Some(Form::NewProgramKey(program.id));
    let team = program.team.map(|team| format!(" · {team}")).unwrap_or_default();
    let about = format!("{}{team}", program.role.label());
    let one = |key: KeyView| view! { <Key form=Form::RevokeAnyKey(key.id) key/> }.into_any();
    let keys = rows(program.keys, identity, one);
    let label = format!("Close {}", program.name);
    let name = program.name.clone();
    view! {
        <section class="card run" aria-label=name>
            <h2>{program.name}</h2>
            <p class="sm dim">{about}</p>
            <div class="grid gap-2">{keys}</div>
            <details class="card" open=open>
                <summary class="go">"Another key"</summary>
                <NewKey form=Form::NewProgramKey(program.id) label="Another key"/>
            </details>
            <div class="acts">
                <DoorForm form=Form::CloseProgram(program.id) label on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Close the program"</Button>
                </DoorForm>
            </div>
        </section>
    }
    .into_any()
}

fn of_people(keys: Vec<OwnedKey>) -> AnyView {
    if keys.is_empty() {
        return ().into_any();
    }
    let one = |OwnedKey { owner, key }| view! { <Key form=Form::RevokeAnyKey(key.id) key owner/> }.into_any();
    let keys = rows(keys, |owned| identity(&owned.key), one);
    view! {
        <h2 class="mt-6 mb-2">"Keys of people"</h2>
        <div class="grid gap-2">{keys}</div>
    }
    .into_any()
}
