//! The trash: the customers that lie in it, newest first.

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind, Scope},
    error::AppError,
    feed::{Trash, Trashed},
    id::{CustomerId, TeamId, UserId},
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{
    Ctx, Error, Result,
    access::{push_scope, require},
    sql::Sql,
};

/// Customers on a page.
const SIZE: usize = 50;

#[derive(FromQueryResult)]
struct Line {
    id: Uuid,
    name: String,
    kind: String,
    owner: Option<Uuid>,
    team: Option<Uuid>,
    at: DateTime<Utc>,
    by: Option<String>,
}

#[derive(FromQueryResult)]
struct Laid {
    at: DateTime<Utc>,
}

/// When a customer in sight was laid into the trash last: by the journal, for it may have been taken out of it meanwhile.
async fn trashed(ctx: &Ctx, reads: Scope, id: CustomerId) -> Result<DateTime<Utc>> {
    let mut sql = Sql::new(
        "SELECT b.at FROM customer c JOIN change s ON s.subject = c.id AND s.record = c.id AND s.op = 'trash' \
         JOIN batch b ON b.id = s.batch WHERE c.id = ",
    );
    sql.bind(id.0).push(" AND ");
    push_scope(&mut sql, reads);
    sql.push(" ORDER BY s.seq DESC LIMIT 1");
    let laid = Laid::find_by_statement(sql.done()).one(ctx.db()).await?;
    let nowhere = || AppError::invalid("before", "There is no such place in the trash.");
    Ok(laid.ok_or_else(nowhere)?.at)
}

/// A page of the trash, from behind a customer if one is named.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to see customers; [`AppError::Invalid`] on `before` for what never lay in it.
pub async fn trash(ctx: &Ctx, before: Option<CustomerId>) -> Result<Trash> {
    let reads = require(ctx.actor(), Kind::Customer, Ability::Read)?;
    let mut sql = Sql::new(
        "SELECT c.id, c.name, c.kind, c.owner_id AS owner, c.team_id AS team, c.deleted_at AS at, \
                (SELECT u.name FROM change s JOIN batch b ON b.id = s.batch JOIN app_user u ON u.id = b.actor \
                 WHERE s.subject = c.id AND s.record = c.id AND s.op = 'trash' ORDER BY s.seq DESC LIMIT 1) AS by \
         FROM customer c WHERE c.deleted_at IS NOT NULL AND ",
    );
    push_scope(&mut sql, reads);
    if let Some(before) = before {
        sql.push(" AND (c.deleted_at, c.id) < (")
            .bind(trashed(ctx, reads, before).await?)
            .push(", ")
            .bind(before.0)
            .push(")");
    }
    sql.push(" ORDER BY c.deleted_at DESC, c.id DESC")
        .limit(SIZE as i64 + 1);
    let mut lines = Line::find_by_statement(sql.done()).all(ctx.db()).await?;
    let goes_on = lines.len() > SIZE;
    lines.truncate(SIZE);
    let last = lines.last().map(|line| CustomerId(line.id));
    let deletes = ctx.actor().scope(Kind::Customer, Ability::Delete);
    let now = ctx.now();
    let customers: Result<Vec<Trashed>> = lines
        .into_iter()
        .map(|line| {
            Ok(Trashed {
                id: CustomerId(line.id),
                may_restore: deletes.holds(line.owner.map(UserId), line.team.map(TeamId)),
                kind: line.kind.parse().map_err(Error::Stored)?,
                at: now.say(line.at),
                name: line.name,
                by: line.by,
            })
        })
        .collect();
    Ok(Trash {
        customers: customers?,
        before: last.filter(|_| goes_on),
    })
}
