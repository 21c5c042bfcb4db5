//! The journal's changes as events: what each command did to each record.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    event::{Event, EventKind, EventType, Happened},
    id::BatchId,
    journal::Op,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::{
    Error, Result,
    journal::{CONTACT_KIND, RecordKind},
    sql::sql,
};

/// What counts as the last moments.
const MOMENTS: TimeDelta = TimeDelta::seconds(10);
/// How far behind the others a transaction that is under way may have drawn its numbers.
const LATE: i64 = 5_000;

/// A change as the journal has it.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Row {
    /// Its number.
    pub(crate) seq: i64,
    batch: Uuid,
    kind: String,
    record: Uuid,
    subject: Uuid,
    version: i64,
    op: String,
    at: DateTime<Utc>,
    actor: Option<Uuid>,
    via: String,
    fields: Vec<String>,
    contact: Option<String>,
    owner: Option<Uuid>,
    team: Option<Uuid>,
    /// Whose it was, where that changed.
    gave: bool,
    owner_before: Option<Uuid>,
    team_before: Option<Uuid>,
    /// Who kept an appointment, where that changed.
    kept_before: Vec<Uuid>,
}

/// Whose a record is and was: owner and team.
pub(crate) struct Whose {
    pub(crate) now: (Option<Uuid>, Option<Uuid>),
    pub(crate) before: (Option<Uuid>, Option<Uuid>),
}

/// Who keeps an appointment, each with their team, and who kept it before.
#[derive(Default)]
pub(crate) struct Keepers {
    pub(crate) now: Vec<(Uuid, Option<Uuid>)>,
    pub(crate) before: Vec<Uuid>,
    /// Whose its customer is: owner and team.
    pub(crate) customer: Option<(Option<Uuid>, Option<Uuid>)>,
}

/// An event, and the command that it comes from.
pub(crate) struct Told {
    /// The number of the last change that it tells of.
    pub(crate) seq: i64,
    pub(crate) batch: BatchId,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: Option<Uuid>,
    pub(crate) via: String,
    pub(crate) whose: Whose,
    /// Of an appointment, once they were looked up.
    pub(crate) keepers: Keepers,
    pub(crate) event: Event,
}

/// What is read of a change `c` and its command `b`.
fn select(which: &str) -> String {
    format!(
        "SELECT c.seq, c.batch, c.kind, c.record, c.subject, c.version, c.op, \
                c.at, b.actor, b.via, {CONTACT_KIND} AS contact, c.owner, c.team, \
                coalesce(c.kind = 'customer' AND jsonb_exists(c.before, 'owner_id'), FALSE) AS gave, \
                (c.before ->> 'owner_id')::uuid AS owner_before, \
                CASE WHEN jsonb_exists(c.before, 'team_id') THEN (c.before ->> 'team_id')::uuid ELSE c.team END AS team_before, \
                ARRAY(SELECT k::uuid FROM jsonb_array_elements_text( \
                  CASE WHEN c.kind = 'appointment' THEN c.before -> 'staff' END) AS k) AS kept_before, \
                ARRAY(SELECT jsonb_object_keys(coalesce(c.before, '{{}}') || coalesce(c.after, '{{}}'))) AS fields \
         FROM change c JOIN batch b ON b.id = c.batch WHERE {which} ORDER BY c.seq"
    )
}

/// The changes behind `after` up to `upto`, at most so many, in order. What one command did to one customer, which it
/// writes in one piece, is not cut in two.
pub(crate) async fn changes(
    db: &impl ConnectionTrait,
    after: i64,
    upto: i64,
    most: usize,
) -> Result<Vec<Row>> {
    let text = format!("{} LIMIT $3", select("c.seq > $1 AND c.seq <= $2"));
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let statement = sql(&text, [after.into(), upto.into(), limit.into()]);
    let mut rows = Row::find_by_statement(statement).all(db).await?;
    if rows.len() == most {
        let last = rows.last().map(|row| (row.batch, row.subject));
        let whole = rows
            .iter()
            .rposition(|row| Some((row.batch, row.subject)) != last);
        rows.truncate(whole.map_or(most, |place| place + 1));
    }
    Ok(rows)
}

