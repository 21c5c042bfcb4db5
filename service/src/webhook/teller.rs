//! Who tells webhooks: any number of servers, each webhook by one at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{error::AppError, id::WebhookId, journal::Via, query::Filter};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, TransactionTrait};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::{
    keep, message,
    post::{Answer, Post},
};
use crate::{
    Error, Result, Service, customer, event,
    journal::{self, Command, Reach},
    mail,
    sql::sql,
};

/// How often a server looks for something to tell.
const IDLE: Duration = Duration::from_millis(250);
/// How many webhooks one server tells at once.
const AT_ONCE: usize = 16;
/// For how long the other servers leave a webhook alone that does not move: longer than an answer may take.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// For how long one webhook is told before another one has its turn.
const TURN: Duration = Duration::from_secs(20);
/// Changes that are looked at in one go.
const CHANGES: usize = 500;
/// For how long a turn waits for writers that are not through.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it asks for them.
const PAUSE: Duration = Duration::from_millis(20);
/// The first pause after a message that did not arrive. Each is four times as long as the one before.
const BACK_OFF: TimeDelta = TimeDelta::seconds(5);
/// The longest pause.
const BACK_OFF_MAX: TimeDelta = TimeDelta::hours(2);
/// A webhook at which nothing arrives for this long is paused.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);

/// How long to wait after so many attempts.
fn back_off(attempts: i32) -> TimeDelta {
    let times = 4_i32.saturating_pow(attempts.clamp(1, 8).unsigned_abs() - 1);
    (BACK_OFF * times).min(BACK_OFF_MAX)
}

/// Tells webhooks, in order for each, at least once.
pub struct Teller {
    at_work: At,
}

#[derive(Clone)]
struct At {
    service: Service,
    id: Uuid,
    post: Arc<Post>,
}

#[derive(FromQueryResult)]
struct Claimed {
    id: Uuid,
}

/// What is to be sent next, and how.
#[derive(FromQueryResult)]
struct Next {
    name: String,
    url: String,
    secret: String,
    secret_before: Option<String>,
    failing_since: Option<DateTime<Utc>>,
    id: Uuid,
    body: String,
    attempts: i32,
}

/// How far a webhook is, and what it is told of.
#[derive(FromQueryResult)]
struct Follows {
    told: i64,
    events: Vec<String>,
    filter: Option<String>,
}

impl Teller {
    /// One that has told nothing yet.
    ///
    /// # Errors
    /// When this machine has no working TLS.
    pub fn new(service: &Service) -> Result<Self> {
        Ok(Self {
            at_work: At {
                service: service.clone(),
                id: service.clock().new_id(),
                post: Arc::new(Post::new(service)?),
            },
        })
    }

    /// Tells for as long as it is polled. What it was at when it is dropped another one tells again.
    pub async fn work(&self) {
        let mut turns = JoinSet::new();
        loop {
            while turns.try_join_next().is_some() {}
            match self.at_work.claim(AT_ONCE.saturating_sub(turns.len())).await {
                Ok(claimed) => {
                    for webhook in claimed {
                        let at_work = self.at_work.clone();
                        turns.spawn(async move { at_work.turn(webhook).await });
                    }
                }
                Err(error) => {
                    // Logs it.
                    let _ = error.tell();
                    sleep(IDLE * 8).await;
                }
            }
            sleep(IDLE).await;
        }
    }

    /// Lets go of what it is at, so that another may take it at once: for a server that stops.
    ///
    /// # Errors
    /// When the database is away; then the lease runs out by itself.
    pub async fn let_go(&self) -> Result<()> {
        let statement = sql(
            "UPDATE webhook SET lease_until = NULL, worker = NULL WHERE worker = $1",
            [self.at_work.id.into()],
        );
        self.at_work.service.db().execute_raw(statement).await?;
        Ok(())
    }
}

