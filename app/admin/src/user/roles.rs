//! What each role grants.

use kit::{
    part::{self, Drawn, later},
    ui::page::{PlainPage, below_admin, loaded},
};
use leptos::prelude::*;
use rapport_domain::{
    access::{Ability, Kind, Reach},
    user::people::RoleView,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn RolesPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Roles" above=below_admin() broad=true>
            {loaded(api::get_roles, "/admin/roles", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

fn sheet(roles: Vec<RoleView>) -> AnyView {
    let roles = roles.into_iter().map(|role| view! { <Role role/> });
    view! {
        <p class="dim">"What is not named is denied. Own is what somebody owns or keeps, team what belongs to their team."</p>
        {roles.collect_view()}
    }
    .into_any()
}

fn kind_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Customer => "Customers",
        Kind::Activity => "Notes",
        Kind::User => "Users",
        Kind::Appointment => "Appointments",
        Kind::Setting => "Settings",
    }
}

fn ability_label(ability: Ability) -> &'static str {
    match ability {
        Ability::Read => "See",
        Ability::Create => "Create",
        Ability::Update => "Change",
        Ability::Delete => "Delete",
        Ability::Export => "Export",
        Ability::Assign => "Assign",
    }
}

fn reach_label(reach: Reach) -> &'static str {
    match reach {
        Reach::None => "–",
        Reach::Own => "own",
        Reach::Team => "team",
        Reach::All => "all",
    }
}

#[component]
fn Role(role: RoleView) -> impl IntoView {
    let heads = Ability::EVERY
        .iter()
        .map(|ability| view! { <th scope="col">{ability_label(*ability)}</th> });
    let lines = Kind::EVERY.iter().map(|kind| {
        let cells = Ability::EVERY.iter().map(|ability| {
            let grants = role.grants.iter();
            let mut granted = grants.filter(|grant| (grant.kind, grant.ability) == (*kind, *ability));
            let reach = granted.next().map_or(Reach::None, |grant| grant.reach);
            view! { <td>{reach_label(reach)}</td> }
        });
        view! {
            <tr>
                <th scope="row">{kind_label(*kind)}</th>
                {cells.collect_view()}
            </tr>
        }
    });
    let members = match role.members {
        1 => "1 user".to_owned(),
        many => format!("{many} users"),
    };
    let name = format!("Rights of {}", role.role.label());
    view! {
        <section>
            <h2>{role.role.label()} <span class="faint num">{format!(" {members}")}</span></h2>
            <div class="overflow-x-auto" tabindex="0" role="region" aria-label=name>
                <table class="rights">
                    <thead>
                        <tr>
                            <th scope="col"><span class="sr-only">"Of"</span></th>
                            {heads.collect_view()}
                        </tr>
                    </thead>
                    <tbody>{lines.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