/// These changes, in order.
pub(crate) async fn numbered(db: &impl ConnectionTrait, numbers: Vec<i64>) -> Result<Vec<Row>> {
    let statement = sql(&select("c.seq = ANY($1)"), [numbers.into()]);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

#[derive(FromQueryResult)]
struct Number {
    seq: i64,
}

/// The numbers of the changes behind `after` up to `upto`, at most so many.
pub(crate) async fn numbers(
    db: &impl ConnectionTrait,
    after: i64,
    upto: i64,
    most: usize,
) -> Result<Vec<i64>> {
    let statement = sql(
        "SELECT seq FROM change WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        [
            after.into(),
            upto.into(),
            i64::try_from(most).unwrap_or(i64::MAX).into(),
        ],
    );
    let numbers = Number::find_by_statement(statement).all(db).await?;
    Ok(numbers.into_iter().map(|number| number.seq).collect())
}

/// The numbers, close below a place, of what was written by transactions that were under way when it was read.
pub(crate) async fn late(db: &impl ConnectionTrait, upto: i64, open: i64) -> Result<Vec<i64>> {
    let statement = sql(
        "SELECT seq FROM change WHERE seq > $1 AND seq <= $2 AND transaction >= $3::text::xid8 ORDER BY seq",
        [(upto - LATE).into(), upto.into(), open.to_string().into()],
    );
    let numbers = Number::find_by_statement(statement).all(db).await?;
    Ok(numbers.into_iter().map(|number| number.seq).collect())
}

