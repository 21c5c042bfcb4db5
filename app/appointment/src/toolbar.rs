//! The bar above the calendar: when, which view, whose.

use std::sync::Arc;

use kit::{
    door::component::values_of,
    ui::{
        button::{Button, IconLink, LinkButton, Weight},
        icon::Icon,
        menu::Menu,
    },
};
use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::appointment::{Calendar, CalendarQuery, CalendarView, Day};
use wasm_bindgen::JsCast;

const VIEWS: [(CalendarView, &str); 4] = [
    (CalendarView::Day, "Day"),
    (CalendarView::Week, "Week"),
    (CalendarView::Month, "Month"),
    (CalendarView::Agenda, "Agenda"),
];

/// What the view is about, in words.
fn title(query: &CalendarQuery, day: Day, days: &[Day]) -> String {
    let (first, last) = (
        days.first().copied().unwrap_or(day),
        days.last().copied().unwrap_or(day),
    );
    match query.shows() {
        CalendarView::Day => day.long(),
        CalendarView::Month => day.month_said(),
        _ if first.same_month(last) => {
            format!("{} – {} {}", first.number(), last.number(), last.month_said())
        }
        _ => format!("{} – {} {}", first.short(), last.short(), last.year()),
    }
}

/// The form of a new appointment for those who are shown, on the day that the view is about.
#[must_use]
pub fn new_for(calendar: &Calendar) -> String {
    let staff: Vec<String> = calendar.shown.iter().map(|staff| staff.id.to_string()).collect();
    let day = calendar
        .query
        .day
        .map(|day| format!("date={day}&"))
        .unwrap_or_default();
    format!("/appointments/new?{day}staff={}", staff.join(","))
}

/// The bar.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns what it is given")]
pub fn Toolbar(
    /// What is shown.
    calendar: Arc<Calendar>,
) -> impl IntoView {
    let query = &calendar.query;
    let (back, on) = (
        query.stepped(calendar.today, -1).href(),
        query.stepped(calendar.today, 1).href(),
    );
    let today = CalendarQuery {
        day: None,
        ..query.clone()
    };
    let shows = query.shows();
    let views = VIEWS.map(|(view, label)| {
        let href = CalendarQuery {
            view: Some(view),
            ..query.clone()
        }
        .href();
        view! { <a class="tab" href=href aria-current=(view == shows).then_some("page")>{label}</a> }
    });
    let book = calendar.may_create.then(|| {
        view! {
            <LinkButton href=new_for(&calendar) weight=Weight::Main icon=icondata::LuPlus>
                <span class="sr-sm">"Book"</span>
            </LinkButton>
        }
    });
    view! {
        <div class="bar calbar">
            <h1 class="num cut">{title(query, calendar.day, &calendar.days)}</h1>
            <div class="acts">
                <IconLink name="Back" icon=icondata::LuChevronLeft href=back/>
                <LinkButton href=today.href()>"Today"</LinkButton>
                <IconLink name="Forward" icon=icondata::LuChevronRight href=on/>
            </div>
            <span class="grow"></span>
            <span class="sm faint hide-sm" title="Your time zone">{calendar.zone.replace('_', " ")}</span>
            <People calendar=calendar.clone()/>
            <nav class="choice" aria-label="View">{views.into_iter().collect_view()}</nav>
            {book}
        </div>
    }
    .into_any()
}

/// Whose appointments are shown. Without script the form leads to the address that says so.
#[component]
fn People(calendar: Arc<Calendar>) -> impl IntoView {
    let navigate = use_navigate();
    let query = calendar.query.clone();
    let choose = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(form) = event
            .target()
            .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok())
        else {
            return;
        };
        let values = values_of(&form);
        let chosen = CalendarQuery {
            staff: values
                .get("staff")
                .lines()
                .filter_map(|id| id.parse().ok())
                .collect(),
            cancelled: values.has("cancelled"),
            ..query.clone()
        };
        navigate(&chosen.href(), NavigateOptions::default());
    };
    let words = match calendar.shown.as_slice() {
        [one] => one.name.clone(),
        several => format!("{} people", several.len()),
    };
    let people = calendar.staff.iter().map(|staff| {
        let on = calendar.shown.contains(staff);
        view! {
            <label class="item">
                <input type="checkbox" name="staff" value=staff.id.to_string() checked=on prop:checked=on/>
                <span class="cut">{staff.name.clone()}</span>
            </label>
        }
    });
    let people = people.collect_view();
    let hidden = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <input type="hidden" name=name value=value/> })
    };
    view! {
        <button class="btn" type="button" popovertarget="people">
            <Icon icon=icondata::LuUsers/>
            <span class="cut who">{words}</span>
        </button>
        <Menu id="people" label="Whose appointments">
            <form method="get" action="/appointments" on:submit=choose>
                {hidden("view", calendar.query.view.map(|view| view.to_string()))}
                {hidden("day", calendar.query.day.map(|day| day.to_string()))}
                <div class="people">{people}</div>
                <hr/>
                <label class="item">
                    <input type="checkbox" name="cancelled" value="1" checked=calendar.query.cancelled prop:checked=calendar.query.cancelled/>
                    "Cancelled ones, too"
                </label>
                <div class="acts p-1">
                    <Button kind="submit" weight=Weight::Main>"Show"</Button>
                </div>
            </form>
        </Menu>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_says_what_is_shown() {
        let said = |address: &str| {
            let query = CalendarQuery::parse(address);
            let today: Day = "2026-11-27".parse().unwrap();
            let (first, count) = query.days(today, 1);
            let days: Vec<Day> = (0..i32::from(count)).map(|day| first.plus(day)).collect();
            title(&query, query.day.unwrap_or(today), &days)
        };
        assert_eq!(said(""), "23 – 29 November 2026");
        assert_eq!(said("view=week&day=2026-12-01"), "Mon 30 Nov – Sun 6 Dec 2026");
        assert_eq!(said("view=day"), "Friday, 27 November 2026");
        assert_eq!(said("view=month"), "November 2026");
    }
}
