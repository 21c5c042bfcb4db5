//! What came of an import, for the page, the console and the record of it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::Unreadable;
use crate::{customer::Field, export, id::BatchId};

/// How many rows that need a person a report lists; all are counted.
pub const LISTED_MAX: usize = 1_000;

/// The most bytes of values that the listed rows of one report keep together.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Why a row needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// It cannot be read, or a value breaks a rule.
    Unreadable,
    /// Several records are meant alike.
    Ambiguous,
    /// The actor may not do what it asks for.
    Refused,
}

impl ProblemKind {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "Unreadable",
            Self::Ambiguous => "Ambiguous",
            Self::Refused => "Not allowed",
        }
    }
}

/// A row that was not taken and needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its line in the file; the header is line 1.
    pub line: u64,
    /// Why, in whole sentences.
    pub reason: String,
    /// Which kind of reason.
    pub kind: ProblemKind,
    /// Its values as far as they could be read.
    #[serde(default)]
    pub fields: Vec<String>,
}

impl From<Unreadable> for Problem {
    fn from(row: Unreadable) -> Self {
        Self::new(row.line, ProblemKind::Unreadable, &row.reason, row.fields)
    }
}

impl Problem {
    /// A row that needs a person. NUL, which no database keeps, is shown as what could not be read.
    #[must_use]
    pub fn new(line: u64, kind: ProblemKind, reason: &str, fields: Vec<String>) -> Self {
        let clean = |text: &str| text.replace('\0', "\u{fffd}");
        let fields = fields.into_iter();
        Self {
            line,
            kind,
            reason: clean(reason),
            fields: fields
                .map(|field| {
                    if field.contains('\0') {
                        clean(&field)
                    } else {
                        field
                    }
                })
                .collect(),
        }
    }

    /// What the column is called that tells a mended row's line in the file it comes from.
    pub const LINE_HEADER: &str = "Line";

    /// The header of a file of such rows: their lines, the columns of theirs, and the reasons. With a byte order mark.
    #[must_use]
    pub fn csv_header(headers: &[String]) -> String {
        let mut line = export::BOM.to_owned();
        let headers = headers.iter().map(String::as_str);
        export::push_line(
            &mut line,
            [Self::LINE_HEADER].into_iter().chain(headers).chain(["Reason"]),
        );
        line
    }

    /// The row as a line of that file.
    #[must_use]
    pub fn csv_line(&self, headers: &[String]) -> String {
        let missing = headers.len().saturating_sub(self.fields.len());
        let blanks = std::iter::repeat_n("", missing);
        let mut line = String::new();
        let number = self.line.to_string();
        let fields = self.fields.iter().map(String::as_str).chain(blanks);
        let fields = [number.as_str()].into_iter().chain(fields);
        export::push_line(&mut line, fields.chain([self.reason.as_str()]));
        line
    }
}

/// How many changed records a report shows field by field; all are counted.
pub const EXAMPLES_MAX: usize = 20;

/// A record that a row changes, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The row's line in the file.
    pub line: u64,
    /// The record's name before.
    pub name: String,
    /// By the field's name for people: what it was and what it becomes, as texts.
    pub fields: Vec<(String, String, String)>,
}

/// What came of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It made a record at least.
    Created {
        /// How many companies.
        companies: u64,
        /// How many people.
        people: u64,
    },
    /// It changed a record at least and made none.
    Changed,
    /// It brought a record back from the trash at least; it made and changed none.
    Restored,
    /// Everything it says was known, or the rules have it skipped.
    Unchanged,
    /// It was not taken.
    Problem(Problem),
}

