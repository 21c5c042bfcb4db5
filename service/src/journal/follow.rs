//! How the journal is read behind its writers, so that nothing is missed: numbers are drawn when a row is written, and
//! seen when its transaction ends, in another order.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{Error, Result, sql::sql};

/// How far the journal reaches, as far as it is seen.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub(crate) struct Reach {
    /// The highest place of a batch.
    pub(crate) batch: i64,
    /// The highest number of a change.
    pub(crate) change: i64,
}

/// How far all is decided once every transaction up to this one has ended: what is there by then is all there will be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) batch: i64,
    pub(crate) change: i64,
    transaction: i64,
}

#[derive(FromQueryResult)]
struct Transaction {
    id: i64,
}

impl Reach {
    /// Looks how far it reaches.
    pub(crate) async fn read(db: &impl ConnectionTrait) -> Result<Self> {
        let reach = sql(
            "SELECT coalesce((SELECT max(place) FROM batch), 0) AS batch, \
                    coalesce((SELECT max(seq) FROM change), 0) AS change",
            [],
        );
        let reach = Self::find_by_statement(reach).one(db).await?;
        reach.ok_or_else(|| Error::Stored("a reach without a row".to_owned()))
    }

    /// Marks it: whoever drew a number before one that was seen has a transaction older than the one that is begun here.
    pub(crate) async fn mark(self, db: &impl ConnectionTrait) -> Result<Mark> {
        let own = sql("SELECT pg_current_xact_id()::text::bigint AS id", []);
        let own = Transaction::find_by_statement(own).one(db).await?;
        let own = own.ok_or_else(|| Error::Stored("a transaction without an id".to_owned()))?;
        Ok(Mark {
            batch: self.batch,
            change: self.change,
            transaction: own.id,
        })
    }
}

impl Mark {
    /// Whether all that is below it is there.
    pub(crate) async fn is_decided(&self, db: &impl ConnectionTrait) -> Result<bool> {
        let statement = sql(
            "SELECT 1 WHERE pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1",
            [self.transaction.into()],
        );
        Ok(db.query_one_raw(statement).await?.is_some())
    }
}
