//! What a list asks for: filter, search, sort, place and size, and their one text form in URLs and in REST.
//!
//! The types are here. `query/column.rs` says what each column may be compared with, `query/filter.rs` has the text
//! form of a filter, `query/url.rs` that of the whole list. Nothing is read from outside but through these texts
//! (serde included), so their limits hold at every door.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::access::words;

mod column;
mod cursor;
mod filter;
mod url;

pub use column::ValueKind;
pub use filter::FilterError;

/// The deepest nesting of a filter: how many of and, or, not stand inside one another.
pub const DEPTH_MAX: usize = 5;
/// The most conditions in a filter.
pub const CONDITIONS_MAX: usize = 50;
/// The most values in one condition.
pub const VALUES_MAX: usize = 100;
/// The longest text form of a filter, in bytes. It bounds the work that a URL can ask for.
pub const FILTER_BYTES_MAX: usize = 16_384;
/// The most matches of a search that are ranked and can be paged through.
pub const RANKED_MAX: u16 = 2_000;
/// Rows on a page unless asked otherwise.
pub const SIZE: u16 = 50;
/// The most rows on a page.
pub const SIZE_MAX: u16 = 200;

/// A column of the customer list that conditions may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// `person` or `company`.
    Kind,
    /// `lead`, `prospect`, `customer`, `former`.
    Stage,
    /// A user id, or `me`.
    Owner,
    /// A team id, or `mine`.
    Team,
    /// A tag.
    Tag,
    /// City.
    City,
    /// Country.
    Country,
    /// Full name.
    Name,
    /// A company id.
    Company,
    /// The day it was made, `YYYY-MM-DD`, UTC.
    Created,
    /// The day it was last changed, `YYYY-MM-DD`, UTC.
    Updated,
}
words!(Column: Kind = "kind", Stage = "stage", Owner = "owner", Team = "team", Tag = "tag", City = "city",
    Country = "country", Name = "name", Company = "company", Created = "created", Updated = "updated");

/// How a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equals one of the values (text without regard to case). For tags: has one of them.
    Is,
    /// Equals none of the values; nothing counts as different.
    IsNot,
    /// Contains one of the values, without regard to case.
    Contains,
    /// Has no value. Takes none.
    Empty,
    /// Has a value. Takes none.
    Filled,
    /// On the day or later. Takes one.
    From,
    /// Before the day. Takes one.
    Before,
}
words!(Operator: Is = "is", IsNot = "not", Contains = "has", Empty = "empty", Filled = "filled", From = "from", Before = "before");

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The column.
    pub column: Column,
    /// The comparison.
    pub operator: Operator,
    /// The values, as typed.
    pub values: Vec<String>,
}

/// A tree of conditions. `And` of nothing holds for every row; it stands alone only, and `Or` is never empty.
///
/// Its text form (also under serde) is described at [`Filter::from_str`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Filter {
    /// All hold.
    And(Vec<Filter>),
    /// One holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A field compared with values.
    Where(Condition),
}

/// What a list is sorted by. Each has an index; the id breaks ties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// Full name.
    #[default]
    Name,
    /// When it was made.
    Created,
    /// When it was last changed.
    Updated,
}
words!(SortBy: Name = "name", Created = "created", Updated = "updated");

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sort {
    /// The column.
    pub by: SortBy,
    /// Last first.
    pub descending: bool,
}

/// A place in a sorted list: the sort value and the id of the row beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The row's sort value: a name, or an instant in microseconds since 1970.
    pub value: String,
    /// The row.
    pub id: crate::id::CustomerId,
    /// True to go towards the start of the list.
    pub backwards: bool,
}

/// Everything a list of customers asks for. Its text form (also under serde) is the query string of the list's URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListQuery {
    /// Which rows.
    pub filter: Filter,
    /// Words to find; empty for none. A search ranks by itself.
    pub search: String,
    /// In which order.
    pub sort: Sort,
    /// Where to start; none for the beginning, and for a search.
    pub cursor: Option<Cursor>,
    /// Of a search: how many better matches come before the page, at most [`RANKED_MAX`].
    pub skip: u16,
    /// How many rows, 1 to [`SIZE_MAX`].
    pub size: u16,
}
