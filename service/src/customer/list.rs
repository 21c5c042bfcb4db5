//! The list engine: scope, filter, sort and keyset paging as SQL.
//!
//! A filtered page first probes up to [`PROBE`] ids by the filter and sorts those; only a full probe walks the sort
//! index. A keyset reads `a <= x AND (a < x OR (a = x AND id < y))`: the leading bound is what the index needs.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind, Scope},
    customer::{CustomerPage, CustomerRow, Total},
    error::AppError,
    id::{CustomerId, UserId},
    query::{Cursor, Filter, ListQuery, SortBy},
};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::search;
use crate::{
    Ctx, Error, Result,
    access::{push_scope, push_union, scope},
    sql::Sql,
};

pub(super) mod filter;

/// The most ids that a filter collects before the sort index is walked instead.
const PROBE: i64 = 5_000;
/// Where counting stops.
const COUNT_MAX: i64 = 10_000;

/// One page of customers.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to read, [`AppError::Invalid`] for a cursor or a filter that makes no sense.
pub async fn list(ctx: &Ctx, query: &ListQuery) -> Result<CustomerPage> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    if !query.search.trim().is_empty() {
        return search::ranked(ctx, reads, query).await;
    }
    if !query.filter.is_empty() {
        let probed = probe(ctx, reads, query).await?;
        if probed.found <= PROBE {
            return page(
                ctx,
                query,
                probed.ids,
                Total::Exactly(probed.found.unsigned_abs()),
            )
            .await;
        }
    }
    let walked = walk(ctx, reads, query).await?;
    let total = walked.total();
    page(ctx, query, walked.ids, total).await
}

/// Adds the query's filter, if it has one.
fn push_filter(sql: &mut Sql, ctx: &Ctx, query: &ListQuery) -> Result<()> {
    if query.filter.is_empty() {
        return Ok(());
    }
    sql.push(" AND ");
    filter::push(sql, &query.filter, Some(ctx.actor()))
}

/// Which of these customers a filter finds that is meant by nobody in particular, those in the trash among them.
pub(crate) async fn found_by(
    db: &impl ConnectionTrait,
    filter: &Filter,
    customers: Vec<Uuid>,
) -> Result<HashSet<Uuid>> {
    let mut sql = Sql::new("SELECT c.id FROM customer c WHERE c.id = ANY(");
    sql.bind(customers).push(") AND ");
    filter::push(&mut sql, filter, None)?;
    let found = Id::find_by_statement(sql.done()).all(db).await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// What a probe found: how many rows, at most one more than [`PROBE`], and the page's ids among them unless they are
/// that many.
#[derive(FromQueryResult)]
struct Probed {
    found: i64,
    ids: Vec<Uuid>,
}

/// Collects rows by the filter and takes the page from those, without walking the sort index.
async fn probe(ctx: &Ctx, reads: Scope, query: &ListQuery) -> Result<Probed> {
    let column = column(query.sort.by);
    let mut sql = Sql::new("WITH probed AS MATERIALIZED (SELECT * FROM (");
    push_union(&mut sql, reads, |sql, branch| {
        sql.push(&format!(
            "(SELECT c.id, {column} AS value FROM customer c WHERE c.deleted_at IS NULL AND "
        ));
        branch.push(sql);
        push_filter(sql, ctx, query)?;
        sql.push(&format!(" LIMIT {})", PROBE + 1));
        Ok(())
    })?;
    sql.push(&format!(
        ") AS x LIMIT {}), size AS (SELECT count(*) AS found FROM probed) \
         SELECT found, ARRAY(SELECT c.id FROM probed AS c WHERE found <= {PROBE}",
        PROBE + 1
    ));
    if let Some(cursor) = &query.cursor {
        push_keyset(&mut sql, query, cursor, "c.value")?;
    }
    push_order(&mut sql, query, "c.value", "c.id");
    sql.push(") AS ids FROM size");
    let probed = Probed::find_by_statement(sql.done()).one(ctx.db()).await?;
    Ok(probed.unwrap_or(Probed {
        found: 0,
        ids: Vec::new(),
    }))
}

/// Whether a page is read from the greatest value down.
fn goes_down(query: &ListQuery) -> bool {
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    query.sort.descending != backwards
}

/// Adds the order and how many rows to read: one more than asked for, which tells whether it goes on.
fn push_order(sql: &mut Sql, query: &ListQuery, value: &str, id: &str) {
    let order = if goes_down(query) { "DESC" } else { "ASC" };
    sql.push(&format!(" ORDER BY {value} {order}, {id} {order}"))
        .limit(i64::from(query.size) + 1);
}

fn column(by: SortBy) -> &'static str {
    match by {
        SortBy::Name => "c.name",
        SortBy::Created => "c.created_at",
        SortBy::Updated => "c.updated_at",
    }
}

