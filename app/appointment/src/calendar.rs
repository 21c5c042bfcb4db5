//! The calendar: what the address asks for, in one of its views.

use std::sync::Arc;

use kit::{
    door::use_changes,
    live::follow,
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, bones, waiting},
        dom,
        empty::ErrorState,
    },
};
use leptos::{ev, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};
use rapport_domain::{
    appointment::{Calendar, CalendarQuery, CalendarView},
    event::EventKind,
};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    grid::TimeGrid,
    list::{Agenda, Month},
    moves::{Moves, use_moves},
    press,
    toolbar::{Toolbar, new_for},
};

/// The page.
#[component]
pub fn CalendarPage() -> impl IntoView {
    later(crate::CALENDAR, part::page, draw)
}

/// Draws the page.
#[wasm_split(calendar, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

#[component]
fn Page() -> impl IntoView {
    let search = use_location().search;
    let query = Memo::new(move |_| CalendarQuery::parse(&search.get()));
    let changes = use_changes();
    follow(|touched| touched.iter().any(|one| one.kind == EventKind::Appointment));
    let calendar = Loaded::new(
        move || (query.get(), changes.get()),
        |(query, _)| api::get_calendar(query.search()),
    );
    let moves = use_moves();
    let seen = RwSignal::new(None::<Arc<Calendar>>);
    walk_by_keys(query, seen);
    let content = move || {
        async move {
            match awaited(calendar).await {
                Ok(calendar) => {
                    let calendar = Arc::new(calendar);
                    moves.arrived(&calendar.slots);
                    // What is drawn anew cannot be dragged on.
                    press::let_go();
                    seen.set(Some(calendar.clone()));
                    moves.give_back();
                    view! { <Sheet calendar moves/> }.into_any()
                }
                Err(fault) => {
                    let again = query.get_untracked().href();
                    view! { <ErrorState fault again/> }.into_any()
                }
            }
        }
    };
    view! {
        <Title text="Appointments"/>
        <main class="main grow">
            {waiting(bones::<12>, content)}
            <p class="sr-only" role="status">{move || moves.said()}</p>
        </main>
    }
    .into_any()
}

#[component]
fn Sheet(calendar: Arc<Calendar>, moves: Moves) -> impl IntoView {
    let more = calendar.more.then(|| {
        view! { <p class="notice">"There is more than can be shown at once. Choose fewer people or a shorter time."</p> }
    });
    let grid = |class| {
        let calendar = calendar.clone();
        view! { <div class=class><TimeGrid calendar moves/></div> }.into_any()
    };
    let agenda = |class| {
        let calendar = calendar.clone();
        view! { <div class=class><Agenda calendar/></div> }.into_any()
    };
    let view = match calendar.query.view {
        Some(CalendarView::Day | CalendarView::Week) => grid("view"),
        Some(CalendarView::Month) => {
            view! { <div class="view"><Month calendar=calendar.clone()/></div> }.into_any()
        }
        Some(CalendarView::Agenda) => agenda("view"),
        // A week where there is room for it, a list where there is not.
        None => (grid("view wide-view"), agenda("view narrow-view")).into_any(),
    };
    view! {
        <Toolbar calendar=calendar.clone()/>
        {more}
        {view}
    }
    .into_any()
}

/// `t` for today, `d w m a` for the views, arrows or `j k` for steps, `n` for a new appointment.
fn walk_by_keys(query: Memo<CalendarQuery>, seen: RwSignal<Option<Arc<Calendar>>>) {
    let navigate = use_navigate();
    Effect::new(move || {
        let navigate = navigate.clone();
        let keys = window_event_listener(ev::keydown, move |event| {
            let held = event.ctrl_key() || event.meta_key() || event.alt_key() || event.shift_key();
            if held || dom::keys_are_taken(&event) {
                return;
            }
            let Some(calendar) = seen.try_get_untracked().flatten() else {
                return;
            };
            let query = query.get_untracked();
            if let Some(to) = target(&event.key(), &query, &calendar) {
                event.prevent_default();
                let options = NavigateOptions {
                    scroll: false,
                    ..NavigateOptions::default()
                };
                navigate(&to, options);
            }
        });
        on_cleanup(move || keys.remove());
    });
}

/// Where a key leads.
fn target(key: &str, query: &CalendarQuery, calendar: &Calendar) -> Option<String> {
    let view = |view| {
        let day = Some(calendar.day);
        CalendarQuery {
            view: Some(view),
            day,
            ..query.clone()
        }
        .href()
    };
    match key {
        "t" => Some(
            CalendarQuery {
                day: None,
                ..query.clone()
            }
            .href(),
        ),
        "d" => Some(view(CalendarView::Day)),
        "w" => Some(view(CalendarView::Week)),
        "m" => Some(view(CalendarView::Month)),
        "a" => Some(view(CalendarView::Agenda)),
        "ArrowLeft" | "k" => Some(query.stepped(calendar.today, -1).href()),
        "ArrowRight" | "j" => Some(query.stepped(calendar.today, 1).href()),
        "n" if calendar.may_create => Some(new_for(calendar)),
        _ => None,
    }
}
