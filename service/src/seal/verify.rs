//! Reads the journal again and says where it is not what was sealed.

use rapport_domain::audit::SealHead;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{
    block::Block,
    content::{Batch, Change, Content, Row, read},
    key::{Key, Roll, same},
    required,
};
use crate::{Result, Service, database::Db, sql::sql};

/// Rows that are read at once behind the newest block.
const CHUNK: i64 = 5_000;

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// The newest block that was read and holds.
    pub head: Option<SealHead>,
    /// Commands and changes in the blocks that hold.
    pub sealed: (u64, u64),
    /// Commands and changes that are signed and wait for their block.
    pub waiting: (u64, u64),
    /// The first thing that does not hold, in a sentence.
    pub broken: Option<String>,
}

impl Report {
    fn broken(mut self, why: String) -> Self {
        self.broken = Some(why);
        self
    }
}

/// Reads every block with all that it covers, then what waits for a block. With a head that was kept somewhere else it
/// also finds out whether the newest blocks were taken away.
///
/// # Errors
/// [`rapport_domain::error::AppError::Refused`] without a key; and when the database is away. What does not hold is no
/// error: the report says it.
pub async fn verify(service: &Service, kept: Option<&SealHead>) -> Result<Report> {
    let (db, key) = (service.db(), required(service)?);
    let mut report = Report::default();
    let mut before: Option<Block> = None;
    let mut is_met = kept.is_none();
    loop {
        let number = before.as_ref().map_or(0, |block| block.number);
        let blocks = Block::behind(db, key.fingerprint(), number).await?;
        if blocks.is_empty() {
            break;
        }
        for block in blocks {
            if let Some(why) = fault(db, key, before.as_ref(), &block).await? {
                let at = block.at.format("%Y-%m-%d %H:%M:%S UTC");
                return Ok(report.broken(format!("Block {}, sealed {at}: {why}", block.number)));
            }
            let named = block.named();
            is_met |= kept == Some(&named);
            report.head = Some(named);
            report.sealed = (block.batches.unsigned_abs(), block.changes.unsigned_abs());
            before = Some(block);
        }
    }
    if !is_met {
        let why =
            "The head that was kept is no block of this seal: what was sealed by then is not what is here.";
        return Ok(report.broken(why.to_owned()));
    }
    let Some(last) = before else {
        let why = "There is no block of this key: nothing was sealed yet, or the seal was taken away.";
        return Ok(report.broken(why.to_owned()));
    };
    let commands = waiting::<Batch>(db, key, last.batch_last).await?;
    let changes = waiting::<Change>(db, key, last.change_last).await?;
    match (commands, changes) {
        (Ok(commands), Ok(changes)) => report.waiting = (commands, changes),
        (Err(why), _) | (_, Err(why)) => {
            return Ok(report.broken(format!("Behind block {}: {why}", last.number)));
        }
    }
    report.broken = outside(db).await?;
    Ok(report)
}

/// What does not hold of a block.
async fn fault(
    db: &impl ConnectionTrait,
    key: &Key,
    before: Option<&Block>,
    block: &Block,
) -> Result<Option<String>> {
    let expected = before.map_or(0, |block| block.number) + 1;
    if block.number != expected {
        return Ok(Some(format!(
            "block {expected}, which belongs before it, is missing."
        )));
    }
    if block.adopted && before.is_some_and(|before| !before.adopted) {
        return Ok(Some(
            "it adopts what it found, behind the beginning of the seal.".to_owned(),
        ));
    }
    if !same(&block.sign(key, before)?, &block.digest) {
        return Ok(Some("the block itself is not what was sealed.".to_owned()));
    }
    let none = (i64::MIN, 0, i64::MIN, 0);
    let from = before.map_or(none, |block| {
        (block.batch_last, block.batches, block.change_last, block.changes)
    });
    let mut roll = Roll::default();
    let batches = (from.0, block.batch_last, block.batches - from.1);
    if let Err(why) = hold::<Batch>(db, key, block.adopted, batches, &mut roll).await? {
        return Ok(Some(why));
    }
    let changes = (from.2, block.change_last, block.changes - from.3);
    if let Err(why) = hold::<Change>(db, key, block.adopted, changes, &mut roll).await? {
        return Ok(Some(why));
    }
    let replaced = !same(&roll.done(), &block.content);
    Ok(replaced.then(|| "what it covers is not what was sealed.".to_owned()))
}

/// Whether what a block covers is signed, and as much as was sealed.
async fn hold<C: Content>(
    db: &impl ConnectionTrait,
    key: &Key,
    adopted: bool,
    (from, upto, count): (i64, i64, i64),
    roll: &mut Roll,
) -> Result<std::result::Result<(), String>> {
    // One more says that there are too many.
    let rows = read::<C>(db, from, upto, count + 1).await?;
    let found = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    for row in &rows {
        let signed = row.sign(key)?;
        if !adopted && let Some(why) = forged(row, &signed) {
            return Ok(Err(why));
        }
        roll.add(row.place, &signed);
    }
    let name = C::NAME;
    Ok(match found - count {
        0 => Ok(()),
        ..0 => Err(format!("{} of {count} {name}s are missing.", count - found)),
        _ => Err(format!("there are more {name}s than were sealed.")),
    })
}

/// Why a row is not what a writer with the key wrote.
fn forged<C: Content>(row: &Row<C>, signed: &[u8]) -> Option<String> {
    let (name, place) = (C::NAME, row.place);
    match &row.digest {
        None => Some(format!("{name} {place} was written without the key.")),
        Some(digest) if !same(digest, signed) => Some(format!("{name} {place} is not what was written.")),
        Some(_) => None,
    }
}

/// How many rows behind the newest block are signed as they should be.
async fn waiting<C: Content>(
    db: &impl ConnectionTrait,
    key: &Key,
    mut from: i64,
) -> Result<std::result::Result<u64, String>> {
    let mut count = 0;
    loop {
        let rows = read::<C>(db, from, i64::MAX, CHUNK).await?;
        let Some(last) = rows.last() else {
            return Ok(Ok(count));
        };
        from = last.place;
        count += rows.len() as u64;
        for row in &rows {
            if let Some(why) = forged(row, &row.sign(key)?) {
                return Ok(Err(why));
            }
        }
    }
}

#[derive(FromQueryResult)]
struct Copied {
    first: i64,
    last: i64,
}

/// What no block would show: a command without a place, and a change that stands there twice, signature and all.
async fn outside(db: &Db) -> Result<Option<String>> {
    let placeless = sql(
        "SELECT 1 FROM batch WHERE place IS NULL OR place < 1 UNION ALL SELECT 1 FROM change WHERE seq < 1 LIMIT 1",
        [],
    );
    if db.query_one_raw(placeless).await?.is_some() {
        return Ok(Some(
            "A command or a change has no place: it was written past the program.".to_owned(),
        ));
    }
    let tx = db.begin().await?;
    // It sorts the signatures of all changes.
    tx.execute_raw(sql("SET LOCAL statement_timeout = 0", [])).await?;
    let copied = sql(
        "SELECT min(seq) AS first, max(seq) AS last FROM change WHERE digest IS NOT NULL \
         GROUP BY digest HAVING count(*) > 1 \
         UNION ALL SELECT min(place), max(place) FROM batch WHERE digest IS NOT NULL \
         GROUP BY digest HAVING count(*) > 1 LIMIT 1",
        [],
    );
    let copied = Copied::find_by_statement(copied).one(&tx).await?;
    tx.rollback().await?;
    Ok(copied.map(|copied| format!("Place {} holds a copy of {}.", copied.last, copied.first)))
}
