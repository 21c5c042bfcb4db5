//! Keys by which a program acts: for somebody, with the rights that they have at that moment, or less; or for itself, by
//! an account of its own.

mod keep;
mod program;

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    api_key::{KeyAccess, PREFIX},
    error::AppError,
    id::{ApiKeyId, uuid_v7},
    journal::Via,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::{
    Ctx, Error, Result, Service,
    limit::{self, Left},
    secret,
    sql::sql,
    user,
};

pub(crate) use keep::revoke_all;
pub use keep::{list, make, revoke};
pub use program::{all, close_program, new_program, new_program_key, revoke_any};

/// The last use is noted at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// For how long it is remembered what was asked under an Idempotency-Key.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

#[derive(FromQueryResult)]
struct Holder {
    id: Uuid,
    access: String,
    last_used_at: Option<DateTime<Utc>>,
    #[sea_orm(nested)]
    owner: user::Standing,
}

/// A program that acts.
#[derive(Clone)]
pub struct Caller {
    /// For whom, with which rights.
    pub ctx: Ctx,
    /// By which key.
    pub key: ApiKeyId,
    /// What the key may do of what its owner may.
    pub access: KeyAccess,
    /// What is left of what the key may ask.
    pub left: Left,
}

/// Who acts by a key, and takes one from what the key may ask.
///
/// # Errors
/// [`AppError::Unauthenticated`] for a key that is wrong, revoked or over, or whose owner does not work here any more;
/// [`AppError::TooManyRequests`]; and when the database or Redis does not answer.
pub async fn resolve(service: &Service, key: &str, client: &str) -> Result<Caller> {
    let found = match key.strip_prefix(PREFIX).filter(|token| secret::is_token(token)) {
        Some(_) => holder(service, key).await?,
        None => None,
    };
    let Some(holder) = found else {
        service.db().let_go();
        limit::take(service, &[(limit::KEY_FROM, client)]).await?;
        return Err(AppError::Unauthenticated.into());
    };
    let left = limit::take_one(service, limit::by_key(service), &holder.id.to_string()).await?;
    note_use(service, &holder).await?;
    let access: KeyAccess = holder.access.parse().map_err(Error::Stored)?;
    let mut actor = user::Present::from(holder.owner).actor;
    if access == KeyAccess::Read {
        actor.grants = actor.grants.reading();
    }
    Ok(Caller {
        ctx: service.acting(actor, Via::Key),
        key: ApiKeyId(holder.id),
        access,
        left,
    })
}

/// The key that is good, and whoever it is of.
async fn holder(service: &Service, key: &str) -> Result<Option<Holder>> {
    let text = format!(
        "SELECT k.id, k.access, k.last_used_at, {} FROM api_key k JOIN app_user u ON u.id = k.user_id AND u.active \
         CROSS JOIN organisation o \
         WHERE k.token_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)",
        user::STANDING
    );
    let values = [secret::digest(key).into(), service.clock().now().into()];
    Ok(Holder::find_by_statement(sql(&text, values))
        .one(service.db())
        .await?)
}

