//! Webhooks as admins keep them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    id::{BatchId, WebhookId},
    journal::{Op, Receipt, Via},
    webhook::{WEBHOOKS_MAX, Webhook, WebhookForm, WebhookState},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{message, post};
use crate::{
    Ctx, Result,
    access::require,
    journal::{self, Change, Command, Fields, RecordKind},
    seen::Seen,
    sql::sql,
    user,
    zone::Now,
};

/// The command that makes a webhook.
const CREATE: &str = "make webhook";
/// For how long it is waited for those who write at the moment from which a webhook is told.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// For how long messages are signed with the secret before, too.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// A webhook as it is stored.
#[derive(FromQueryResult)]
pub(super) struct Stored {
    id: Uuid,
    version: i64,
    name: String,
    url: String,
    events: Vec<String>,
    filter: Option<String>,
    active: bool,
    given_up: bool,
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    arrived_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str =
    "id, version, name, url, events, filter, active, given_up, failing_since, created_at, arrived_at";

/// All webhooks, by name.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings.
pub async fn list(ctx: &Ctx) -> Result<Vec<Webhook>> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let text = format!("SELECT {COLUMNS} FROM webhook WHERE deleted_at IS NULL ORDER BY lower(name), id");
    let stored = Stored::find_by_statement(sql(&text, [])).all(ctx.db()).await?;
    let now = ctx.now();
    Ok(stored.into_iter().map(|stored| stored.view(&now)).collect())
}

/// One webhook.
///
/// # Errors
/// As [`list`]; [`AppError::NotFound`].
pub async fn get(ctx: &Ctx, id: WebhookId) -> Result<Webhook> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let webhook = stored(ctx.db(), id, "").await?.view(&ctx.now());
    // What is shown for a while is for people.
    let secret = match ctx.via() {
        Via::Key => None,
        _ => user::seen_secret(ctx, shown_as(id)).await?,
    };
    Ok(Webhook { secret, ..webhook })
}

async fn stored(db: &impl ConnectionTrait, id: WebhookId, lock: &str) -> Result<Stored> {
    let text = format!("SELECT {COLUMNS} FROM webhook WHERE id = $1 AND deleted_at IS NULL {lock}");
    let stored = Stored::find_by_statement(sql(&text, [id.0.into()]))
        .one(db)
        .await?;
    Ok(stored.ok_or(AppError::NotFound)?)
}

async fn locked(tx: &DatabaseTransaction, id: WebhookId) -> Result<Stored> {
    stored(tx, id, "FOR NO KEY UPDATE").await
}

impl Stored {
    fn view(self, now: &Now) -> Webhook {
        let state = match (self.active, self.failing_since) {
            (true, None) => WebhookState::Well,
            (true, Some(since)) => WebhookState::Failing {
                since: now.say(since),
            },
            (false, _) if self.given_up => WebhookState::GivenUp,
            (false, _) => WebhookState::Paused,
        };
        Webhook {
            id: WebhookId(self.id),
            version: self.version,
            name: self.name,
            url: self.url,
            events: self.events,
            filter: self.filter.unwrap_or_default(),
            state,
            created: now.say(self.created_at),
            arrived: self.arrived_at.map(|at| now.say(at)),
            secret: None,
        }
    }
}

/// Says no for a webhook that is paused.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Refused`].
pub(super) async fn require_active(db: &impl ConnectionTrait, id: WebhookId) -> Result<()> {
    if stored(db, id, "").await?.active {
        return Ok(());
    }
    Err(AppError::refused("This webhook is paused. Please let it go on first.").into())
}

fn shown_as(id: WebhookId) -> String {
    format!("webhook {id}")
}

/// What making a webhook came to.
pub struct Made {
    /// What was written.
    pub receipt: Receipt,
    /// What its messages are signed with, as long as the actor may see that.
    pub secret: Option<String>,
}

