//! Ids. Every kind of record has a type of its own, so that one can never stand in for another.
//!
//! All are UUIDs of version 7 (RFC 9562), which sort by the time they were minted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Says that a text is not an id. Its message is fit for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This is not a valid id.")]
pub struct InvalidId;

/// Builds a version 7 UUID from Unix milliseconds and ten random bytes, so that clock and chance come from outside.
#[must_use]
pub fn uuid_v7(unix_millis: u64, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidId)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A person who works here and may sign in.
    UserId,
    /// A team of users.
    TeamId,
    /// A role: a named set of grants.
    RoleId,
    /// A key of a program.
    ApiKeyId,
    /// A customer: a person or a company.
    CustomerId,
    /// An e-mail address, phone number or link of a customer.
    ContactPointId,
    /// An entry under the composer: a note, later a call, an e-mail, a meeting.
    ActivityId,
    /// A name by which another system knows a customer.
    ExternalRefId,
    /// One command in the journal, with all the changes it made.
    BatchId,
    /// A file of customers on its way in.
    ImportId,
    /// A mapping that is kept for the next file of its kind.
    MappingId,
    /// Somebody who was asked to join.
    InvitationId,
    /// Work in the background.
    JobId,
    /// A time that somebody keeps for a customer.
    AppointmentId,
    /// A kind of appointment: its usual length and colour.
    AppointmentTypeId,
    /// Where another program is told of changes.
    WebhookId,
    /// A message to a webhook.
    DeliveryId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = CustomerId(uuid_v7(1_700_000_000_000, [7; 10]));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_is_not_a_uuid_is_refused() {
        for text in ["", "1", "not-an-id", "../../etc/passwd", "0190\0"] {
            assert_eq!(text.parse::<CustomerId>(), Err(InvalidId), "{text:?}");
        }
    }

    #[test]
    fn ids_minted_later_sort_later() {
        assert!(uuid_v7(1_000, [255; 10]) < uuid_v7(1_001, [0; 10]));
    }
}
