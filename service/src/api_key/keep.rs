//! Keys as people keep them: made, looked at, revoked.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    api_key::{KEYS_MAX, KeyView, NewKey, PREFIX},
    error::AppError,
    id::{ApiKeyId, UserId},
    journal::Via,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Ctx, Error, Result,
    journal::{self, Command},
    secret,
    sql::sql,
    user,
};

/// Characters of a key by which its owner knows it again.
const HINT: usize = 4;
/// For how long somebody sees a key that they made, at most.
const SEEN_FOR: TimeDelta = TimeDelta::minutes(15);

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    user_id: Uuid,
    name: String,
    hint: String,
    access: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

/// The actor's own keys that were not revoked, newest first.
///
/// # Errors
/// When the database or Redis does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<KeyView>> {
    let own = ctx.actor().user;
    Ok(of(ctx, Some(own)).await?.remove(&own).unwrap_or_default())
}

/// The keys that were not revoked, newest first, by whose they are; of one only, if one is named.
pub(super) async fn of(ctx: &Ctx, owner: Option<UserId>) -> Result<BTreeMap<UserId, Vec<KeyView>>> {
    let statement = sql(
        "SELECT id, user_id, name, hint, access, created_at, expires_at, last_used_at FROM api_key \
         WHERE user_id = coalesce($1, user_id) AND revoked_at IS NULL ORDER BY created_at DESC, id DESC",
        [owner.map(|owner| owner.0).into()],
    );
    let mut keys = BTreeMap::<UserId, Vec<KeyView>>::new();
    for row in Row::find_by_statement(statement).all(ctx.db()).await? {
        keys.entry(UserId(row.user_id))
            .or_default()
            .push(view(ctx, row).await?);
    }
    Ok(keys)
}

async fn view(ctx: &Ctx, row: Row) -> Result<KeyView> {
    let now = ctx.now();
    Ok(KeyView {
        id: ApiKeyId(row.id),
        name: row.name,
        hint: row.hint,
        access: row.access.parse().map_err(Error::Stored)?,
        created: now.say(row.created_at),
        used: row.last_used_at.map(|at| now.say(at)),
        expires: row
            .expires_at
            .map(|at| now.local(at).format("%-d %b %Y").to_string()),
        expired: row.expires_at.is_some_and(|at| at <= ctx.clock().now()),
        // Only of one that was just made there is something to be seen.
        secret: if row.created_at > ctx.clock().now() - SEEN_FOR {
            user::seen_secret(ctx, shown_as(ApiKeyId(row.id))).await?
        } else {
            None
        },
    })
}

fn shown_as(id: ApiKeyId) -> String {
    format!("key {id}")
}

/// Makes a key for the actor and gives it; for ten minutes they can see it again. Sending the same form again makes
/// none.
///
/// # Errors
/// [`AppError::Refused`] when they have too many; [`AppError::Forbidden`] for a program: keys are made by people.
pub async fn make(ctx: &Ctx, new: NewKey) -> Result<String> {
    for_people(ctx)?;
    make_for(ctx.db().begin().await?, ctx, ctx.actor().user, new).await
}

