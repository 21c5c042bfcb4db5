//! The kinds of record that the journal writes, and the columns it may write in each.

use std::str::FromStr;

use rapport_domain::journal::Op;

/// A kind of record in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RecordKind {
    // In the order in which they are written: a customer derives its search text from its contact points, and
    // whatever else points to a customer needs it to be there.
    ContactPoint,
    Customer,
    ExternalRef,
    Activity,
    Team,
    User,
    ImportMapping,
    Organisation,
    AppointmentType,
    Appointment,
    Invitation,
    Webhook,
}

/// How a kind of record is stored.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns that changes may name, each with what stands in for it in a creation that does not.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// Whether it has a version, times, and (see `trash`) a `deleted_at` of its own.
    pub(crate) versioned: bool,
    /// Whether it is moved to the trash instead of being removed.
    pub(crate) trash: bool,
}

impl RecordKind {
    pub(crate) const IN_ORDER: [Self; 12] = [
        Self::ContactPoint,
        Self::Customer,
        Self::ExternalRef,
        Self::Activity,
        Self::Team,
        Self::User,
        Self::ImportMapping,
        Self::Organisation,
        Self::AppointmentType,
        Self::Appointment,
        Self::Invitation,
        Self::Webhook,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::ContactPoint => "contact_point",
            Self::ExternalRef => "external_ref",
            Self::Activity => "activity",
            Self::Team => "team",
            Self::User => "user",
            Self::ImportMapping => "import_mapping",
            Self::Organisation => "organisation",
            Self::AppointmentType => "appointment_type",
            Self::Appointment => "appointment",
            Self::Invitation => "invitation",
            Self::Webhook => "webhook",
        }
    }

    pub(crate) fn table(self) -> Table {
        match self {
            Self::Customer => Table {
                name: "customer",
                columns: &[
                    ("kind", "NULL"),
                    ("stage", "NULL"),
                    ("name", "NULL"),
                    ("job_title", "NULL"),
                    ("company_id", "NULL"),
                    ("owner_id", "NULL"),
                    ("team_id", "NULL"),
                    ("street", "NULL"),
                    ("postal_code", "NULL"),
                    ("city", "NULL"),
                    ("region", "NULL"),
                    ("country", "NULL"),
                    ("tags", "'{}'"),
                ],
                versioned: true,
                trash: true,
            },
            Self::ContactPoint => Table {
                name: "contact_point",
                columns: &[
                    ("customer_id", "NULL"),
                    ("kind", "NULL"),
                    ("value", "NULL"),
                    ("normalised", "NULL"),
                    ("label", "''"),
                    ("position", "NULL"),
                ],
                versioned: false,
                trash: false,
            },
            Self::ExternalRef => Table {
                name: "external_ref",
                columns: &[("customer_id", "NULL"), ("source", "NULL"), ("key", "NULL")],
                versioned: false,
                trash: false,
            },
            Self::Activity => Table {
                name: "activity",
                columns: &[
                    ("customer_id", "NULL"),
                    ("kind", "NULL"),
                    ("body", "NULL"),
                    ("author_id", "NULL"),
                ],
                versioned: true,
                trash: true,
            },
            Self::Team => Table {
                name: "team",
                columns: &[("name", "NULL")],
                versioned: true,
                trash: false,
            },
            Self::ImportMapping => Table {
                name: "import_mapping",
                columns: &[("name", "NULL"), ("settings", "NULL")],
                versioned: true,
                trash: false,
            },
            Self::Organisation => Table {
                name: "organisation",
                columns: &[
                    ("name", "NULL"),
                    ("zone", "'UTC'"),
                    ("currency", "'EUR'"),
                    ("week_start", "1"),
                    ("hours", "NULL"),
                    ("sign_up", "'invitation'"),
                    ("sign_up_domains", "'{}'"),
                    ("second_factor", "'offered'"),
                ],
                versioned: true,
                trash: false,
            },
            Self::AppointmentType => Table {
                name: "appointment_type",
                columns: &[
                    ("name", "NULL"),
                    ("minutes", "NULL"),
                    ("colour", "NULL"),
                    ("active", "TRUE"),
                ],
                versioned: true,
                trash: false,
            },
            Self::Appointment => Table {
                name: "appointment",
                columns: &[
                    ("customer_id", "NULL"),
                    ("type_id", "NULL"),
                    ("title", "NULL"),
                    ("place", "NULL"),
                    ("notes", "NULL"),
                    ("status", "'booked'"),
                    ("reason", "NULL"),
                    ("starts_at", "NULL"),
                    ("ends_at", "NULL"),
                    ("zone", "NULL"),
                    ("local_start", "NULL"),
                    ("staff", "NULL"),
                ],
                versioned: true,
                trash: true,
            },
            // Its link is a secret: that is written beside the journal, never through it.
            Self::Invitation => Table {
                name: "invitation",
                columns: &[
                    ("email", "NULL"),
                    ("email_key", "NULL"),
                    ("role_id", "NULL"),
                    ("team_id", "NULL"),
                    ("user_id", "NULL"),
                ],
                versioned: true,
                trash: false,
            },
            // What signs its messages is a secret: that is written beside the journal, never through it.
            Self::Webhook => Table {
                name: "webhook",
                columns: &[
                    ("name", "NULL"),
                    ("url", "NULL"),
                    ("events", "NULL"),
                    ("filter", "NULL"),
                    ("active", "TRUE"),
                ],
                versioned: true,
                trash: true,
            },
            // The password's hash is a secret: it is written beside the journal, never through it.
            Self::User => Table {
                name: "app_user",
                columns: &[
                    ("name", "NULL"),
                    ("email", "NULL"),
                    ("email_key", "NULL"),
                    ("password_hash", "''"),
                    ("role_id", "NULL"),
                    ("team_id", "NULL"),
                    ("active", "TRUE"),
                    ("zone", "NULL"),
                    ("program", "FALSE"),
                ],
                versioned: true,
                trash: false,
            },
        }
    }

    /// Whether it is a customer or a part of one, whose rights are the customer's.
    pub(crate) fn is_of_customer(self) -> bool {
        matches!(
            self,
            Self::Customer | Self::ContactPoint | Self::ExternalRef | Self::Activity
        )
    }

    /// The column that stands for a column: those that say one thing together are taken back together.
    pub(crate) fn field_of(self, column: &str) -> &str {
        match (self, column) {
            (Self::Customer, "team_id") => "owner_id",
            (Self::Appointment, "ends_at" | "zone" | "local_start") => "starts_at",
            (Self::Appointment, "reason") => "status",
            (Self::User, "email_key") => "email",
            _ => column,
        }
    }

    /// What takes an operation back.
    pub(crate) fn inverse(self, op: Op) -> Op {
        match op {
            Op::Create if self.table().trash => Op::Trash,
            Op::Create => Op::Remove,
            Op::Update => Op::Update,
            Op::Trash => Op::Restore,
            Op::Restore => Op::Trash,
            Op::Remove => Op::Create,
        }
    }
}

impl FromStr for RecordKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::IN_ORDER
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| format!("kind of record “{word}”"))
    }
}
