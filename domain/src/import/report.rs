//! What came of an import, for the page, the console and the record of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Unreadable;
use crate::id::BatchId;

/// How many unreadable rows a report lists; all are counted.
pub const LISTED_MAX: usize = 1_000;

/// A row that was not taken, as a report lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableLine {
    /// Its line in the file; the header is line 1.
    pub line: u64,
    /// Why, in whole sentences.
    pub reason: String,
}

/// What came of an import. Rows are counted beside records: a row may make two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The file's name.
    pub file: String,
    /// Rows under the header, the unreadable ones included.
    pub rows: u64,
    /// Companies that were made.
    pub created_companies: u64,
    /// People that were made.
    pub created_people: u64,
    /// Rows that were known already and left as they are.
    pub unchanged: u64,
    /// Rows whose records lay in the trash and were brought back, as they were.
    pub restored: u64,
    /// Rows that were not taken.
    pub unreadable_rows: u64,
    /// The first of them, at most [`LISTED_MAX`].
    pub unreadable: Vec<UnreadableLine>,
    /// The columns that were not taken.
    pub ignored_columns: Vec<String>,
    /// The batch in the journal, by which all of it is taken back; none when nothing was made.
    pub batch: Option<BatchId>,
}

impl ImportReport {
    /// Counts a row that was not taken, and lists it while there is room.
    pub fn add_unreadable(&mut self, row: &Unreadable) {
        self.unreadable_rows += 1;
        if self.unreadable.len() < LISTED_MAX {
            self.unreadable.push(UnreadableLine {
                line: row.line,
                reason: row.reason.clone(),
            });
        }
    }

    /// True when every row of the file is in: the exit status of a script.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unreadable_rows == 0
    }
}

/// Plain text for the console, several lines, without a line end after the last.
impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count =
            |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let rows = |rows| count(rows, "row", "rows");
        write!(f, "{}: {} under the header", self.file, rows(self.rows))?;
        write!(
            f,
            "\n  made: {}, {}",
            count(self.created_companies, "company", "companies"),
            count(self.created_people, "person", "people")
        )?;
        write!(f, "\n  known already: {}", rows(self.unchanged))?;
        if self.restored > 0 {
            write!(f, "\n  brought back from the trash: {}", rows(self.restored))?;
        }
        write!(f, "\n  not taken: {}", rows(self.unreadable_rows))?;
        for row in &self.unreadable {
            write!(f, "\n    line {}: {}", row.line, row.reason)?;
        }
        let listed = u64::try_from(self.unreadable.len()).unwrap_or(u64::MAX);
        if self.unreadable_rows > listed {
            write!(f, "\n    and {} more", self.unreadable_rows - listed)?;
        }
        if !self.ignored_columns.is_empty() {
            write!(f, "\n  columns not taken: {}", self.ignored_columns.join(", "))?;
        }
        match self.batch {
            Some(batch) => write!(f, "\n  batch: {batch}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(line: u64) -> Unreadable {
        Unreadable {
            line,
            reason: "Why.".to_owned(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn a_report_says_rows_beside_records() {
        let mut report = ImportReport {
            file: "a.csv".to_owned(),
            rows: 3,
            created_companies: 1,
            created_people: 2,
            unchanged: 1,
            ignored_columns: vec!["shoe size".to_owned()],
            ..ImportReport::default()
        };
        assert!(report.is_complete());
        report.add_unreadable(&bad(4));
        assert!(!report.is_complete());
        assert_eq!(
            report.to_string(),
            "a.csv: 3 rows under the header\n  made: 1 company, 2 people\n  known already: 1 row\n  not taken: 1 row\n    line 4: Why.\n  columns not taken: shoe size"
        );
    }

    #[test]
    fn a_report_counts_all_but_lists_the_first_only() {
        let mut report = ImportReport::default();
        (2..2_002).for_each(|line| report.add_unreadable(&bad(line)));
        assert_eq!(
            (report.unreadable_rows, report.unreadable.len()),
            (2_000, LISTED_MAX)
        );
        assert!(report.to_string().ends_with("\n    and 1000 more"));
    }
}