/// What the index of the sort gave.
#[derive(FromQueryResult)]
struct Walked {
    /// The page, in the direction of travel.
    ids: Vec<Uuid>,
    /// How many there are about; 0 when that was not asked.
    estimate: i64,
    /// How many were counted, if that was needed.
    count: Option<i64>,
}

impl Walked {
    fn total(&self) -> Total {
        match (self.count, self.estimate) {
            (Some(count), _) if count <= COUNT_MAX => Total::Exactly(count.unsigned_abs()),
            (None, estimate) => Total::About(estimate.unsigned_abs()),
            _ => Total::AtLeast(COUNT_MAX.unsigned_abs()),
        }
    }
}

/// Takes the page from the index of its sort, and counts.
async fn walk(ctx: &Ctx, reads: Scope, query: &ListQuery) -> Result<Walked> {
    let mut sql = Sql::new("SELECT ARRAY(");
    push_ids(&mut sql, ctx, reads, query)?;
    // Of all that there are an estimate says enough where they are many, and then nothing is counted.
    let whole = query.filter.is_empty() && reads == Scope::All;
    sql.push(") AS ids, e.estimate, CASE WHEN e.estimate <= ")
        .bind(COUNT_MAX)
        .push(" THEN (");
    push_count(&mut sql, ctx, reads, query)?;
    sql.push(") END AS count FROM (SELECT CASE WHEN ").bind(whole);
    sql.push(
        " THEN (SELECT reltuples::bigint FROM pg_class WHERE oid = 'customer'::regclass) ELSE 0 END AS estimate) AS e",
    );
    let walked = Walked::find_by_statement(sql.done()).one(ctx.db()).await?;
    walked.ok_or_else(|| Error::Stored("a page without its row".to_owned()))
}

/// Adds the question for the ids of a page, in the direction of travel.
fn push_ids(sql: &mut Sql, ctx: &Ctx, reads: Scope, query: &ListQuery) -> Result<()> {
    let column = column(query.sort.by);
    sql.push("SELECT x.id FROM (");
    push_union(sql, reads, |sql, branch| {
        sql.push(&format!(
            "(SELECT c.id, {column} AS value FROM customer c WHERE c.deleted_at IS NULL AND "
        ));
        branch.push(sql);
        push_filter(sql, ctx, query)?;
        if let Some(cursor) = &query.cursor {
            push_keyset(sql, query, cursor, column)?;
        }
        push_order(sql, query, column, "c.id");
        sql.push(")");
        Ok(())
    })?;
    sql.push(") AS x");
    push_order(sql, query, "x.value", "x.id");
    Ok(())
}

/// Adds the question how many there are, up to one more than [`COUNT_MAX`].
fn push_count(sql: &mut Sql, ctx: &Ctx, reads: Scope, query: &ListQuery) -> Result<()> {
    sql.push("SELECT count(*) FROM (SELECT FROM (");
    push_union(sql, reads, |sql, branch| {
        sql.push("(SELECT FROM customer c WHERE c.deleted_at IS NULL AND ");
        branch.push(sql);
        push_filter(sql, ctx, query)?;
        sql.limit(COUNT_MAX + 1).push(")");
        Ok(())
    })?;
    sql.push(") AS part").limit(COUNT_MAX + 1).push(") AS counted");
    Ok(())
}

fn push_keyset(sql: &mut Sql, query: &ListQuery, cursor: &Cursor, column: &str) -> Result<()> {
    let value: Value = match query.sort.by {
        SortBy::Name => cursor.value.as_str().into(),
        SortBy::Created | SortBy::Updated => cursor
            .instant()
            .ok_or_else(|| {
                AppError::invalid(
                    "after",
                    "This page link is not valid; please start at the first page.",
                )
            })?
            .into(),
    };
    let (bound, beyond) = if goes_down(query) {
        ("<=", "<")
    } else {
        (">=", ">")
    };
    sql.push(&format!(" AND {column} {bound} ")).bind(value.clone());
    sql.push(&format!(" AND ({column} {beyond} ")).bind(value.clone());
    sql.push(&format!(" OR ({column} = ")).bind(value);
    sql.push(&format!(" AND c.id {beyond} "))
        .bind(cursor.id.0)
        .push("))");
    Ok(())
}

