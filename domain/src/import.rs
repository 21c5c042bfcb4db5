//! Reading a file of customers and mapping its columns, without I/O: the file comes as a [`std::io::Read`], what to
//! write goes out as checked fields.
//!
//! [`Reader`] turns bytes into rows or says why a line is none; [`Mapping`] turns a row into a company and its
//! contact person, or says why it cannot; [`ImportReport`] says what came of it.

mod mapping;
mod reader;
mod report;

pub use mapping::{Draft, Mapped, Mapping, NOTHING, Target, Whose, source_of};
pub use reader::{
    COLUMNS_MAX, Dialect, FIELD_BYTES_MAX, FileError, RECORD_BYTES_MAX, Reader, Row, Unreadable,
};
pub use report::{ImportReport, LISTED_MAX, UnreadableLine};