async fn note_use(service: &Service, holder: &Holder) -> Result<()> {
    let now = service.clock().now();
    if holder.last_used_at.is_some_and(|at| now - at < NOTED_EVERY) {
        return Ok(());
    }
    let statement = sql(
        "UPDATE api_key SET last_used_at = $2 WHERE id = $1",
        [holder.id.into(), now.into()],
    );
    service.db().execute_raw(statement).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Asked {
    fingerprint: String,
    record: Uuid,
}

/// The id of the record that a program makes by a request under an Idempotency-Key: the same however often it asks, on
/// whichever server, also after a crash. What makes the record makes it once.
///
/// # Errors
/// [`AppError::Invalid`] on `Idempotency-Key` when something else was asked under it.
pub async fn record_for(caller: &Caller, key: &str, request: &[u8]) -> Result<Uuid> {
    let (ctx, now) = (&caller.ctx, caller.ctx.clock().now());
    let fingerprint = secret::digest_bytes(request);
    let fresh: Uuid = ctx.clock().new_id();
    // What was asked longer ago than is promised is forgotten by the way.
    let statement = sql(
        "INSERT INTO idempotency AS i (api_key, key, fingerprint, record, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (api_key, key) DO UPDATE SET (fingerprint, record, settled, created_at) = \
           (SELECT k.fingerprint, k.record, k.settled, k.created_at \
            FROM (VALUES (1, i.fingerprint, i.record, i.settled, i.created_at), \
                         (2, excluded.fingerprint, excluded.record, excluded.settled, excluded.created_at)) \
              AS k (place, fingerprint, record, settled, created_at) \
            WHERE k.place = 2 OR k.created_at >= $6 ORDER BY k.place LIMIT 1) \
         RETURNING fingerprint, record",
        [
            caller.key.0.into(),
            key.into(),
            fingerprint.clone().into(),
            fresh.into(),
            now.into(),
            (now - REMEMBERED).into(),
        ],
    );
    let asked = Asked::find_by_statement(statement).one(ctx.db()).await?;
    let asked = asked.ok_or_else(|| Error::Stored("an insert without its row".to_owned()))?;
    if asked.fingerprint != fingerprint && !take_over(ctx, caller.key, key, &fingerprint).await? {
        let sentence = "Something else was asked under this key before. Please send a new one.";
        return Err(AppError::invalid("Idempotency-Key", sentence).into());
    }
    Ok(asked.record)
}

/// Forgets what was asked longer ago than is promised.
pub(crate) async fn sweep(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<()> {
    let old = sql(
        "DELETE FROM idempotency WHERE created_at < $1",
        [(now - REMEMBERED).into()],
    );
    db.execute_raw(old).await?;
    Ok(())
}

/// The id of one of many records that are made by one request: the same whenever it is asked for.
#[must_use]
pub fn id_within(request: Uuid, place: usize) -> Uuid {
    let place = u64::try_from(place).unwrap_or_default();
    let seed = [request.as_bytes().as_slice(), &place.to_be_bytes()].concat();
    let digest = secret::unhex(&secret::digest_bytes(&seed)).unwrap_or_default();
    let mut chance = [0; 10];
    chance.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
    let minted = request.get_timestamp().map_or((0, 0), |at| at.to_unix());
    uuid_v7(minted.0 * 1_000 + u64::from(minted.1 / 1_000_000), chance)
}

/// Notes that something is done under an Idempotency-Key of which its record tells nothing: from now on it stands for
/// no other request.
///
/// # Errors
/// When the database does not answer.
pub async fn settle(caller: &Caller, key: &str) -> Result<()> {
    let statement = sql(
        "UPDATE idempotency SET settled = TRUE WHERE api_key = $1 AND key = $2",
        [caller.key.0.into(), key.into()],
    );
    caller.ctx.db().execute_raw(statement).await?;
    Ok(())
}

/// Lets a key stand for another request, as long as nothing was made by the one before: that was refused, or never came
/// so far. Gives whether it does.
async fn take_over(ctx: &Ctx, by: ApiKeyId, key: &str, fingerprint: &str) -> Result<bool> {
    let statement = sql(
        "UPDATE idempotency i SET fingerprint = $3 WHERE i.api_key = $1 AND i.key = $2 AND NOT i.settled \
           AND NOT EXISTS (SELECT 1 FROM change c WHERE c.subject = i.record) \
           AND NOT EXISTS (SELECT 1 FROM activity a WHERE a.id = i.record) \
           AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.id = i.record) \
           AND NOT EXISTS (SELECT 1 FROM import f WHERE f.id = i.record) \
           AND NOT EXISTS (SELECT 1 FROM batch b WHERE b.id = i.record)",
        [by.0.into(), key.into(), fingerprint.into()],
    );
    Ok(ctx.db().execute_raw(statement).await?.rows_affected() > 0)
}
