//! Appointments in lists: the agenda, and the month.

use std::sync::Arc;

use kit::ui::{
    button::{LinkButton, Weight},
    empty::Empty,
};
use leptos::prelude::*;
use rapport_domain::appointment::{
    Calendar, CalendarQuery, CalendarView, Day, Slot, Status, clock,
    layout::{on_day, pieces},
};

use super::grid::people;

/// How many a day of the month shows.
const IN_MONTH: usize = 3;

/// The classes of a status's pill.
#[must_use]
pub fn status_class(status: Status) -> &'static str {
    match status {
        Status::Booked => "pill dot c1",
        Status::Confirmed => "pill dot c0",
        Status::Done => "pill dot c5",
        Status::NoShow => "pill dot c3",
        Status::Cancelled => "pill dot c4",
    }
}

/// How far an appointment is. The word says it; the colour only helps.
#[component]
pub fn StatusPill(
    /// The status.
    status: Status,
) -> impl IntoView {
    view! { <span class=status_class(status)>{status.label()}</span> }
}

/// The days one after another, with what stands on them.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns what it is given")]
pub fn Agenda(
    /// What is shown.
    calendar: Arc<Calendar>,
) -> impl IntoView {
    let days: Vec<AnyView> = calendar
        .days
        .iter()
        .filter_map(|day| agenda_day(&calendar, *day))
        .collect();
    if days.is_empty() {
        let book = calendar.may_create.then(|| {
            let day = calendar.day;
            let href = format!("/appointments/new?date={day}");
            view! { <LinkButton href weight=Weight::Main>"Book an appointment"</LinkButton> }
        });
        return view! {
            <Empty
                icon=icondata::LuCalendar
                title="Nothing in these days"
                text="What is booked for the people chosen above is listed here."
            >
                {book}
            </Empty>
        }
        .into_any();
    }
    view! { <div class="agenda">{days}</div> }.into_any()
}

fn agenda_day(calendar: &Calendar, day: Day) -> Option<AnyView> {
    let on_it: Vec<&Slot> = calendar
        .slots
        .iter()
        .filter(|slot| on_day(slot, day).is_some())
        .collect();
    if on_it.is_empty() {
        return None;
    }
    let today = day == calendar.today;
    let lines = on_it
        .into_iter()
        .map(|slot| view! { <Line what=slot.clone() people=people(calendar, slot)/> })
        .collect_view();
    let id = format!("day-{day}");
    let view = view! {
        <section aria-labelledby=id>
            <h2 id=id.clone() class:today=today>{if today { format!("Today, {}", day.short()) } else { day.long() }}</h2>
            <ul>{lines}</ul>
        </section>
    };
    Some(view.into_any())
}

/// An appointment as a line: when, what, who, where, how far.
#[component]
pub fn Line(
    /// The appointment.
    what: Slot,
    /// Who keeps it.
    #[prop(into)]
    people: String,
    /// Whether the line tells the day, too.
    #[prop(optional)]
    dated: bool,
) -> impl IntoView {
    let slot = what;
    let mut when = format!("{} – {}", clock(slot.from.minute), clock(slot.to.minute));
    if dated {
        when = format!("{} {}, {when}", slot.from.day.short(), slot.from.day.year());
    }
    let class = format!("bead c{}", slot.colour);
    let name = if slot.sight {
        let href = format!("/appointments/{}", slot.id);
        view! { <a class="cut" href=href>{slot.title.clone()}</a> }.into_any()
    } else {
        view! { <span class="cut faint">{slot.title.clone()}</span> }.into_any()
    };
    let about = [Some(slot.kind.clone()), slot.place.clone(), Some(people)];
    let about: Vec<String> = about
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    let off = slot.status == Status::Cancelled;
    view! {
        <li class="line" class:off=off>
            <span class="num when">{when}</span>
            <i class=class aria-hidden="true"></i>
            <span class="what">
                {name}
                <span class="cut sm dim">{about.join(" · ")}</span>
            </span>
            <StatusPill status=slot.status/>
        </li>
    }
    .into_any()
}

/// The weeks of a month.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns what it is given")]
pub fn Month(
    /// What is shown.
    calendar: Arc<Calendar>,
) -> impl IntoView {
    let heads = calendar
        .days
        .iter()
        .take(7)
        .map(|day| view! { <th scope="col"><abbr title=day.weekday_name()>{day.weekday_short()}</abbr></th> })
        .collect_view();
    let weeks = calendar
        .days
        .chunks(7)
        .map(|week| {
            let days = week.iter().map(|day| month_day(&calendar, *day)).collect_view();
            view! { <tr>{days}</tr> }
        })
        .collect_view();
    view! {
        <table class="month">
            <thead>
                <tr>{heads}</tr>
            </thead>
            <tbody>{weeks}</tbody>
        </table>
    }
    .into_any()
}

fn month_day(calendar: &Calendar, day: Day) -> AnyView {
    let pieces = pieces(&calendar.slots, day, None);
    let href = CalendarQuery {
        view: Some(CalendarView::Day),
        day: Some(day),
        ..calendar.query.clone()
    }
    .href();
    let rest = pieces.len().saturating_sub(IN_MONTH);
    let lines = pieces
        .iter()
        .take(IN_MONTH)
        .filter_map(|piece| calendar.slots.get(piece.slot))
        .map(|slot| {
            let class = format!("mev c{}", slot.colour);
            let text = view! {
                <span class="num">{clock(slot.from.minute)}</span>
                " "
                {slot.title.clone()}
            };
            let off = slot.status == Status::Cancelled;
            let line = if slot.sight {
                let href = format!("/appointments/{}", slot.id);
                view! { <a class=class class:off=off href=href>{text}</a> }.into_any()
            } else {
                view! { <span class=class>{text}</span> }.into_any()
            };
            view! { <li>{line}</li> }
        })
        .collect_view();
    let more = (rest > 0).then(|| {
        let label = format!("{rest} more on {}", day.long());
        view! { <a class="sm go" href=href.clone() aria-label=label>{format!("+{rest}")}</a> }
    });
    let (today, out) = (day == calendar.today, !day.same_month(calendar.day));
    view! {
        <td class:today=today class:out=out>
            <a class="num n" href=href.clone() aria-label=day.long() aria-current=today.then_some("date")>{day.number()}</a>
            <ul>{lines}</ul>
            {more}
        </td>
    }
    .into_any()
}