/// What came of an import. Rows are counted beside records: a row may make two.
///
/// `rows == created_rows + changed_rows + restored_rows + unchanged_rows + problem_rows`, as long as rows are counted
/// by [`ImportReport::count`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportReport {
    /// The file's name.
    pub file: String,
    /// Rows under the header, those that were not taken included.
    pub rows: u64,
    /// Rows that made a record.
    pub created_rows: u64,
    /// Rows that changed a record and made none.
    pub changed_rows: u64,
    /// Rows whose records were brought back from the trash, and neither made nor changed any.
    pub restored_rows: u64,
    /// Rows that were known already, or skipped.
    pub unchanged_rows: u64,
    /// Rows that were not taken.
    pub problem_rows: u64,
    /// Companies that were made.
    pub created_companies: u64,
    /// People that were made.
    pub created_people: u64,
    /// Records that were changed.
    pub changed_records: u64,
    /// The first of them, field by field, at most [`EXAMPLES_MAX`].
    pub examples: Vec<Example>,
    /// How often a field was changed, by its name for people.
    pub changed_fields: BTreeMap<String, u64>,
    /// Records that were brought back from the trash.
    pub restored_records: u64,
    /// The rows that were not taken, by kind.
    pub problems_by_kind: BTreeMap<ProblemKind, u64>,
    /// The first of them, at most [`LISTED_MAX`].
    pub problems: Vec<Problem>,
    /// The columns that were not taken.
    pub ignored_columns: Vec<String>,
    /// The batch in the journal, by which all of it is taken back; none when nothing was written.
    pub batch: Option<BatchId>,
}

impl ImportReport {
    /// Counts a row.
    pub fn count(&mut self, outcome: Outcome) {
        self.rows += 1;
        match outcome {
            Outcome::Created { companies, people } => {
                self.created_rows += 1;
                self.created_companies += companies;
                self.created_people += people;
            }
            Outcome::Changed => self.changed_rows += 1,
            Outcome::Restored => self.restored_rows += 1,
            Outcome::Unchanged => self.unchanged_rows += 1,
            Outcome::Problem(problem) => {
                self.problem_rows += 1;
                *self.problems_by_kind.entry(problem.kind).or_default() += 1;
                self.list(problem);
            }
        }
    }

    /// Counts a record that was changed, beside its row.
    pub fn count_changed(&mut self, fields: impl IntoIterator<Item = Field>) {
        self.changed_records += 1;
        for field in fields {
            match self.changed_fields.get_mut(field.label()) {
                Some(count) => *count += 1,
                None => drop(self.changed_fields.insert(field.label().to_owned(), 1)),
            }
        }
    }

    /// Lists a row that was not taken, while there is room.
    fn list(&mut self, mut problem: Problem) {
        if self.problems.len() >= LISTED_MAX {
            return;
        }
        // Few rows are long; a file of nothing but long ones must not fill the memory.
        let size = |problem: &Problem| problem.fields.iter().map(String::len).sum::<usize>();
        let own = size(&problem);
        if own > KEPT_BYTES_MAX / LISTED_MAX
            && self.problems.iter().map(size).sum::<usize>() + own > KEPT_BYTES_MAX
        {
            problem.fields = Vec::new();
        }
        self.problems.push(problem);
    }

    /// True when every row of the file is in: the exit status of a script.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.problem_rows == 0
    }
}

