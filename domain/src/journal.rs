//! The journal's rules: what a change is, and when one can be taken back.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{access::words, id::BatchId};

/// What a command answers when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The record it was about.
    pub record: Uuid,
    /// The version that the record has now.
    pub version: i64,
    /// The batch in the journal; none when there was nothing to change.
    pub batch: Option<BatchId>,
}

/// What a change did to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Made it. Taken back by trashing it, or by removing it where its kind knows no trash.
    Create,
    /// Changed fields. Taken back by putting the fields back.
    Update,
    /// Moved it to the trash. Taken back by restoring it.
    Trash,
    /// Took it out of the trash. Taken back by trashing it.
    Restore,
    /// Removed it (kinds without a trash). Taken back by making it again.
    Remove,
}
words!(Op: Create = "create", Update = "update", Trash = "trash", Restore = "restore", Remove = "remove");

/// Through which door a command came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A page in the browser.
    Page,
    /// An API key.
    Key,
    /// An import.
    Import,
    /// A rule that runs by itself.
    Automation,
    /// The command line.
    Console,
}
words!(Via: Page = "page", Key = "key", Import = "import", Automation = "automation", Console = "console");

/// The pseudo-field that stands for a record's being there at all.
pub const LIFE: &str = "deleted_at";

/// One touch of one field of one record, in journal order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The batch that touched it.
    pub batch: BatchId,
    /// The batch that this one took back, if it is an undo (or, taking back an undo, a redo).
    pub undo_of: Option<BatchId>,
}

/// Whether a batch's touch of a field can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing stands on it: it can be taken back.
    Top,
    /// Somebody touched the field later, and that still stands.
    Covered,
    /// It was taken back already.
    Undone,
}

/// Replays the touches of one field and says how a batch's touch stands.
///
/// A later change counts even if it left an equal value, unless it was itself undone. An undo cancels the touch it
/// took back; a redo (the undo of an undo) brings it back as if it had just been made.
#[must_use]
pub fn standing(touches: &[Touch], batch: BatchId) -> Standing {
    let mut replay = Replay::default();
    for touch in touches {
        replay.add(*touch);
    }
    replay.standing(batch)
}

#[derive(Default)]
struct Replay {
    /// The touches that stand, oldest first.
    standing: Vec<BatchId>,
    /// By undo: the touch that it cancelled, and how many stood after it did.
    cancelled: BTreeMap<BatchId, (BatchId, usize)>,
    /// By redo: the original touch that it brought back.
    stands_for: BTreeMap<BatchId, BatchId>,
    /// The batch that touched last.
    last: Option<BatchId>,
}

impl Replay {
    fn original(&self, batch: BatchId) -> BatchId {
        self.stands_for.get(&batch).copied().unwrap_or(batch)
    }

    fn add(&mut self, touch: Touch) {
        // A batch that touches a field several times (an import that creates and then links, a list of contact points)
        // is one touch.
        let again = self.last.replace(touch.batch) == Some(touch.batch);
        if again || self.standing.last() == Some(&touch.batch) || self.cancelled.contains_key(&touch.batch) {
            return;
        }
        let Some(target) = touch.undo_of.map(|target| self.original(target)) else {
            return self.standing.push(touch.batch);
        };
        if let Some((original, _)) = self.cancelled.remove(&target) {
            self.standing.push(original);
            self.stands_for.insert(touch.batch, original);
        } else if let Some(place) = self.standing.iter().rposition(|stands| *stands == target) {
            self.standing.remove(place);
            self.cancelled.insert(touch.batch, (target, self.standing.len()));
        } else {
            self.standing.push(touch.batch);
        }
    }

    fn standing(&self, batch: BatchId) -> Standing {
        if let Some((_, height)) = self.cancelled.get(&batch) {
            return if self.standing.len() == *height {
                Standing::Top
            } else {
                Standing::Covered
            };
        }
        let original = self.original(batch);
        match self.standing.iter().rposition(|stands| *stands == original) {
            Some(place) if place + 1 == self.standing.len() => Standing::Top,
            Some(_) => Standing::Covered,
            None => Standing::Undone,
        }
    }
}

/// What taking back a batch did, and what it left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoReport {
    /// The batch that holds the undo; undoing it is the redo.
    pub batch: Option<BatchId>,
    /// How many records went back.
    pub undone: u64,
    /// How many were left as they are, for one of the reasons in `kept`.
    pub left: u64,
    /// The first of those that were left, in words, at most 100.
    pub kept: Vec<Kept>,
    /// True when it is so large that it is taken back in the background: nothing is counted yet.
    #[serde(default)]
    pub in_background: bool,
}

/// Something that an undo left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The customer it is about.
    pub subject: Uuid,
    /// Its name, where the person may see it.
    pub name: String,
    /// The field, if it is about one.
    pub field: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::uuid_v7;

    fn batch(n: u8) -> BatchId {
        BatchId(uuid_v7(u64::from(n), [n; 10]))
    }

    /// Reads "1 2 3-2" as: batch 1, batch 2, batch 3 that undoes 2.
    fn touches(text: &str) -> Vec<Touch> {
        text.split_whitespace()
            .map(|word| match word.split_once('-') {
                Some((n, target)) => Touch {
                    batch: batch(n.parse().unwrap()),
                    undo_of: Some(batch(target.parse().unwrap())),
                },
                None => Touch {
                    batch: batch(word.parse().unwrap()),
                    undo_of: None,
                },
            })
            .collect()
    }

    #[test]
    fn a_touch_can_be_taken_back_until_another_stands_on_it() {
        for (history, asked, answer) in [
            ("1", 1, Standing::Top),
            ("1 2", 1, Standing::Covered),
            ("1 2", 2, Standing::Top),
            ("1 2-1", 1, Standing::Undone),
            ("1 2 3-2", 1, Standing::Top),
            ("1 2 3-2 4-1", 1, Standing::Undone),
            // a redo
            ("1 2-1", 2, Standing::Top),
            ("1 2-1 3-2", 1, Standing::Top),
            ("1 2-1 3-2", 3, Standing::Top),
            ("1 2-1 3-2", 2, Standing::Undone),
            // undo, redo, undo again by either name
            ("1 2-1 3-2 4-1", 1, Standing::Undone),
            ("1 2-1 3-2 4-3", 1, Standing::Undone),
            ("1 2-1 3-2 4-3", 4, Standing::Top),
            // somebody wrote after the undo: no redo over it
            ("1 2-1 3", 2, Standing::Covered),
            ("1 2-1 3 4-3", 2, Standing::Top),
            // the ground under an undone touch went away
            ("1 2 3-2 4-1", 3, Standing::Covered),
            // one batch that touches twice
            ("1 1", 1, Standing::Top),
            ("1 1 2-1 2-1", 2, Standing::Top),
            ("1 1 2-1 2-1 3-2 3-2", 3, Standing::Top),
            ("1 1 2-1 2-1 3-2 3-2", 1, Standing::Top),
        ] {
            assert_eq!(
                standing(&touches(history), batch(asked)),
                answer,
                "{history}: {asked}"
            );
        }
    }
}
