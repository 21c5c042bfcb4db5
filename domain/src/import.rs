//! Reading a file of customers and mapping its columns, without I/O: the file comes as a [`std::io::Read`], what to
//! write goes out as checked fields.
//!
//! [`Dialect`] tells how the file is written; [`Reader`] turns bytes into rows or says why a line is none; [`Mapping`]
//! turns a row into a company and its contact person, or says why it cannot; [`Rules`] decide what a row that is known
//! already may change; [`ImportReport`] says what came of it. All of it runs in the browser too, for the preview.

mod day;
mod decide;
mod dialect;
mod encoding;
mod form;
mod guess;
mod mapper;
mod mapping;
mod reader;
mod report;
mod view;
mod words;

pub use day::DayOrder;
pub use decide::{MatchBy, OnMatch, OnTrash, Rules};
pub use dialect::{Delimiter, Dialect, HEAD_BYTES};
pub use encoding::Encoding;
pub use form::stages_offered;
pub use guess::Profile;
pub use mapper::Mapper;
pub use mapping::{Constant, Draft, Mapped, Mapping, NOTHING, Target, Whose, source_of};
pub use reader::{
    COLUMNS_MAX, FIELD_BYTES_MAX, FILE_BYTES_MAX, FileError, Position, RECORD_BYTES_MAX, Reader, Row, Sample,
    Unreadable,
};
pub use report::{EXAMPLES_MAX, Example, ImportReport, LISTED_MAX, Outcome, Problem, ProblemKind};
pub use view::{
    IMPORTS_LISTED, ImportLine, ImportSettings, ImportState, ImportView, Mended, PROBLEMS_LISTED,
    SavedMapping, Uploaded,
};
