//! The timeline: what the journal holds about one customer, told to one viewer.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    customer::{ContactKind, Field},
    id::{ActivityId, BatchId, CustomerId},
    journal::Op,
    timeline::{Entry, FieldChange, Moment, Story, Timeline, Undo},
};
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

use super::{
    query::{Row, fetch},
    words::Names,
};
use crate::{Ctx, Error, Result, access::scope, journal::RecordKind, sql::sql};

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
}

#[derive(FromQueryResult)]
struct Head {
    id: Uuid,
    at: DateTime<Utc>,
    by: Option<String>,
    via: String,
    undo_of: Option<Uuid>,
    undoable: bool,
    file: Option<String>,
}

#[derive(FromQueryResult)]
struct Link {
    id: Uuid,
    undo_of: Uuid,
}

/// A page of what happened to a customer, newest first, from before a place in the journal.
///
/// # Errors
/// [`rapport_domain::error::AppError::NotFound`] when the customer is out of sight.
pub async fn timeline(ctx: &Ctx, id: CustomerId, before: Option<i64>) -> Result<Timeline> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let row = fetch(ctx.db(), reads, id, false).await?;
    let lines = Line::find_by_statement(sql(
        "WITH page AS ( \
             SELECT batch, max(seq) AS last FROM change WHERE subject = $1 AND seq < $2 \
             GROUP BY batch ORDER BY last DESC LIMIT $3) \
         SELECT page.last AS seq, c.batch, c.kind, c.record, c.op, c.before, c.after, \
                CASE c.kind WHEN 'contact_point' THEN coalesce(c.after ->> 'kind', c.before ->> 'kind', \
                     (SELECT p.kind FROM contact_point p WHERE p.id = c.record)) END AS contact, \
                (SELECT a.body FROM activity a WHERE a.id = c.record AND a.deleted_at IS NULL) AS note \
         FROM page JOIN change c ON c.batch = page.batch AND c.subject = $1 ORDER BY page.last DESC, c.seq",
        [id.0.into(), before.unwrap_or(i64::MAX).into(), (SIZE + 1).into()],
    ))
    .all(ctx.db())
    .await?;
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
    let heads = Head::find_by_statement(sql(
        "SELECT b.id, b.at, u.name AS by, b.via, b.undo_of, b.undoable, b.detail ->> 'file' AS file \
         FROM batch b LEFT JOIN app_user u ON u.id = b.actor WHERE b.id = ANY($1)",
        [ids.clone().into()],
    ))
    .all(ctx.db())
    .await?;
    let heads: HashMap<Uuid, Head> = heads.into_iter().map(|head| (head.id, head)).collect();
    let undone = Undone::load(ctx, ids).await?;
    let sides = groups
        .iter()
        .flatten()
        .flat_map(|line| [&line.before, &line.after]);
    let fields = sides.flatten().filter_map(Value::as_object);
    let values: Vec<&Value> = fields.flat_map(|fields| fields.values()).collect();
    let names = Names::load(ctx.db(), ctx, &values).await?;
    let now = ctx.clock().now();
    let mut entries = Vec::new();
    for group in groups {
        let Some(first) = group.first() else { continue };
        let head = heads
            .get(&first.batch)
            .ok_or_else(|| Error::Stored("a change without its batch".to_owned()))?;
        let story = story(head, &names, &group)?;
        let undo = if !head.undoable || !may_undo(ctx, row, &group) {
            Undo::No
        } else if undone.is(head.id) {
            Undo::Done
        } else if story == Story::NoteGone {
            Undo::No
        } else {
            Undo::Offered
        };
        entries.push(Entry {
            batch: BatchId(head.id),
            seq: first.seq,
            at: Moment::seen_from(head.at, now),
            by: head.by.clone().unwrap_or_else(|| said_via(&head.via).to_owned()),
            is_undo: head.undo_of.is_some(),
            undo,
            story,
        });
    }
    Ok(entries)
}

fn said_via(via: &str) -> &'static str {
    if via == "console" {
        "The console"
    } else {
        "Rapport"
    }
}

/// Whether the viewer may do the inverse of every change here; the journal asks again when it comes to it.
fn may_undo(ctx: &Ctx, row: &Row, group: &[Line]) -> bool {
    group.iter().all(|line| {
        let kind = if line.kind == RecordKind::Activity.word() {
            Kind::Activity
        } else {
            Kind::Customer
        };
        let whole = line.kind == RecordKind::Customer.word() || line.kind == RecordKind::Activity.word();
        let ability = if whole && line.op != Op::Update.word() {
            Ability::Delete
        } else {
            Ability::Update
        };
        row.is_in(ctx.actor().scope(kind, ability))
    })
}

fn story(head: &Head, names: &Names, group: &[Line]) -> Result<Story> {
    let whole = group.iter().find(|line| {
        (line.kind == RecordKind::Customer.word() || line.kind == RecordKind::Activity.word())
            && line.op != Op::Update.word()
    });
    if let Some(line) = whole {
        let op: Op = line.op.parse().map_err(Error::Stored)?;
        let is_note = line.kind == RecordKind::Activity.word();
        return Ok(match (is_note, op) {
            (true, Op::Create) => match &line.note {
                Some(body) => Story::Note {
                    id: ActivityId(line.record),
                    body: body.clone(),
                },
                None => Story::NoteGone,
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

/// Which batches were taken back, and not brought back since.
struct Undone(HashMap<Uuid, Vec<Uuid>>);

impl Undone {
    async fn load(ctx: &Ctx, ids: Vec<Uuid>) -> Result<Self> {
        let links = Link::find_by_statement(sql(
            "WITH RECURSIVE chain AS ( \
                 SELECT id, undo_of FROM batch WHERE undo_of = ANY($1) \
                 UNION SELECT b.id, b.undo_of FROM batch b JOIN chain ON b.undo_of = chain.id) \
             SELECT id, undo_of FROM chain",
            [ids.into()],
        ))
        .all(ctx.db())
        .await?;
        let mut undoers = HashMap::<Uuid, Vec<Uuid>>::new();
        for link in links {
            undoers.entry(link.undo_of).or_default().push(link.id);
        }
        Ok(Self(undoers))
    }

    fn is(&self, batch: Uuid) -> bool {
        self.0
            .get(&batch)
            .is_some_and(|undoers| undoers.iter().any(|undoer| !self.is(*undoer)))
    }
}