impl At {
    /// Takes webhooks that there may be something to tell.
    async fn claim(&self, most: usize) -> Result<Vec<WebhookId>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let now = self.service.clock().now();
        let statement = sql(
            "UPDATE webhook SET worker = $1, lease_until = $2 WHERE id IN (SELECT w.id FROM webhook w \
             WHERE w.active AND w.deleted_at IS NULL AND w.secret IS NOT NULL \
               AND (w.next_at IS NULL OR w.next_at <= $3) AND (w.lease_until IS NULL OR w.lease_until < $3) \
               AND (w.told < (SELECT max(seq) FROM change) \
                    OR EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.webhook = w.id AND d.state = 'waiting')) \
             ORDER BY w.next_at NULLS FIRST, w.id LIMIT $4 FOR UPDATE OF w SKIP LOCKED) RETURNING id",
            [
                self.id.into(),
                (now + LEASE).into(),
                now.into(),
                i64::try_from(most).unwrap_or(i64::MAX).into(),
            ],
        );
        let claimed = Claimed::find_by_statement(statement)
            .all(self.service.db())
            .await?;
        Ok(claimed.into_iter().map(|one| WebhookId(one.id)).collect())
    }

    /// Tells one webhook for a while.
    async fn turn(&self, id: WebhookId) {
        let done = match self.tell(id).await {
            Ok(()) => self.release(id).await,
            error => error,
        };
        if let Err(error) = done {
            // Logs it. The lease runs out by itself.
            let _ = error.tell();
        }
    }

    async fn tell(&self, id: WebhookId) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < TURN {
            let Some(next) = self.next(id).await? else {
                if self.write_more(id).await? {
                    continue;
                }
                return Ok(());
            };
            let now = self.service.clock().now();
            let headers = headers(&next, now.timestamp())?;
            let answer = self.post.send(&next.url, headers, next.body.clone()).await;
            if !self.note(id, &next, &answer).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The message that is sent next, with what it is sent by: both may have been changed a moment ago. Nothing where none
    /// waits, or the webhook is not told any more.
    async fn next(&self, id: WebhookId) -> Result<Option<Next>> {
        let statement = sql(
            "SELECT w.name, w.url, w.secret, w.failing_since, d.id, d.body, d.attempts, \
                    CASE WHEN w.secret_before_until > $3 THEN w.secret_before END AS secret_before \
             FROM webhook w JOIN webhook_delivery d ON d.webhook = w.id AND d.state = 'waiting' \
             WHERE w.id = $1 AND w.worker = $2 AND w.active AND w.deleted_at IS NULL ORDER BY d.place LIMIT 1",
            [id.0.into(), self.id.into(), self.service.clock().now().into()],
        );
        Ok(Next::find_by_statement(statement).one(self.service.db()).await?)
    }

    /// Writes the messages about what was changed since, up to where all writers are through. Gives whether there may be
    /// something to send now, or to write.
    async fn write_more(&self, id: WebhookId) -> Result<bool> {
        let db = self.service.db();
        let mark = Reach::read(db).await?.mark(db).await?;
        let began = Instant::now();
        while !mark.is_decided(db).await? {
            if began.elapsed() > PATIENCE {
                return Ok(false);
            }
            sleep(PAUSE).await;
        }
        let tx = db.begin().await?;
        let statement = sql(
            "SELECT told, events, filter FROM webhook \
             WHERE id = $1 AND worker = $2 AND active AND deleted_at IS NULL FOR NO KEY UPDATE",
            [id.0.into(), self.id.into()],
        );
        let Some(follows) = Follows::find_by_statement(statement).one(&tx).await? else {
            return Ok(false);
        };
        if follows.told >= mark.change {
            return Ok(false);
        }
        let rows = event::changes(&tx, follows.told, mark.change, CHANGES).await?;
        // Numbers may be missing up to the mark: nothing is behind the last row then, and the next look finds that.
        let through = rows.last().map_or(mark.change, |row| row.seq);
        self.write_messages(&tx, id, &follows, &rows).await?;
        let statement = sql(
            "UPDATE webhook SET told = $2, lease_until = $3 WHERE id = $1",
            [
                id.0.into(),
                through.into(),
                (self.service.clock().now() + LEASE).into(),
            ],
        );
        tx.execute_raw(statement).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn write_messages(
        &self,
        tx: &DatabaseTransaction,
        id: WebhookId,
        follows: &Follows,
        rows: &[event::Row],
    ) -> Result<()> {
        let mut told = event::events(rows)?;
        told.retain(|told| follows.events.contains(&told.event.what.to_string()));
        if let Some(filter) = &follows.filter {
            let filter: Filter = filter
                .parse()
                .map_err(|_| Error::Stored("a webhook's filter".to_owned()))?;
            let customers = told.iter().filter_map(|told| told.event.customer).collect();
            let found = customer::found_by(tx, &filter, customers).await?;
            told.retain(|told| {
                told.event
                    .customer
                    .is_some_and(|customer| found.contains(&customer))
            });
        }
        if told.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = told.iter().map(|_| self.service.clock().new_id()).collect();
        let events: Vec<String> = told.iter().map(|told| told.event.what.to_string()).collect();
        let bodies: Vec<String> = told
            .iter()
            .map(|told| message::body(&self.service, told))
            .collect();
        let statement = sql(
            "INSERT INTO webhook_delivery (id, webhook, place, event, body, state, created_at) \
             SELECT m.id, $1, nextval('webhook_delivery_place'), m.event, m.body, 'waiting', $2 \
             FROM (SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY AS u (id, event, body, turn) \
                   ORDER BY turn) AS m",
            [
                id.0.into(),
                self.service.clock().now().into(),
                ids.into(),
                events.into(),
                bodies.into(),
            ],
        );
        tx.execute_raw(statement).await?;
        Ok(())
    }

    /// Notes what came of a message. Gives whether the next one may follow.
    async fn note(&self, id: WebhookId, sent: &Next, answer: &Answer) -> Result<bool> {
        let (now, arrived) = (self.service.clock().now(), answer.arrived());
        let tx = self.service.db().begin().await?;
        let next_at = (!arrived).then(|| now + back_off(sent.attempts + 1));
        let statement = sql(
            "UPDATE webhook SET lease_until = $3, next_at = $4, \
                    failing_since = CASE WHEN $4::timestamptz IS NULL THEN NULL ELSE coalesce(failing_since, $5) END \
             WHERE id = $1 AND worker = $2",
            [
                id.0.into(),
                self.id.into(),
                (now + LEASE).into(),
                next_at.into(),
                now.into(),
            ],
        );
        if tx.execute_raw(statement).await?.rows_affected() == 0 {
            // Another server has taken it over, and sends this again.
            return Ok(false);
        }
        let statement = sql(
            "UPDATE webhook_delivery SET state = $2, attempts = attempts + 1, tried_at = $3, status = $4, millis = $5, \
                    said = $6 WHERE id = $1 AND state = 'waiting'",
            [
                sent.id.into(),
                if arrived { "delivered" } else { "waiting" }.into(),
                now.into(),
                answer.status.map(i32::from).into(),
                answer.millis.into(),
                answer.said.clone().into(),
            ],
        );
        tx.execute_raw(statement).await?;
        let for_long = sent.failing_since.is_some_and(|since| since + GIVE_UP <= now);
        if !arrived && (for_long || answer.is_gone()) {
            self.give_up(&tx, id, sent, answer).await?;
        }
        tx.commit().await?;
        Ok(arrived)
    }

    /// Pauses a webhook at which nothing arrives, and tells those who can mend it.
    async fn give_up(
        &self,
        tx: &DatabaseTransaction,
        id: WebhookId,
        sent: &Next,
        answer: &Answer,
    ) -> Result<()> {
        let command = Command::unattended(&self.service, Via::Automation, "pause webhook");
        let change = keep::activity(id, true, false);
        journal::write(
            tx,
            self.service.clock().new_id(),
            &command,
            change.into_iter().collect(),
        )
        .await?;
        let given_up =
            "UPDATE webhook SET given_up = TRUE, failing_since = NULL, next_at = NULL WHERE id = $1";
        tx.execute_raw(sql(given_up, [id.0.into()])).await?;
        tracing::warn!(webhook = %id, "nothing arrives at a webhook: it is paused");
        let status = answer
            .status
            .map(|status| format!(" with {status}"))
            .unwrap_or_default();
        let why = if answer.is_gone() {
            "its receiver answered that it is gone for good (410)".to_owned()
        } else {
            format!(
                "nothing arrived there for a day; the last message was answered{status}: {}",
                answer.said
            )
        };
        let body = format!(
            "The webhook “{}” was paused: {why}\n\nWhat happens meanwhile is told once it goes on. Look at it here:\n\n{}\n",
            sent.name,
            self.service.post().link(&format!("/admin/webhooks/{id}"))
        );
        let subject = format!("The webhook “{}” was paused", sent.name);
        mail::put_to_admins(tx, &self.service, &subject, &body).await
    }

    async fn release(&self, id: WebhookId) -> Result<()> {
        let statement = sql(
            "UPDATE webhook SET lease_until = NULL, worker = NULL WHERE id = $1 AND worker = $2",
            [id.0.into(), self.id.into()],
        );
        self.service.db().execute_raw(statement).await?;
        Ok(())
    }
}

/// What goes with a message: its id, which stays the same however often it is sent, the second, and the signatures.
fn headers(next: &Next, second: i64) -> Result<HeaderMap> {
    let id = next.id.to_string();
    let mut signatures = message::sign(&next.secret, &id, second, &next.body)?;
    if let Some(before) = &next.secret_before {
        signatures = format!("{signatures} {}", message::sign(before, &id, second, &next.body)?);
    }
    let lines = [
        (HeaderName::from_static("webhook-id"), id),
        (HeaderName::from_static("webhook-timestamp"), second.to_string()),
        (HeaderName::from_static("webhook-signature"), signatures),
    ];
    lines
        .into_iter()
        .map(|(name, value)| match HeaderValue::try_from(value) {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(AppError::Internal.into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_two_hours() {
        let seconds = |attempts| back_off(attempts).num_seconds();
        assert_eq!([1, 2, 3, 4].map(seconds), [5, 20, 80, 320]);
        assert_eq!([7, 8, 9, 1_000].map(seconds), [7_200; 4]);
    }
}
