//! The seal of the journal: nobody who has only PostgreSQL can change what was done without being found out.
//!
//! Whoever writes signs each command and each change with a [`Key`] that comes from outside. A follower, the
//! [`Sealer`], chains the signatures into blocks, behind the writers and in their way never. [`verify()`] reads all of it
//! again and names the first block that does not hold.

mod block;
mod content;
mod key;
mod sealer;
mod verify;

use rapport_domain::{
    audit::{Seal, SealHead},
    error::AppError,
    journal::Via,
};
use sea_orm::DatabaseConnection;

use crate::{Ctx, Result, Service, journal};
use block::Block;
pub(crate) use content::{Batch, Change, sign};
pub use key::Key;
pub use sealer::Sealer;
pub use verify::{Report, verify};

/// Says no to a program that would write what does not fit the seal of the database: one without the key, or with
/// another one.
///
/// # Errors
/// [`AppError::Refused`] with what to do about it.
pub async fn check(service: &Service) -> Result<()> {
    fits(service.db().pool(), service.key()).await
}

/// The same before there is a service.
pub(crate) async fn fits(db: &DatabaseConnection, key: Option<&Key>) -> Result<()> {
    let Some(newest) = Block::newest(db).await? else {
        return Ok(());
    };
    let reason = match key {
        Some(key) if key.fingerprint() == newest.key => return Ok(()),
        Some(_) => {
            "SEAL_KEY is not the key that this database is sealed with. Please set that one, or begin a new seal by \
             “rapport audit renew”."
        }
        None => {
            "This database is sealed, and SEAL_KEY is not set: what this program writes would look forged. Please set \
             it. If the key is lost, make a new one and begin a new seal by “rapport audit renew”."
        }
    };
    Err(AppError::refused(reason).into())
}

/// Begins a new seal with the key that is set now, for one that was lost or that somebody else has. All that stands in
/// the journal by then is sealed as it is found; the blocks of the old key stay.
///
/// # Errors
/// [`AppError::Refused`] without a key, or when the key is in use already.
pub async fn renew(service: &Service) -> Result<SealHead> {
    let key = required(service)?;
    if Block::head(service.db(), key.fingerprint()).await?.is_some() {
        let reason = "The seal of this key has begun already. Please set a new SEAL_KEY first.";
        return Err(AppError::refused(reason).into());
    }
    let command = journal::Command::unattended(service, Via::Console, "begin a new seal");
    let command = command.never_undone("A seal is never taken back.");
    let tx = service.db().begin().await?;
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    head(service).await
}

/// Seals what is written by now, and gives the head: the newest block, to be kept somewhere else.
///
/// # Errors
/// [`AppError::Refused`] without a key.
pub async fn head(service: &Service) -> Result<SealHead> {
    let key = required(service)?;
    Sealer::new(service, key.clone()).catch_up().await?;
    let head = Block::head(service.db(), key.fingerprint()).await?;
    let head = head.ok_or_else(|| AppError::refused("Nothing was written here yet."))?;
    Ok(head.named())
}

/// How the seal stands, for who reads the audit log.
pub(crate) async fn state(ctx: &Ctx) -> Result<Seal> {
    let Some(key) = ctx.service().key() else {
        return Ok(Seal::Off);
    };
    let head = Block::head(ctx.db(), key.fingerprint()).await?;
    Ok(match head {
        None => Seal::Begins,
        Some(head) => Seal::On {
            at: ctx.now().say(head.at),
            blocks: head.number.unsigned_abs(),
            commands: head.batches.unsigned_abs(),
            changes: head.changes.unsigned_abs(),
            head: head.named(),
        },
    })
}

fn required(service: &Service) -> Result<&Key> {
    let key = service.key();
    Ok(key.ok_or_else(|| AppError::refused("SEAL_KEY is not set: this journal is not sealed."))?)
}
