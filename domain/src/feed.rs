//! The feed: what was done, by whom, told to one viewer; and the trash.

use serde::{Deserialize, Serialize};

use crate::{
    customer::CustomerKind,
    id::{BatchId, CustomerId},
    journal::UndoReport,
    timeline::{Moment, Undo},
};

/// A command as the feed tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The command.
    pub batch: BatchId,
    /// The day, by the viewer's clock: "Friday, 27 November 2026".
    pub day: String,
    /// When.
    pub at: Moment,
    /// Who, by name.
    pub by: String,
    /// What, to follow the name: "changed city and stage of".
    pub did: String,
    /// The first of the customers that it was about and the viewer may see.
    pub about: Vec<(CustomerId, String)>,
    /// How many more there were.
    pub more: u64,
    /// Whether it can be taken back.
    pub undo: Undo,
    /// True when it took another command back.
    pub is_undo: bool,
}

/// A page of the feed, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// What was done.
    pub deeds: Vec<Deed>,
    /// Where the next page continues, if there is one.
    pub before: Option<BatchId>,
}

/// What taking a command back would do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preview {
    /// What would go back, and what would stay for which reason.
    Would(UndoReport),
    /// It changed too much to be tried out; what stays is told once it was taken back.
    Large,
    /// It cannot be taken back, for a reason.
    Not(String),
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeedPage {
    /// What was done; with as many of the customers as were looked at.
    pub deed: Deed,
    /// What taking it back would do.
    pub preview: Preview,
}

/// A customer in the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trashed {
    /// The customer.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
    /// A person or a company.
    pub kind: CustomerKind,
    /// When it was put there.
    pub at: Moment,
    /// By whom, if it is known.
    pub by: Option<String>,
    /// Whether the viewer may take it out.
    pub may_restore: bool,
}

/// A page of the trash, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trash {
    /// What lies in it.
    pub customers: Vec<Trashed>,
    /// The customer behind which the next page continues, if there is one.
    pub before: Option<CustomerId>,
}
