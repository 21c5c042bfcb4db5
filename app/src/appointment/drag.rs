//! Moving appointments: by mouse, by touch after a long press, by keys. What moves is shown at its new place at once and
//! taken back when it is refused.

use std::{collections::BTreeMap, sync::Arc};

use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::{
    appointment::{
        Calendar, Slot, Wall, clock,
        layout::{clash, lasts, later},
    },
    form::Values,
    id::{AppointmentId, UserId},
};
use wasm_bindgen::{JsCast, closure::Closure};

use super::press::{self, Aim, Press, Track};
use crate::{
    door::{Form, Submitter, Toasts, use_submit, use_toasts},
    ui::dom,
};

/// What a move snaps to, in minutes.
const STEP: i32 = 15;
/// The least that one lasts.
const LEAST: i32 = 15;

/// An appointment at its new place, until the calendar holds it there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Draft {
    from: Wall,
    to: Wall,
    staff: Vec<UserId>,
    /// The version that it was saved as.
    saved: Option<i64>,
}

/// The moves that are under way.
#[derive(Clone, Copy)]
pub struct Moves {
    drafts: RwSignal<BTreeMap<AppointmentId, Draft>>,
    submitter: Submitter,
    toasts: Toasts,
    said: RwSignal<String>,
    /// The appointment that keys moved: it gets the focus back whenever it is drawn anew.
    held: StoredValue<Option<AppointmentId>>,
}

/// The moves of a page; call it where the page is set up.
#[must_use]
pub fn use_moves() -> Moves {
    Moves {
        drafts: RwSignal::new(BTreeMap::new()),
        submitter: use_submit(),
        toasts: use_toasts(),
        said: RwSignal::new(String::new()),
        held: StoredValue::new(None),
    }
}

impl Moves {
    /// What was said last, for those who do not see it.
    pub fn said(&self) -> String {
        self.said.get()
    }

    /// Forgets the moves that the calendar holds by now.
    pub fn arrived(&self, slots: &[Slot]) {
        let is_here = |id: &AppointmentId, draft: &Draft| {
            let slot = slots.iter().find(|slot| slot.id == *id);
            draft
                .saved
                .is_some_and(|saved| slot.is_none_or(|slot| slot.version >= saved))
        };
        let any = self
            .drafts
            .with_untracked(|drafts| drafts.iter().any(|(id, draft)| is_here(id, draft)));
        if any {
            self.drafts
                .update(|drafts| drafts.retain(|id, draft| !is_here(id, draft)));
        }
    }

    /// The appointments with those that moved at their new places, in order of time.
    pub fn applied(&self, slots: &[Slot]) -> Vec<Slot> {
        let mut slots = slots.to_vec();
        self.drafts.with(|drafts| {
            for slot in &mut slots {
                if let Some(draft) = drafts.get(&slot.id) {
                    slot.from = draft.from;
                    slot.to = draft.to;
                    slot.staff.clone_from(&draft.staff);
                }
            }
        });
        slots.sort_by_key(|slot| (slot.from, slot.id));
        slots
    }

    /// Gives the focus back to what keys moved, unless it has gone elsewhere.
    pub fn give_back(&self) {
        if let Some(id) = self.held.get_value() {
            focus_slot(id);
        }
    }

    /// The appointment as it is shown now.
    fn shown(&self, slots: &[Slot], id: AppointmentId) -> Option<Slot> {
        untrack(|| self.applied(slots))
            .into_iter()
            .find(|slot| slot.id == id)
    }

    /// Moves an appointment: shown at once, sent, taken back when it is refused.
    fn send(&self, slot: &Slot, from: Wall, to: Wall, staff: Vec<UserId>) {
        let id = slot.id;
        if (from, to) == (slot.from, slot.to) && staff == slot.staff {
            return;
        }
        let mut values = Values::default().with("version", slot.version.to_string());
        if from != slot.from {
            values.set("date", from.day.to_string());
            values.set("time", clock(from.minute));
        }
        if lasts(from, to) != lasts(slot.from, slot.to) {
            values.set("minutes", lasts(from, to).to_string());
        }
        if staff != slot.staff {
            values.set("staff", lines(&staff));
        }
        let draft = Draft {
            from,
            to,
            staff,
            saved: None,
        };
        self.drafts
            .update(|drafts| drop(drafts.insert(id, draft.clone())));
        self.said
            .set(format!("{}: {from} to {}", slot.title, clock(to.minute)));
        let moves = *self;
        spawn_local(async move {
            let result = moves
                .submitter
                .send(Form::EditAppointment(id), values.with("back", "/appointments"))
                .await;
            // The page may have gone away, or it may have been moved again meanwhile.
            let _ = moves.drafts.try_update(|drafts| {
                if drafts.get(&id) != Some(&draft) {
                    return;
                }
                match &result {
                    Ok(done) => {
                        let saved = done.receipt.map_or(0, |receipt| receipt.version);
                        drafts.insert(
                            id,
                            Draft {
                                saved: Some(saved),
                                ..draft
                            },
                        );
                    }
                    Err(_) => drop(drafts.remove(&id)),
                }
            });
            if let Err(fault) = result {
                moves.toasts.show_fault(&fault);
                let _ = moves.said.try_set(fault.to_string());
            }
        });
    }
}

fn lines(staff: &[UserId]) -> String {
    let ids: Vec<String> = staff.iter().map(ToString::to_string).collect();
    ids.join("\n")
}

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

fn focus_slot(id: AppointmentId) {
    request_animation_frame(move || {
        let active = document().active_element();
        if active.is_none_or(|active| active.matches("body, #page") == Ok(true)) {
            let found = dom::all(&format!("[data-slot=\"{id}\"]"));
            dom::focus(found.into_iter().next());
        }
    });
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
            id: AppointmentId(uuid_v7(1, [9; 10])),
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