/// The same for a program with an account of its own.
pub(super) async fn make_for(
    tx: DatabaseTransaction,
    ctx: &Ctx,
    owner: UserId,
    new: NewKey,
) -> Result<String> {
    let (id, name, access) = (new.id, new.name.clone(), new.access);
    let Some(secret) = insert(&tx, ctx, owner, new).await? else {
        tx.rollback().await?;
        return made_or_too_many(ctx, owner, id).await;
    };
    let command = Command::of(ctx, "make key")
        .with_detail(json!({ "key": name, "access": access.word(), "user": owner }))
        .never_undone("A key that was handed on cannot be called back; it can be revoked.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    show(ctx, id, &secret).await?;
    Ok(secret)
}

/// Lets the actor see a key for a while.
pub(super) async fn show(ctx: &Ctx, id: ApiKeyId, secret: &str) -> Result<()> {
    user::show_secret(ctx, shown_as(id), secret).await
}

/// Writes a key; nothing where there is one of its id, or the owner has too many.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    owner: UserId,
    new: NewKey,
) -> Result<Option<String>> {
    let secret = format!("{PREFIX}{}", secret::token());
    let hint: String = secret.chars().skip(secret.len() - HINT).collect();
    let now = ctx.clock().now();
    let statement = sql(
        "INSERT INTO api_key (id, user_id, name, hint, token_hash, access, created_at, expires_at) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
         WHERE (SELECT count(*) FROM api_key WHERE user_id = $2 AND revoked_at IS NULL \
                  AND (expires_at IS NULL OR expires_at > $7)) < $9 ON CONFLICT (id) DO NOTHING",
        [
            new.id.0.into(),
            owner.0.into(),
            new.name.into(),
            hint.into(),
            secret::digest(&secret).into(),
            new.access.word().into(),
            now.into(),
            new.lasts
                .days()
                .map(|days| now + TimeDelta::days(days.into()))
                .into(),
            i64::try_from(KEYS_MAX).unwrap_or(i64::MAX).into(),
        ],
    );
    let written = tx.execute_raw(statement).await?.rows_affected() > 0;
    Ok(written.then_some(secret))
}

async fn made_or_too_many(ctx: &Ctx, owner: UserId, id: ApiKeyId) -> Result<String> {
    let own = sql(
        "SELECT 1 FROM api_key WHERE id = $1 AND user_id = $2",
        [id.0.into(), owner.0.into()],
    );
    match ctx.db().query_one_raw(own).await? {
        Some(_) => Ok(user::seen_secret(ctx, shown_as(id)).await?.unwrap_or_default()),
        None => Err(AppError::refused(format!(
            "There can be {KEYS_MAX} keys at once. Please revoke one first."
        ))
        .into()),
    }
}

/// No key makes or revokes another one.
pub(super) fn for_people(ctx: &Ctx) -> Result<()> {
    match ctx.via() {
        Via::Key => Err(AppError::Forbidden.into()),
        _ => Ok(()),
    }
}

/// Revokes one of the actor's keys: it is good for nothing from then on.
///
/// # Errors
/// [`AppError::NotFound`] when there is none such, [`AppError::Forbidden`] for a program.
pub async fn revoke(ctx: &Ctx, id: ApiKeyId) -> Result<()> {
    for_people(ctx)?;
    revoke_of(ctx, id, Some(ctx.actor().user)).await
}

#[derive(FromQueryResult)]
struct Revoked {
    name: String,
    user_id: Uuid,
}

/// Revokes a key; of one owner only, if one is named.
pub(super) async fn revoke_of(ctx: &Ctx, id: ApiKeyId, owner: Option<UserId>) -> Result<()> {
    let tx = ctx.db().begin().await?;
    let statement = sql(
        "UPDATE api_key SET revoked_at = $3 WHERE id = $1 AND user_id = coalesce($2, user_id) \
           AND revoked_at IS NULL RETURNING name, user_id",
        [
            id.0.into(),
            owner.map(|owner| owner.0).into(),
            ctx.clock().now().into(),
        ],
    );
    let revoked = Revoked::find_by_statement(statement)
        .one(&tx)
        .await?
        .ok_or(AppError::NotFound)?;
    let command = Command::of(ctx, "revoke key")
        .with_detail(json!({ "key": revoked.name, "user": revoked.user_id }))
        .never_undone("A revoked key stays revoked; a new one can be made.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    Ok(tx.commit().await?)
}

/// Revokes all keys of somebody whose account may have been in other hands.
pub(crate) async fn revoke_all(db: &impl ConnectionTrait, user: UserId, now: DateTime<Utc>) -> Result<()> {
    let statement = sql(
        "UPDATE api_key SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        [user.0.into(), now.into()],
    );
    db.execute_raw(statement).await?;
    Ok(())
}
