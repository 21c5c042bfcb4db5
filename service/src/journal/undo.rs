//! Takes a batch back. That is itself a batch, so that taking it back again is the redo.
//!
//! What somebody changed since stays as it is and is reported; so is what the person may not change, and what a
//! constraint refuses. Works chunk by chunk, each a transaction, newest change first.

use std::collections::{BTreeMap, HashMap, HashSet};

use rapport_domain::{
    access::{Ability, Kind},
    customer::Field,
    error::AppError,
    id::{BatchId, TeamId, UserId},
    journal::{Kept, LIFE, Op, Standing, Touch, UndoReport, standing},
};
use sea_orm::{DatabaseTransaction, FromQueryResult, TransactionTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Batch, Change, Command, Fields, RecordKind, State, append, close, fields, open};
use crate::{Ctx, Error, Result, sql::sql};

/// Changes taken back in one transaction.
const CHUNK: u64 = 1_000;
/// The most exceptions that a report lists; it counts them all.
const KEPT_MAX: usize = 100;

/// Takes a batch back as far as the actor may and nothing stands on it.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such batch or nothing of it is in sight; [`AppError::Refused`] when it can
/// never be taken back, still runs, or was taken back already.
pub async fn undo(ctx: &Ctx, target: BatchId) -> Result<UndoReport> {
    let head = head(ctx, target).await?;
    let command = Command {
        undo_of: Some(target),
        ..Command::of(ctx, "undo")
    };
    let mut run = Run {
        ctx,
        target,
        maker: head.actor,
        id: ctx.clock().new_id(),
        command,
        batch: None,
        report: UndoReport::default(),
        already: 0,
        out_of_sight: 0,
    };
    let mut before = i64::MAX;
    while let Some(next) = run.chunk(before).await? {
        before = next;
    }
    run.finish().await
}

#[derive(FromQueryResult)]
struct Head {
    actor: Option<Uuid>,
    state: String,
    why_not: Option<String>,
}

async fn head(ctx: &Ctx, target: BatchId) -> Result<Head> {
    let statement = sql(
        "SELECT actor, state, why_not FROM batch WHERE id = $1",
        [target.0.into()],
    );
    let head = Head::find_by_statement(statement)
        .one(ctx.db())
        .await?
        .ok_or(AppError::NotFound)?;
    if let Some(reason) = head.why_not {
        return Err(AppError::refused(reason).into());
    }
    if head.state == State::Running.word() {
        return Err(AppError::refused("This is still running.").into());
    }
    Ok(head)
}

#[derive(FromQueryResult)]
struct Recorded {
    seq: i64,
    kind: String,
    record: Uuid,
    subject: Uuid,
    op: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// The customer that changes are about, as it stands now, locked.
#[derive(FromQueryResult)]
struct Subject {
    id: Uuid,
    name: String,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct Line {
    kind: String,
    record: Uuid,
    subject: Uuid,
    op: String,
    fields: Vec<String>,
    batch: Uuid,
    undo_of: Option<Uuid>,
    actor: Option<Uuid>,
}

struct Run<'a> {
    ctx: &'a Ctx,
    target: BatchId,
    maker: Option<Uuid>,
    id: BatchId,
    command: Command,
    batch: Option<Batch>,
    report: UndoReport,
    already: u64,
    out_of_sight: u64,
}

impl Run<'_> {
    /// Takes back the changes before a place in the journal; gives the place to go on from.
    async fn chunk(&mut self, before: i64) -> Result<Option<i64>> {
        let tx = self.ctx.db().begin().await?;
        let recorded = Recorded::find_by_statement(sql(
            "SELECT seq, kind, record, subject, op, before, after FROM change \
             WHERE batch = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
            [self.target.0.into(), before.into(), CHUNK.into()],
        ))
        .all(&tx)
        .await?;
        let Some(first) = recorded.last().map(|change| change.seq) else {
            return Ok(None);
        };
        let ground = Ground::lay(&tx, self.target, &recorded, first).await?;
        let mut changes = Vec::new();
        for change in recorded {
            changes.extend(self.inverse(&ground, change)?);
        }
        self.write(&tx, &ground, changes).await?;
        tx.commit().await?;
        Ok(Some(first))
    }

