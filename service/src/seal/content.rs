//! What a signature is of: all that a command or a change says, in one order, whoever wrote it down.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::key::{Key, Signature};
use crate::{Result, sql::sql};

/// A command, without what it comes to while it runs: its state and its counts.
#[derive(FromQueryResult)]
pub(crate) struct Batch {
    pub(crate) id: Uuid,
    pub(crate) actor: Option<Uuid>,
    pub(crate) via: String,
    pub(crate) command: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) undo_of: Option<Uuid>,
    pub(crate) detail: Value,
    pub(crate) why_not: Option<String>,
}

/// A change.
#[derive(FromQueryResult)]
pub(crate) struct Change {
    pub(crate) batch: Uuid,
    pub(crate) kind: String,
    pub(crate) record: Uuid,
    pub(crate) subject: Uuid,
    pub(crate) version: i64,
    pub(crate) op: String,
    pub(crate) owner: Option<Uuid>,
    pub(crate) team: Option<Uuid>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    pub(crate) line: Option<i64>,
}

/// What can be signed, and how it is read again.
pub(crate) trait Content: FromQueryResult + Sized {
    /// What it is called.
    const NAME: &'static str;
    /// Its rows with `place`, `salt` and `digest`, up to the WHERE. A time that no program writes, and that none can
    /// read, comes as another one: what is not as it was signed is found all the same.
    const READ: &'static str;
    /// The column with its place.
    const PLACE: &'static str;

    fn sign(&self, key: &Key, salt: &[u8]) -> Result<Signature>;
}

/// A row of the journal as it stands.
pub(super) struct Row<C> {
    pub(super) place: i64,
    salt: Option<Vec<u8>>,
    pub(super) digest: Option<Vec<u8>>,
    content: C,
}

impl<C: FromQueryResult> FromQueryResult for Row<C> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> std::result::Result<Self, DbErr> {
        Ok(Self {
            place: row.try_get(prefix, "place")?,
            salt: row.try_get(prefix, "salt")?,
            digest: row.try_get(prefix, "digest")?,
            content: C::from_query_result(row, prefix)?,
        })
    }
}

impl<C: Content> Row<C> {
    /// What its signature should be.
    pub(super) fn sign(&self, key: &Key) -> Result<Signature> {
        self.content.sign(key, self.salt.as_deref().unwrap_or_default())
    }
}

/// What follows a place, up to another one, in order.
pub(super) async fn read<C: Content>(
    db: &impl ConnectionTrait,
    from: i64,
    upto: i64,
    limit: i64,
) -> Result<Vec<Row<C>>> {
    let place = C::PLACE;
    let text = format!(
        "{} WHERE {place} > $1 AND {place} <= $2 ORDER BY {place} LIMIT $3",
        C::READ
    );
    let statement = sql(&text, [from.into(), upto.into(), limit.into()]);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

impl Content for Batch {
    const NAME: &'static str = "command";
    const READ: &'static str = "SELECT place, salt, digest, id, actor, via, command, undo_of, detail, \
            CASE WHEN undoable = (why_not IS NULL) THEN why_not ELSE '?' END AS why_not, \
            CASE WHEN at BETWEEN '0001-01-01' AND '9999-12-31' THEN at ELSE '0001-01-01' END AS at FROM batch";
    const PLACE: &'static str = "place";

    fn sign(&self, key: &Key, salt: &[u8]) -> Result<Signature> {
        let content = (
            "batch",
            self.id,
            self.actor,
            &self.via,
            &self.command,
            self.at.timestamp_micros(),
            self.undo_of,
            Sorted(&self.detail),
            &self.why_not,
        );
        key.sign(salt, &content)
    }
}

impl Content for Change {
    const NAME: &'static str = "change";
    const READ: &'static str = "SELECT seq AS place, salt, digest, batch, kind, record, subject, version, op, owner, \
            team, before, after, line, \
            CASE WHEN at BETWEEN '0001-01-01' AND '9999-12-31' THEN at ELSE '0001-01-01' END AS at FROM change";
    const PLACE: &'static str = "seq";

    fn sign(&self, key: &Key, salt: &[u8]) -> Result<Signature> {
        let content = (
            "change",
            self.batch,
            &self.kind,
            self.record,
            self.subject,
            self.version,
            &self.op,
            (self.owner, self.team),
            self.at.timestamp_micros(),
            // Nothing and a null are the same to PostgreSQL's rows made from JSON.
            Sorted(self.before.as_ref().unwrap_or_default()),
            Sorted(self.after.as_ref().unwrap_or_default()),
            self.line,
        );
        key.sign(salt, &content)
    }
}

/// A salt and the signature, as a writer stores them; nothing of both without a key.
#[derive(Default)]
pub(crate) struct Signed {
    pub(crate) salt: Option<Vec<u8>>,
    pub(crate) digest: Option<Vec<u8>>,
}

/// Signs what is about to be written.
pub(crate) fn sign(key: Option<&Key>, content: &impl Content) -> Result<Signed> {
    let Some(key) = key else {
        return Ok(Signed::default());
    };
    let salt: [u8; 16] = rand::random();
    let signature = content.sign(key, &salt)?;
    Ok(Signed {
        salt: Some(salt.to_vec()),
        digest: Some(signature.to_vec()),
    })
}

/// A value with the fields of its objects in the order of their names: PostgreSQL keeps another, and a crate may keep
/// that in which they came.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let sorted: BTreeMap<&String, Sorted<'_>> =
                    fields.iter().map(|(name, value)| (name, Sorted(value))).collect();
                sorted.serialize(serializer)
            }
            Value::Array(values) => serializer.collect_seq(values.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_fields_says_nothing() {
        let text = |value: &str| {
            let value: Value = serde_json::from_str(value).unwrap();
            serde_json::to_string(&Sorted(&value)).unwrap()
        };
        assert_eq!(
            text(r#"{"bb": [{"d": 1, "c": null}], "a": "x"}"#),
            text(r#"{"a":"x","bb":[{"c":null,"d":1}]}"#)
        );
        assert_ne!(text(r#"{"a": [1, 2]}"#), text(r#"{"a": [2, 1]}"#));
    }
}
