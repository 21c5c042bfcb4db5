//! The messages of a webhook: looked at, tried out, sent again.

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    id::{DeliveryId, WebhookId},
    webhook::{Delivery, WebhookPage},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{keep, message};
use crate::{Ctx, Error, Result, access::require, sql::sql, zone::Now};

/// Messages on a page of the log.
const PAGE: usize = 50;
/// For how long messages are kept that do not wait.
const KEPT: TimeDelta = TimeDelta::days(30);

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    place: i64,
    event: String,
    body: String,
    state: String,
    created_at: DateTime<Utc>,
    attempts: i32,
    tried_at: Option<DateTime<Utc>>,
    status: Option<i32>,
    millis: Option<i32>,
    said: Option<String>,
}

impl Row {
    fn view(self, now: &Now) -> Result<Delivery> {
        Ok(Delivery {
            id: DeliveryId(self.id),
            place: self.place,
            event: self.event,
            at: now.say(self.created_at),
            state: self.state.parse().map_err(Error::Stored)?,
            attempts: self.attempts.unsigned_abs(),
            tried: self.tried_at.map(|at| now.say(at)),
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            millis: self.millis.map(i32::unsigned_abs),
            said: self.said.filter(|said| !said.is_empty()),
            body: self.body,
        })
    }
}

/// A webhook and its messages, newest first, from behind a place on.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings; [`AppError::NotFound`].
pub async fn page(ctx: &Ctx, id: WebhookId, before: Option<i64>) -> Result<WebhookPage> {
    let webhook = keep::get(ctx, id).await?;
    let statement = sql(
        "SELECT id, place, event, body, state, created_at, attempts, tried_at, status, millis, said \
         FROM webhook_delivery WHERE webhook = $1 AND place < coalesce($2, 9223372036854775807) \
         ORDER BY place DESC LIMIT $3",
        [
            id.0.into(),
            before.into(),
            i64::try_from(PAGE + 1).unwrap_or(i64::MAX).into(),
        ],
    );
    let mut rows = Row::find_by_statement(statement).all(ctx.db()).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let before = rows.last().map(|row| row.place).filter(|_| more);
    let now = ctx.now();
    Ok(WebhookPage {
        webhook,
        log: rows
            .into_iter()
            .map(|row| row.view(&now))
            .collect::<Result<_>>()?,
        before,
    })
}

/// Sends a message that says nothing, to try a webhook out. It waits for its turn like all others.
///
/// # Errors
/// [`AppError::Forbidden`] without the right; [`AppError::NotFound`]; [`AppError::Refused`] for one that is paused.
pub async fn ping(ctx: &Ctx, id: WebhookId) -> Result<DeliveryId> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    keep::require_active(ctx.db(), id).await?;
    let (ping, now): (DeliveryId, _) = (ctx.clock().new_id(), ctx.clock().now());
    let statement = sql(
        "INSERT INTO webhook_delivery (id, webhook, event, body, state, created_at) VALUES ($1, $2, $3, $4, 'waiting', $5)",
        [
            ping.0.into(),
            id.0.into(),
            message::PING.into(),
            message::ping(now).into(),
            now.into(),
        ],
    );
    ctx.db().execute_raw(statement).await?;
    Ok(ping)
}

#[derive(FromQueryResult)]
struct Owner {
    webhook: Uuid,
}

/// Sends a message again, under the same id, behind those that wait; one that waits already, at once. Gives its webhook.
///
/// # Errors
/// As [`ping`].
pub async fn send_again(ctx: &Ctx, id: DeliveryId) -> Result<WebhookId> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let owner = sql(
        "SELECT webhook FROM webhook_delivery WHERE id = $1",
        [id.0.into()],
    );
    let owner = Owner::find_by_statement(owner).one(ctx.db()).await?;
    let webhook = WebhookId(owner.ok_or(AppError::NotFound)?.webhook);
    keep::require_active(ctx.db(), webhook).await?;
    let statement = sql(
        "WITH again AS (UPDATE webhook_delivery SET state = 'waiting', attempts = 0, \
                               place = nextval('webhook_delivery_place') WHERE id = $1 AND state <> 'waiting') \
         UPDATE webhook SET next_at = NULL WHERE id = $2",
        [id.0.into(), webhook.0.into()],
    );
    ctx.db().execute_raw(statement).await?;
    Ok(webhook)
}

/// Forgets messages that arrived long ago, a piece at a time.
pub(crate) async fn sweep(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<()> {
    let old = "DELETE FROM webhook_delivery WHERE id IN \
         (SELECT id FROM webhook_delivery WHERE created_at < $1 AND state <> 'waiting' ORDER BY created_at LIMIT 1000)";
    while db
        .execute_raw(sql(old, [(now - KEPT).into()]))
        .await?
        .rows_affected()
        > 0
    {}
    Ok(())
}
