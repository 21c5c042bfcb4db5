//! The timeline: what the journal holds about one customer, told to one viewer.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    customer::{ContactKind, Field},
    id::{ActivityId, BatchId, CustomerId},
    journal::Op,
    timeline::{Entry, FieldChange, Story, Timeline, Undo},
};
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

mod booking;

use super::{
    query::{Row, fetch},
    words::Names,
};
use booking::{Bookings, is_booking};

use crate::{
    Ctx, Error, Result,
    access::scope,
    journal::{self, CONTACT_KIND, RecordKind, Right, Undone},
    sql::sql,
};

/// Entries on a page.
const SIZE: i64 = 30;

#[derive(FromQueryResult)]
struct Line {
    seq: i64,
    batch: Uuid,
    kind: String,
    record: Uuid,
    op: String,
    before: Option<Value>,
    after: Option<Value>,
    contact: Option<String>,
    note: Option<String>,
    note_version: Option<i64>,
    #[sea_orm(nested)]
    head: Head,
}

/// What is told of a change's batch.
#[derive(FromQueryResult)]
struct Head {
    at: DateTime<Utc>,
    by: Option<String>,
    via: String,
    undo_of: Option<Uuid>,
    undoable: bool,
    file: Option<String>,
}

/// A page of what happened to a customer, newest first, from before a place in the journal.
///
/// # Errors
/// [`rapport_domain::error::AppError::NotFound`] when the customer is out of sight.
pub async fn timeline(ctx: &Ctx, id: CustomerId, before: Option<i64>) -> Result<Timeline> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let row = fetch(ctx.db(), reads, id, false).await?;
    // A command whose newest change was told on an earlier page was told there as a whole.
    let text = format!(
        "WITH page AS ( \
             SELECT batch, max(seq) AS last FROM change WHERE subject = $1 AND seq < $2 \
               AND batch NOT IN (SELECT n.batch FROM change n WHERE n.subject = $1 AND n.seq >= $2) \
             GROUP BY batch ORDER BY last DESC LIMIT $3) \
         SELECT page.last AS seq, c.batch, c.kind, c.record, c.op, c.before, c.after, \
                {CONTACT_KIND} AS contact, a.body AS note, a.version AS note_version, \
                b.at, u.name AS by, b.via, b.undo_of, b.undoable, b.detail ->> 'file' AS file \
         FROM page JOIN change c ON c.batch = page.batch AND c.subject = $1 \
         JOIN batch b ON b.id = page.batch LEFT JOIN app_user u ON u.id = b.actor \
         LEFT JOIN activity a ON a.id = c.record AND a.deleted_at IS NULL \
         ORDER BY page.last DESC, c.seq"
    );
    let lines = sql(
        &text,
        [id.0.into(), before.unwrap_or(i64::MAX).into(), (SIZE + 1).into()],
    );
    let lines = Line::find_by_statement(lines).all(ctx.db()).await?;
    let mut groups: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        match groups
            .last_mut()
            .filter(|group| group.iter().any(|first| first.batch == line.batch))
        {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    let goes_on = groups.len() > usize::try_from(SIZE).unwrap_or(usize::MAX);
    groups.truncate(usize::try_from(SIZE).unwrap_or(usize::MAX));
    let last = groups.last().and_then(|group| group.first()).map(|line| line.seq);
    Ok(Timeline {
        entries: tell(ctx, &row, groups).await?,
        before: last.filter(|_| goes_on),
    })
}

async fn tell(ctx: &Ctx, row: &Row, groups: Vec<Vec<Line>>) -> Result<Vec<Entry>> {
    let ids: Vec<Uuid> = groups.iter().flatten().map(|line| line.batch).collect();
    let undone = Undone::load(ctx.db(), ids).await?;
    let sides = groups
        .iter()
        .flatten()
        .flat_map(|line| [&line.before, &line.after]);
    let fields = sides.flatten().filter_map(Value::as_object);
    let values: Vec<&Value> = fields.flat_map(|fields| fields.values()).collect();
    let names = Names::load(ctx.db(), ctx, &values).await?;
    let befores = groups.iter().flatten().filter_map(|line| line.before.as_ref());
    let active = journal::active_owners(ctx.db(), befores).await?;
    let all: Vec<&Line> = groups.iter().flatten().collect();
    let bookings = Bookings::load(ctx, &all).await?;
    let now = ctx.now();
    let mut entries = Vec::new();
    for (group, came_along) in groups.into_iter().flat_map(told_apart) {
        let Some(first) = group.first() else { continue };
        let head = &first.head;
        let story = story(ctx, head, &names, &bookings, &group)?;
        let undo = if came_along || !head.undoable || !may_undo(ctx, row, &active, &bookings, &group)? {
            Undo::No
        } else if undone.is(first.batch) {
            Undo::Done
        } else if story == Story::NoteGone {
            Undo::No
        } else {
            Undo::Offered
        };
        entries.push(Entry {
            batch: BatchId(first.batch),
            seq: first.seq,
            at: now.say(head.at),
            by: head.by.clone().unwrap_or_else(|| said_via(&head.via).to_owned()),
            is_undo: head.undo_of.is_some(),
            undo,
            story,
        });
    }
    Ok(entries)
}

