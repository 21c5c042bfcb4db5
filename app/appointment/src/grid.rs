//! Days as columns of hours: the week, or a day with a column for each person.
//!
//! The page's security policy allows no styles in the markup, so that what stands where is said by classes: quarters of
//! an hour (`at-`, `len-`) and the minutes between them (`p`, `q`).

use std::sync::Arc;

use kit::ui::avatar::initials;
use leptos::{html, prelude::*};
use rapport_domain::{
    appointment::{
        Calendar, CalendarView, Day, Slot, Staff, Status, clock,
        layout::{Piece, hours_shown, pieces},
    },
    id::UserId,
};

use super::{drag::use_drag, moves::Moves};

/// Below so many minutes an appointment shows its name alone.
const BRIEF: u16 = 30;

/// A column: a day, of one person or of all that are shown.
#[derive(Clone)]
struct Column {
    day: Day,
    staff: Option<Staff>,
}

fn columns(calendar: &Calendar) -> Vec<Column> {
    let side_by_side = calendar.query.shows() == CalendarView::Day;
    let of_day = |day: Day| {
        let people: Vec<Column> = calendar
            .shown
            .iter()
            .filter(|_| side_by_side)
            .map(|staff| Column {
                day,
                staff: Some(staff.clone()),
            })
            .collect();
        if people.is_empty() {
            vec![Column { day, staff: None }]
        } else {
            people
        }
    };
    calendar.days.iter().flat_map(|day| of_day(*day)).collect()
}

/// The classes that put something where it stands, minutes counted from the top of the grid.
fn place(from: u16, to: u16) -> String {
    let (start, length) = (from / 5, to.saturating_sub(from).max(5) / 5);
    let mut classes = format!("at-{} len-{}", start / 3, length / 3);
    for (rest, letter) in [(start % 3, 'p'), (length % 3, 'q')] {
        if rest > 0 {
            classes.push_str(&format!(" {letter}{rest}"));
        }
    }
    classes
}

/// The grid.
#[component]
pub fn TimeGrid(
    /// What is shown.
    calendar: Arc<Calendar>,
    /// The moves that are under way.
    moves: Moves,
) -> impl IntoView {
    let (first, last) = hours_shown(&calendar.hours, &calendar.days, &calendar.slots);
    let columns = columns(&calendar);
    let (few, many) = (columns.len() < 4, columns.len() > 7);
    let heads = columns
        .iter()
        .map(|column| head(&calendar, column))
        .collect_view();
    let hours = (first..last)
        .map(|hour| view! { <span class="num">{(hour > first).then(|| clock(hour * 60))}</span> })
        .collect_view();
    let node = NodeRef::<html::Div>::new();
    let drag = use_drag(node, calendar.clone(), moves, first * 60);
    let body = move || {
        let slots = moves.applied(&calendar.slots);
        columns
            .iter()
            .map(|column| day_column(&calendar, &slots, column, first * 60, last * 60))
            .collect_view()
    };
    view! {
        <div class="cal" class:few=few class:many=many>
            <div class="cal-head">
                <span></span>
                <div class="cal-cols">{heads}</div>
            </div>
            <div class="cal-body">
                <div class="cal-hours" aria-hidden="true">{hours}</div>
                <div
                    class="cal-cols"
                    node_ref=node
                    on:pointerdown=move |event| drag.down.run(event)
                    on:pointermove=move |event| drag.moved.run(event)
                    on:pointerup=move |event| drag.up.run(event)
                    on:pointercancel=move |event| drag.cancel.run(event)
                    on:click=move |event| drag.click.run(event)
                    on:keydown=move |event| drag.key.run(event)
                    on:contextmenu=move |event| drag.menu.run(event)
                    on:dragstart=|event| event.prevent_default()
                >
                    {body}
                    <div class="ev shade" hidden=true></div>
                </div>
            </div>
        </div>
        <details class="keys sm faint wide-only">
            <summary>"Keys"</summary>
            "On an appointment: Shift and arrows move it, Alt Shift and up or down change its length, Enter opens it. \
             t today, d w m a the views, left and right a step, n a new one."
        </details>
    }
    .into_any()
}

fn head(calendar: &Calendar, column: &Column) -> AnyView {
    let today = column.day == calendar.today;
    if let Some(staff) = &column.staff {
        return view! { <div class="cal-day" class:today=today><b class="cut">{staff.name.clone()}</b></div> }
            .into_any();
    }
    let href = rapport_domain::appointment::CalendarQuery {
        view: Some(CalendarView::Day),
        day: Some(column.day),
        ..calendar.query.clone()
    }
    .href();
    let count = pieces(&calendar.slots, column.day, None).len();
    view! {
        <a class="cal-day" class:today=today href=href aria-current=today.then_some("date") aria-label=column.day.long()>
            <span class="sm dim">{column.day.weekday_short()}</span>
            <b class="num">{column.day.number()}</b>
            <span class="grow"></span>
            <span class="sm faint num">{(count > 0).then_some(count)}</span>
        </a>
    }
    .into_any()
}