    /// Works out what takes one change back, or notes why it stays.
    fn inverse(&mut self, ground: &Ground, change: Recorded) -> Result<Option<Change>> {
        let kind: RecordKind = change.kind.parse().map_err(Error::Stored)?;
        let op: Op = change.op.parse().map_err(Error::Stored)?;
        if kind != RecordKind::Customer && ground.made_here.contains(&change.subject) {
            // It came with its customer and goes with it.
            return Ok(None);
        }
        let Some(subject) = ground.subjects.get(&change.subject) else {
            return Err(AppError::refused("Only changes of customers can be taken back.").into());
        };
        if !self.sees(subject) {
            self.out_of_sight += 1;
            self.report.left += 1;
            return Ok(None);
        }
        if !self.may(subject, kind, op, change.before.as_ref()) {
            self.keep(subject, None, "You may not change this any more.");
            return Ok(None);
        }
        if op == Op::Create && ground.others_added(&change, self.maker) {
            self.keep(subject, None, "Others have added to it since; it stays.");
            return Ok(None);
        }
        let inverse = kind.inverse(op);
        if op == Op::Update {
            return Ok(self.put_back(ground, subject, kind, change));
        }
        match ground.standing(change.record, LIFE, self.target) {
            Standing::Top => {
                let after = if inverse == Op::Create {
                    fields(change.before.unwrap_or_default())
                } else {
                    Fields::new()
                };
                let before = if inverse == Op::Remove {
                    fields(change.after.unwrap_or_default())
                } else {
                    Fields::new()
                };
                Ok(Some(Change {
                    before,
                    after,
                    ..Change::bare(kind, change.record, change.subject, inverse)
                }))
            }
            Standing::Covered => {
                self.keep(subject, None, "It was removed or brought back since.");
                Ok(None)
            }
            Standing::Undone => {
                self.already += 1;
                Ok(None)
            }
        }
    }

    /// Puts back those fields that nobody touched since.
    fn put_back(
        &mut self,
        ground: &Ground,
        subject: &Subject,
        kind: RecordKind,
        change: Recorded,
    ) -> Option<Change> {
        let mut was = fields(change.before.unwrap_or_default());
        let mut back = Change::bare(kind, change.record, change.subject, Op::Update);
        for (field, became) in fields(change.after.unwrap_or_default()) {
            match ground.standing(change.record, &field, self.target) {
                Standing::Top if !ground.removed.contains(&change.record) => {
                    back.after
                        .insert(field.clone(), was.remove(&field).unwrap_or(Value::Null));
                    back.before.insert(field, became);
                }
                Standing::Top | Standing::Covered => {
                    let label = label(kind, &field);
                    self.keep(
                        subject,
                        Some(label),
                        "It was changed since; the later value stays.",
                    );
                }
                Standing::Undone => self.already += 1,
            }
        }
        (!back.after.is_empty()).then_some(back)
    }

