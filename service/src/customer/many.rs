//! Many customers at once, for a program: all of them or none, as one command.

use std::collections::BTreeSet;

use rapport_domain::{
    access::{Ability, Kind},
    customer::{CustomerPatch, Field, NewCustomer},
    error::AppError,
    id::{BatchId, CustomerId},
    journal::{Op, Receipt},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::command::{creation, edit, moved};
use crate::{
    Ctx, Error, Result,
    journal::{self, Change, Command},
    seen::Seen,
    sql::sql,
};

/// The most that are done at once.
pub const MANY_MAX: usize = 1_000;
/// The command.
const COMMAND: &str = "edit customers";

/// One of many.
#[derive(Debug, Clone)]
pub enum Step {
    /// Makes a customer.
    Create(NewCustomer),
    /// Changes one.
    Save(CustomerId, Seen, CustomerPatch),
    /// Moves one to the trash.
    Trash(CustomerId, Seen),
    /// Takes one out of the trash.
    Restore(CustomerId, Seen),
}

impl Step {
    /// Which customer it is about.
    #[must_use]
    pub fn id(&self) -> CustomerId {
        match self {
            Self::Create(new) => new.id,
            Self::Save(id, ..) | Self::Trash(id, _) | Self::Restore(id, _) => *id,
        }
    }
}

/// Says no to who may do none of it to any customer.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn may(ctx: &Ctx) -> Result<()> {
    let abilities = [Ability::Create, Ability::Update, Ability::Delete];
    if abilities
        .iter()
        .any(|ability| ctx.actor().may(Kind::Customer, *ability))
    {
        Ok(())
    } else {
        Err(AppError::Forbidden.into())
    }
}

/// What came of all of them.
#[derive(Debug)]
pub enum Outcome {
    /// All of them are done: the command, none where nothing changed, and the receipts in their order.
    Done(Option<BatchId>, Vec<Receipt>),
    /// None of them is done: by their places, why.
    Refused(Vec<(usize, AppError)>),
}