fn day_column(calendar: &Calendar, slots: &[Slot], column: &Column, first: u16, last: u16) -> AnyView {
    let staff = column.staff.as_ref().map(|staff| staff.id);
    let shut = |from: u16, to: u16| {
        let classes = format!(
            "shut {}",
            place(from.max(first) - first, to.min(last).max(first) - first)
        );
        (from.max(first) < to.min(last)).then(|| view! { <i class=classes></i> })
    };
    let closed = match calendar.hours.on(column.day.weekday()) {
        Some((open, close)) => [shut(0, open), shut(close, 24 * 60)],
        None => [shut(0, 24 * 60), None],
    };
    let now = (column.day == calendar.today && (first..last).contains(&calendar.now)).then(
        || view! { <i class=format!("now {}", place(calendar.now - first, calendar.now - first))></i> },
    );
    let several = column.staff.is_none() && calendar.shown.len() > 1;
    let events = pieces(slots, column.day, staff)
        .into_iter()
        .filter_map(|piece| Some((slots.get(piece.slot)?, piece)))
        .map(|(slot, piece)| event(calendar, slot, piece, column, first, several))
        .collect_view();
    view! {
        <div
            class="cal-col"
            role="group"
            aria-label=column.staff.as_ref().map_or_else(|| column.day.long(), |staff| staff.name.clone())
            data-day=column.day.to_string()
            data-staff=staff.map(|id| id.to_string())
        >
            {closed}
            {events}
            {now}
        </div>
    }
    .into_any()
}

/// The id of the element that stands for an appointment in a column.
pub fn slot_id(slot: &Slot, day: Day, staff: Option<UserId>) -> String {
    match staff {
        Some(staff) => format!("slot-{}-{staff}", slot.id),
        None => format!("slot-{}-{day}", slot.id),
    }
}

fn event(
    calendar: &Calendar,
    slot: &Slot,
    piece: Piece,
    column: &Column,
    first: u16,
    several: bool,
) -> AnyView {
    let mut class = format!(
        "ev c{} lane-{} of-{} {}",
        slot.colour,
        piece.lane,
        piece.lanes,
        place(piece.from.saturating_sub(first), piece.to.saturating_sub(first))
    );
    class.push_str(match slot.status {
        Status::Cancelled => " off",
        Status::Done | Status::NoShow => " past",
        Status::Booked | Status::Confirmed => "",
    });
    if !slot.sight {
        class.push_str(" busy");
    }
    // One line is all that fits.
    if piece.to.saturating_sub(piece.from) < BRIEF {
        class.push_str(" brief");
    }
    let when = format!("{} – {}", clock(slot.from.minute), clock(slot.to.minute));
    let people = people(calendar, slot);
    let label = format!(
        "{}, {} {when}, {}{}",
        slot.title,
        slot.from.day.short(),
        people,
        match slot.status {
            Status::Booked => String::new(),
            status => format!(", {}", status.label()),
        }
    );
    let who = several.then(|| {
        let names = slot
            .staff
            .iter()
            .filter_map(|id| calendar.shown.iter().find(|staff| staff.id == *id));
        names
            .map(|staff| view! { <i class="ini">{initials(&staff.name)}</i> })
            .collect_view()
    });
    let about = if slot.kind.is_empty() {
        clock(slot.from.minute)
    } else {
        format!("{} · {}", clock(slot.from.minute), slot.kind)
    };
    let id = slot_id(slot, column.day, column.staff.as_ref().map(|staff| staff.id));
    let inside = view! {
        <b>{slot.title.clone()}</b>
        <span class="num">{about}</span>
        {who}
    };
    if !slot.sight {
        return view! { <div class=class title=label.clone() role="img" aria-label=label>{inside}</div> }
            .into_any();
    }
    let grip = slot.may_update.then(|| view! { <i class="grip"></i> });
    view! {
        <a
            class=class
            id=id
            href=format!("/appointments/{}", slot.id)
            title=label.clone()
            aria-label=label
            data-slot=slot.id.to_string()
            draggable="false"
        >
            {inside}
            {grip}
        </a>
    }
    .into_any()
}

/// Who keeps an appointment, by name, as far as they are known.
pub fn people(calendar: &Calendar, slot: &Slot) -> String {
    let name = |id: &UserId| calendar.staff.iter().find(|staff| staff.id == *id);
    let names: Vec<&str> = slot
        .staff
        .iter()
        .filter_map(name)
        .map(|staff| staff.name.as_str())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_quarters_of_an_hour_and_what_is_left_of_them() {
        assert_eq!(place(0, 60), "at-0 len-4");
        assert_eq!(place(65, 115), "at-4 len-3 p1 q1");
        assert_eq!(place(100, 100), "at-6 len-0 p2 q1");
    }
}
