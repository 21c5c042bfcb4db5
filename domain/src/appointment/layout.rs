//! Where appointments stand in a day, and what a move of one would meet.

use super::{Day, Slot, Status, Wall};
use crate::{
    id::{AppointmentId, UserId},
    organisation::Hours,
};

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// How tall an appointment is drawn at least, in minutes: its name must fit.
const SHORTEST: u16 = 20;
/// How many stand side by side; what is more shares the last place.
pub const LANES: u8 = 6;

/// The part of an appointment that falls on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its place in the list of appointments.
    pub slot: usize,
    /// From this minute of the day.
    pub from: u16,
    /// Up to this one.
    pub to: u16,
    /// Its place among those that stand side by side.
    pub lane: u8,
    /// How many those are.
    pub lanes: u8,
}

/// The minutes of a day that an appointment takes, if it takes any.
#[must_use]
pub fn on_day(slot: &Slot, day: Day) -> Option<(u16, u16)> {
    let from = if slot.from.day < day { 0 } else { slot.from.minute };
    let to = if slot.to.day > day { DAY } else { slot.to.minute };
    let touches = slot.from.day <= day && slot.to.day >= day && to > 0;
    // Where the clock is put back, an end can be said to be before its start.
    touches.then_some((from, to.max(from)))
}

/// What stands on a day (of one person, if one is named), those that overlap side by side. The appointments come in
/// order of time.
#[must_use]
pub fn pieces(slots: &[Slot], day: Day, staff: Option<UserId>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    // The pieces that overlap one another, and the minute up to which each of their lanes is taken.
    let (mut first, mut lanes) = (0, Vec::<u16>::new());
    let of_staff = |slot: &Slot| staff.is_none_or(|staff| slot.staff.contains(&staff));
    for (place, slot) in slots.iter().enumerate().filter(|(_, slot)| of_staff(slot)) {
        let Some((from, to)) = on_day(slot, day) else {
            continue;
        };
        if lanes.iter().all(|taken| *taken <= from) {
            share(pieces.get_mut(first..).unwrap_or_default(), lanes.len());
            first = pieces.len();
            lanes.clear();
        }
        let taken = to.max(from + SHORTEST);
        let lane = match lanes.iter_mut().enumerate().find(|(_, taken)| **taken <= from) {
            Some((lane, free)) => {
                *free = taken;
                lane
            }
            None => {
                lanes.push(taken);
                lanes.len() - 1
            }
        };
        let lane = u8::try_from(lane).unwrap_or(LANES).min(LANES - 1);
        pieces.push(Piece {
            slot: place,
            from,
            to,
            lane,
            lanes: 1,
        });
    }
    share(pieces.get_mut(first..).unwrap_or_default(), lanes.len());
    pieces
}

fn share(pieces: &mut [Piece], lanes: usize) {
    let lanes = u8::try_from(lanes).unwrap_or(LANES).clamp(1, LANES);
    for piece in pieces {
        piece.lanes = lanes;
    }
}

/// The hours that a view shows: when it is open on one of its days, an hour more on each side, and all that is booked.
#[must_use]
pub fn hours_shown(hours: &Hours, days: &[Day], slots: &[Slot]) -> (u16, u16) {
    let open = days.iter().filter_map(|day| hours.on(day.weekday()));
    let open = open.map(|(from, to)| (from.saturating_sub(60), (to + 60).min(DAY)));
    let booked = days
        .iter()
        .flat_map(|day| slots.iter().filter_map(|slot| on_day(slot, *day)));
    let spans = open.chain(booked);
    let span = spans.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
    let (from, to) = span.unwrap_or((8 * 60, 18 * 60));
    (from / 60, to.div_ceil(60).max(from / 60 + 1))
}

/// So many minutes later, or earlier, by the clock of an ordinary day.
#[must_use]
pub fn later(wall: Wall, minutes: i32) -> Wall {
    let all = i32::from(wall.minute) + minutes;
    let minute = all.rem_euclid(i32::from(DAY));
    Wall {
        day: wall.day.plus(all.div_euclid(i32::from(DAY))),
        minute: u16::try_from(minute).unwrap_or_default(),
    }
}

/// How long something lasts by the clock, in minutes.
#[must_use]
pub fn lasts(from: Wall, to: Wall) -> i32 {
    to.day.since(from.day) * i32::from(DAY) + i32::from(to.minute) - i32::from(from.minute)
}

