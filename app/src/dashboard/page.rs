//! The page: four figures, today, what went silent, customers by stage, what changed.

use appointment::list::StatusPill;
use kit::{
    door::use_changes,
    live::follow,
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        avatar::Avatar,
        awaited::{awaited, bones, waiting},
        chart::{Bar, LineChart},
        empty::ErrorState,
        pill::{StagePill, stage_colour},
        select::{Options, Pick},
    },
};
use leptos::{html, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};
use rapport_domain::{
    analytics::tenths,
    appointment::{Slot, clock},
    dashboard::{Dashboard, DashboardQuery, Figures, Period, Series, Silent, Whose, growth},
    feed::Deed,
    id::TeamId,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn DashboardPage() -> impl IntoView {
    later(crate::DASHBOARD, part::page, draw)
}

/// Draws the page.
#[wasm_split(dashboard, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

#[component]
fn Page() -> impl IntoView {
    let search = use_location().search;
    let query = Memo::new(move |_| DashboardQuery::parse(&search.read()).search());
    let changes = use_changes();
    follow(|_| true);
    let dashboard = Loaded::new(
        move || (query.get(), changes.get()),
        |(query, _)| api::get_dashboard(query),
    );
    let content = move || async move {
        match awaited(dashboard).await {
            Ok(dashboard) => view! { <Sheet dashboard/> }.into_any(),
            Err(fault) => view! { <ErrorState fault again="/"/> }.into_any(),
        }
    };
    view! {
        <Title text="Dashboard"/>
        <main class="main grow">
            {waiting(bones::<8>, content)}
        </main>
    }
    .into_any()
}

#[component]
fn Sheet(dashboard: Dashboard) -> impl IntoView {
    let Dashboard {
        query,
        name,
        today,
        greeting,
        appointments,
        silent,
        lately,
        figures,
        teams,
        with_appointments,
    } = dashboard;
    let due = with_appointments.then(|| view! { <Today today appointments/> });
    view! {
        <div class="bar">
            <h1 class="cut">{format!("Good {greeting}, {name}")}</h1>
            <span class="grow"></span>
            <Asked query teams/>
        </div>
        <div class="scroll">
            <div class="dashboard">
                <Cards figures=figures.clone() period=query.period with_appointments/>
                {due}
                <Stages figures whose=query.whose/>
                <WentSilent silent/>
                <Lately lately/>
            </div>
        </div>
    }
    .into_any()
}

/// Whose figures, and of which period: a plain form, sent by itself where there is script.
#[component]
fn Asked(query: DashboardQuery, teams: Vec<(TeamId, String)>) -> impl IntoView {
    let whose: Vec<Pick> = [("", "All I see"), ("mine", "Mine")]
        .map(|(key, words)| (key.to_owned(), words.to_owned()))
        .into_iter()
        .chain(teams.into_iter().map(|(id, name)| (id.to_string(), name)))
        .collect();
    let picked = match query.whose {
        Whose::All => String::new(),
        Whose::Mine => "mine".to_owned(),
        Whose::Team(team) => team.to_string(),
    };
    let periods = Period::EVERY.map(|period| (period.days().to_string(), period.label().to_owned()));
    let days = query.period.days().to_string();
    let (whose_node, days_node) = (NodeRef::<html::Select>::new(), NodeRef::<html::Select>::new());
    let navigate = use_navigate();
    // By hand or by a change: one address for the same figures.
    let show = Callback::new(move |()| {
        let value =
            |node: NodeRef<html::Select>| node.get_untracked().map(|node| node.value()).unwrap_or_default();
        let search = format!("whose={}&days={}", value(whose_node), value(days_node));
        navigate(&DashboardQuery::parse(&search).href(), NavigateOptions::default());
    });
    view! {
        <form
            class="asked"
            method="get"
            action="/"
            aria-label="Figures"
            on:submit=move |event| {
                event.prevent_default();
                show.run(());
            }
        >
            <select node_ref=whose_node class="input" name="whose" aria-label="Whose" on:change=move |_| show.run(())>
                <Options options=whose picked/>
            </select>
            <select node_ref=days_node class="input" name="days" aria-label="Period" on:change=move |_| show.run(())>
                <Options options=periods.to_vec() picked=days/>
            </select>
            <noscript>
                <button class="btn" type="submit">"Show"</button>
            </noscript>
        </form>
    }
    .into_any()
}

/// How a figure stands to the period before, in words.
fn compared(now: u32, before: u32, period: Period) -> String {
    let days = period.days();
    match growth(now, before) {
        Some(0) => format!("as in the {days} days before"),
        Some(more @ 1..) => format!("+{more} % to the {days} days before"),
        Some(less) => format!("−{} % to the {days} days before", less.unsigned_abs()),
        None if now > 0 => format!("none in the {days} days before"),
        None => format!("none in the {days} days before either"),
    }
}

#[component]
fn Cards(figures: Figures, period: Period, with_appointments: bool) -> impl IntoView {
    let head = if period.step() == 1 { "Day" } else { "From" };
    let of_customers = view! {
        <Card
            name="New customers"
            figure=figures.new.total().to_string()
            about=compared(figures.new.total(), figures.new.before, period)
            series=figures.new.clone()
            labels=figures.labels.clone()
            head
        />
    };
    let of_appointments = with_appointments.then(|| {
        let (now, before) = figures.missed_share();
        let days = period.days();
        let shares = match before {
            Some(_) => format!("{} in the {days} days before", tenths(before)),
            None => format!("none were due in the {days} days before"),
        };
        view! {
            <Card
                name="Appointments held"
                figure=figures.held.total().to_string()
                about=compared(figures.held.total(), figures.held.before, period)
                series=figures.held.clone()
                labels=figures.labels.clone()
                head
            />
            <Card
                name="No-shows"
                figure=tenths(now)
                about=shares
                series=figures.missed.clone()
                labels=figures.labels
                head
            />
        }
    });
    view! {
        {of_customers}
        {of_appointments}
    }
    .into_any()
}

#[component]
fn Card(
    name: &'static str,
    figure: String,
    about: String,
    series: Series,
    labels: Vec<String>,
    head: &'static str,
) -> impl IntoView {
    view! {
        <section class="card figure" aria-label=name>
            <h2 class="sm dim">{name}</h2>
            <p><b class="num">{figure}</b> <span class="sm dim">{about}</span></p>
            <LineChart name counts=series.parts labels head/>
        </section>
    }
    .into_any()
}

#[component]
fn Today(today: String, appointments: Vec<Slot>) -> impl IntoView {
    let list =
        if appointments.is_empty() {
            view! { <p class="dim pad">"Nothing is booked for you today."</p> }.into_any()
        } else {
            let lines = appointments.into_iter().map(|slot| {
            let href = format!("/appointments/{}", slot.id);
            let about = [Some(slot.kind), slot.place];
            let about = about.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            let until = clock(slot.to.minute);
            view! {
                <li class="due">
                    <span class="num dim">{clock(slot.from.minute)}</span>
                    <p class="grow min-w-0">
                        <a class="go" href=href>{slot.title}</a>
                        <span class="sm faint block">{format!("until {until} · {}", about.join(" · "))}</span>
                    </p>
                    <StatusPill status=slot.status/>
                </li>
            }
        });
            view! { <ul>{lines.collect_view()}</ul> }.into_any()
        };
    view! {
        <section class="card half" aria-label="Today">
            <header>
                <h2>"Today"</h2>
                <a class="sm go" href="/appointments?view=day">{today}</a>
            </header>
            {list}
        </section>
    }
    .into_any()
}

#[component]
fn Stages(figures: Figures, whose: Whose) -> impl IntoView {
    let most = figures
        .stages
        .iter()
        .map(|(_, many)| *many)
        .max()
        .unwrap_or_default();
    let rows = figures.stages.into_iter().map(|(stage, many)| {
        let theirs = match whose {
            Whose::All => String::new(),
            Whose::Mine => "&owner=me".to_owned(),
            Whose::Team(team) => format!("&team={team}"),
        };
        let href = format!("/customers?stage={}{theirs}", stage.word());
        view! {
            <tr>
                <th scope="row"><a class="go" href=href>{stage.label()}</a></th>
                <td aria-hidden="true"><Bar count=many most class=stage_colour(stage)/></td>
                <td class="num">{many}</td>
            </tr>
        }
    });
    view! {
        <section class="card half" aria-label="Customers by stage">
            <header><h2>"Customers by stage"</h2></header>
            <table class="stages">
                <thead class="sr-only">
                    <tr>
                        <th scope="col">"Stage"</th>
                        <th scope="col" aria-hidden="true"></th>
                        <th scope="col">"Customers"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
    .into_any()
}

#[component]
fn WentSilent(silent: Vec<Silent>) -> impl IntoView {
    let list = if silent.is_empty() {
        view! { <p class="dim pad">"None: with each of them something happened in the last 30 days, or is planned."</p> }.into_any()
    } else {
        let lines = silent.into_iter().map(|one| {
            let href = format!("/customers/{}", one.id);
            view! {
                <li class="due">
                    <p class="grow min-w-0">
                        <a class="go" href=href>{one.name}</a>
                        <span class="sm faint block">{format!("silent for {} days", one.days)}</span>
                    </p>
                    <StagePill stage=one.stage/>
                </li>
            }
        });
        view! { <ul>{lines.collect_view()}</ul> }.into_any()
    };
    view! {
        <section class="card half" aria-label="My customers that went silent">
            <header><h2>"My customers that went silent"</h2></header>
            {list}
        </section>
    }
    .into_any()
}

#[component]
fn Lately(lately: Vec<Deed>) -> impl IntoView {
    let list = if lately.is_empty() {
        view! { <p class="dim pad">"Nothing that you may see has happened yet."</p> }.into_any()
    } else {
        let lines = lately.into_iter().map(|deed| view! { <Done deed/> });
        view! { <ul>{lines.collect_view()}</ul> }.into_any()
    };
    view! {
        <section class="card half" aria-label="What changed">
            <header>
                <h2>"What changed"</h2>
                <a class="sm go" href="/activity">"All activity"</a>
            </header>
            {list}
        </section>
    }
    .into_any()
}

#[component]
fn Done(deed: Deed) -> impl IntoView {
    let about = deed.about.first().map(|(id, name)| {
        let href = format!("/customers/{id}");
        view! { " " <a class="go" href=href>{name.clone()}</a> }
    });
    let more = deed.about.len().saturating_sub(1) as u64 + deed.more;
    let more = (more > 0).then(|| format!(" and {more} more"));
    view! {
        <li class="due">
            <Avatar name=deed.by.clone()/>
            <p class="grow min-w-0">
                {format!("{} {}", deed.by, deed.did)} {about} {more}
                <span class="sm faint block">{deed.at.said}</span>
            </p>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_compared_in_words() {
        let said = |now, before| compared(now, before, Period::Month);
        assert_eq!(said(114, 100), "+14 % to the 28 days before");
        assert_eq!(said(1, 2), "−50 % to the 28 days before");
        assert_eq!(said(3, 3), "as in the 28 days before");
        assert_eq!(said(3, 0), "none in the 28 days before");
        assert_eq!(said(0, 0), "none in the 28 days before either");
    }
}
