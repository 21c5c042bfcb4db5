//! What was done, told to one viewer: the journal by its commands, newest first. What is out of sight is not named.

mod trash;
mod words;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind, Scope},
    appointment::Day,
    error::AppError,
    feed::{Deed, DeedPage, Feed, Preview},
    id::{BatchId, CustomerId},
    timeline::Undo,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::{
    Ctx, Error, Result,
    access::{push_scope, require},
    customer::timeline::said_via,
    journal::{Undone, preview},
    sql::Sql,
};
pub use trash::trash;
use words::words;

/// Commands on a page.
const SIZE: usize = 40;
/// Commands that are looked through for a page: who sees few of them is told so far, and where to go on.
const LOOKED: i64 = 1_000;
/// Changes of a command that are looked at for what it was about.
const SEEN: i64 = 60;
/// Customers that are named.
const NAMED: usize = 3;

#[derive(FromQueryResult)]
struct Head {
    id: Uuid,
    at: DateTime<Utc>,
    by: Option<String>,
    mine: bool,
    via: String,
    command: String,
    /// What the command took back, if it did.
    undone: Option<String>,
    file: Option<String>,
    undoable: bool,
    state: String,
}

#[derive(FromQueryResult)]
struct Line {
    batch: Uuid,
    kind: String,
    customer: Option<Uuid>,
    name: Option<String>,
    fields: Vec<String>,
}

/// A page of what was done; only by the viewer, if asked; from before a command, if one is named.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to see customers.
pub async fn feed(ctx: &Ctx, mine: bool, before: Option<BatchId>) -> Result<Feed> {
    let reads = require(ctx.actor(), Kind::Customer, Ability::Read)?;
    let span = Span {
        me: ctx.actor().user.0,
        mine,
        before,
        only: None,
    };
    let (mut heads, looked_to) = heads(ctx, reads, &span).await?;
    let goes_on = heads.len() > SIZE;
    heads.truncate(SIZE);
    let last = if goes_on {
        heads.last().map(|head| head.id)
    } else {
        looked_to
    };
    Ok(Feed {
        deeds: told(ctx, reads, heads, NAMED).await?,
        before: last.map(BatchId),
    })
}

/// One command, and what taking it back would do.
///
/// # Errors
/// As [`feed`]; [`AppError::NotFound`] when there is no such command or nothing of it is in sight.
pub async fn deed(ctx: &Ctx, id: BatchId) -> Result<DeedPage> {
    let reads = require(ctx.actor(), Kind::Customer, Ability::Read)?;
    let span = Span {
        me: ctx.actor().user.0,
        mine: false,
        before: None,
        only: Some(id),
    };
    let (heads, _) = heads(ctx, reads, &span).await?;
    let deeds = told(ctx, reads, heads, usize::MAX).await?;
    let deed = deeds.into_iter().next().ok_or(AppError::NotFound)?;
    let preview = match deed.undo {
        Undo::Done => Preview::Not("It was taken back.".to_owned()),
        Undo::No | Undo::Offered => match preview(ctx, id).await {
            // It was seen just now: what it was about is out of sight by now.
            Err(Error::Told(AppError::NotFound)) => {
                Preview::Not("Nothing of it is in your sight any more.".to_owned())
            }
            preview => preview?,
        },
    };
    Ok(DeedPage { deed, preview })
}

/// Commands in words, each with the first customers that it was about.
async fn told(ctx: &Ctx, reads: Scope, heads: Vec<Head>, named: usize) -> Result<Vec<Deed>> {
    let db = ctx.db();
    let ids: Vec<Uuid> = heads.iter().map(|head| head.id).collect();
    let (mut lines, undone) = futures::try_join!(lines(db, reads, ids.clone()), Undone::load(db, ids))?;
    let may_change = ctx.actor().may(Kind::Customer, Ability::Update);
    let now = ctx.now();
    let deeds = heads.into_iter().map(|head| {
        let of_it = lines.remove(&head.id).unwrap_or_default();
        let mut about = Vec::new();
        let mut seen = BTreeSet::new();
        let mut fields = BTreeSet::new();
        for line in of_it {
            // Contact points are made and removed rather than changed.
            fields.insert((line.kind.clone(), String::new()));
            fields.extend(line.fields.into_iter().map(|field| (line.kind.clone(), field)));
            if let Some((id, name)) = line.customer.zip(line.name)
                && seen.insert(id)
                && about.len() < named
            {
                about.push((CustomerId(id), name));
            }
        }
        let of_undo = head.undone.is_some();
        let undo = if undone.is(head.id) {
            Undo::Done
        } else if head.undoable && head.state != "running" && (may_change || head.mine) {
            Undo::Offered
        } else {
            Undo::No
        };
        Deed {
            batch: BatchId(head.id),
            day: Day::of(now.local(head.at).date()).long(),
            at: now.say(head.at),
            did: words(
                &head.command,
                head.undone.as_deref(),
                head.file.as_deref(),
                &fields,
            ),
            by: head.by.unwrap_or_else(|| said_via(&head.via).to_owned()),
            more: (seen.len() - about.len()) as u64,
            about,
            undo,
            is_undo: of_undo,
        }
    });
    Ok(deeds.collect())
}

