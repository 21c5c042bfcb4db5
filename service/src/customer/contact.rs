//! Contact points are edited as a list under their customer; here the list becomes changes.

use rapport_domain::customer::{ContactKind, ContactPoint};
use serde_json::json;
use uuid::Uuid;

use crate::{
    clock::Clock,
    journal::{Change, Fields, RecordKind, fields},
};

/// A value that is wanted, with the label it gets if it is new.
pub(crate) struct Wanted {
    pub(crate) value: String,
    pub(crate) label: String,
}

/// The contact points of a new customer.
pub(crate) fn creations(
    clock: &Clock,
    customer: Uuid,
    kind: ContactKind,
    wanted: Vec<Wanted>,
) -> Vec<Change> {
    changes(clock, customer, kind, &[], wanted)
}

/// What turns the contact points that stand into those that are wanted. A value that stays keeps its id and label.
pub(crate) fn changes(
    clock: &Clock,
    customer: Uuid,
    kind: ContactKind,
    standing: &[ContactPoint],
    wanted: Vec<Wanted>,
) -> Vec<Change> {
    let mut left: Vec<(usize, &ContactPoint)> = standing
        .iter()
        .filter(|point| point.kind == kind)
        .enumerate()
        .collect();
    let mut changes = Vec::new();
    for (place, want) in wanted.into_iter().enumerate() {
        let key = kind.normalise(&want.value);
        match left
            .iter()
            .position(|(_, point)| kind.normalise(&point.value) == key)
        {
            Some(found) => {
                let (was, point) = left.remove(found);
                changes.extend(Change::update(
                    RecordKind::ContactPoint,
                    point.id.0,
                    customer,
                    [
                        ("value".to_owned(), json!(point.value), json!(want.value)),
                        ("position".to_owned(), json!(was), json!(place)),
                    ],
                ));
            }
            None => {
                let after = stored(customer, kind, &want.value, &want.label, place);
                changes.push(Change::create(
                    RecordKind::ContactPoint,
                    clock.new_id(),
                    customer,
                    after,
                ));
            }
        }
    }
    let gone = left.into_iter().map(|(was, point)| {
        let before = stored(customer, kind, &point.value, &point.label, was);
        Change::remove(RecordKind::ContactPoint, point.id.0, customer, before)
    });
    changes.extend(gone);
    changes
}

fn stored(customer: Uuid, kind: ContactKind, value: &str, label: &str, place: usize) -> Fields {
    fields(json!({
        "customer_id": customer, "kind": kind.word(), "value": value, "normalised": kind.normalise(value),
        "label": label, "position": place,
    }))
}
