//! The page: the program, its stores, its work.

use kit::{
    part::{self, Drawn, later},
    ui::page::{PlainPage, below_admin, loaded},
};
use leptos::prelude::*;
use rapport_domain::health::{Health, Store, bytes_said};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn HealthPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="System health" above=below_admin()>
            {loaded(api::get_health, "/admin/health", sheet)}
        </PlainPage>
    };
    Ok(page.into_any())
}

/// Microseconds as milliseconds: "0.4 ms".
fn millis(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

fn store(name: &'static str, store: Store) -> (&'static str, Vec<(&'static str, String)>) {
    let lines = vec![
        ("Version", store.version),
        ("Round-trip", millis(store.micros)),
        ("Holds", bytes_said(store.bytes)),
    ];
    (name, lines)
}

fn sheet(health: Health) -> AnyView {
    let (open, idle, most) = health.connections;
    let (steps, last) = health.schema;
    let groups = vec![
        (
            "Rapport",
            vec![
                ("Version", health.version),
                ("Schema", format!("{steps} steps, the last {last}")),
                (
                    "Connections",
                    format!("{open} open, {idle} without work, {most} at most"),
                ),
            ],
        ),
        store("PostgreSQL", health.postgres),
        store("Redis", health.redis),
        (
            "Work",
            vec![
                (
                    "In the background",
                    format!(
                        "{} waiting or under way, {} failed in a week",
                        health.jobs.0, health.jobs.1
                    ),
                ),
                (
                    "Mail",
                    format!("{} waiting, {} given up", health.mails.0, health.mails.1),
                ),
            ],
        ),
    ];
    let groups = groups.into_iter().map(|(name, lines)| {
        let lines = lines.into_iter().map(|(term, value)| {
            view! {
                <dt>{term}</dt>
                <dd class="num">{value}</dd>
            }
        });
        view! {
            <section class="grid gap-2 mb-6">
                <h2>{name}</h2>
                <dl class="kv wide-terms">{lines.collect_view()}</dl>
            </section>
        }
    });
    view! {
        <p class="dim mb-4">"As the server that answered sees it, at this moment."</p>
        {groups.collect_view()}
        <p class="faint">
            <a class="go" href="/notices.txt" rel="external">"Licences"</a>
            " of Rapport, and of what it is built on"
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn a_round_trip_is_said_in_milliseconds() {
        assert_eq!(
            (millis(449), millis(12_050)),
            ("0.4 ms".to_owned(), "12.0 ms".to_owned())
        );
    }
}
