//! The follower that chains what is signed into blocks.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{
    block::Block,
    content::{Batch, Change, Content, read},
    key::{Key, Roll, same},
};
use crate::{
    Error, Result, Service,
    database::{self, Lock},
    journal::{Mark, Reach},
    sql::sql,
};

/// Commands, and changes, in a block at most.
const SIZE: i64 = 5_000;
/// Commands that get their place in one transaction.
const PLACED: i64 = 5_000;
/// For how long somebody waits for that at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Seals, behind the writers. Any number of servers may have one: they take turns.
pub struct Sealer {
    service: Service,
    key: Key,
    mark: Option<Mark>,
    /// The newest block that it saw: its number and its digest.
    seen: Option<(i64, Vec<u8>)>,
}

impl Sealer {
    /// One that has looked at nothing yet.
    #[must_use]
    pub fn new(service: &Service, key: Key) -> Self {
        Self {
            service: service.clone(),
            key,
            mark: None,
            seen: None,
        }
    }

    /// Looks how far the writers are, or seals what they had written when it looked before. Gives whether there may be
    /// more to do.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn step(&mut self) -> Result<bool> {
        let Some(mark) = self.mark.take() else {
            self.mark = self.look().await?;
            return Ok(self.mark.is_some());
        };
        if !mark.is_decided(self.service.db()).await? {
            self.mark = Some(mark);
            return Ok(true);
        }
        while self.add_block(&mark).await? {}
        Ok(true)
    }

    /// Seals all that is written by now.
    ///
    /// # Errors
    /// As [`Sealer::step`]; [`AppError::Refused`] when somebody else's transaction stays open for long.
    pub async fn catch_up(mut self) -> Result<()> {
        let Some(mark) = self.look().await? else {
            return Ok(());
        };
        mark.wait(self.service.db(), PATIENCE).await?;
        while self.add_block(&mark).await? {}
        Ok(())
    }

    /// How far the writers are, if they went on since the head.
    async fn look(&mut self) -> Result<Option<Mark>> {
        let head = self.head(self.service.db()).await?;
        self.refuse_other_past(head.as_ref()).await?;
        let begun = head.as_ref().is_some_and(|head| !head.adopted);
        if !begun && !self.place().await? {
            return Ok(None);
        }
        let db = self.service.db();
        let reach = Reach::read(db).await?;
        let through = |head: Block| head.batch_last >= reach.batch && head.change_last >= reach.change;
        if begun && head.is_some_and(through) {
            return Ok(None);
        }
        Ok(Some(reach.mark(db).await?))
    }

    /// The newest block, if it is signed: what would be sealed behind another one would look right.
    async fn head(&self, db: &impl ConnectionTrait) -> Result<Option<Block>> {
        let key = self.key.fingerprint();
        let Some(head) = Block::head(db, key).await? else {
            return Ok(None);
        };
        let before = Block::numbered(db, key, head.number - 1).await?;
        if same(&head.sign(&self.key, before.as_ref())?, &head.digest) {
            Ok(Some(head))
        } else {
            Err(other_past())
        }
    }

    /// Goes on with nothing from which a block was taken that it has seen.
    async fn refuse_other_past(&mut self, head: Option<&Block>) -> Result<()> {
        if let Some((number, digest)) = &self.seen {
            let stands = Block::numbered(self.service.db(), self.key.fingerprint(), *number).await?;
            if stands.is_none_or(|block| block.digest != *digest) {
                return Err(other_past());
            }
        }
        self.seen = head.map(|head| (head.number, head.digest.clone()));
        Ok(())
    }

    /// Gives commands from before the seal their place; gives whether all of them have one.
    async fn place(&self) -> Result<bool> {
        let statement = "UPDATE batch SET place = DEFAULT \
             WHERE id IN (SELECT id FROM batch WHERE place IS NULL ORDER BY at, id LIMIT $1 FOR UPDATE SKIP LOCKED)";
        loop {
            let done = self
                .service
                .db()
                .execute_raw(sql(statement, [PLACED.into()]))
                .await?;
            if done.rows_affected() == 0 {
                // One that is being written to has to wait.
                let without = sql("SELECT 1 FROM batch WHERE place IS NULL LIMIT 1", []);
                return Ok(self.service.db().query_one_raw(without).await?.is_none());
            }
        }
    }

    /// Seals the next block, up to the mark. Gives whether another one follows.
    async fn add_block(&self, mark: &Mark) -> Result<bool> {
        let tx = self.service.db().begin().await?;
        database::lock(&tx, Lock::Seal).await?;
        let head = self.head(&tx).await?;
        let Some(mut block) = self.next(&tx, head.as_ref(), mark).await? else {
            return Ok(false);
        };
        block.digest = block.sign(&self.key, head.as_ref())?.to_vec();
        block.insert(&tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The block that follows the head. All that was there when the seal began is adopted; the first block behind that,
    /// which may hold nothing, says that it has begun.
    async fn next(
        &self,
        tx: &DatabaseTransaction,
        head: Option<&Block>,
        mark: &Mark,
    ) -> Result<Option<Block>> {
        let from = head.map_or((i64::MIN, i64::MIN), |head| (head.batch_last, head.change_last));
        let is_through = from.0 >= mark.batch && from.1 >= mark.change;
        let begun = head.is_some_and(|head| !head.adopted);
        if begun && is_through {
            return Ok(None);
        }
        let adopted = !begun && !is_through;
        let mut roll = Roll::default();
        let batches = self
            .take::<Batch>(tx, adopted, (from.0, mark.batch), &mut roll)
            .await?;
        let changes = self
            .take::<Change>(tx, adopted, (from.1, mark.change), &mut roll)
            .await?;
        Ok(Some(Block {
            key: self.key.fingerprint().to_owned(),
            number: head.map_or(0, |head| head.number) + 1,
            at: self.service.clock().now(),
            adopted,
            batch_last: batches.0,
            batches: head.map_or(0, |head| head.batches) + batches.1,
            change_last: changes.0,
            changes: head.map_or(0, |head| head.changes) + changes.1,
            content: roll.done(),
            digest: Vec::new(),
        }))
    }

    /// Adds what follows to a block: gives the last place, and how many there are.
    async fn take<C: Content>(
        &self,
        tx: &DatabaseTransaction,
        adopted: bool,
        (from, upto): (i64, i64),
        roll: &mut Roll,
    ) -> Result<(i64, i64)> {
        let rows = read::<C>(tx, from, upto, SIZE).await?;
        let count = i64::try_from(rows.len()).unwrap_or(SIZE);
        let last = rows.last().map(|row| row.place).filter(|_| count == SIZE);
        for row in rows {
            let digest = if adopted {
                row.sign(&self.key)?.to_vec()
            } else {
                row.digest.unwrap_or_default()
            };
            roll.add(row.place, &digest);
        }
        Ok((last.unwrap_or(from.max(upto)), count))
    }
}

fn other_past() -> Error {
    Error::Stored(
        "the seal is not as it was: nothing is sealed behind it; “rapport audit verify” says more".to_owned(),
    )
}