/// Does all of them as one command of this id, or none. Asked again under the same id, nothing is done twice.
///
/// # Errors
/// When the database does not answer.
pub async fn all(ctx: &Ctx, id: BatchId, steps: Vec<Step>) -> Result<Outcome> {
    let ids: Vec<Uuid> = steps.iter().map(|step| step.id().0).collect();
    let tx = ctx.db().begin().await?;
    lock_in_order(&tx, ids.clone()).await?;
    // Only now: the same request may have been at it while this one waited.
    if let Some(before) = done_before(&tx, ctx, id, &ids).await? {
        return Ok(before);
    }
    let (mut changes, mut receipts, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    let mut named = BTreeSet::new();
    for (place, step) in steps.into_iter().enumerate() {
        if !named.insert(step.id()) {
            wrong.push((place, AppError::invalid("id", "Please name each customer once.")));
            continue;
        }
        match prepared(&tx, ctx, step).await {
            Ok((receipt, more)) => {
                receipts.push(Receipt {
                    batch: (!more.is_empty()).then_some(id),
                    ..receipt
                });
                changes.extend(more);
            }
            Err(Error::Told(error)) => wrong.push((place, error)),
            Err(error) => return Err(error),
        }
    }
    if !wrong.is_empty() {
        return Ok(Outcome::Refused(wrong));
    }
    if changes.is_empty() {
        return Ok(Outcome::Done(None, receipts));
    }
    let joins = |change: &&Change| {
        change
            .after
            .get("company_id")
            .is_some_and(|company| !company.is_null())
    };
    let joining: Vec<Uuid> = changes.iter().filter(joins).map(|change| change.record).collect();
    match journal::write(&tx, id, &Command::of(ctx, COMMAND), changes).await {
        Ok(_) => {
            let wrong = misplaced(&tx, &ids, joining).await?;
            if !wrong.is_empty() {
                return Ok(Outcome::Refused(wrong));
            }
            tx.commit().await?;
        }
        // The same request came twice at once, and there was nothing to wait for.
        Err(error) if journal::is_id_in_use(&error) => {
            tx.rollback().await?;
            let sentence = "Something else was made under this key before. Please send a new one.";
            let before = done_before(ctx.db(), ctx, id, &ids).await?;
            return before.ok_or_else(|| AppError::invalid("Idempotency-Key", sentence).into());
        }
        Err(error) => return Err(error),
    }
    Ok(Outcome::Done(Some(id), receipts))
}

#[derive(FromQueryResult)]
struct Misplaced {
    id: Uuid,
}

/// Those that are to belong to what is no company any more, or lies in the trash, once all steps are done, by their places:
/// each step was looked at before any was done.
async fn misplaced(
    tx: &DatabaseTransaction,
    ids: &[Uuid],
    joining: Vec<Uuid>,
) -> Result<Vec<(usize, AppError)>> {
    let statement = sql(
        "SELECT p.id FROM customer p JOIN customer c ON c.id = p.company_id \
         WHERE p.id = ANY($1) AND (c.kind <> 'company' OR c.deleted_at IS NOT NULL)",
        [joining.into()],
    );
    let sentence = "Another step makes this no company that somebody could belong to.";
    let found = Misplaced::find_by_statement(statement).all(tx).await?;
    let wrong = found.into_iter().filter_map(|one| {
        let place = ids.iter().position(|id| *id == one.id)?;
        Some((place, AppError::invalid(Field::Company.word(), sentence)))
    });
    Ok(wrong.collect())
}

async fn lock_in_order(tx: &DatabaseTransaction, ids: Vec<Uuid>) -> Result<()> {
    let statement = sql(
        "SELECT 1 FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        [ids.into()],
    );
    tx.query_all_raw(statement).await?;
    Ok(())
}

/// The changes of a step, and the receipt for when they are written.
async fn prepared(tx: &DatabaseTransaction, ctx: &Ctx, step: Step) -> Result<(Receipt, Vec<Change>)> {
    let (id, (stands, changes)) = match step {
        Step::Create(new) => {
            let id = new.id;
            let (made, contacts) = creation(tx, ctx, new).await?;
            (id, (0, std::iter::once(made).chain(contacts).collect()))
        }
        Step::Save(id, seen, patch) => {
            let (row, changes) = edit(tx, ctx, id, seen, patch).await?;
            (id, (row.version, changes))
        }
        Step::Trash(id, seen) => {
            let (row, change) = moved(tx, ctx, id, seen, Op::Trash).await?;
            (id, (row.version, change.into_iter().collect::<Vec<_>>()))
        }
        Step::Restore(id, seen) => {
            let (row, change) = moved(tx, ctx, id, seen, Op::Restore).await?;
            (id, (row.version, change.into_iter().collect()))
        }
    };
    let receipt = Receipt {
        record: id.0,
        version: stands + i64::from(!changes.is_empty()),
        batch: None,
    };
    Ok((receipt, changes))
}

#[derive(FromQueryResult)]
struct Stands {
    id: Uuid,
    version: i64,
}

/// What was done by the command of this id before, with the versions that stand by now.
async fn done_before(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    id: BatchId,
    ids: &[Uuid],
) -> Result<Option<Outcome>> {
    let statement = sql(
        "SELECT c.id, c.version FROM batch b JOIN customer c ON c.id = ANY($3) \
         WHERE b.id = $1 AND b.actor = $2 AND b.command = $4",
        [
            id.0.into(),
            ctx.actor().user.0.into(),
            ids.to_vec().into(),
            COMMAND.into(),
        ],
    );
    let rows = Stands::find_by_statement(statement).all(db).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let version = |id: &Uuid| rows.iter().find(|row| row.id == *id).map_or(1, |row| row.version);
    let receipts = ids.iter().map(|record| Receipt {
        record: *record,
        version: version(record),
        batch: Some(id),
    });
    Ok(Some(Outcome::Done(Some(id), receipts.collect())))
}
