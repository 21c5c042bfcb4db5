//! A block of the seal.

use chrono::{DateTime, Utc};
use rapport_domain::audit::SealHead;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::key::{Key, Signature};
use crate::{Result, secret, sql::sql};

/// A block as it stands.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Block {
    pub(super) key: String,
    pub(super) number: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) adopted: bool,
    pub(super) batch_last: i64,
    pub(super) batches: i64,
    pub(super) change_last: i64,
    pub(super) changes: i64,
    pub(super) content: Vec<u8>,
    pub(super) digest: Vec<u8>,
}

impl Block {
    /// The newest block of whatever key.
    pub(super) async fn newest(db: &impl ConnectionTrait) -> Result<Option<Self>> {
        let statement = sql(
            "SELECT * FROM seal ORDER BY batch_last DESC, at DESC, number DESC LIMIT 1",
            [],
        );
        Ok(Self::find_by_statement(statement).one(db).await?)
    }

    /// The newest block of a key.
    pub(super) async fn head(db: &impl ConnectionTrait, key: &str) -> Result<Option<Self>> {
        let statement = sql(
            "SELECT * FROM seal WHERE key = $1 ORDER BY number DESC LIMIT 1",
            [key.into()],
        );
        Ok(Self::find_by_statement(statement).one(db).await?)
    }

    /// One block of a key.
    pub(super) async fn numbered(db: &impl ConnectionTrait, key: &str, number: i64) -> Result<Option<Self>> {
        let statement = sql(
            "SELECT * FROM seal WHERE key = $1 AND number = $2",
            [key.into(), number.into()],
        );
        Ok(Self::find_by_statement(statement).one(db).await?)
    }

    /// The next blocks behind a number.
    pub(super) async fn behind(db: &impl ConnectionTrait, key: &str, number: i64) -> Result<Vec<Self>> {
        let statement = sql(
            "SELECT * FROM seal WHERE key = $1 AND number > $2 ORDER BY number LIMIT 1000",
            [key.into(), number.into()],
        );
        Ok(Self::find_by_statement(statement).all(db).await?)
    }

    /// What signs the block and, by its digest, all before it.
    pub(super) fn sign(&self, key: &Key, before: Option<&Self>) -> Result<Signature> {
        let content = (
            "block",
            self.number,
            self.at.timestamp_micros(),
            self.adopted,
            (self.batch_last, self.batches),
            (self.change_last, self.changes),
            &self.content,
        );
        key.sign(before.map(|block| &*block.digest).unwrap_or_default(), &content)
    }

    /// Writes it down.
    pub(super) async fn insert(self, db: &impl ConnectionTrait) -> Result<()> {
        let statement = sql(
            "INSERT INTO seal (key, number, at, adopted, batch_last, batches, change_last, changes, content, digest) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            [
                self.key.into(),
                self.number.into(),
                self.at.into(),
                self.adopted.into(),
                self.batch_last.into(),
                self.batches.into(),
                self.change_last.into(),
                self.changes.into(),
                self.content.into(),
                self.digest.into(),
            ],
        );
        db.execute_raw(statement).await?;
        Ok(())
    }

    /// As it is kept somewhere else.
    pub(super) fn named(&self) -> SealHead {
        SealHead {
            key: self.key.clone(),
            number: self.number.unsigned_abs(),
            digest: secret::hex(&self.digest),
        }
    }
}
