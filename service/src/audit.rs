//! The audit log: the journal as it stands, command by command, with old and new values.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    audit::{AuditChange, AuditEntry, AuditField, AuditPage, AuditQuery},
    error::AppError,
    id::{BatchId, UserId},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::require,
    customer::timeline::said_via,
    seal,
    sql::{Sql, sql},
    zone,
};

/// Commands on a page.
const SIZE: i64 = 50;
/// Changes that are shown of a command.
const SHOWN: usize = 20;
/// Changes that are counted of a command.
const COUNTED: i64 = 1_000;
/// The longest text of a value.
const VALUE_MAX: usize = 300;

#[derive(FromQueryResult)]
struct Head {
    id: Uuid,
    at: DateTime<Utc>,
    by: Option<String>,
    via: String,
    command: String,
    detail: Value,
    is_undo: bool,
    changes: i64,
}

#[derive(FromQueryResult)]
struct Line {
    batch: Uuid,
    kind: String,
    record: Uuid,
    subject: Uuid,
    op: String,
    before: Option<Value>,
    after: Option<Value>,
}

#[derive(FromQueryResult)]
struct Named {
    id: Uuid,
    name: String,
}

#[derive(FromQueryResult)]
struct Action {
    command: String,
}

/// A page of the log.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings; [`AppError::NotFound`] for a page behind a command that
/// there is not.
pub async fn page(ctx: &Ctx, query: AuditQuery) -> Result<AuditPage> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let db = ctx.db();
    let mut heads = heads(ctx, &query).await?;
    let goes_on = heads.len() as i64 > SIZE;
    heads.truncate(usize::try_from(SIZE).unwrap_or_default());
    let before = heads.last().filter(|_| goes_on).map(|head| BatchId(head.id));
    let lines = lines(db, heads.iter().map(|head| head.id).collect()).await?;
    let (names, people, actions, seal) = futures::try_join!(
        names(db, &heads, &lines),
        people(db),
        actions(db),
        seal::state(ctx)
    )?;
    let mut of_batch = HashMap::<Uuid, Vec<AuditChange>>::new();
    for line in lines {
        of_batch.entry(line.batch).or_default().push(told(line, &names));
    }
    let now = ctx.now();
    let entries = heads.into_iter().map(|head| {
        let changes = of_batch.remove(&head.id).unwrap_or_default();
        AuditEntry {
            batch: BatchId(head.id),
            at: now.say(head.at),
            exact: now.local(head.at).format("%Y-%m-%d %H:%M:%S").to_string(),
            by: head.by.unwrap_or_else(|| said_via(&head.via).to_owned()),
            more: u32::try_from(head.changes)
                .unwrap_or_default()
                .saturating_sub(changes.len() as u32),
            via: head.via,
            about: about(&head.detail, &names),
            action: head.command,
            is_undo: head.is_undo,
            changes,
        }
    });
    Ok(AuditPage {
        entries: entries.collect(),
        before,
        people,
        actions,
        seal,
        query,
    })
}

async fn heads(ctx: &Ctx, query: &AuditQuery) -> Result<Vec<Head>> {
    let mut sql = Sql::new(
        "SELECT b.id, b.at, u.name AS by, b.via, b.command, b.detail, b.undo_of IS NOT NULL AS is_undo, \
                (SELECT count(*) FROM (SELECT 1 FROM change c WHERE c.batch = b.id LIMIT ",
    );
    sql.bind(COUNTED)
        .push(") AS k) AS changes FROM batch b LEFT JOIN app_user u ON u.id = b.actor WHERE TRUE");
    if let Some(who) = query.who {
        sql.push(" AND b.actor = ").bind(who.0);
    }
    if let Some(action) = &query.action {
        sql.push(" AND b.command = ").bind(action.clone());
    }
    if let Some(record) = query.record {
        sql.push(" AND b.id IN (SELECT c.batch FROM change c WHERE c.subject = ")
            .bind(record)
            .push(")");
    }
    if let Some(from) = query.from {
        sql.push(" AND b.at >= ").bind(zone::day_begins(from, ctx.zone()));
    }
    if let Some(to) = query.to {
        sql.push(" AND b.at < ")
            .bind(zone::day_begins(to.plus(1), ctx.zone()));
    }
    if let Some(before) = query.before {
        let at = at(ctx.db(), before).await?;
        sql.push(" AND b.at <= ")
            .bind(at)
            .push(" AND (b.at < ")
            .bind(at)
            .push(" OR b.id < ");
        sql.bind(before.0).push(")");
    }
    sql.push(" ORDER BY b.at DESC, b.id DESC").limit(SIZE + 1);
    Ok(Head::find_by_statement(sql.done()).all(ctx.db()).await?)
}

#[derive(FromQueryResult)]
struct At {
    at: DateTime<Utc>,
}

async fn at(db: &impl ConnectionTrait, batch: BatchId) -> Result<DateTime<Utc>> {
    let found = At::find_by_statement(sql("SELECT at FROM batch WHERE id = $1", [batch.0.into()]));
    Ok(found.one(db).await?.ok_or(AppError::NotFound)?.at)
}