/// Notes that came with the customer, by one command, are told by themselves, after it; they go with it, too.
fn told_apart(group: Vec<Line>) -> Vec<(Vec<Line>, bool)> {
    let is = |line: &Line, kind: RecordKind| line.kind == kind.word() && line.op == Op::Create.word();
    let made = group.iter().any(|line| is(line, RecordKind::Customer));
    let (notes, rest): (Vec<_>, Vec<_>) = group
        .into_iter()
        .partition(|line| made && is(line, RecordKind::Activity));
    let notes = notes.into_iter().map(|note| (vec![note], true));
    notes.chain([(rest, false)]).collect()
}

/// Who it was, where nobody was signed in.
pub(crate) fn said_via(via: &str) -> &'static str {
    if via == "console" {
        "The console"
    } else {
        "Rapport"
    }
}

/// Whether the viewer may take back every change here; the journal asks again when it comes to it.
fn may_undo(
    ctx: &Ctx,
    row: &Row,
    active: &HashSet<Uuid>,
    bookings: &Bookings,
    group: &[Line],
) -> Result<bool> {
    let is_customer = |line: &Line| line.kind == RecordKind::Customer.word();
    // What was moved to the trash here is brought back first, and then changed.
    let comes_back = group
        .iter()
        .any(|line| is_customer(line) && line.op == Op::Trash.word());
    let right = Right {
        actor: ctx.actor(),
        owner: row.owner_id,
        team: row.team_id,
        in_trash: row.deleted_at.is_some() && !comes_back,
    };
    for line in group {
        if is_booking(line) {
            if !bookings.may_undo(ctx, line.record) {
                return Ok(false);
            }
            continue;
        }
        let kind: RecordKind = line.kind.parse().map_err(Error::Stored)?;
        let op: Op = line.op.parse().map_err(Error::Stored)?;
        let before = journal::fields(line.before.clone().unwrap_or_default());
        let keeps_owner = is_customer(line) && right.owner_refusal(&before, active).is_some();
        if keeps_owner || right.refusal(kind, op).is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn story(ctx: &Ctx, head: &Head, names: &Names, bookings: &Bookings, group: &[Line]) -> Result<Story> {
    let whole = group.iter().find(|line| {
        (line.kind == RecordKind::Customer.word() || line.kind == RecordKind::Activity.word())
            && line.op != Op::Update.word()
    });
    if let Some(line) = whole {
        let op: Op = line.op.parse().map_err(Error::Stored)?;
        let is_note = line.kind == RecordKind::Activity.word();
        return Ok(match (is_note, op) {
            (true, Op::Create) => match (&line.note, line.note_version) {
                (Some(body), Some(version)) => Story::Note {
                    id: ActivityId(line.record),
                    version,
                    body: body.clone(),
                },
                _ => Story::NoteGone,
            },
            (true, Op::Restore) => Story::NoteRestored,
            (true, _) => Story::NoteRemoved,
            (false, Op::Create) => match &head.file {
                Some(file) => Story::Imported { file: file.clone() },
                None => Story::Created,
            },
            (false, Op::Restore) => Story::Restored,
            (false, _) => Story::Trashed,
        });
    }
    if let Some(line) = group.iter().find(|line| is_booking(line)) {
        let op: Op = line.op.parse().map_err(Error::Stored)?;
        return Ok(bookings.story(ctx, line, op));
    }
    if group.iter().any(|line| line.kind == RecordKind::Activity.word()) {
        return Ok(Story::NoteEdited);
    }
    Ok(Story::Changed(changed(names, group)))
}

fn changed(names: &Names, group: &[Line]) -> Vec<FieldChange> {
    let mut fields = BTreeMap::<Field, (Vec<String>, Vec<String>)>::new();
    let mut add = |field: Field, before: String, after: String| {
        let sides = fields.entry(field).or_default();
        sides.0.extend(Some(before).filter(|text| !text.is_empty()));
        sides.1.extend(Some(after).filter(|text| !text.is_empty()));
    };
    for line in group {
        let at = |side: &Option<Value>, key: &str| {
            side.as_ref()
                .and_then(|fields| fields.get(key))
                .cloned()
                .unwrap_or(Value::Null)
        };
        if line.kind == RecordKind::Customer.word() {
            let columns = line
                .after
                .as_ref()
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|after| after.keys());
            for (column, field) in columns.filter_map(|column| Some((column, column.parse::<Field>().ok()?)))
            {
                add(
                    field,
                    names.say(field, &at(&line.before, column)),
                    names.say(field, &at(&line.after, column)),
                );
            }
        } else if let Some(kind) = line
            .contact
            .as_deref()
            .and_then(|kind| kind.parse::<ContactKind>().ok())
        {
            let field = kind.field();
            add(
                field,
                names.say(field, &at(&line.before, "value")),
                names.say(field, &at(&line.after, "value")),
            );
        }
    }
    fields
        .into_iter()
        .map(|(field, (before, after))| FieldChange {
            label: field.label().to_owned(),
            before: before.join(", "),
            after: after.join(", "),
        })
        .collect()
}
