//! One user: what they are here, how they get in, and what becomes of what they have when they leave.

use kit::{
    door::{DoorForm, Form},
    part::{self, Drawn, later},
    ui::{
        button::Button,
        crumbs::Crumbs,
        field::Field,
        link::SecretLink,
        page::found,
        select::{Pick, Select},
        send::Send,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::{
    form::Values,
    user::people::{Person, PersonPage as Sheet},
};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    people::{roles, teams_or_none},
};

/// The page.
#[component]
pub fn PersonPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(found(
        api::get_person,
        ("/admin/users", "Users"),
        "User",
        draw_sheet,
    ))
}

fn draw_sheet(sheet: Sheet) -> AnyView {
    let person = sheet.person.clone();
    let above = vec![
        ("/admin".to_owned(), "Admin".to_owned()),
        ("/admin/users".to_owned(), "Users".to_owned()),
    ];
    let closed = (!person.active).then(|| view! { <span class="pill dot c5">"Closed"</span> });
    let ways = person.active.then(|| view! { <WaysIn sheet=sheet.clone()/> });
    view! {
        <Title text=person.name.clone()/>
        <div class="bar">
            <Crumbs above here=person.name/>
            {closed}
        </div>
        <div class="scroll">
            <div class="page broad">
                <Account sheet=sheet.clone()/>
                {ways}
                <Leaving sheet/>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Account(sheet: Sheet) -> impl IntoView {
    let Person {
        id,
        version,
        name,
        email,
        role,
        team,
        ..
    } = sheet.person;
    let values = Values::default()
        .with("name", name)
        .with("email", email)
        .with("role", role.word())
        .with("team", team.map(|team| team.to_string()).unwrap_or_default());
    let teams = teams_or_none(&sheet.teams);
    let follow = (sheet.customers > 0).then(|| {
        let words = match sheet.customers {
            1 => "To another team they take their customer along".to_owned(),
            many => format!("To another team they take their {many} customers along"),
        };
        view! {
            <label class="check">
                <input type="checkbox" name="follow" value="on"/>
                {words}
            </label>
        }
    });
    view! {
        <section class="grid gap-3">
            <h2>"Account"</h2>
            <DoorForm form=Form::SaveUser(id) values seen=version class="form" label="Account" on_done=Callback::new(|_| ())>
                <div class="pair">
                    <Field name="name" label="Name" required=true/>
                    <Field name="email" label="E-mail" kind="email" hint="What they sign in with." required=true/>
                </div>
                <div class="pair">
                    <Select name="role" label="Role" options=roles()/>
                    <Select name="team" label="Team" options=teams/>
                </div>
                <p class="sm faint">
                    "A new role counts from their next click on. "
                    <a class="go" href="/admin/roles">"What each role may do"</a>
                </p>
                {follow}
                <Send words="Save"/>
            </DoorForm>
        </section>
    }
    .into_any()
}

#[component]
fn WaysIn(sheet: Sheet) -> impl IntoView {
    let (person, has_factor) = (sheet.person, sheet.second_factor);
    // One's own is turned off in the settings, by the password and a code.
    let drop = (has_factor && !sheet.is_me).then(|| {
        view! {
            <DoorForm form=Form::DropFactor(person.id) on_done=Callback::new(|_| ())>
                <Button kind="submit">"Take the second factor away"</Button>
            </DoorForm>
        }
    });
    let factor = if has_factor {
        "They have a second factor."
    } else {
        "They have no second factor."
    };
    let link = sheet.link.map(|link| {
        let label = format!("Link for {}", person.email);
        view! {
            <p class="sm faint">"Whoever has this link can set the password. It is good once, for 24 hours."</p>
            <SecretLink link label/>
        }
    });
    view! {
        <section class="grid gap-3">
            <h2>"Password and sessions"</h2>
            <p class="dim">"A link for a new password goes to them by mail, and can be copied here for a while."</p>
            <p class="dim">{factor}</p>
            {link}
            <div class="acts">
                <DoorForm form=Form::ResetLink(person.id) on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Make a link for a new password"</Button>
                </DoorForm>
                <DoorForm form=Form::EndSessions(person.id) on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Sign out everywhere"</Button>
                </DoorForm>
                {drop}
            </div>
        </section>
    }
    .into_any()
}

/// What they have, in words: "12 customers and 3 appointments to come".
fn holdings(customers: i64, appointments: i64) -> String {
    let many = |count: i64, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {more}")),
    };
    let parts = [
        many(customers, "customer", "customers"),
        many(appointments, "appointment to come", "appointments to come"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "nothing that somebody would have to take over".to_owned()
    } else {
        parts.join(" and ")
    }
}

#[component]
fn Leaving(sheet: Sheet) -> impl IntoView {
    let person = sheet.person;
    if !person.active {
        return view! {
            <section class="grid gap-3">
                <h2>"Closed account"</h2>
                <p class="dim">"They cannot sign in and are not offered anywhere. What they did stays."</p>
                <DoorForm form=Form::ReactivateUser(person.id) on_done=Callback::new(|_| ())>
                    <Send words="Open the account again"/>
                </DoorForm>
            </section>
        }
        .into_any();
    }
    if sheet.is_me {
        return view! { <p class="dim">"This is you. Another admin can close your account."</p> }.into_any();
    }
    let fixed = [
        ("", "Please choose"),
        ("keep", "Nobody: all stays as it is"),
        ("nobody", "Nobody: customers have no owner then"),
    ];
    let fixed = fixed.map(|(key, words)| (key.to_owned(), words.to_owned()));
    let others = sheet.heirs.into_iter().map(|(id, name)| (id.to_string(), name));
    let heirs: Vec<Pick> = fixed.into_iter().chain(others).collect();
    view! {
        <section class="grid gap-3">
            <h2>"Close the account"</h2>
            <p class="dim">
                {format!(
                    "They are signed out at once and cannot sign in any more. They have {}.",
                    holdings(sheet.customers, sheet.appointments),
                )}
            </p>
            <DoorForm form=Form::DeactivateUser(person.id) class="form" label="Close the account" on_done=Callback::new(|_| ())>
                <Select name="heir" label="Who takes over" options=heirs/>
                <div class="acts">
                    <Button kind="submit">"Close the account"</Button>
                </div>
            </DoorForm>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::holdings;

    #[test]
    fn what_somebody_has_is_said_in_words() {
        assert_eq!(holdings(1, 0), "1 customer");
        assert_eq!(holdings(12, 3), "12 customers and 3 appointments to come");
        assert_eq!(holdings(0, 0), "nothing that somebody would have to take over");
    }
}