async fn lines(db: &impl ConnectionTrait, batches: Vec<Uuid>) -> Result<Vec<Line>> {
    let statement = sql(
        "SELECT c.batch, c.kind, c.record, c.subject, c.op, c.before, c.after FROM unnest($1::uuid[]) AS b (id) \
         CROSS JOIN LATERAL (SELECT * FROM change x WHERE x.batch = b.id ORDER BY x.seq LIMIT $2) AS c",
        [batches.into(), i64::try_from(SHOWN).unwrap_or(i64::MAX).into()],
    );
    Ok(Line::find_by_statement(statement).all(db).await?)
}

/// What the ids that commands and their changes name are called, as far as they are there still.
async fn names(db: &impl ConnectionTrait, heads: &[Head], lines: &[Line]) -> Result<HashMap<Uuid, String>> {
    let mut ids: Vec<Uuid> = lines
        .iter()
        .flat_map(|line| [line.record, line.subject])
        .collect();
    let told = lines.iter().flat_map(|line| [&line.before, &line.after]);
    for fields in told.flatten().chain(heads.iter().map(|head| &head.detail)) {
        ids.extend(
            fields
                .as_object()
                .into_iter()
                .flat_map(|fields| fields.values())
                .flat_map(ids_in),
        );
    }
    ids.sort_unstable();
    ids.dedup();
    let statement = sql(
        "SELECT id, name FROM customer WHERE id = ANY($1) UNION ALL SELECT id, name FROM app_user WHERE id = ANY($1) \
         UNION ALL SELECT id, name FROM team WHERE id = ANY($1) UNION ALL SELECT id, name FROM role WHERE id = ANY($1) \
         UNION ALL SELECT id, name FROM appointment_type WHERE id = ANY($1) \
         UNION ALL SELECT id, email FROM invitation WHERE id = ANY($1) \
         UNION ALL SELECT id, name FROM organisation WHERE id = ANY($1) \
         UNION ALL SELECT a.id, coalesce(a.title, t.name) FROM appointment a JOIN appointment_type t ON t.id = a.type_id \
                   WHERE a.id = ANY($1)",
        [ids.into()],
    );
    let named = Named::find_by_statement(statement).all(db).await?;
    Ok(named.into_iter().map(|one| (one.id, one.name)).collect())
}

fn ids_in(value: &Value) -> Vec<Uuid> {
    match value {
        Value::String(text) => Uuid::try_parse(text).ok().into_iter().collect(),
        Value::Array(values) => values.iter().flat_map(ids_in).collect(),
        _ => Vec::new(),
    }
}

fn told(line: Line, names: &HashMap<Uuid, String>) -> AuditChange {
    let (before, after) = (line.before.unwrap_or_default(), line.after.unwrap_or_default());
    let columns = |value: &Value| {
        value
            .as_object()
            .map(|fields| fields.keys().cloned().collect::<Vec<_>>())
    };
    let mut fields = columns(&before).unwrap_or_default();
    fields.extend(columns(&after).unwrap_or_default());
    fields.sort_unstable();
    fields.dedup();
    let fields = fields.into_iter().map(|field| AuditField {
        old: before.get(&field).and_then(|value| said(value, names)),
        new: after.get(&field).and_then(|value| said(value, names)),
        field: field.trim_end_matches("_id").replace('_', " "),
    });
    let op = match line.op.as_str() {
        "create" => "created",
        "update" => "changed",
        "trash" => "moved to the trash",
        "restore" => "taken out of the trash",
        "remove" => "removed",
        other => other,
    };
    AuditChange {
        op: op.to_owned(),
        kind: line.kind.replace('_', " "),
        name: names
            .get(&line.record)
            .or_else(|| names.get(&line.subject))
            .cloned(),
        record: line.subject,
        fields: fields.collect(),
    }
}

/// Whom or what a command was about, by what it was given.
fn about(detail: &Value, names: &HashMap<Uuid, String>) -> Option<String> {
    ["user", "invitation", "file", "tag", "key"]
        .iter()
        .find_map(|key| said(detail.get(key)?, names))
}

/// A value for people; nothing for what was or became empty.
fn said(value: &Value, names: &HashMap<Uuid, String>) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => {
            let named = Uuid::try_parse(text).ok().and_then(|id| names.get(&id));
            named.unwrap_or(text).clone()
        }
        Value::Array(values) => {
            let parts: Vec<String> = values.iter().filter_map(|value| said(value, names)).collect();
            parts.join(", ")
        }
        other => other.to_string(),
    };
    let short: String = text.chars().take(VALUE_MAX).collect();
    Some(if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    })
}

async fn people(db: &impl ConnectionTrait) -> Result<Vec<(UserId, String)>> {
    let statement = sql(
        "SELECT id, name FROM app_user ORDER BY NOT active, lower(name), id",
        [],
    );
    let people = Named::find_by_statement(statement).all(db).await?;
    Ok(people.into_iter().map(|one| (UserId(one.id), one.name)).collect())
}

/// The commands that were ever given, each found by one look into the index.
async fn actions(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let statement = sql(
        "WITH RECURSIVE told AS ( \
            (SELECT command FROM batch ORDER BY command LIMIT 1) \
            UNION ALL SELECT (SELECT b.command FROM batch b WHERE b.command > told.command ORDER BY b.command LIMIT 1) \
            FROM told WHERE told.command IS NOT NULL) \
         SELECT command FROM told WHERE command IS NOT NULL",
        [],
    );
    let actions = Action::find_by_statement(statement).all(db).await?;
    Ok(actions.into_iter().map(|action| action.command).collect())
}
