//! A person's calendar for other programs: read by a link that holds a secret, until it is revoked.

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{error::AppError, id::UserId, journal::Via};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{ics, query};
use crate::{
    Ctx, Result, Service,
    journal::{self, Command},
    limit, secret,
    sql::sql,
    user::{self, Link},
};

/// How far back and ahead the calendar reaches.
const BACK: TimeDelta = TimeDelta::days(30);
const AHEAD: TimeDelta = TimeDelta::days(366);
/// Under which name the link is shown to the one who made it.
const SHOWN_AS: &str = "calendar";
const FINAL: &str = "A link that was handed on cannot be called back; it can be revoked.";

#[derive(FromQueryResult)]
struct Stored {
    created_at: DateTime<Utc>,
}

/// Since when the actor's calendar is open to other programs, if it is; and the link, if they made it a moment ago.
pub(crate) async fn state(ctx: &Ctx) -> Result<(Option<DateTime<Utc>>, Option<String>)> {
    let statement = sql(
        "SELECT created_at FROM calendar_feed WHERE user_id = $1",
        [ctx.actor().user.0.into()],
    );
    let stored = Stored::find_by_statement(statement).one(ctx.db()).await?;
    let link = match &stored {
        Some(_) => user::seen_secret(ctx, SHOWN_AS).await?,
        None => None,
    };
    Ok((stored.map(|stored| stored.created_at), link))
}

/// Opens the actor's calendar by a new link; an older one is not good any more.
///
/// # Errors
/// When the database or Redis does not answer.
pub async fn open_feed(ctx: &Ctx) -> Result<()> {
    let link = Link::to_calendar();
    let tx = ctx.db().begin().await?;
    let statement = sql(
        "INSERT INTO calendar_feed (user_id, token_hash, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, created_at = excluded.created_at",
        [
            ctx.actor().user.0.into(),
            link.hash.clone().into(),
            ctx.clock().now().into(),
        ],
    );
    tx.execute_raw(statement).await?;
    let command = Command::of(ctx, "open calendar feed").never_undone(FINAL);
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    link.show(ctx, SHOWN_AS).await
}

/// Closes it: the link leads nowhere from then on.
///
/// # Errors
/// [`AppError::Refused`] when it is not open.
pub async fn revoke_feed(ctx: &Ctx) -> Result<()> {
    let tx = ctx.db().begin().await?;
    let gone = "DELETE FROM calendar_feed WHERE user_id = $1";
    let gone = tx.execute_raw(sql(gone, [ctx.actor().user.0.into()])).await?;
    if gone.rows_affected() == 0 {
        return Err(AppError::refused("Your calendar is not open to other programs.").into());
    }
    let command = Command::of(ctx, "revoke calendar feed")
        .never_undone("The link before is not kept; a new one can be made.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    Ok(tx.commit().await?)
}

#[derive(FromQueryResult)]
struct Holder {
    id: Uuid,
}

/// The calendar that a link opens: what its owner keeps, as far as they may see it now.
///
/// # Errors
/// [`AppError::NotFound`] for a link that is wrong or revoked, or whose owner does not work here any more;
/// [`AppError::TooManyRequests`].
pub async fn feed_ics(service: &Service, token: &str) -> Result<String> {
    if !secret::is_token(token) {
        return Err(AppError::NotFound.into());
    }
    limit::take(service, &[(limit::CALENDAR, token)]).await?;
    let statement = sql(
        "SELECT user_id AS id FROM calendar_feed WHERE token_hash = $1",
        [secret::digest(token).into()],
    );
    let holder = Holder::find_by_statement(statement).one(service.db()).await?;
    let holder = holder.ok_or(AppError::NotFound)?;
    let actor = user::actor(service, UserId(holder.id)).await?;
    let ctx = service.acting(actor, Via::Key);
    let now = ctx.clock().now();
    let kept = query::kept_by_actor(&ctx, now - BACK, now + AHEAD).await?;
    Ok(ics::calendar(kept.iter().map(|kept| ics::event(kept, now))))
}