/// The appointment that one of these people keeps in this time, but for one.
#[must_use]
pub fn clash<'a>(
    slots: &'a [Slot],
    except: Option<AppointmentId>,
    staff: &[UserId],
    from: Wall,
    to: Wall,
) -> Option<&'a Slot> {
    slots.iter().find(|slot| {
        Some(slot.id) != except
            && slot.status != Status::Cancelled
            && slot.from < to
            && from < slot.to
            && slot.staff.iter().any(|id| staff.contains(id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::uuid_v7;

    fn wall(text: &str) -> Wall {
        let (day, time) = text.split_once(' ').unwrap();
        let (hour, minute) = time.split_once(':').unwrap();
        Wall {
            day: day.parse().unwrap(),
            minute: hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap(),
        }
    }

    fn user(n: u8) -> UserId {
        UserId(uuid_v7(1, [n; 10]))
    }

    fn slot(n: u8, from: &str, to: &str) -> Slot {
        Slot {
            id: AppointmentId(uuid_v7(u64::from(n), [n; 10])),
            version: 1,
            from: wall(from),
            to: wall(to),
            title: String::new(),
            customer: None,
            kind: String::new(),
            colour: 0,
            place: None,
            status: Status::Booked,
            staff: vec![user(1)],
            sight: true,
            may_update: true,
        }
    }

    fn on(slots: &[Slot], day: &str) -> Vec<(u16, u16, u8, u8)> {
        pieces(slots, day.parse().unwrap(), None)
            .into_iter()
            .map(|piece| (piece.from, piece.to, piece.lane, piece.lanes))
            .collect()
    }

    #[test]
    fn those_that_overlap_stand_side_by_side_and_the_next_has_all_the_width_again() {
        let slots = [
            slot(1, "2026-11-27 09:00", "2026-11-27 10:00"),
            slot(2, "2026-11-27 09:30", "2026-11-27 11:00"),
            slot(3, "2026-11-27 10:00", "2026-11-27 10:30"),
            slot(4, "2026-11-27 11:00", "2026-11-27 12:00"),
        ];
        assert_eq!(
            on(&slots, "2026-11-27"),
            [
                (540, 600, 0, 2),
                (570, 660, 1, 2),
                (600, 630, 0, 2),
                (660, 720, 0, 1)
            ]
        );
    }

    #[test]
    fn a_short_one_keeps_the_next_from_covering_its_name() {
        let slots = [
            slot(1, "2026-11-27 09:00", "2026-11-27 09:05"),
            slot(2, "2026-11-27 09:05", "2026-11-27 10:00"),
        ];
        assert_eq!(on(&slots, "2026-11-27"), [(540, 545, 0, 2), (545, 600, 1, 2)]);
    }

    #[test]
    fn one_that_passes_midnight_stands_on_both_days_and_one_that_ends_there_on_the_first() {
        let slots = [
            slot(1, "2026-11-27 22:00", "2026-11-28 02:00"),
            slot(2, "2026-11-28 23:00", "2026-11-29 00:00"),
        ];
        assert_eq!(on(&slots, "2026-11-27"), [(1320, 1440, 0, 1)]);
        assert_eq!(on(&slots, "2026-11-28"), [(0, 120, 0, 1), (1380, 1440, 0, 1)]);
        assert_eq!(on(&slots, "2026-11-29"), []);
    }

    #[test]
    fn any_number_at_once_fits_into_the_lanes() {
        let slots: Vec<Slot> = (1..=20)
            .map(|n| slot(n, "2026-11-27 09:00", "2026-11-27 10:00"))
            .collect();
        let pieces = pieces(&slots, "2026-11-27".parse().unwrap(), None);
        assert_eq!(pieces.len(), 20);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.lane < LANES && piece.lanes == LANES)
        );
    }

    #[test]
    fn the_hours_shown_hold_the_opening_hours_and_all_that_is_booked() {
        let days = ["2026-11-27".parse().unwrap()];
        assert_eq!(hours_shown(&Hours::default(), &days, &[]), (8, 18));
        let late = [slot(1, "2026-11-27 21:00", "2026-11-27 22:15")];
        assert_eq!(hours_shown(&Hours::default(), &days, &late), (8, 23));
        assert_eq!(hours_shown(&Hours([None; 7]), &days, &[]), (8, 18));
    }

    #[test]
    fn a_move_by_minutes_passes_midnight_and_lasts_as_long() {
        let start = wall("2026-11-27 23:45");
        assert_eq!(later(start, 30), wall("2026-11-28 00:15"));
        assert_eq!(later(start, -24 * 60), wall("2026-11-26 23:45"));
        assert_eq!(lasts(start, later(start, 90)), 90);
    }

    #[test]
    fn a_clash_is_of_the_same_person_at_the_same_time_with_another_that_stands() {
        let mut slots = vec![slot(1, "2026-11-27 09:00", "2026-11-27 10:00")];
        let (from, to) = (wall("2026-11-27 09:30"), wall("2026-11-27 10:30"));
        assert!(clash(&slots, None, &[user(1)], from, to).is_some());
        assert!(clash(&slots, None, &[user(2)], from, to).is_none());
        assert!(clash(&slots, Some(slots[0].id), &[user(1)], from, to).is_none());
        assert!(clash(&slots, None, &[user(1)], wall("2026-11-27 10:00"), to).is_none());
        slots[0].status = Status::Cancelled;
        assert!(clash(&slots, None, &[user(1)], from, to).is_none());
    }
}
