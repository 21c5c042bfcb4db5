//! A list that stands still under the pointer: what would move waits, marked, until the person goes elsewhere or asks.

use leptos::prelude::*;
use rapport_domain::{
    customer::{CustomerPage, CustomerRow},
    id::CustomerId,
    query::ListQuery,
};

/// A page of the list as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    query: String,
    page: CustomerPage,
}

/// What stands still, and what waits.
#[derive(Clone, Copy)]
pub struct Still {
    shown: StoredValue<Option<Shown>>,
    /// How many rows would come, go or move.
    pub waiting: RwSignal<usize>,
    released: RwSignal<u32>,
}

/// A list that stands still; call it where the page is set up.
pub fn use_still() -> Still {
    Still {
        shown: StoredValue::new(None),
        waiting: RwSignal::new(0),
        released: RwSignal::new(0),
    }
}

impl Still {
    /// To be named by what draws the list: it is drawn again when it need not stand still any more.
    pub fn track(self) {
        self.released.track();
    }

    /// Shows what waits, once neither the pointer nor the focus is on a row any more.
    pub fn left(self) {
        if self
            .waiting
            .try_get_untracked()
            .is_some_and(|waiting| waiting > 0)
        {
            request_animation_frame(move || {
                if !is_under_hand() {
                    self.release();
                }
            });
        }
    }

    /// Shows what waits.
    pub fn release(self) {
        if self
            .waiting
            .try_get_untracked()
            .is_some_and(|waiting| waiting > 0)
        {
            self.waiting.set(0);
            self.shown.set_value(None);
            self.released.update(|count| *count += 1);
        }
    }

    /// The page to show, and the rows in it that would go or move.
    pub fn settle(self, query: &ListQuery, page: CustomerPage) -> (CustomerPage, Vec<CustomerId>) {
        let query = query.to_query_string();
        let shown = self.shown.get_value().filter(|shown| shown.query == query);
        let (page, marked, waiting) = match shown {
            Some(shown) if is_under_hand() => keep_still(shown.page.rows, page),
            _ => (page, Vec::new(), 0),
        };
        self.shown.set_value(Some(Shown {
            query,
            page: page.clone(),
        }));
        // The page may be gone.
        if self.waiting.try_get_untracked() != Some(waiting) {
            let _ = self.waiting.try_set(waiting);
        }
        (page, marked)
    }
}

/// Whether the pointer or the focus is on a row.
fn is_under_hand() -> bool {
    #[cfg(feature = "ssr")]
    return false;
    #[cfg(not(feature = "ssr"))]
    !kit::ui::dom::all(".customers tbody:hover, .customers tbody:focus-within").is_empty()
}

/// The rows in the places in which they stand, each with what it says by now; those that would go or move, marked; and how
/// many would come, go or move.
fn keep_still(stand: Vec<CustomerRow>, new: CustomerPage) -> (CustomerPage, Vec<CustomerId>, usize) {
    let before: Vec<CustomerId> = stand.iter().map(|row| row.id).collect();
    let now: Vec<CustomerId> = new.rows.iter().map(|row| row.id).collect();
    if before == now {
        return (new, Vec::new(), 0);
    }
    let stay = in_order(&before, &now);
    let marked: Vec<CustomerId> = before.iter().filter(|id| !stay.contains(id)).copied().collect();
    let come = now.iter().filter(|id| !before.contains(id)).count();
    let rows = stand.into_iter().map(|row| {
        let newer = new.rows.iter().find(|one| one.id == row.id).cloned();
        newer.unwrap_or(row)
    });
    let rows: Vec<CustomerRow> = rows.collect();
    let waiting = come + marked.len();
    (CustomerPage { rows, ..new }, marked, waiting.max(1))
}

/// The most rows that can stay as they stand: the longest run that is in the same order before and now.
fn in_order(before: &[CustomerId], now: &[CustomerId]) -> Vec<CustomerId> {
    let mut runs = Vec::<(usize, Vec<CustomerId>)>::new();
    for id in before {
        let Some(place) = now.iter().position(|one| one == id) else {
            continue;
        };
        let ahead = runs.iter().filter(|(last, _)| *last < place);
        let mut run = ahead
            .max_by_key(|(_, run)| run.len())
            .map(|(_, run)| run.clone())
            .unwrap_or_default();
        run.push(*id);
        runs.push((place, run));
    }
    let longest = runs.into_iter().max_by_key(|(_, run)| run.len());
    longest.map(|(_, run)| run).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rapport_domain::{
        customer::{CustomerKind, Stage, Total},
        timeline::Moment,
    };
    use uuid::Uuid;

    use super::*;

    fn row(number: u128, version: i64) -> CustomerRow {
        CustomerRow {
            id: CustomerId(Uuid::from_u128(number)),
            version,
            kind: CustomerKind::Person,
            stage: Stage::Lead,
            name: format!("Ada {number} {version}"),
            contact: String::new(),
            email: None,
            phone: None,
            owner: None,
            city: None,
            country: None,
            tags: Vec::new(),
            updated: Moment {
                at: Default::default(),
                said: String::new(),
            },
        }
    }

    fn kept(before: &[(u128, i64)], now: &[(u128, i64)]) -> (Vec<String>, Vec<u128>, usize) {
        let rows = |all: &[(u128, i64)]| {
            all.iter()
                .map(|(number, version)| row(*number, *version))
                .collect()
        };
        let new = CustomerPage {
            rows: rows(now),
            next: None,
            previous: None,
            total: Total::Exactly(3),
            more_matches: false,
        };
        let (page, marked, waiting) = keep_still(rows(before), new);
        let mut marked: Vec<u128> = marked.into_iter().map(|id| id.0.as_u128()).collect();
        marked.sort_unstable();
        (
            page.rows.into_iter().map(|row| row.name).collect(),
            marked,
            waiting,
        )
    }

    #[test]
    fn what_stays_in_its_place_is_told_at_once() {
        let (names, marked, waiting) = kept(&[(1, 1), (2, 1)], &[(1, 1), (2, 2)]);
        assert_eq!(
            (names, marked, waiting),
            (vec!["Ada 1 1".to_owned(), "Ada 2 2".to_owned()], vec![], 0)
        );
    }

    #[test]
    fn what_would_move_stands_still_with_what_it_says_by_now_and_is_marked() {
        let (names, marked, waiting) = kept(&[(1, 1), (2, 1), (3, 1)], &[(3, 2), (1, 1), (2, 1)]);
        assert_eq!(names, ["Ada 1 1", "Ada 2 1", "Ada 3 2"]);
        assert_eq!((marked, waiting), (vec![3], 1));
    }

    #[test]
    fn what_comes_waits_and_what_goes_stays_until_then() {
        let (names, marked, waiting) = kept(&[(1, 1), (2, 1)], &[(9, 1), (1, 1)]);
        assert_eq!(names, ["Ada 1 1", "Ada 2 1"]);
        assert_eq!((marked, waiting), (vec![2], 2));
    }
}