/// The number behind which lies all that was begun in the last moments, whatever was written meanwhile by what was begun
/// before: no writer takes longer, and no page takes longer to be read.
pub(crate) async fn moments_ago(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<i64> {
    // OFFSET keeps PostgreSQL at the index of times: few are as late, and the lowest number may be far behind.
    let statement = sql(
        "SELECT coalesce((SELECT min(l.seq) - 1 FROM (SELECT seq FROM change WHERE at > $1 OFFSET 0) AS l), \
                         (SELECT max(seq) FROM change), 0) AS seq",
        [(now - MOMENTS).into()],
    );
    let before = Number::find_by_statement(statement).one(db).await?;
    Ok(before.map_or(0, |before| before.seq))
}

#[derive(FromQueryResult)]
struct Keeper {
    appointment: Uuid,
    staff: Uuid,
    team: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct Owned {
    id: Uuid,
    owner_id: Option<Uuid>,
    team_id: Option<Uuid>,
}

/// Looks up who keeps the appointments of events, and whose their customers are.
pub(crate) async fn look_up_keepers(db: &impl ConnectionTrait, told: &mut [Told]) -> Result<()> {
    let bookings = || {
        told.iter()
            .filter(|told| told.event.what.kind == EventKind::Appointment)
    };
    let appointments: Vec<Uuid> = bookings().map(|told| told.event.record).collect();
    if appointments.is_empty() {
        return Ok(());
    }
    let customers: Vec<Uuid> = bookings().filter_map(|told| told.event.customer).collect();
    let keepers = sql(
        "SELECT appointment, staff, team FROM appointment_staff WHERE appointment = ANY($1)",
        [appointments.into()],
    );
    let mut kept = HashMap::<Uuid, Vec<(Uuid, Option<Uuid>)>>::new();
    for keeper in Keeper::find_by_statement(keepers).all(db).await? {
        kept.entry(keeper.appointment)
            .or_default()
            .push((keeper.staff, keeper.team));
    }
    let owned = sql(
        "SELECT id, owner_id, team_id FROM customer WHERE id = ANY($1)",
        [customers.into()],
    );
    let owned = Owned::find_by_statement(owned).all(db).await?.into_iter();
    let owned: HashMap<Uuid, _> = owned.map(|one| (one.id, (one.owner_id, one.team_id))).collect();
    for one in told {
        if one.event.what.kind == EventKind::Appointment {
            one.keepers.now = kept.get(&one.event.record).cloned().unwrap_or_default();
            one.keepers.customer = one.event.customer.and_then(|id| owned.get(&id).copied());
        }
    }
    Ok(())
}

/// The events that changes make, in order; changes that nobody is told of make none.
pub(crate) fn events(rows: &[Row]) -> Result<Vec<Told>> {
    let mut told = Vec::<Told>::new();
    let mut places = HashMap::<(Uuid, EventKind, Uuid), usize>::new();
    for row in rows {
        let kind: RecordKind = row.kind.parse().map_err(Error::Stored)?;
        let Some((of, record)) = about(kind, row) else {
            continue;
        };
        let happened = happened(kind, row.op.parse().map_err(Error::Stored)?);
        let place = *places.entry((row.batch, of, record)).or_insert(told.len());
        if place == told.len() {
            told.push(begun(row, of, record));
        }
        if let Some(one) = told.get_mut(place) {
            one.seq = row.seq;
            one.whose.now = (row.owner, row.team);
            if row.gave {
                one.whose.before = (row.owner_before, row.team_before);
            }
            one.keepers.before.extend(&row.kept_before);
            add(&mut one.event, kind, row, happened);
        }
    }
    Ok(told)
}

/// The users that changes are about: what they may see may be another thing now.
pub(crate) fn users(rows: &[Row]) -> HashSet<Uuid> {
    let users = rows.iter().filter(|row| row.kind == RecordKind::User.word());
    users.map(|row| row.record).collect()
}

/// Which record a change is about, as it is told: ways to reach a customer are parts of it.
fn about(kind: RecordKind, row: &Row) -> Option<(EventKind, Uuid)> {
    match kind {
        RecordKind::Customer => Some((EventKind::Customer, row.record)),
        RecordKind::ContactPoint | RecordKind::ExternalRef => Some((EventKind::Customer, row.subject)),
        RecordKind::Activity => Some((EventKind::Note, row.record)),
        RecordKind::Appointment => Some((EventKind::Appointment, row.record)),
        _ => None,
    }
}

fn happened(kind: RecordKind, op: Op) -> Happened {
    match op {
        Op::Create if kind.table().trash => Happened::Created,
        Op::Trash => Happened::Trashed,
        Op::Restore => Happened::Restored,
        // What comes and goes with a customer changes it.
        _ => Happened::Updated,
    }
}

fn begun(row: &Row, kind: EventKind, record: Uuid) -> Told {
    let has_customer = kind == EventKind::Customer || row.subject != record;
    Told {
        seq: row.seq,
        batch: BatchId(row.batch),
        at: row.at,
        actor: row.actor,
        via: row.via.clone(),
        whose: Whose {
            now: (row.owner, row.team),
            before: (row.owner, row.team),
        },
        keepers: Keepers::default(),
        event: Event {
            what: EventType {
                kind,
                happened: Happened::Updated,
            },
            record,
            customer: has_customer.then_some(row.subject),
            version: 0,
            fields: Vec::new(),
        },
    }
}

/// Adds a change to the event that tells of it.
fn add(event: &mut Event, kind: RecordKind, row: &Row, happened: Happened) {
    if happened != Happened::Updated {
        event.what.happened = happened;
    }
    event.version = event.version.max(row.version);
    let names = row.fields.iter().filter_map(|column| field(kind, column, row));
    let mut fields: BTreeSet<String> = names.map(str::to_owned).collect();
    fields.extend(std::mem::take(&mut event.fields));
    event.fields = fields.into_iter().collect();
}

/// A column as the REST API calls it.
fn field<'a>(kind: RecordKind, column: &'a str, row: &Row) -> Option<&'a str> {
    match (kind, column) {
        (RecordKind::ContactPoint, _) => match row.contact.as_deref() {
            Some("email") => Some("emails"),
            Some("phone") => Some("phones"),
            _ => Some("links"),
        },
        (RecordKind::ExternalRef, _) => Some("external_refs"),
        (RecordKind::Activity, "kind" | "customer_id") => None,
        (RecordKind::Appointment, "staff") => Some("staff_ids"),
        (RecordKind::Appointment, "ends_at") => Some("minutes"),
        (RecordKind::Appointment, "zone" | "local_start") => None,
        _ => Some(column),
    }
}