/// Makes a webhook, which is told of what happens from now on, and gives its secret; for ten minutes the actor can see it
/// again. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::Forbidden`] without the right; [`AppError::Invalid`] on `url` for an address that nothing is sent to;
/// [`AppError::Refused`] when there are too many.
pub async fn create(ctx: &Ctx, id: WebhookId, form: WebhookForm) -> Result<Made> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let kind = RecordKind::Webhook;
    if let Some(receipt) = journal::made_before(ctx.db(), ctx, CREATE, kind, id.0, id.0).await? {
        return made(ctx, id, receipt).await;
    }
    post::check(ctx.service(), &form.url)?;
    // It is told of nothing that was there before, and of all that is being written at this moment.
    let present = journal::decided(ctx.db(), PATIENCE).await?.change;
    let tx = ctx.db().begin().await?;
    let many = sql(
        "SELECT count(*) AS many FROM webhook WHERE deleted_at IS NULL",
        [],
    );
    let many = Many::find_by_statement(many).one(&tx).await?;
    if many.is_some_and(|found| usize::try_from(found.many).is_ok_and(|many| many >= WEBHOOKS_MAX)) {
        let reason = format!("There can be {WEBHOOKS_MAX} webhooks at once. Please remove one first.");
        return Err(AppError::refused(reason).into());
    }
    let change = Change::create(kind, id.0, id.0, columns(&form));
    let (command, batch) = (Command::of(ctx, CREATE), ctx.clock().new_id());
    let written = journal::write(&tx, batch, &command, vec![change]).await;
    if let Err(error) = written {
        tx.rollback().await?;
        if !journal::is_id_in_use(&error) {
            return Err(error);
        }
        // The same form, twice at once.
        let before = journal::made_before(ctx.db(), ctx, CREATE, kind, id.0, id.0).await?;
        let again = "Please open the form again; this one was used already.";
        let receipt = before.ok_or_else(|| AppError::invalid("form", again))?;
        return made(ctx, id, receipt).await;
    }
    let secret = message::new_secret();
    let statement = sql(
        "UPDATE webhook SET secret = $2, told = $3 WHERE id = $1",
        [id.0.into(), secret.clone().into(), present.into()],
    );
    tx.execute_raw(statement).await?;
    tx.commit().await?;
    user::show_secret(ctx, shown_as(id), &secret).await?;
    Ok(Made {
        receipt: receipt(id, 1, Some(batch)),
        secret: Some(secret),
    })
}

#[derive(FromQueryResult)]
struct Many {
    many: i64,
}

async fn made(ctx: &Ctx, id: WebhookId, receipt: Receipt) -> Result<Made> {
    let secret = user::seen_secret(ctx, shown_as(id)).await?;
    Ok(Made { receipt, secret })
}

fn columns(form: &WebhookForm) -> Fields {
    let events: Vec<String> = form.events.iter().map(ToString::to_string).collect();
    let filter = (!form.filter.is_empty()).then(|| form.filter.to_string());
    journal::fields(json!({ "name": form.name, "url": form.url, "events": events, "filter": filter }))
}

fn receipt(id: WebhookId, version: i64, batch: Option<BatchId>) -> Receipt {
    Receipt {
        record: id.0,
        version,
        batch,
    }
}

/// Changes a webhook. Whoever saves has seen what stood, or is told to look again.
///
/// # Errors
/// As [`create`]; [`AppError::NotFound`]; [`AppError::Refused`] when somebody changed it since.
pub async fn change(ctx: &Ctx, id: WebhookId, seen: impl Into<Seen>, form: WebhookForm) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    post::check(ctx.service(), &form.url)?;
    let tx = ctx.db().begin().await?;
    let stands = locked(&tx, id).await?;
    let seen = seen.into().of(stands.version)?;
    let before = journal::fields(json!({
        "name": stands.name, "url": stands.url, "events": stands.events, "filter": stands.filter,
    }));
    let fields = columns(&form).into_iter().map(|(column, value)| {
        let was = before.get(&column).cloned().unwrap_or(Value::Null);
        (column, was, value)
    });
    let Some(change) = Change::update(RecordKind::Webhook, id.0, id.0, fields) else {
        return Ok(receipt(id, stands.version, None));
    };
    if seen != stands.version {
        let sentence = "Somebody changed this webhook in the meantime. Please look at it again.";
        return Err(AppError::refused(sentence).into());
    }
    // What kept it from arriving may be mended: it is tried at once.
    try_now(&tx, id).await?;
    let batch = journal::commit(tx, ctx, "change webhook", vec![change]).await?;
    Ok(receipt(id, stands.version + 1, Some(batch)))
}

async fn try_now(tx: &DatabaseTransaction, id: WebhookId) -> Result<()> {
    let now = "UPDATE webhook SET next_at = NULL WHERE id = $1";
    tx.execute_raw(sql(now, [id.0.into()])).await?;
    Ok(())
}

