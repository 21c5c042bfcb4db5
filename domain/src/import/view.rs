//! An import as people see it: on its way, and in the history.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Dialect, ImportReport, Mapping, Rules};
use crate::{
    access::words,
    id::{BatchId, ImportId, MappingId},
    job::JobView,
    journal::UndoReport,
    timeline::Moment,
};

/// How many imports a page of the history lists.
pub const IMPORTS_LISTED: usize = 50;

/// How many rows that need a person a page lists.
pub const PROBLEMS_LISTED: u64 = 50;

/// How a file is read, mapped and matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSettings {
    /// How its bytes become rows.
    pub dialect: Dialect,
    /// Its columns, and what becomes of each.
    pub mapping: Mapping,
    /// How rows find records that are here, and what happens then.
    pub rules: Rules,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The file is on its way.
    Uploading,
    /// The file is here; nothing is written yet.
    Ready,
    /// It is being brought in.
    Running,
    /// It is in.
    Done,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}
words!(ImportState: Uploading = "uploading", Ready = "ready", Running = "running", Done = "done", Failed = "failed",
    Cancelled = "cancelled");

/// An import, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    /// Which.
    pub id: ImportId,
    /// The file's name.
    pub file: String,
    /// How long the file is, in bytes.
    pub size: u64,
    /// How much of it is here, in bytes.
    pub received: u64,
    /// How far it is.
    pub state: ImportState,
    /// How it is read, mapped and matched; none before the first piece is here.
    pub settings: Option<ImportSettings>,
    /// What it would do, from the last check under these settings.
    pub forecast: Option<ImportReport>,
    /// What it did so far.
    pub report: Option<ImportReport>,
    /// The batch in the journal, once something was written.
    pub batch: Option<BatchId>,
    /// Whether it was taken back.
    pub undone: bool,
    /// What taking it back left as it is, as far as that is; only for what is taken back in the background.
    pub taken_back: Option<UndoReport>,
    /// How many rows need a person.
    pub problems: u64,
    /// What is done about it in the background, or was last.
    pub job: Option<JobView>,
    /// Who brought it.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// An import in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLine {
    /// Which.
    pub id: ImportId,
    /// The file's name.
    pub file: String,
    /// How far it is.
    pub state: ImportState,
    /// Rows under the header.
    pub rows: u64,
    /// Records that were made.
    pub created: u64,
    /// Records that were changed or brought back.
    pub changed: u64,
    /// Rows that need a person.
    pub problems: u64,
    /// The batch in the journal, once something was written.
    pub batch: Option<BatchId>,
    /// Whether it was taken back.
    pub undone: bool,
    /// Who brought it.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// A mapping that somebody keeps for the next file of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedMapping {
    /// Which.
    pub id: MappingId,
    /// Its name.
    pub name: String,
    /// What becomes of each column.
    pub mapping: Mapping,
    /// How rows find records that are here, and what happens then.
    pub rules: Rules,
}

/// How much of a file has arrived: the answer to each of its pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// The import that it belongs to: an earlier one if that waited for the rest of the same file.
    pub id: ImportId,
    /// In bytes: the next piece begins here.
    pub bytes: u64,
    /// True when nothing is missing.
    pub complete: bool,
}

/// What came of a file of mended rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// Rows that are in now.
    pub taken: u64,
    /// Rows that still need a person.
    pub still: u64,
    /// Rows whose line waits for nobody: mended before, or never of this import.
    pub unknown: u64,
}

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |count: u64| {
            if count == 1 {
                "1 row".to_owned()
            } else {
                format!("{count} rows")
            }
        };
        let verb = if self.taken == 1 { "is" } else { "are" };
        write!(f, "{} {verb} in.", rows(self.taken))?;
        if self.still > 0 {
            write!(f, " {} still to mend.", rows(self.still))?;
        }
        if self.unknown > 0 {
            write!(f, " {} not waiting here.", rows(self.unknown))?;
        }
        Ok(())
    }
}
