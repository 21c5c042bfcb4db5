//! Work that outlasts a request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::access::words;

/// What is done in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Working out what an import would do.
    CheckImport,
    /// Bringing a file in.
    RunImport,
    /// Taking back a large batch.
    Undo,
    /// Giving somebody's customers to others.
    Reassign,
    /// Calling a tag otherwise, or taking it away, everywhere.
    Retag,
}
words!(Work: CheckImport = "check import", RunImport = "run import", Undo = "undo", Reassign = "reassign",
    Retag = "retag");

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// No server has taken it yet.
    Waiting,
    /// A server is at it.
    Running,
    /// It is through.
    Done,
    /// It could not go on; the error says why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}
words!(JobState: Waiting = "waiting", Running = "running", Done = "done", Failed = "failed", Cancelled = "cancelled");

impl JobState {
    /// True while something may still come of it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// A job, for those who look on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// What is done.
    pub work: Work,
    /// How far it is.
    pub state: JobState,
    /// How much of it is done, in the unit of `of`: bytes of a file, changes of a batch.
    pub done: u64,
    /// How much there is.
    pub of: u64,
    /// Whether it was asked to stop.
    pub stopping: bool,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    /// How long it has been at it, or was, in seconds.
    pub seconds: i64,
}

impl JobView {
    /// How much is done, in percent; 100 only at the end.
    #[must_use]
    pub fn percent(&self) -> u8 {
        match (self.state, self.of) {
            (JobState::Done, _) => 100,
            (_, 0) => 0,
            (_, of) => u8::try_from((self.done.min(of) * 100 / of).min(99)).unwrap_or(99),
        }
    }
}
