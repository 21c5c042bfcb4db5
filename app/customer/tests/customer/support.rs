//! Records to render.

use rapport_domain::{
    customer::{CustomerKind, CustomerRow, Stage},
    id::{CustomerId, UserId},
    timeline::Moment,
};

pub(crate) fn moment(said: &str) -> Moment {
    Moment {
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
        said: said.to_owned(),
    }
}

pub(crate) fn customer_id() -> CustomerId {
    "01933d3e-0000-7000-8000-00000000000a".parse().unwrap()
}

pub(crate) fn user_id() -> UserId {
    "01933d3e-0000-7000-8000-00000000000b".parse().unwrap()
}

/// A row whose every text is the same.
pub(crate) fn row(text: &str) -> CustomerRow {
    CustomerRow {
        id: customer_id(),
        version: 1,
        kind: CustomerKind::Company,
        stage: Stage::Customer,
        name: text.to_owned(),
        contact: text.to_owned(),
        email: Some(text.to_owned()),
        phone: None,
        owner: Some((user_id(), text.to_owned())),
        city: Some(text.to_owned()),
        country: None,
        tags: Vec::new(),
        updated: moment("4 min ago"),
    }
}