    async fn write(&mut self, tx: &DatabaseTransaction, ground: &Ground, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => open(tx, self.id, &self.command, State::Running).await?,
        };
        let records: HashSet<Uuid> = changes.iter().map(|change| change.subject).collect();
        let whole = tx.begin().await?;
        match append(&whole, &batch, changes.clone()).await {
            Ok(()) => {
                whole.commit().await?;
                self.report.undone += records.len() as u64;
            }
            Err(error) if is_refusal(&error) => {
                whole.rollback().await?;
                self.write_one_by_one(tx, ground, &batch, changes).await?;
            }
            Err(error) => return Err(error),
        }
        self.batch = Some(batch);
        Ok(())
    }

    /// After a constraint refused a chunk: what it refuses is reported, the rest is undone.
    async fn write_one_by_one(
        &mut self,
        tx: &DatabaseTransaction,
        ground: &Ground,
        batch: &Batch,
        changes: Vec<Change>,
    ) -> Result<()> {
        let mut by_subject = BTreeMap::<Uuid, Vec<Change>>::new();
        for change in changes {
            by_subject.entry(change.subject).or_default().push(change);
        }
        for (subject, changes) in by_subject {
            let one = tx.begin().await?;
            match append(&one, batch, changes).await {
                Ok(()) => {
                    one.commit().await?;
                    self.report.undone += 1;
                }
                Err(error) if is_refusal(&error) => {
                    one.rollback().await?;
                    if let Some(subject) = ground.subjects.get(&subject) {
                        self.keep(subject, None, "Something else has taken its place.");
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<UndoReport> {
        let Some(batch) = self.batch.take() else {
            return if self.report.left > self.out_of_sight {
                Ok(self.report)
            } else if self.out_of_sight > 0 {
                Err(AppError::NotFound.into())
            } else {
                Err(AppError::refused("This was taken back already.").into())
            };
        };
        let counts = json!({ "undone": self.report.undone, "left": self.report.left });
        close(self.ctx.db(), &batch, State::Done, counts).await?;
        self.report.batch = Some(batch.id);
        Ok(self.report)
    }

    fn sees(&self, subject: &Subject) -> bool {
        self.reaches(Kind::Customer, Ability::Read, subject)
    }

    fn reaches(&self, kind: Kind, ability: Ability, subject: &Subject) -> bool {
        self.ctx
            .actor()
            .scope(kind, ability)
            .holds(subject.owner.map(UserId), subject.team.map(TeamId))
    }

    /// Whether the actor may do the inverse now.
    fn may(&self, subject: &Subject, kind: RecordKind, op: Op, before: Option<&Value>) -> bool {
        let record = if kind == RecordKind::Activity {
            Kind::Activity
        } else {
            Kind::Customer
        };
        let changes_owner = before.is_some_and(|before| before.get("owner_id").is_some());
        let ability = match op {
            Op::Update if kind == RecordKind::Customer && changes_owner => Ability::Assign,
            Op::Create | Op::Trash | Op::Restore if kind.table().trash => Ability::Delete,
            _ => Ability::Update,
        };
        self.reaches(record, ability, subject)
    }

    fn keep(&mut self, subject: &Subject, field: Option<String>, reason: &str) {
        self.report.left += 1;
        if self.report.kept.len() < KEPT_MAX {
            self.report.kept.push(Kept {
                subject: subject.id,
                name: subject.name.clone(),
                field,
                reason: reason.to_owned(),
            });
        }
    }
}

/// What a chunk stands on: its customers, locked, and all that happened to them since.
struct Ground {
    subjects: HashMap<Uuid, Subject>,
    /// Customers that the batch itself made.
    made_here: HashSet<Uuid>,
    touches: HashMap<(Uuid, String), Vec<Touch>>,
    /// Records without a trash that are not there any more.
    removed: HashSet<Uuid>,
    /// By customer: who else touched it later, in which batch.
    later: HashMap<Uuid, Vec<(Option<Uuid>, Touch)>>,
}

impl Ground {
    async fn lay(
        tx: &DatabaseTransaction,
        target: BatchId,
        recorded: &[Recorded],
        first: i64,
    ) -> Result<Self> {
        let ids: Vec<Uuid> = recorded
            .iter()
            .map(|change| change.subject)
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let subjects = Subject::find_by_statement(sql(
            "SELECT id, name, owner_id AS owner, team_id AS team FROM customer WHERE id = ANY($1) \
             ORDER BY id FOR UPDATE",
            [ids.clone().into()],
        ))
        .all(tx)
        .await?;
        let lines = Line::find_by_statement(sql(
            "SELECT c.kind, c.record, c.subject, c.op, c.batch, b.undo_of, b.actor, \
                    ARRAY(SELECT jsonb_object_keys(CASE WHEN c.op = 'update' THEN c.after ELSE '{}' END)) AS fields \
             FROM change c JOIN batch b ON b.id = c.batch \
             WHERE c.subject = ANY($1) AND (c.seq >= $2 OR c.batch = $3) ORDER BY c.seq",
            [ids.into(), first.into(), target.0.into()],
        ))
        .all(tx)
        .await?;
        let mut ground = Self {
            subjects: subjects
                .into_iter()
                .map(|subject| (subject.id, subject))
                .collect(),
            made_here: HashSet::new(),
            touches: HashMap::new(),
            removed: HashSet::new(),
            later: HashMap::new(),
        };
        for line in lines {
            ground.add(target, line);
        }
        Ok(ground)
    }

    fn add(&mut self, target: BatchId, line: Line) {
        let touch = Touch {
            batch: BatchId(line.batch),
            undo_of: line.undo_of.map(BatchId),
        };
        if touch.batch == target && line.kind == RecordKind::Customer.word() && line.op == Op::Create.word() {
            self.made_here.insert(line.record);
        }
        if touch.batch != target {
            self.later
                .entry(line.subject)
                .or_default()
                .push((line.actor, touch));
        }
        if line.op == Op::Remove.word() {
            self.removed.insert(line.record);
        } else {
            self.removed.remove(&line.record);
        }
        let fields = if line.op == Op::Update.word() {
            line.fields
        } else {
            vec![LIFE.to_owned()]
        };
        for field in fields {
            self.touches.entry((line.record, field)).or_default().push(touch);
        }
    }

    fn standing(&self, record: Uuid, field: &str, target: BatchId) -> Standing {
        let touches = self.touches.get(&(record, field.to_owned()));
        touches.map_or(Standing::Undone, |touches| standing(touches, target))
    }

    /// Whether somebody other than its maker changed the customer later, in a batch that was not taken back since.
    fn others_added(&self, change: &Recorded, maker: Option<Uuid>) -> bool {
        let Some(later) = self
            .later
            .get(&change.subject)
            .filter(|_| change.kind == RecordKind::Customer.word())
        else {
            return false;
        };
        let history: Vec<Touch> = later.iter().map(|(_, touch)| *touch).collect();
        later
            .iter()
            .filter(|(actor, touch)| *actor != maker && touch.undo_of.is_none())
            .any(|(_, touch)| standing(&history, touch.batch) != Standing::Undone)
    }
}

/// A column's name for people.
fn label(kind: RecordKind, column: &str) -> String {
    match column.parse::<Field>() {
        Ok(field) if kind == RecordKind::Customer => field.label().to_owned(),
        _ => column.replace('_', " "),
    }
}

/// True when a constraint said no: an integrity violation, SQLSTATE class 23.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Database(cause) if cause.sql_err().is_some())
}