/// Which commands are asked for.
struct Span {
    me: Uuid,
    mine: bool,
    before: Option<BatchId>,
    only: Option<BatchId>,
}

/// Adds the commands that are asked for, newest first.
fn push_span(sql: &mut Sql, span: &Span) {
    sql.push(" FROM batch b WHERE TRUE");
    if let Some(only) = span.only {
        sql.push(" AND b.id = ").bind(only.0);
    }
    if span.mine {
        sql.push(" AND b.actor = ").bind(span.me);
    }
    if let Some(before) = span.before {
        sql.push(" AND (b.at, b.id) < (SELECT p.at, p.id FROM batch p WHERE p.id = ")
            .bind(before.0)
            .push(")");
    }
    sql.push(" ORDER BY b.at DESC, b.id DESC");
}

/// The commands of a page and one more; and, when the page is not full, the last command that was looked at, if there
/// are others behind it.
async fn heads(ctx: &Ctx, reads: Scope, span: &Span) -> Result<(Vec<Head>, Option<Uuid>)> {
    let (db, me) = (ctx.db(), span.me);
    let mut sql = Sql::new("WITH looked AS MATERIALIZED (SELECT b.*");
    push_span(&mut sql, span);
    sql.limit(LOOKED);
    sql.push(") SELECT b.id, b.at, u.name AS by, b.actor IS NOT DISTINCT FROM ")
        .bind(me);
    sql.push(
        " AS mine, b.via, b.command, (SELECT t.command FROM batch t WHERE t.id = b.undo_of) AS undone, \
         b.detail ->> 'file' AS file, b.undoable, b.state FROM looked b LEFT JOIN app_user u ON u.id = b.actor WHERE (b.actor = ",
    );
    sql.bind(me);
    // Who may see the settings sees what was done about them and about people.
    if ctx.actor().may(Kind::Setting, Ability::Read) {
        sql.push(" OR TRUE");
    } else {
        sql.push(
            " OR EXISTS (SELECT 1 FROM (SELECT s.subject FROM change s WHERE s.batch = b.id ORDER BY s.seq LIMIT ",
        )
        .bind(SEEN)
        .push(") s JOIN customer c ON c.id = s.subject WHERE ");
        push_scope(&mut sql, reads);
        sql.push(")");
    }
    sql.push(") ORDER BY b.at DESC, b.id DESC").limit(SIZE as i64 + 1);
    let heads = Head::find_by_statement(sql.done()).all(db).await?;
    let looked_to = if heads.len() > SIZE {
        None
    } else {
        looked_to(db, span).await?
    };
    Ok((heads, looked_to))
}

#[derive(FromQueryResult)]
struct Looked {
    id: Uuid,
}

/// The last command that a page looked at, if it looked at as many as it does.
async fn looked_to(db: &impl ConnectionTrait, span: &Span) -> Result<Option<Uuid>> {
    let mut sql = Sql::new("SELECT b.id");
    push_span(&mut sql, span);
    sql.push(" LIMIT 1 OFFSET ").bind(LOOKED - 1);
    let last = Looked::find_by_statement(sql.done()).one(db).await?;
    Ok(last.map(|last| last.id))
}

/// The first changes of commands, with the customers that they are about as far as they are in sight.
async fn lines(
    db: &impl ConnectionTrait,
    reads: Scope,
    batches: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<Line>>> {
    let mut sql = Sql::new("SELECT s.batch, s.kind, c.id AS customer, c.name, s.fields FROM unnest(");
    sql.bind(batches).push(
        "::uuid[]) AS p (batch) CROSS JOIN LATERAL (SELECT b.batch, b.kind, b.subject, b.seq, \
            ARRAY(SELECT jsonb_object_keys(CASE WHEN b.op = 'update' THEN b.after ELSE '{}' END)) AS fields \
         FROM change b WHERE b.batch = p.batch ORDER BY b.seq LIMIT ",
    );
    sql.bind(SEEN)
        .push(") AS s LEFT JOIN customer c ON c.id = s.subject AND ");
    push_scope(&mut sql, reads);
    sql.push(" ORDER BY s.batch, s.seq");
    let mut lines = HashMap::<Uuid, Vec<Line>>::new();
    for line in Line::find_by_statement(sql.done()).all(db).await? {
        lines.entry(line.batch).or_default().push(line);
    }
    Ok(lines)
}
