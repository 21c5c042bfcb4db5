//! How the journal is read behind its writers, so that nothing is missed: numbers are drawn when a row is written, and
//! seen when its transaction ends, in another order.

use std::time::{Duration, Instant};

use rapport_domain::error::AppError;
use sea_orm::{ConnectionTrait, FromQueryResult};
use tokio::time::sleep;

use crate::{Error, Result, database::Db, sql::sql};

/// How often it is asked, when somebody waits for it, whether all writers are through.
const PAUSE: Duration = Duration::from_millis(20);

/// How far the journal reaches, as far as it is seen.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub(crate) struct Reach {
    /// The highest place of a batch.
    pub(crate) batch: i64,
    /// The highest number of a change.
    pub(crate) change: i64,
}

/// How far all is decided once every transaction of this database up to this one has ended: what is there by then is all
/// there will be.
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

/// How far the journal reaches once all are through who write at this moment.
///
/// # Errors
/// [`AppError::Refused`] when that takes longer.
pub(crate) async fn decided(db: &Db, patience: Duration) -> Result<Mark> {
    let mark = Reach::read(db).await?.mark(db).await?;
    mark.wait(db, patience).await?;
    Ok(mark)
}

impl Mark {
    /// Waits until all that is below it is there.
    ///
    /// # Errors
    /// [`AppError::Refused`] when that takes longer.
    pub(crate) async fn wait(&self, db: &Db, patience: Duration) -> Result<()> {
        let began = Instant::now();
        while !self.is_decided(db).await? {
            if began.elapsed() > patience {
                let reason = "A transaction in this database has been open for long, and this has to wait for it. Please \
                              try again later.";
                return Err(AppError::refused(reason).into());
            }
            db.let_go();
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Whether all that is below it is there.
    ///
    /// PostgreSQL counts the transactions of all its databases together, and those of others write nothing here. One that
    /// is not seen to belong elsewhere counts: it is gone, prepared, or about to take the lock on its own number. What runs
    /// is listed below the snapshot's upper end only, so that has to lie behind the mark. Not to be asked within a
    /// transaction: it would see the sessions of when it first asked.
    pub(crate) async fn is_decided(&self, db: &impl ConnectionTrait) -> Result<bool> {
        let statement = sql(
            "SELECT 1 WHERE pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1 \
             OR pg_snapshot_xmax(pg_current_snapshot())::text::bigint > $1 AND NOT EXISTS (\
                 SELECT 1 FROM pg_snapshot_xip(pg_current_snapshot()) AS running \
                 WHERE running::text::bigint < $1 AND NOT EXISTS (\
                     SELECT 1 FROM pg_locks AS held JOIN pg_stat_activity AS session USING (pid) \
                     WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted \
                       AND held.transactionid = running::xid \
                       AND session.datname <> current_database()))",
            [self.transaction.into()],
        );
        Ok(db.query_one_raw(statement).await?.is_some())
    }
}
