//! Teams.

use kit::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, later},
    ui::{
        button::Button,
        field::Field,
        page::{PlainPage, below_admin, loaded},
        rows::rows,
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    form::Values,
    user::people::{People, Team},
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn TeamsPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Teams" above=below_admin()>
            {loaded(api::get_people, "/admin/teams", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

fn sheet(people: People) -> AnyView {
    let refused = use_door().failed_form() == Some(Form::NewTeam);
    let key = |team: &Team| format!("{} {} {}", team.id, team.version, team.members);
    let teams = rows(people.teams, key, |team| view! { <Edit team/> }.into_any());
    view! {
        <p class="dim mb-4">"Who is in a team sees its customers and appointments, as far as their role reaches."</p>
        <div class="grid gap-2">
            {teams}
            <details class="card" open=refused>
                <summary class="go">"New team"</summary>
                <DoorForm form=Form::NewTeam mint=true class="form" label="New team" on_done=Callback::new(|_| ())>
                    <Field name="name" label="Name" required=true/>
                    <Send words="Add the team"/>
                </DoorForm>
            </details>
        </div>
    }
    .into_any()
}

#[component]
fn Edit(team: Team) -> impl IntoView {
    let members = match team.members {
        0 => " nobody".to_owned(),
        1 => " 1 user".to_owned(),
        many => format!(" {many} users"),
    };
    let values = Values::default().with("name", team.name.clone());
    let failed = use_door().failed_form();
    let refused = [Form::RenameTeam(team.id), Form::RemoveTeam(team.id)]
        .map(Some)
        .contains(&failed);
    let label = format!("Team {}", team.name);
    view! {
        <details class="card" open=refused>
            <summary>{team.name} <span class="faint num">{members}</span></summary>
            <DoorForm form=Form::RenameTeam(team.id) values seen=team.version class="form" label on_done=Callback::new(|_| ())>
                <Field name="name" label="Name" required=true/>
                <Send words="Save"/>
            </DoorForm>
            <DoorForm form=Form::RemoveTeam(team.id) on_done=Callback::new(|_| ())>
                <Button kind="submit">"Remove the team"</Button>
            </DoorForm>
        </details>
    }
    .into_any()
}
