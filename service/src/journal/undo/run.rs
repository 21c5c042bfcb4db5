//! An undo at work, a chunk at a time.

use std::collections::{BTreeMap, HashMap, HashSet};

use rapport_domain::{
    appointment::Status,
    customer::{ContactKind, Field},
    error::AppError,
    id::BatchId,
    journal::{Kept, Op, Standing, UndoReport, Via},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, TransactionTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    CHUNK, Head, Progress, Recorded,
    ground::{Ground, Subject, place},
    other,
};
use crate::{
    Ctx, Error, Result,
    journal::{
        Batch, CONTACT_KIND, Change, Command, Fields, RecordKind, State, append, close, fields, open,
        right::OWNERSHIP,
    },
    seal,
    sql::sql,
};

/// The most exceptions that a report lists; it counts them all.
const KEPT_MAX: usize = 100;
/// Why an appointment does not take the time of those who keep it again.
const KEEPER_GONE: &str = "You may not book for who keeps it, or they do not work here any more.";
/// Why a field is not put back.
const LATER_STAYS: &str = "It was changed since; the later value stays.";

/// An undo at work.
pub(super) struct Run<'a> {
    ctx: &'a Ctx,
    target: BatchId,
    /// Who made what the batch made, and may have gone on with it since: nobody for an import, of which all that was
    /// done by hand since is somebody's work.
    maker: Option<Uuid>,
    /// The state in which its batch is opened.
    opens: State,
    pub(super) progress: Progress,
    /// What this chunk left alone, so that each is counted once: the customer, the field, why.
    left: HashSet<(Uuid, Option<String>, &'static str)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(ctx: &'a Ctx, target: BatchId, head: &Head, mut progress: Progress) -> Self {
        progress.of = u64::try_from(head.changes).unwrap_or_default();
        Self {
            ctx,
            target,
            maker: head.actor.filter(|_| head.via != Via::Import.word()),
            opens: if head.changes > CHUNK {
                State::Running
            } else {
                State::Done
            },
            progress,
            left: HashSet::new(),
        }
    }

    /// Takes back the next chunk, newest change first; gives false when there is none left.
    pub(super) async fn step(&mut self, tx: &DatabaseTransaction) -> Result<bool> {
        let text = format!(
            "SELECT c.seq, c.kind, c.record, c.subject, c.op, {CONTACT_KIND} AS contact, c.before, c.after \
             FROM change c WHERE c.batch = $1 AND c.seq < $2 ORDER BY c.seq DESC LIMIT $3"
        );
        let before = self.progress.before.unwrap_or(i64::MAX);
        let recorded = sql(&text, [self.target.0.into(), before.into(), CHUNK.into()]);
        let recorded = Recorded::find_by_statement(recorded).all(tx).await?;
        let Some(first) = recorded.last().map(|change| change.seq) else {
            return Ok(false);
        };
        self.progress.before = Some(first);
        self.progress.done += recorded.len() as u64;
        self.left.clear();
        let own = self.progress.batch.as_ref().map(|batch| batch.id);
        let mut ground = Ground::lay(tx, self.ctx, self.target, own, &recorded).await?;
        let mut changes = Vec::new();
        for change in recorded {
            if let Some(inverse) = self.inverse(&ground, change)?
                && !self.drops_last_type(&mut ground, &inverse)
            {
                ground.note(inverse.subject, inverse.kind, inverse.op, &inverse.after);
                changes.push(inverse);
            }
        }
        self.write(tx, &ground, merged(changes)).await?;
        Ok(true)
    }

    /// Works out what takes one change back, or notes why it stays.
    fn inverse(&mut self, ground: &Ground, change: Recorded) -> Result<Option<Change>> {
        let kind: RecordKind = change.kind.parse().map_err(Error::Stored)?;
        let op: Op = change.op.parse().map_err(Error::Stored)?;
        if kind != RecordKind::Customer && ground.made_here.contains(&change.subject) {
            // It came with its customer and goes with it.
            return Ok(None);
        }
        let found = if kind.is_of_customer() {
            ground.subjects.get(&change.subject).map(|subject| {
                let right = subject.right(self.ctx.actor());
                (about(subject), right.sees(), right.refusal(kind, op))
            })
        } else {
            ground.others.get(&change.record).map(|other| {
                let fields = change.after.as_ref().and_then(Value::as_object);
                let refusal = other.refusal(kind, op, fields.unwrap_or(&Fields::new()));
                ((change.record, other.name.as_str()), other.sees, refusal)
            })
        };
        let Some((about, sees, refusal)) = found else {
            return Err(AppError::refused("This cannot be taken back.").into());
        };
        if !sees {
            self.leave_unseen(about.0);
            return Ok(None);
        }
        if let Some(reason) = refusal {
            self.keep(about, None, reason);
            return Ok(None);
        }
        if kind == RecordKind::Appointment && op == Op::Trash && !ground.may_come_back(change.record) {
            self.keep(about, None, KEEPER_GONE);
            return Ok(None);
        }
        if op == Op::Create && ground.added_to(kind, &change, self.maker) {
            self.keep(about, None, "It was added to since; it stays.");
            return Ok(None);
        }
        if op == Op::Update && kind != RecordKind::ContactPoint {
            return Ok(self.put_back(ground, about, kind, change));
        }
        match ground.standing(&place(kind, &change), self.target) {
            Standing::Top => Ok(Some(turned(kind, op, change))),
            Standing::Covered => {
                match list_label(&change) {
                    Some(list) => self.keep(about, Some(list), LATER_STAYS),
                    None => self.keep(about, None, "It was removed or brought back since."),
                }
                Ok(None)
            }
            Standing::Undone => {
                self.progress.already += 1;
                Ok(None)
            }
        }
    }

    /// Whether an inverse would leave no type of appointment in use; then it is left.
    fn drops_last_type(&mut self, ground: &mut Ground, inverse: &Change) -> bool {
        let drops = inverse.op == Op::Remove || inverse.after.get("active") == Some(&json!(false));
        if inverse.kind != RecordKind::AppointmentType || !drops || !ground.drops_last_type(inverse.record) {
            return false;
        }
        let name = ground.name(inverse.record).to_owned();
        self.keep(
            (inverse.record, &name),
            None,
            "One type has to stay in use, or nothing could be booked.",
        );
        true
    }

    /// Puts back those fields that nobody touched since.
    fn put_back(
        &mut self,
        ground: &Ground,
        about: (Uuid, &str),
        kind: RecordKind,
        change: Recorded,
    ) -> Option<Change> {
        let mut was = fields(change.before.unwrap_or_default());
        let became = fields(change.after.unwrap_or_default());
        let mut back = Change::bare(kind, change.record, change.subject, Op::Update);
        let stays = self.kept_people(ground, &back, &was, &became);
        for (field, became) in became {
            let because = stays
                .filter(|(fields, _)| fields.contains(&field.as_str()))
                .map(|(_, reason)| reason);
            match ground.field_standing(kind, change.record, &field, self.target) {
                Standing::Undone => self.progress.already += 1,
                Standing::Covered => self.keep(about, Some(label(kind, &field)), LATER_STAYS),
                Standing::Top => match because {
                    Some(reason) => self.keep(about, Some(label(kind, &field)), reason),
                    None => {
                        let value = was.remove(&field).unwrap_or(Value::Null);
                        back.after.insert(field.clone(), value);
                        back.before.insert(field, became);
                    }
                },
            }
        }
        if let Some(subject) = ground
            .subjects
            .get(&change.subject)
            .filter(|_| kind == RecordKind::Customer)
        {
            self.keep_company(ground, subject, &mut back);
        }
        (!back.after.is_empty()).then_some(back)
    }

    /// The fields that say whose the record is, and why they may not be put back, if so.
    fn kept_people(
        &self,
        ground: &Ground,
        back: &Change,
        was: &Fields,
        became: &Fields,
    ) -> Option<(&'static [&'static str], &'static str)> {
        match back.kind {
            RecordKind::Customer => {
                let right = ground.subjects.get(&back.subject)?.right(self.ctx.actor());
                let reason = right.owner_refusal(was, &ground.active)?;
                Some((&OWNERSHIP, reason))
            }
            RecordKind::Appointment if became.get("status") == Some(&json!(Status::Cancelled.word())) => {
                (!ground.may_take_time(back.record)).then_some((&["status", "reason"], KEEPER_GONE))
            }
            RecordKind::Appointment => {
                let gone = was
                    .get("staff")
                    .is_some_and(|staff| !other::all_among(staff, &ground.keepers));
                gone.then_some((
                    &["staff"],
                    "You may not book for who kept it before, or they do not work here any more.",
                ))
            }
            _ => None,
        }
    }

    /// Leaves kind and company as they are where together they would be what no customer is.
    fn keep_company(&mut self, ground: &Ground, subject: &Subject, back: &mut Change) {
        let of_company = [Field::Kind, Field::Company];
        if !of_company
            .iter()
            .any(|field| back.after.contains_key(field.word()))
        {
            return;
        }
        let Some(reason) = ground.company_refusal(subject, &back.after) else {
            return;
        };
        for field in of_company {
            back.before.remove(field.word());
            if back.after.remove(field.word()).is_some() {
                self.keep(about(subject), Some(field.label().to_owned()), reason);
            }
        }
    }

    async fn write(&mut self, tx: &DatabaseTransaction, ground: &Ground, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let batch = match self.progress.batch.take() {
            Some(batch) => batch,
            None => {
                let command = Command {
                    undo_of: Some(self.target),
                    via: self.progress.via.unwrap_or(self.ctx.via()),
                    ..Command::of(self.ctx, "undo")
                };
                open(tx, self.ctx.clock().new_id(), &command, self.opens).await?
            }
        };
        let fresh = untouched(tx, &batch, &changes).await?;
        let whole = tx.begin().await?;
        match append_together(&whole, self.ctx.service().key(), &batch, changes.clone()).await {
            Ok(()) => {
                whole.commit().await?;
                self.progress.report.undone += fresh.len() as u64;
            }
            Err(error) if is_refusal(&error) => {
                whole.rollback().await?;
                self.write_one_by_one(tx, ground, &batch, changes, &fresh).await?;
            }
            Err(error) => return Err(error),
        }
        self.progress.batch = Some(batch);
        Ok(())
    }

    /// After a constraint refused a chunk: what it refuses is reported, the rest is undone.
    async fn write_one_by_one(
        &mut self,
        tx: &DatabaseTransaction,
        ground: &Ground,
        batch: &Batch,
        changes: Vec<Change>,
        fresh: &HashSet<Uuid>,
    ) -> Result<()> {
        let mut by_record = BTreeMap::<Uuid, Vec<Change>>::new();
        for change in changes {
            by_record.entry(holder(&change)).or_default().push(change);
        }
        for (id, changes) in by_record {
            let one = tx.begin().await?;
            match append(&one, self.ctx.service().key(), batch, changes).await {
                Ok(()) => {
                    one.commit().await?;
                    self.progress.report.undone += u64::from(fresh.contains(&id));
                }
                Err(error) if is_refusal(&error) => {
                    one.rollback().await?;
                    self.keep((id, ground.name(id)), None, refusal(&error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Closes the batch, if something was written.
    pub(super) async fn finish(&mut self, tx: &DatabaseTransaction) -> Result<()> {
        let report = &mut self.progress.report;
        if let Some(batch) = &self.progress.batch {
            let counts = json!({ "undone": report.undone, "left": report.left });
            close(tx, batch, State::Done, counts).await?;
            report.batch = Some(batch.id);
        }
        Ok(())
    }

    /// What the person is told.
    pub(super) fn outcome(self) -> Result<UndoReport> {
        let Progress {
            report, out_of_sight, ..
        } = self.progress;
        if report.batch.is_some() || report.left > out_of_sight {
            Ok(report)
        } else if out_of_sight > 0 {
            Err(AppError::NotFound.into())
        } else {
            Err(AppError::refused("This was taken back already.").into())
        }
    }

    fn leave_unseen(&mut self, id: Uuid) {
        if self.left.insert((id, None, "")) {
            self.progress.out_of_sight += 1;
            self.progress.report.left += 1;
        }
    }

    fn keep(&mut self, (id, name): (Uuid, &str), field: Option<String>, reason: &'static str) {
        if !self.left.insert((id, field.clone(), reason)) {
            return;
        }
        self.progress.report.left += 1;
        if self.progress.report.kept.len() < KEPT_MAX {
            self.progress.report.kept.push(Kept {
                subject: id,
                name: name.to_owned(),
                field,
                reason: reason.to_owned(),
            });
        }
    }
}

/// What takes a change back as a whole.
fn turned(kind: RecordKind, op: Op, change: Recorded) -> Change {
    let (was, became) = (
        fields(change.before.unwrap_or_default()),
        fields(change.after.unwrap_or_default()),
    );
    let inverse = kind.inverse(op);
    let (before, after) = match inverse {
        Op::Update => (became, was),
        Op::Create => (Fields::new(), was),
        Op::Remove => (became, Fields::new()),
        Op::Trash | Op::Restore => (Fields::new(), Fields::new()),
    };
    Change {
        before,
        after,
        ..Change::bare(kind, change.record, change.subject, inverse)
    }
}

/// Makes one update of several that a chunk holds of a record, the newest first: from what the newest left to what the
/// oldest found.
fn merged(changes: Vec<Change>) -> Vec<Change> {
    let mut places = HashMap::<(RecordKind, Uuid), usize>::new();
    let mut merged = Vec::<Change>::with_capacity(changes.len());
    for change in changes {
        let key = (change.kind, change.record);
        let newer = places.get(&key).and_then(|place| merged.get_mut(*place));
        match newer.filter(|_| change.op == Op::Update) {
            Some(newer) => {
                newer.after.extend(change.after);
                for (field, value) in change.before {
                    newer.before.entry(field).or_insert(value);
                }
            }
            None => {
                if change.op == Op::Update {
                    places.insert(key, merged.len());
                }
                merged.push(change);
            }
        }
    }
    merged
}

#[derive(FromQueryResult)]
struct Untouched {
    id: Uuid,
}

/// The customers and other records of these changes that the batch has not touched yet, so that each is counted once.
async fn untouched(tx: &DatabaseTransaction, batch: &Batch, changes: &[Change]) -> Result<HashSet<Uuid>> {
    let held: HashMap<Uuid, Uuid> = changes
        .iter()
        .map(|change| (holder(change), change.subject))
        .collect();
    let (holders, subjects): (Vec<_>, Vec<_>) = held.into_iter().unzip();
    let statement = sql(
        "SELECT s.id FROM unnest($1::uuid[], $2::uuid[]) AS s (id, subject) \
         WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.subject = s.subject AND s.id IN (c.subject, c.record) \
                             AND c.batch = $3)",
        [holders.into(), subjects.into(), batch.id.0.into()],
    );
    let untouched = Untouched::find_by_statement(statement).all(tx).await?;
    Ok(untouched.into_iter().map(|subject| subject.id).collect())
}

/// The name for people of the list of contact points that a change is about, if it is about one.
fn list_label(change: &Recorded) -> Option<String> {
    let kind: ContactKind = change.contact.as_deref()?.parse().ok()?;
    Some(kind.field().label().to_owned())
}

/// A column's name for people.
fn label(kind: RecordKind, column: &str) -> String {
    if OWNERSHIP.contains(&column) {
        // The team comes with the owner.
        return Field::Owner.label().to_owned();
    }
    match (kind, kind.field_of(column)) {
        (RecordKind::Customer, column) => match column.parse::<Field>() {
            Ok(field) => field.label().to_owned(),
            Err(_) => column.replace('_', " "),
        },
        (RecordKind::Appointment, "starts_at") => "Time".to_owned(),
        (RecordKind::Appointment, "type_id") => "Type".to_owned(),
        (_, column) => column.replace('_', " "),
    }
}

/// The record that a change is counted and reported under: the customer that it is a part of, or itself.
fn holder(change: &Change) -> Uuid {
    if change.kind.is_of_customer() {
        change.subject
    } else {
        change.record
    }
}

fn about(subject: &Subject) -> (Uuid, &str) {
    (subject.id, &subject.name)
}

/// Writes changes in one go. Several appointments may change places: whether they overlap is asked once all have moved.
async fn append_together(
    tx: &DatabaseTransaction,
    key: Option<&seal::Key>,
    batch: &Batch,
    changes: Vec<Change>,
) -> Result<()> {
    let bookings = changes
        .iter()
        .filter(|change| change.kind == RecordKind::Appointment);
    let together = bookings.count() > 1;
    if together {
        tx.execute_unprepared("SET CONSTRAINTS appointment_staff_overlap DEFERRED")
            .await?;
    }
    append(tx, key, batch, changes).await?;
    if together {
        tx.execute_unprepared("SET CONSTRAINTS appointment_staff_overlap IMMEDIATE")
            .await?;
    }
    Ok(())
}

/// Whether a constraint said no: an integrity violation, SQLSTATE class 23.
fn is_refusal(error: &Error) -> bool {
    error.sql_state().is_some_and(|state| state.starts_with("23"))
}

/// What a person is told of a constraint that said no.
fn refusal(error: &Error) -> &'static str {
    if error.is_of_last_admin() {
        return "There has to be an admin.";
    }
    match error.sql_state().as_deref() {
        // An exclusion: somebody keeps something else at that time.
        Some("23P01") => "Its time is taken by now.",
        _ => "Something else has taken its place.",
    }
}