/// Makes the page of ids that were found in the direction of travel.
async fn page(ctx: &Ctx, query: &ListQuery, mut ids: Vec<Uuid>, total: Total) -> Result<CustomerPage> {
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let size = usize::from(query.size);
    let goes_on = ids.len() > size;
    ids.truncate(size);
    if backwards {
        ids.reverse();
    }
    let found = rows(ctx, &ids).await?;
    let cursor = |row: Option<&Found>, backwards| {
        row.map(|row| row.cursor(query.sort.by, backwards).token(query.sort))
    };
    let (has_previous, has_next) = if backwards {
        (goes_on, true)
    } else {
        (query.cursor.is_some(), goes_on)
    };
    Ok(CustomerPage {
        next: cursor(found.last(), false).filter(|_| has_next),
        previous: cursor(found.first(), true).filter(|_| has_previous),
        rows: told(ctx, found)?,
        total,
        more_matches: false,
    })
}

/// Turns stored rows into what a list shows.
pub(super) fn told(ctx: &Ctx, found: Vec<Found>) -> Result<Vec<CustomerRow>> {
    let now = ctx.now();
    found.into_iter().map(|row| row.told(now)).collect()
}

#[derive(FromQueryResult)]
pub(super) struct Found {
    id: Uuid,
    version: i64,
    kind: String,
    stage: String,
    name: String,
    contact: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    owner_id: Option<Uuid>,
    owner: Option<String>,
    city: Option<String>,
    country: Option<String>,
    tags: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Found {
    fn cursor(&self, by: SortBy, backwards: bool) -> Cursor {
        let id = CustomerId(self.id);
        match by {
            SortBy::Name => Cursor::by_name(&self.name, id, backwards),
            SortBy::Created => Cursor::by_instant(self.created_at, id, backwards),
            SortBy::Updated => Cursor::by_instant(self.updated_at, id, backwards),
        }
    }

    fn told(self, now: crate::zone::Now) -> Result<CustomerRow> {
        Ok(CustomerRow {
            id: CustomerId(self.id),
            version: self.version,
            kind: self.kind.parse().map_err(Error::Stored)?,
            stage: self.stage.parse().map_err(Error::Stored)?,
            name: self.name,
            contact: self.contact.unwrap_or_default(),
            email: self.email,
            phone: self.phone,
            owner: self.owner_id.map(UserId).zip(self.owner),
            city: self.city,
            country: self.country,
            tags: self.tags,
            updated: now.say(self.updated_at),
        })
    }
}

/// The rows of these ids, in the order of the ids. Names of related customers only within the read scope.
pub(super) async fn rows(ctx: &Ctx, ids: &[Uuid]) -> Result<Vec<Found>> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let mut sql = Sql::new(
        "SELECT r.id, r.version, r.kind, r.stage, r.name, r.owner_id, owner.name AS owner, r.city, r.country, r.tags, \
                r.created_at, r.updated_at, related.name AS contact, \
                (SELECT p.value FROM contact_point p WHERE p.customer_id = r.id AND p.kind = 'email' \
                 ORDER BY p.position LIMIT 1) AS email, \
                (SELECT p.value FROM contact_point p WHERE p.customer_id = r.id AND p.kind = 'phone' \
                 ORDER BY p.position LIMIT 1) AS phone \
         FROM unnest(",
    );
    sql.bind(ids.to_vec()).push(
        "::uuid[]) WITH ORDINALITY AS wanted (id, place) JOIN customer r ON r.id = wanted.id \
         LEFT JOIN app_user owner ON owner.id = r.owner_id \
         LEFT JOIN LATERAL ((SELECT c.name FROM customer c \
         WHERE r.kind = 'person' AND c.id = r.company_id AND c.deleted_at IS NULL AND ",
    );
    push_scope(&mut sql, reads);
    // Two queries, each with an index: one condition for both would read the whole table for every row.
    sql.push(
        ") UNION ALL (SELECT c.name FROM customer c \
         WHERE r.kind = 'company' AND c.company_id = r.id AND c.deleted_at IS NULL AND ",
    );
    push_scope(&mut sql, reads);
    sql.push(" ORDER BY c.name, c.id LIMIT 1)) AS related ON TRUE ORDER BY wanted.place");
    Ok(Found::find_by_statement(sql.done()).all(ctx.db()).await?)
}
