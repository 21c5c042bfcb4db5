//! Statements put together from fixed text and bound values. A value never becomes part of the text.

use sea_orm::{DbBackend, Statement, Value};

/// A statement under construction.
#[derive(Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// Begins with fixed text.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds fixed text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a bound value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds how many rows are wanted at most. It stands in the text: of a bound one PostgreSQL knows nothing where it plans
    /// once for all values, takes it for small, and reads a large table from its beginning to find a few rows.
    pub(crate) fn limit(&mut self, rows: impl Into<i64>) -> &mut Self {
        self.push(&format!(" LIMIT {}", rows.into()))
    }

    /// The statement, ready to run.
    pub(crate) fn done(self) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, self.text, self.values)
    }
}

/// A statement whose values stand in order for `$1`, `$2` ...
pub(crate) fn sql<const N: usize>(text: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, text, values)
}
