//! The page: figures over time, by type, by person and by the hour, each also as a file.

use kit::{
    door::query_value,
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, bones, waiting},
        chart::{Bar, LineChart},
        empty::ErrorState,
        page::{PlainPage, below_admin},
        tabs::{Tab, Tabs},
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use rapport_domain::{
    analytics::{Analytics, Outcome, PartCounts, Table, tenths},
    dashboard::Period,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn AnalyticsPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Analytics" above=below_admin() broad=true>
            <Found/>
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Found() -> impl IntoView {
    let search = use_location().search;
    let days = Memo::new(move |_| query_value(&search.read(), "days").unwrap_or_default());
    let figures = Loaded::new(move || days.get(), api::get_analytics);
    let content = move || async move {
        match awaited(figures).await {
            Ok(figures) => draw_sheet(figures),
            Err(fault) => view! { <ErrorState fault again="/admin/analytics"/> }.into_any(),
        }
    };
    waiting(bones::<8>, content)
}

fn draw_sheet(figures: Analytics) -> AnyView {
    let period = figures.period;
    let tabs = Period::EVERY.map(|one| Tab {
        label: one.label(),
        href: format!("/admin/analytics?days={}", one.days()),
        on: one == period,
    });
    view! {
        <Tabs label="Period" tabs=tabs.to_vec()>
            ""
        </Tabs>
        <OverTime parts=figures.parts period/>
        <Outcomes name="No-shows by type" head="Type" table=Table::Types outcomes=figures.types period/>
        <Outcomes name="No-shows by person" head="Person" table=Table::Staff outcomes=figures.staff period/>
        <Hours hours=figures.hours period/>
    }
    .into_any()
}

/// The way to a table as a file.
fn file(table: Table, period: Period) -> AnyView {
    let href = format!("/admin/analytics/{table}.csv?days={}", period.days());
    let name = format!("{table} as CSV");
    view! { <a class="go sm" href=href rel="external" download="" aria-label=name>"CSV"</a> }.into_any()
}

/// A card: its name, and what it counts of a part.
type Counted = (&'static str, fn(&PartCounts) -> u32);

#[component]
fn OverTime(parts: Vec<PartCounts>, period: Period) -> impl IntoView {
    let labels: Vec<String> = parts.iter().map(|part| part.from.clone()).collect();
    let head = if period.step() == 1 { "Day" } else { "From" };
    let series: [Counted; 4] = [
        ("Active users", |part| part.active),
        ("Customers made", |part| part.customers),
        ("Appointments", |part| part.appointments),
        ("Not come to", |part| part.missed),
    ];
    let cards = series.map(|(name, count)| {
        let counts: Vec<u32> = parts.iter().map(count).collect();
        // Who was active on two days is one user on each of them: their sum says nothing.
        let figure = if name == "Active users" {
            format!("{} at most", counts.iter().max().copied().unwrap_or_default())
        } else {
            counts.iter().sum::<u32>().to_string()
        };
        view! {
            <section class="card figure" aria-label=name>
                <h2 class="sm dim">{name}</h2>
                <p><b class="num">{figure}</b></p>
                <LineChart name counts labels=labels.clone() head/>
            </section>
        }
    });
    view! {
        <section class="grid gap-2">
            <div class="acts">
                <h2 class="grow">"Over time"</h2>
                {file(Table::Time, period)}
            </div>
            <div class="figures">{cards.into_iter().collect_view()}</div>
        </section>
    }
    .into_any()
}

#[component]
fn Outcomes(
    name: &'static str,
    head: &'static str,
    table: Table,
    outcomes: Vec<Outcome>,
    period: Period,
) -> impl IntoView {
    let list = if outcomes.is_empty() {
        view! { <p class="dim">"No appointment of this period was held or missed yet."</p> }.into_any()
    } else {
        let rows = outcomes.into_iter().map(|outcome| {
            let share = outcome.missed_share();
            view! {
                <tr>
                    <th scope="row">{outcome.name}</th>
                    <td class="num">{outcome.held}</td>
                    <td class="num">{outcome.missed}</td>
                    <td class="num">{tenths(share)}</td>
                    <td aria-hidden="true"><Bar count=share.unwrap_or_default() most=1000 class="c3"/></td>
                </tr>
            }
        });
        view! {
            <table class="rights outcomes">
                <thead>
                    <tr>
                        <th scope="col">{head}</th>
                        <th scope="col">"Held"</th>
                        <th scope="col">"No-shows"</th>
                        <th scope="col">"Share"</th>
                        <th scope="col" aria-hidden="true"></th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section>
            <div class="acts">
                <h2 class="grow">{name}</h2>
                {file(table, period)}
            </div>
            {list}
        </section>
    }
    .into_any()
}

#[component]
fn Hours(hours: Vec<u32>, period: Period) -> impl IntoView {
    let most = hours.iter().max().copied().unwrap_or_default();
    let rows = hours
        .into_iter()
        .enumerate()
        .filter(|(_, many)| *many > 0)
        .map(|(hour, many)| {
            view! {
                <tr>
                    <th scope="row" class="num">{format!("{hour:02}:00")}</th>
                    <td class="num">{many}</td>
                    <td aria-hidden="true"><Bar count=many most class="c1"/></td>
                </tr>
            }
        });
    let rows: Vec<_> = rows.collect();
    let list = if rows.is_empty() {
        view! { <p class="dim">"No appointment stands in this period."</p> }.into_any()
    } else {
        view! {
            <table class="rights outcomes">
                <thead>
                    <tr>
                        <th scope="col">"Hour"</th>
                        <th scope="col">"Appointments"</th>
                        <th scope="col" aria-hidden="true"></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section>
            <div class="acts">
                <h2 class="grow">"Busiest hours"</h2>
                {file(Table::Hours, period)}
            </div>
            {list}
        </section>
    }
    .into_any()
}