/// Pauses a webhook: what happens meanwhile is told when it goes on.
///
/// # Errors
/// [`AppError::Forbidden`] without the right; [`AppError::NotFound`].
pub async fn pause(ctx: &Ctx, id: WebhookId) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let stands = locked(&tx, id).await?;
    let Some(change) = activity(id, stands.active, false) else {
        return Ok(receipt(id, stands.version, None));
    };
    calm(&tx, id).await?;
    let batch = journal::commit(tx, ctx, "pause webhook", vec![change]).await?;
    Ok(receipt(id, stands.version + 1, Some(batch)))
}

/// Forgets how a webhook fared.
async fn calm(tx: &DatabaseTransaction, id: WebhookId) -> Result<()> {
    let calm = "UPDATE webhook SET given_up = FALSE, failing_since = NULL, next_at = NULL WHERE id = $1";
    tx.execute_raw(sql(calm, [id.0.into()])).await?;
    Ok(())
}

/// Whether it is told, as a change.
pub(super) fn activity(id: WebhookId, before: bool, after: bool) -> Option<Change> {
    let fields = [("active".to_owned(), json!(before), json!(after))];
    Change::update(RecordKind::Webhook, id.0, id.0, fields)
}

/// Lets a webhook go on where it was paused; or, where what it missed is to be skipped, from the present.
///
/// # Errors
/// As [`pause`].
pub async fn resume(ctx: &Ctx, id: WebhookId, skip: bool) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let present = match skip {
        true => Some(journal::decided(ctx.db(), PATIENCE).await?.change),
        false => None,
    };
    let tx = ctx.db().begin().await?;
    let stands = locked(&tx, id).await?;
    let Some(change) = activity(id, stands.active, true) else {
        return Ok(receipt(id, stands.version, None));
    };
    let mut command = Command::of(ctx, "resume webhook");
    if let Some(present) = present {
        let skipped =
            "UPDATE webhook_delivery SET state = 'skipped' WHERE webhook = $1 AND state = 'waiting'";
        tx.execute_raw(sql(skipped, [id.0.into()])).await?;
        let told = "UPDATE webhook SET told = greatest(told, $2) WHERE id = $1";
        tx.execute_raw(sql(told, [id.0.into(), present.into()])).await?;
        command = command.never_undone("What was left out is not told any more; the webhook can be paused.");
    }
    calm(&tx, id).await?;
    let batch = journal::write(&tx, ctx.clock().new_id(), &command, vec![change]).await?;
    tx.commit().await?;
    Ok(receipt(id, stands.version + 1, Some(batch)))
}

/// Removes a webhook. An undo brings it back, with its secret, and tells it of what it missed.
///
/// # Errors
/// As [`pause`]; [`AppError::Stale`] when a program asked for it as it was before.
pub async fn remove(ctx: &Ctx, id: WebhookId, seen: impl Into<Seen>) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let stands = locked(&tx, id).await?;
    seen.into().of(stands.version)?;
    calm(&tx, id).await?;
    let change = Change::bare(RecordKind::Webhook, id.0, id.0, Op::Trash);
    let batch = journal::commit(tx, ctx, "remove webhook", vec![change]).await?;
    Ok(receipt(id, stands.version + 1, Some(batch)))
}

/// Gives a webhook a new secret, and gives that; for ten minutes the actor can see it again. For a day messages are signed
/// with the one before, too, so that the receiver can change over.
///
/// # Errors
/// As [`pause`].
pub async fn renew_secret(ctx: &Ctx, id: WebhookId) -> Result<String> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let (secret, now) = (message::new_secret(), ctx.clock().now());
    let tx = ctx.db().begin().await?;
    let stands = locked(&tx, id).await?;
    let statement = sql(
        // A second new one within the day leaves the one that the receiver knows.
        "UPDATE webhook SET secret = $2, secret_before_until = $3, \
                secret_before = CASE WHEN secret_before_until > $4 THEN secret_before ELSE secret END WHERE id = $1",
        [
            id.0.into(),
            secret.clone().into(),
            (now + OVERLAP).into(),
            now.into(),
        ],
    );
    tx.execute_raw(statement).await?;
    let command = Command::of(ctx, "change webhook secret")
        .with_detail(json!({ "webhook": stands.name }))
        .never_undone("A secret that was handed on cannot be called back; there can be a new one.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    user::show_secret(ctx, shown_as(id), &secret).await?;
    Ok(secret)
}
