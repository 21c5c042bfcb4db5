//! The admin panel: what there is to see to, as cards in groups, with a search.

use kit::{
    door::query_value,
    me::me,
    part::{self, Drawn, later},
    ui::{
        empty::Empty,
        icon::Icon,
        page::{PlainPage, loaded},
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use rapport_domain::{error::AppError, user::Me};
use wasm_split_helpers::wasm_split;

/// A card: its icon, its name, what is behind it, where that is, and other words by which it is looked for.
struct Card {
    icon: icondata::Icon,
    name: &'static str,
    about: &'static str,
    href: &'static str,
    also: &'static str,
}

const GROUPS: &[(&str, &[Card])] = &[
    (
        "People",
        &[
            Card {
                icon: icondata::LuUsers,
                name: "Users",
                about: "Ask people in, say what they are here, close accounts",
                href: "/admin/users",
                also: "invite invitation role password reset deactivate session",
            },
            Card {
                icon: icondata::LuBuilding2,
                name: "Teams",
                about: "Who works together and sees the same customers",
                href: "/admin/teams",
                also: "group",
            },
            Card {
                icon: icondata::LuLock,
                name: "Roles",
                about: "What each role may see and do",
                href: "/admin/roles",
                also: "rights grants permission access",
            },
        ],
    ),
    (
        "Analytics",
        &[Card {
            icon: icondata::LuChartLine,
            name: "Analytics",
            about: "Active users, customers, appointments, no-shows, busiest hours; as files too",
            href: "/admin/analytics",
            also: "figures statistics report csv chart",
        }],
    ),
    (
        "System",
        &[
            Card {
                icon: icondata::LuSlidersHorizontal,
                name: "Settings",
                about: "Name, time zone, currency, opening hours, who may join",
                href: "/admin/settings",
                also: "organisation week sign-up domain hours",
            },
            Card {
                icon: icondata::LuCalendar,
                name: "Appointment types",
                about: "What can be booked, how long it takes, its colour",
                href: "/admin/appointment-types",
                also: "calendar length colour",
            },
            Card {
                icon: icondata::LuTag,
                name: "Tags",
                about: "What customers are marked with: called otherwise, made one, taken away",
                href: "/admin/tags",
                also: "label rename merge",
            },
            Card {
                icon: icondata::LuKey,
                name: "API keys",
                about: "Programs with accounts of their own, and every key there is",
                href: "/admin/keys",
                also: "rest token service account integration program revoke",
            },
            Card {
                icon: icondata::LuSend,
                name: "Webhooks",
                about: "Other programs that are told of changes as they happen",
                href: "/admin/webhooks",
                also: "integration event notify push api",
            },
            Card {
                icon: icondata::LuActivity,
                name: "System health",
                about: "Versions, round-trips, connections, schema, work and mail",
                href: "/admin/health",
                also: "postgresql redis database migration pool job",
            },
            Card {
                icon: icondata::LuMail,
                name: "Outbox",
                about: "The mail this installation wrote, sent or not",
                href: "/admin/outbox",
                also: "e-mail smtp link",
            },
        ],
    ),
    (
        "Data",
        &[
            Card {
                icon: icondata::LuFileUp,
                name: "Imports",
                about: "Files of customers, brought in and taken back",
                href: "/imports",
                also: "csv file",
            },
            Card {
                icon: icondata::LuHistory,
                name: "Activity",
                about: "What was done, by whom, with the way back",
                href: "/activity",
                also: "undo revert history log",
            },
            Card {
                icon: icondata::LuScrollText,
                name: "Audit log",
                about: "Every command with old and new values, by person, record and time",
                href: "/admin/audit",
                also: "journal history who what when",
            },
            Card {
                icon: icondata::LuTrash2,
                name: "Trash",
                about: "What was deleted, and the way out of it",
                href: "/trash",
                also: "restore bin deleted",
            },
        ],
    ),
];

/// The page.
#[component]
pub fn AdminPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Admin" broad=true>
            {loaded(allowed, "/admin", |_| view! { <Cards/> }.into_any())}
        </PlainPage>
    };
    Ok(page.into_any())
}

/// The panel is for those who may say who works here; what is behind each card asks for its own right again.
async fn allowed() -> kit::api::Answer<Me> {
    let me = me().await?;
    if me.may_admit {
        Ok(me)
    } else {
        Err(kit::api::respond(AppError::Forbidden))
    }
}

/// Whether a card is looked for: every word typed is somewhere in what it says.
fn fits(card: &Card, typed: &str) -> bool {
    let said = format!("{} {} {}", card.name, card.about, card.also).to_lowercase();
    typed
        .to_lowercase()
        .split_whitespace()
        .all(|word| said.contains(word))
}

#[component]
fn Cards() -> impl IntoView {
    let search = use_location().search;
    let typed = RwSignal::new(query_value(&search.get_untracked(), "q").unwrap_or_default());
    let groups = move || {
        let typed = typed.get();
        let groups: Vec<AnyView> = GROUPS
            .iter()
            .filter_map(|(name, cards)| group(name, cards, &typed))
            .collect();
        if groups.is_empty() {
            let text = "No card of the panel has these words.";
            return view! { <Empty icon=icondata::LuSearch title="Nothing found" text/> }.into_any();
        }
        groups.into_any()
    };
    view! {
        <form method="get" action="/admin" role="search" on:submit=|event| event.prevent_default()>
            <input
                class="input"
                type="search"
                name="q"
                aria-label="Search the panel"
                placeholder="Search the panel"
                value=typed.get_untracked()
                on:input=move |event| typed.set(event_target_value(&event))
            />
        </form>
        {groups}
    }
    .into_any()
}

fn group(name: &'static str, cards: &'static [Card], typed: &str) -> Option<AnyView> {
    let cards: Vec<_> = cards.iter().filter(|card| fits(card, typed)).collect();
    if cards.is_empty() {
        return None;
    }
    let cards = cards.into_iter().map(|card| {
        view! {
            <li>
                <a class="card tile" href=card.href>
                    <Icon icon=card.icon/>
                    <span class="min-w-0">
                        <b class="block">{card.name}</b>
                        <span class="sm dim block">{card.about}</span>
                    </span>
                </a>
            </li>
        }
    });
    let group = view! {
        <section class="grid gap-2">
            <h2>{name}</h2>
            <ul class="tiles" aria-label=name>{cards.collect_view()}</ul>
        </section>
    };
    Some(group.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> Vec<&'static str> {
        let cards = GROUPS.iter().flat_map(|(_, cards)| cards.iter());
        cards
            .filter(|card| fits(card, typed))
            .map(|card| card.name)
            .collect()
    }

    #[test]
    fn a_card_is_found_by_what_it_is_about() {
        assert_eq!(found("invit"), ["Users"]);
        assert_eq!(found("who SEES customers"), ["Teams"]);
        assert_eq!(found("smtp"), ["Outbox"]);
        assert_eq!(found("zebra"), Vec::<&str>::new());
        assert_eq!(found("merge"), ["Tags"]);
        assert_eq!(found("").len(), 15);
    }
}