/// Plain text for the console, several lines, without a line end after the last.
impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count =
            |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let rows = |rows| count(rows, "row", "rows");
        let records = |records| count(records, "record", "records");
        write!(f, "{}: {} under the header", self.file, rows(self.rows))?;
        write!(
            f,
            "\n  made: {}, {}",
            count(self.created_companies, "company", "companies"),
            count(self.created_people, "person", "people")
        )?;
        if self.changed_records > 0 {
            let fields: Vec<_> = self
                .changed_fields
                .iter()
                .map(|(field, count)| format!("{field} {count}"))
                .collect();
            write!(
                f,
                "\n  changed: {} ({})",
                records(self.changed_records),
                fields.join(", ")
            )?;
        }
        if self.restored_records > 0 {
            write!(
                f,
                "\n  brought back from the trash: {}",
                records(self.restored_records)
            )?;
        }
        write!(f, "\n  known already: {}", rows(self.unchanged_rows))?;
        write!(f, "\n  not taken: {}", rows(self.problem_rows))?;
        for row in &self.problems {
            write!(f, "\n    line {}: {}", row.line, row.reason)?;
        }
        let listed = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        if self.problem_rows > listed {
            write!(f, "\n    and {} more", self.problem_rows - listed)?;
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
    use proptest::prelude::*;

    use super::*;

    fn bad(line: u64) -> Outcome {
        Outcome::Problem(Problem {
            line,
            reason: "Why.".to_owned(),
            kind: ProblemKind::Unreadable,
            fields: vec!["a".to_owned()],
        })
    }

    #[test]
    fn a_report_says_rows_beside_records() {
        let mut report = ImportReport {
            file: "a.csv".to_owned(),
            ignored_columns: vec!["shoe size".to_owned()],
            ..ImportReport::default()
        };
        report.count(Outcome::Created {
            companies: 1,
            people: 2,
        });
        report.count(Outcome::Unchanged);
        report.count(Outcome::Changed);
        report.count_changed([Field::City, Field::Phones]);
        report.count_changed([Field::City]);
        assert!(report.is_complete());
        report.count(bad(5));
        assert!(!report.is_complete());
        assert_eq!(
            report.to_string(),
            "a.csv: 4 rows under the header\n  made: 1 company, 2 people\n  changed: 2 records (City 2, Phone 1)\n  known already: 1 row\n  not taken: 1 row\n    line 5: Why.\n  columns not taken: shoe size"
        );
    }

    #[test]
    fn a_report_counts_all_but_lists_the_first_only() {
        let mut report = ImportReport::default();
        (2..2_002).for_each(|line| report.count(bad(line)));
        assert_eq!((report.problem_rows, report.problems.len()), (2_000, LISTED_MAX));
        assert_eq!(report.problems_by_kind[&ProblemKind::Unreadable], 2_000);
        assert!(report.to_string().ends_with("\n    and 1000 more"));
    }

    #[test]
    fn long_rows_keep_their_reason_but_not_all_their_values() {
        let mut report = ImportReport::default();
        for line in 2..100 {
            report.count(Outcome::Problem(Problem {
                line,
                reason: "Why.".to_owned(),
                kind: ProblemKind::Unreadable,
                fields: vec!["x".repeat(KEPT_BYTES_MAX / 16)],
            }));
        }
        let kept = report
            .problems
            .iter()
            .filter(|problem| !problem.fields.is_empty())
            .count();
        assert_eq!((report.problems.len(), kept), (98, 16));
    }

    #[test]
    fn a_report_is_json_and_back() {
        let mut report = ImportReport::default();
        report.count(bad(2));
        report.count_changed([Field::JobTitle]);
        let json = serde_json::to_string(&report).unwrap();
        assert!(json.contains(r#""changed_fields":{"Job title":1}"#), "{json}");
        assert!(json.contains(r#""problems_by_kind":{"unreadable":1}"#), "{json}");
        assert_eq!(serde_json::from_str::<ImportReport>(&json).unwrap(), report);
        assert_eq!(
            serde_json::from_str::<ImportReport>("{}").unwrap(),
            ImportReport::default()
        );
    }

    #[test]
    fn rows_to_mend_are_a_file_with_the_line_first_and_the_reason_last() {
        let headers = ["a".to_owned(), "b".to_owned()];
        assert_eq!(Problem::csv_header(&headers), "\u{feff}Line,a,b,Reason\r\n");
        let problem = |fields: &[&str]| Problem {
            line: 2,
            reason: "A \"quote\".".to_owned(),
            kind: ProblemKind::Unreadable,
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        };
        assert_eq!(
            problem(&["=1"]).csv_line(&headers),
            "2,'=1,,\"A \"\"quote\"\".\"\r\n"
        );
        assert_eq!(
            problem(&["1", "2", "3"]).csv_line(&headers),
            "2,1,2,3,\"A \"\"quote\"\".\"\r\n"
        );
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            (0u64..2, 0u64..2).prop_map(|(companies, people)| Outcome::Created { companies, people }),
            Just(Outcome::Changed),
            Just(Outcome::Restored),
            Just(Outcome::Unchanged),
            (2u64..9).prop_map(bad),
        ]
    }

    proptest! {
        #[test]
        fn every_row_has_exactly_one_outcome(
            outcomes in prop::collection::vec(outcome(), 0..60),
        ) {
            let mut whole = ImportReport::default();
            for outcome in outcomes {
                whole.count(outcome);
            }
            prop_assert_eq!(
                whole.rows,
                whole.created_rows + whole.changed_rows + whole.restored_rows + whole.unchanged_rows + whole.problem_rows
            );
            prop_assert_eq!(whole.problem_rows, whole.problems_by_kind.values().sum::<u64>());
        }
    }
}
