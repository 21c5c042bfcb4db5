//! Users and invitations.

use kit::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, later},
    ui::{
        avatar::{Avatar, Shape},
        button::{Button, LinkButton},
        field::Field,
        link::SecretLink,
        page::{PlainPage, below_admin, loaded},
        select::{Pick, Select},
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    access::BuiltInRole,
    form::Values,
    user::people::{Invitation, People, Person, SignUp, Team},
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn PeoplePage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let tools = view! { <LinkButton href="/admin/teams".to_owned()>"Teams"</LinkButton> }.into_any();
    let page = view! {
        <PlainPage title="Users" above=below_admin() tools broad=true>
            {loaded(api::get_people, "/admin/users", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

fn sheet(people: People) -> AnyView {
    let closed = people.sign_up == SignUp::Closed;
    let asked = (!people.invitations.is_empty()).then(|| {
        let lines = people
            .invitations
            .into_iter()
            .map(|invitation| view! { <Asked invitation/> });
        view! {
            <section>
                <h2>"Asked to join"</h2>
                <ul class="agenda plain" aria-label="Asked to join">{lines.collect_view()}</ul>
            </section>
        }
    });
    let lines = people.people.into_iter().map(|person| view! { <Line person/> });
    view! {
        <Invite teams=people.teams closed/>
        {asked}
        <section>
            <h2>"Users"</h2>
            <ul class="agenda plain" aria-label="Users">{lines.collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// The roles to choose from.
#[must_use]
pub fn roles() -> Vec<Pick> {
    let roles = BuiltInRole::EVERY.iter();
    roles
        .map(|role| (role.word().to_owned(), role.label().to_owned()))
        .collect()
}

/// The teams to choose from, first none.
#[must_use]
pub fn teams_or_none(teams: &[Team]) -> Vec<Pick> {
    let none = (String::new(), "No team".to_owned());
    let teams = teams.iter().map(|team| (team.id.to_string(), team.name.clone()));
    std::iter::once(none).chain(teams).collect()
}

#[component]
fn Invite(teams: Vec<Team>, closed: bool) -> impl IntoView {
    if closed {
        return view! {
            <p class="notice">
                "Nobody may join at the moment: "
                <a class="go" href="/admin/settings">"the settings say so."</a>
            </p>
        }
        .into_any();
    }
    let refused = use_door().failed_form() == Some(Form::Invite);
    let first = teams.first().map(|team| team.id.to_string()).unwrap_or_default();
    let values = Values::default()
        .with("role", BuiltInRole::Member.word())
        .with("team", first);
    let teams = teams_or_none(&teams);
    view! {
        <details class="card" open=refused>
            <summary class="go">"Ask somebody to join"</summary>
            <DoorForm form=Form::Invite mint=true values class="form" label="Ask somebody to join" on_done=Callback::new(|_| ())>
                <Field name="email" label="E-mail" kind="email" hint="They get a link by mail, and choose their password." required=true/>
                <div class="pair">
                    <Select name="role" label="Role" options=roles()/>
                    <Select name="team" label="Team" options=teams/>
                </div>
                <Send words="Ask to join"/>
            </DoorForm>
        </details>
    }
    .into_any()
}

#[component]
fn Asked(invitation: Invitation) -> impl IntoView {
    let about = [Some(invitation.role.label().to_owned()), invitation.team];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let until = match invitation.until {
        Some(until) => format!("asked {}, good until {until}", invitation.at.said),
        None => "the link is not good any more".to_owned(),
    };
    let link = invitation.link.map(|link| {
        let label = format!("Link for {}", invitation.email);
        view! { <SecretLink link label/> }
    });
    let id = invitation.id;
    let (renew, withdraw) = (
        format!("New link for {}", invitation.email),
        format!("Withdraw the invitation of {}", invitation.email),
    );
    view! {
        <li class="deed stack">
            <Avatar name=invitation.email.clone()/>
            <div class="grow min-w-0 grid gap-1">
                <p>{invitation.email} <span class="sm faint block">{format!("{about} · {until}")}</span></p>
                {link}
            </div>
            <div class="acts">
                <DoorForm form=Form::RenewInvitation(id) label=renew on_done=Callback::new(|_| ())>
                    <Button kind="submit">"New link"</Button>
                </DoorForm>
                <DoorForm form=Form::WithdrawInvitation(id) label=withdraw on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Withdraw"</Button>
                </DoorForm>
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn Line(person: Person) -> impl IntoView {
    let href = format!("/admin/users/{}", person.id);
    let about = [Some(person.email), person.team_name];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let state = if person.active {
        view! { <span class="pill dot c1">{person.role.label()}</span> }
    } else {
        view! { <span class="pill dot c5">"Closed"</span> }
    };
    view! {
        <li class="deed">
            <Avatar name=person.name.clone() shape=Shape::Round/>
            <p class="grow min-w-0">
                <a class="go" href=href>{person.name}</a>
                <span class="sm faint block">{about}</span>
            </p>
            {state}
        </li>
    }
    .into_any()
}
