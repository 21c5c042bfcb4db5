//! Customers as a file: all that a list holds and that the actor may take away, read piece by piece.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use futures::{Stream, stream};
use rapport_domain::{
    access::{Ability, Kind, Scope},
    customer::{ContactPoint, CustomerKind, ExternalRef},
    export::{ExportRow, header, line},
    id::CustomerId,
    query::ListQuery,
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{
    list::filter,
    query::{ROW, Row, points_of},
    search,
};
use crate::{
    Ctx, Error, Result,
    access::{push_scope, scope},
    limit,
    sql::{Sql, sql},
};

/// Customers in one piece.
const PIECE: i64 = 1_000;

/// What to read next.
struct Walk {
    ctx: Ctx,
    query: ListQuery,
    reads: Scope,
    exports: Scope,
    /// What a search found; the whole list otherwise.
    found: Option<Vec<Uuid>>,
    /// Which kind is read now; none at the end.
    kind: Option<CustomerKind>,
    behind: Option<Uuid>,
}

/// The customers of a list as CSV, piece by piece, the header first, in the order in which they were made: companies
/// before people, so that an import has a person's company when it comes to the person. Of a search it is what the
/// search shows at most.
///
/// # Errors
/// [`rapport_domain::error::AppError::Forbidden`] without the right to read and to export,
/// [`rapport_domain::error::AppError::TooManyRequests`]; an error in the middle ends the stream.
pub async fn csv(ctx: &Ctx, query: ListQuery) -> Result<impl Stream<Item = Result<String>> + use<>> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let exports = scope(ctx, Kind::Customer, Ability::Export)?;
    limit::take_own(ctx, limit::FILES_OF).await?;
    let found = if query.search.trim().is_empty() {
        None
    } else {
        Some(search::all(ctx, &query).await?)
    };
    let walk = Walk {
        ctx: ctx.clone(),
        query,
        reads,
        exports,
        found,
        kind: Some(CustomerKind::Company),
        behind: None,
    };
    let rows = stream::try_unfold(walk, |mut walk| async move {
        let piece = walk.piece().await?;
        Ok(piece.map(|piece| (piece, walk)))
    });
    Ok(futures::StreamExt::chain(
        stream::once(futures::future::ready(Ok(header()))),
        rows,
    ))
}

/// What stands beside a row.
#[derive(FromQueryResult)]
struct Beside {
    id: Uuid,
    owner: Option<String>,
    company: Option<String>,
}

#[derive(FromQueryResult)]
struct Reference {
    customer_id: Uuid,
    source: String,
    key: String,
}

impl Walk {
    async fn piece(&mut self) -> Result<Option<String>> {
        let rows = loop {
            let Some(kind) = self.kind else {
                return Ok(None);
            };
            let rows = self.rows(kind).await?;
            self.behind = rows.last().map(|row| row.id);
            if (rows.len() as i64) < PIECE {
                self.kind = (kind == CustomerKind::Company).then_some(CustomerKind::Person);
                self.behind = None;
            }
            if !rows.is_empty() {
                break rows;
            }
        };
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let (db, zone) = (self.ctx.db(), self.ctx.zone());
        let (mut points, mut references, mut beside) = futures::try_join!(
            points_of(db, ids.clone()),
            self.references(ids.clone()),
            self.beside(ids)
        )?;
        let mut piece = String::new();
        for row in rows {
            let points = points.remove(&row.id).unwrap_or_default();
            let references = references.remove(&row.id).unwrap_or_default();
            let beside = beside.remove(&row.id);
            piece.push_str(&line(&told(zone, row, points, references, beside)?));
        }
        Ok(Some(piece))
    }

    async fn rows(&self, kind: CustomerKind) -> Result<Vec<Row>> {
        let mut sql = Sql::new("SELECT ");
        sql.push(ROW)
            .push(" FROM customer c WHERE c.deleted_at IS NULL AND c.kind = ")
            .bind(kind.word())
            .push(" AND ");
        push_scope(&mut sql, self.reads);
        // The one right does not come with the other.
        sql.push(" AND ");
        push_scope(&mut sql, self.exports);
        if !self.query.filter.is_empty() {
            sql.push(" AND ");
            filter::push(&mut sql, &self.query.filter, Some(self.ctx.actor()))?;
        }
        if let Some(found) = &self.found {
            sql.push(" AND c.id = ANY(").bind(found.clone()).push(")");
        }
        if let Some(behind) = self.behind {
            sql.push(" AND c.id > ").bind(behind);
        }
        sql.push(" ORDER BY c.id").limit(PIECE);
        Ok(Row::find_by_statement(sql.done()).all(self.ctx.db()).await?)
    }

    async fn references(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Vec<ExternalRef>>> {
        let statement = sql(
            "SELECT customer_id, source, key FROM external_ref WHERE customer_id = ANY($1) ORDER BY source, key",
            [ids.into()],
        );
        let mut references = HashMap::<Uuid, Vec<ExternalRef>>::new();
        for found in Reference::find_by_statement(statement).all(self.ctx.db()).await? {
            references
                .entry(found.customer_id)
                .or_default()
                .push(ExternalRef {
                    source: found.source,
                    key: found.key,
                });
        }
        Ok(references)
    }

    /// The owner's address, and the company's name where the actor may see it.
    async fn beside(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Beside>> {
        let mut sql = Sql::new(
            "SELECT r.id, u.email AS owner, c.name AS company FROM customer r \
             LEFT JOIN app_user u ON u.id = r.owner_id LEFT JOIN customer c ON c.id = r.company_id AND ",
        );
        push_scope(&mut sql, scope(&self.ctx, Kind::Customer, Ability::Read)?);
        sql.push(" WHERE r.id = ANY(").bind(ids).push(")");
        let rows = Beside::find_by_statement(sql.done()).all(self.ctx.db()).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

fn told(
    zone: Tz,
    row: Row,
    points: Vec<ContactPoint>,
    references: Vec<ExternalRef>,
    beside: Option<Beside>,
) -> Result<ExportRow> {
    let (owner, company) = beside.map_or((None, None), |beside| (beside.owner, beside.company));
    // By the clock of who takes it away: brought in again elsewhere, the day is the one that they see.
    let instant = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(ExportRow {
        id: CustomerId(row.id),
        kind: row.kind.parse().map_err(Error::Stored)?,
        stage: row.stage.parse().map_err(Error::Stored)?,
        name: row.name,
        job_title: row.job_title.unwrap_or_default(),
        company: row.company_id.map(CustomerId).zip(company),
        owner: owner.unwrap_or_default(),
        contacts: points
            .into_iter()
            .map(|point| (point.kind, point.value, point.label))
            .collect(),
        tags: row.tags,
        street: row.street.unwrap_or_default(),
        postal_code: row.postal_code.unwrap_or_default(),
        city: row.city.unwrap_or_default(),
        region: row.region.unwrap_or_default(),
        country: row.country.unwrap_or_default(),
        created_at: instant(row.created_at),
        updated_at: instant(row.updated_at),
        references,
    })
}
