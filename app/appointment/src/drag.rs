//! Moving appointments: by mouse, by touch after a long press, by keys.

use std::sync::Arc;

use kit::ui::dom;
use leptos::{ev, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::{
    appointment::{
        Calendar, Slot, Wall, clock,
        layout::{clash, lasts, later},
    },
    id::UserId,
};
use wasm_bindgen::{JsCast, closure::Closure};

use super::{
    moves::Moves,
    press::{self, Aim, Press, Track},
};

/// What a move snaps to, in minutes.
const STEP: i32 = 15;
/// The least that one lasts.
const LEAST: i32 = 15;

/// The handlers of a grid.
#[derive(Clone, Copy)]
pub struct Handlers {
    /// The pointer goes down.
    pub down: Callback<ev::PointerEvent>,
    /// It moves.
    pub moved: Callback<ev::PointerEvent>,
    /// It goes up.
    pub up: Callback<ev::PointerEvent>,
    /// The browser takes it away.
    pub cancel: Callback<ev::PointerEvent>,
    /// A click: none after a drag.
    pub click: Callback<ev::MouseEvent>,
    /// A long press would open the browser's menu of a link.
    pub menu: Callback<ev::MouseEvent>,
    /// A key.
    pub key: Callback<ev::KeyboardEvent>,
}

/// The handlers by which the appointments of a grid are moved. One for all of them; nothing is drawn anew while something
/// is dragged but the shadow that shows where it would go.
pub fn use_drag(node: NodeRef<html::Div>, calendar: Arc<Calendar>, moves: Moves, first: u16) -> Handlers {
    let dragged = StoredValue::new(false);
    let calendar = StoredValue::new(calendar);
    let slots = move || calendar.with_value(|calendar| untrack(|| moves.applied(&calendar.slots)));
    let only = calendar.with_value(|calendar| match calendar.shown.as_slice() {
        [one] => Some(one.id),
        _ => None,
    });
    let navigate = use_navigate();
    hold_still_while_dragging(node);
    cancel_by_escape(dragged);

    let down = move |event: ev::PointerEvent| {
        dragged.set_value(false);
        moves.held.set_value(None);
        let Some(grid) = node.get_untracked() else { return };
        let slot_of = |id: &str| {
            let id = id.parse().ok()?;
            slots().into_iter().find(|slot| slot.id == id)
        };
        let may_create = calendar.with_value(|calendar| calendar.may_create);
        let next = Press::at(&grid, &event, first, may_create, slot_of);
        if let Some(next) = &next {
            next.wait_for_long_press();
        }
        press::hold(next);
    };
    let moved = move |event: ev::PointerEvent| {
        press::with_held(|press| {
            if press.follow(&event) {
                let all = slots();
                let target = target(press);
                let clash = target.as_ref().and_then(|(aim, from, to)| {
                    let staff = staff_after(aim, press.column_staff(), only);
                    clash(&all, aim.id(), &staff, *from, *to)
                });
                press.draw(target.map(|(_, from, to)| (from, to)), clash);
            }
        });
    };
    let up = move |_: ev::PointerEvent| {
        let Some(press) = press::let_go() else { return };
        if !press.is_dragging() {
            return;
        }
        dragged.set_value(true);
        let Some((aim, from, to)) = target(&press) else {
            return;
        };
        let staff = staff_after(&aim, press.column_staff(), only);
        match &aim {
            Aim::New => navigate(
                &new_at(from, to, staff.first().copied()),
                NavigateOptions::default(),
            ),
            Aim::Move(slot) | Aim::Resize(slot) => {
                if clash(&slots(), Some(slot.id), &staff, from, to).is_none() {
                    moves.send(slot, from, to, staff);
                }
            }
        }
    };
    let cancel = move |_: ev::PointerEvent| drop(press::let_go());
    let click = move |event: ev::MouseEvent| {
        if dragged.get_value() {
            dragged.set_value(false);
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let menu = move |event: ev::MouseEvent| {
        if press::with_held(|press| press.is_by_touch()) == Some(true) {
            event.prevent_default();
        }
    };
    let key = move |event: ev::KeyboardEvent| {
        let Some(element) = dom::closest(&event, "[data-slot]") else {
            return;
        };
        let id = element.get_attribute("data-slot").and_then(|id| id.parse().ok());
        let slot = id.and_then(|id| calendar.with_value(|calendar| moves.shown(&calendar.slots, id)));
        let Some(slot) = slot.filter(|slot| slot.may_update) else {
            return;
        };
        let Some((from, to)) = moved_by_key(&slot, &event) else {
            return;
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(other) = clash(&slots(), Some(slot.id), &slot.staff, from, to) {
            moves.said.set(format!("It would overlap {}.", other.title));
            return;
        }
        let staff = slot.staff.clone();
        moves.send(&slot, from, to, staff);
        // It is drawn anew, perhaps in another column, and once more when the calendar is loaded again.
        moves.held.set_value(Some(slot.id));
        moves.give_back();
    };
    Handlers {
        down: Callback::new(down),
        moved: Callback::new(moved),
        up: Callback::new(up),
        cancel: Callback::new(cancel),
        click: Callback::new(click),
        menu: Callback::new(menu),
        key: Callback::new(key),
    }
}

/// Where the keys put it: Shift and an arrow move it, with Alt its end.
fn moved_by_key(slot: &Slot, event: &ev::KeyboardEvent) -> Option<(Wall, Wall)> {
    if !event.shift_key() {
        return None;
    }
    let by = match (event.key().as_str(), event.alt_key()) {
        ("ArrowUp", _) => -STEP,
        ("ArrowDown", _) => STEP,
        ("ArrowLeft", false) => -24 * 60,
        ("ArrowRight", false) => 24 * 60,
        _ => return None,
    };
    let to = later(slot.to, by);
    if event.alt_key() {
        return (lasts(slot.from, to) >= LEAST).then_some((slot.from, to));
    }
    Some((later(slot.from, by), to))
}

/// What a press would do if it ended now: to what, from when, up to when.
fn target(press: &Press) -> Option<(Aim, Wall, Wall)> {
    let Track { start, here } = press.track()?;
    let aim = press.aim.clone();
    let snap = |wall: Wall| {
        let minute = (i32::from(wall.minute) + STEP / 2) / STEP * STEP;
        later(Wall { minute: 0, ..wall }, minute)
    };
    let (from, to) = match &aim {
        Aim::Move(slot) => {
            let grabbed = lasts(slot.from, start);
            let from = snap(later(here, -grabbed));
            (from, later(from, lasts(slot.from, slot.to)))
        }
        Aim::Resize(slot) => {
            let to = snap(later(slot.to, lasts(start, here)));
            (slot.from, to.max(later(slot.from, LEAST)))
        }
        Aim::New => {
            let here = Wall {
                day: start.day,
                ..here
            };
            let (from, to) = (snap(start.min(here)), snap(start.max(here)));
            (from, to.max(later(from, LEAST)))
        }
    };
    Some((aim, from, to))
}

/// Who would keep it: in another person's column that person instead of the one it was taken from.
/// Where the columns are of no one person, a new one is for the `only` one that is shown.
fn staff_after(aim: &Aim, columns: (Option<UserId>, Option<UserId>), only: Option<UserId>) -> Vec<UserId> {
    let (Aim::Move(slot) | Aim::Resize(slot)) = aim else {
        return columns.1.or(only).into_iter().collect();
    };
    let mut staff = slot.staff.clone();
    if let (Some(taken_from), Some(put_to)) = columns
        && taken_from != put_to
        && matches!(aim, Aim::Move(_))
    {
        staff.retain(|id| *id != taken_from && *id != put_to);
        staff.push(put_to);
        staff.sort_unstable();
    }
    staff
}

/// The form of a new one at a time.
fn new_at(from: Wall, to: Wall, staff: Option<UserId>) -> String {
    let staff = staff.map(|id| format!("&staff={id}")).unwrap_or_default();
    let (day, time, minutes) = (from.day, clock(from.minute), lasts(from, to));
    format!("/appointments/new?date={day}&time={time}&minutes={minutes}{staff}")
}

/// While something is dragged by touch the page must not scroll: only a listener that is not passive can say so.
fn hold_still_while_dragging(node: NodeRef<html::Div>) {
    Effect::new(move || {
        let Some(grid) = node.get() else { return };
        let hold = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            let dragging = press::with_held(|press| press.is_dragging());
            if dragging == Some(true) {
                event.prevent_default();
            }
        });
        let options = web_sys::AddEventListenerOptions::new();
        options.set_passive(false);
        // It fails only for a listener that is no function.
        let _ = grid.add_event_listener_with_callback_and_add_event_listener_options(
            "touchmove",
            hold.as_ref().unchecked_ref(),
            &options,
        );
        // It lives as long as the element that it listens on.
        hold.forget();
    });
}

fn cancel_by_escape(dragged: StoredValue<bool>) {
    Effect::new(move || {
        let escape = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape"
                && let Some(press) = press::let_go()
            {
                // The click that follows when the button goes up opens nothing.
                let _ = dragged.try_update_value(|dragged| *dragged = press.is_dragging());
            }
        });
        on_cleanup(move || escape.remove());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::{appointment::Status, id::uuid_v7};

    fn user(n: u8) -> UserId {
        UserId(uuid_v7(1, [n; 10]))
    }

    fn slot(staff: Vec<UserId>) -> Slot {
        let wall = |minute| Wall {
            day: "2026-11-27".parse().unwrap(),
            minute,
        };
        Slot {
            id: rapport_domain::id::AppointmentId(uuid_v7(1, [9; 10])),
            version: 1,
            from: wall(600),
            to: wall(660),
            title: String::new(),
            customer: None,
            kind: String::new(),
            colour: 0,
            place: None,
            status: Status::Booked,
            staff,
            sight: true,
            may_update: true,
        }
    }

    #[test]
    fn another_persons_column_gives_it_to_that_person_and_leaves_the_others() {
        let move_ = |staff: Vec<UserId>| Aim::Move(Box::new(slot(staff)));
        let (a, b, c) = (user(1), user(2), user(3));
        assert_eq!(staff_after(&move_(vec![a]), (Some(a), Some(b)), None), [b]);
        assert_eq!(staff_after(&move_(vec![a, c]), (Some(a), Some(b)), None), [b, c]);
        assert_eq!(staff_after(&move_(vec![a, b]), (Some(a), Some(b)), None), [b]);
        assert_eq!(staff_after(&move_(vec![a]), (None, None), None), [a]);
        let resize = Aim::Resize(Box::new(slot(vec![a])));
        assert_eq!(staff_after(&resize, (Some(a), Some(b)), None), [a]);
    }
}
