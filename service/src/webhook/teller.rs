//! Who tells webhooks: any number of servers, each webhook by one at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{error::AppError, id::WebhookId, journal::Via, query::Filter};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::{
    keep, message,
    post::{Answer, Post},
};
use crate::{
    Error, Result, Service, customer, event,
    journal::{self, Command, Mark, Reach},
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
/// The first pause after a message that did not arrive. Each is four times as long as the one before.
const BACK_OFF: TimeDelta = TimeDelta::seconds(5);
/// The longest pause.
const BACK_OFF_MAX: TimeDelta = TimeDelta::hours(2);
/// A webhook at which nothing arrives for this long is paused,
const GIVE_UP: TimeDelta = TimeDelta::hours(24);
/// once it was tried this often: a day on which no server ran does not count.
const GIVE_UP_AFTER: i32 = 10;

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
    /// How far all writers of the journal are through.
    decided: Arc<AtomicI64>,
}

/// A webhook in a turn: whoever took it later has another one.
#[derive(Clone, Copy)]
struct Turn {
    webhook: WebhookId,
    id: Uuid,
}

#[derive(FromQueryResult)]
struct Claimed {
    id: Uuid,
}

/// What is to be sent next, and how.
#[derive(FromQueryResult)]
struct Next {
    name: String,
    version: i64,
    url: String,
    secret: String,
    secret_before: Option<String>,
    id: Uuid,
    body: String,
    attempts: i32,
}

/// A webhook as it stands once a message was sent.
#[derive(FromQueryResult)]
struct Stands {
    version: i64,
    active: bool,
    failing_since: Option<DateTime<Utc>>,
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
                decided: Arc::default(),
            },
        })
    }

    /// Tells for as long as it is polled. What it was at when it is dropped another one tells again.
    pub async fn work(&self) {
        let mut turns = JoinSet::new();
        let mut mark = None;
        loop {
            while turns.try_join_next().is_some() {}
            if let Err(error) = self.step(&mut mark, &mut turns).await {
                // Logs it.
                let _ = error.tell();
                sleep(IDLE * 8).await;
            }
            sleep(IDLE).await;
        }
    }

    async fn step(&self, mark: &mut Option<Mark>, turns: &mut JoinSet<()>) -> Result<()> {
        self.at_work.follow(mark).await?;
        for turn in self.at_work.claim(AT_ONCE.saturating_sub(turns.len())).await? {
            let at_work = self.at_work.clone();
            turns.spawn(async move { at_work.turn(turn).await });
        }
        Ok(())
    }

    /// Lets go of what it is at, so that another may take it at once: for a server that stops.
    ///
    /// # Errors
    /// When the database is away; then the lease runs out by itself.
    pub async fn let_go(&self) -> Result<()> {
        let statement = sql(
            "UPDATE webhook SET lease_until = NULL, worker = NULL, turn = NULL WHERE worker = $1",
            [self.at_work.id.into()],
        );
        self.at_work.service.db().execute_raw(statement).await?;
        Ok(())
    }
}

impl At {
    /// Looks how far all writers are through, where a webhook waits for that. A mark is kept until it is: a newer one
    /// could be held up for ever.
    async fn follow(&self, mark: &mut Option<Mark>) -> Result<()> {
        let db = self.service.db();
        if mark.is_none() {
            let behind = "SELECT 1 FROM webhook WHERE active AND deleted_at IS NULL AND told < (SELECT max(seq) FROM change) LIMIT 1";
            if db.query_one_raw(sql(behind, [])).await?.is_none() {
                return Ok(());
            }
            *mark = Some(Reach::read(db).await?.mark(db).await?);
        }
        if let Some(set) = mark
            && set.is_decided(db).await?
        {
            self.decided.store(set.change, Ordering::Relaxed);
            *mark = None;
        }
        Ok(())
    }

    /// Takes webhooks that there is something to tell: those first whose last turn is longest ago.
    async fn claim(&self, most: usize) -> Result<Vec<Turn>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let (now, turn): (_, Uuid) = (self.service.clock().now(), self.service.clock().new_id());
        let statement = sql(
            "UPDATE webhook SET worker = $1, turn = $2, turn_at = $3, lease_until = $4 WHERE id IN \
             (SELECT w.id FROM webhook w WHERE w.active AND w.deleted_at IS NULL AND w.secret IS NOT NULL \
               AND (w.next_at IS NULL OR w.next_at <= $3) AND (w.lease_until IS NULL OR w.lease_until < $3) \
               AND (w.told < $5 \
                    OR EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.webhook = w.id AND d.state = 'waiting')) \
             ORDER BY w.turn_at NULLS FIRST, w.id LIMIT $6 FOR UPDATE OF w SKIP LOCKED) RETURNING id",
            [
                self.id.into(),
                turn.into(),
                now.into(),
                (now + LEASE).into(),
                self.decided.load(Ordering::Relaxed).into(),
                i64::try_from(most).unwrap_or(i64::MAX).into(),
            ],
        );
        let claimed = Claimed::find_by_statement(statement)
            .all(self.service.db())
            .await?;
        let turns = claimed.into_iter().map(|one| Turn {
            webhook: WebhookId(one.id),
            id: turn,
        });
        Ok(turns.collect())
    }

    /// Tells one webhook for a while.
    async fn turn(&self, turn: Turn) {
        let done = match self.tell(turn).await {
            Ok(()) => self.release(turn).await,
            error => error,
        };
        if let Err(error) = done {
            // Logs it. The lease runs out by itself.
            let _ = error.tell();
        }
    }

    async fn tell(&self, turn: Turn) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < TURN {
            let Some(next) = self.next(turn).await? else {
                if self.write_more(turn).await? {
                    continue;
                }
                return Ok(());
            };
            let now = self.service.clock().now();
            let headers = headers(&next, now.timestamp())?;
            let answer = self.post.send(&next.url, headers, next.body.clone()).await;
            if !self.note(turn, &next, &answer).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The message that is sent next, with what it is sent by: both may have been changed a moment ago. Nothing where none
    /// waits, or the webhook is not told any more.
    async fn next(&self, turn: Turn) -> Result<Option<Next>> {
        let statement = sql(
            "SELECT w.name, w.version, w.url, w.secret, d.id, d.body, d.attempts, \
                    CASE WHEN w.secret_before_until > $3 THEN w.secret_before END AS secret_before \
             FROM webhook w JOIN webhook_delivery d ON d.webhook = w.id AND d.state = 'waiting' \
             WHERE w.id = $1 AND w.turn = $2 AND w.active AND w.deleted_at IS NULL ORDER BY d.place LIMIT 1",
            [
                turn.webhook.0.into(),
                turn.id.into(),
                self.service.clock().now().into(),
            ],
        );
        Ok(Next::find_by_statement(statement).one(self.service.db()).await?)
    }

    /// Writes the messages about what was changed since, up to where all writers are through. Gives whether there may be
    /// something to send now, or to write.
    async fn write_more(&self, turn: Turn) -> Result<bool> {
        let (id, decided) = (turn.webhook, self.decided.load(Ordering::Relaxed));
        let tx = self.service.db().begin().await?;
        let statement = sql(
            "SELECT told, events, filter FROM webhook \
             WHERE id = $1 AND turn = $2 AND active AND deleted_at IS NULL FOR NO KEY UPDATE",
            [id.0.into(), turn.id.into()],
        );
        let Some(follows) = Follows::find_by_statement(statement).one(&tx).await? else {
            return Ok(false);
        };
        if follows.told >= decided {
            return Ok(false);
        }
        let rows = event::changes(&tx, follows.told, decided, CHANGES).await?;
        // Numbers may be missing up to there: nothing is behind the last row then, and the next look finds that.
        let through = rows.last().map_or(decided, |row| row.seq);
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
    async fn note(&self, turn: Turn, sent: &Next, answer: &Answer) -> Result<bool> {
        let (now, arrived, id) = (self.service.clock().now(), answer.arrived(), turn.webhook);
        let tx = self.service.db().begin().await?;
        let statement = sql(
            "SELECT version, active AND deleted_at IS NULL AS active, failing_since FROM webhook \
             WHERE id = $1 AND turn = $2 FOR NO KEY UPDATE",
            [id.0.into(), turn.id.into()],
        );
        let Some(stands) = Stands::find_by_statement(statement).one(&tx).await? else {
            // Another turn has begun, and sends this again.
            return Ok(false);
        };
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
        if arrived {
            let well = "UPDATE webhook SET lease_until = $2, next_at = NULL, failing_since = NULL, arrived_at = $3 WHERE id = $1";
            tx.execute_raw(sql(well, [id.0.into(), (now + LEASE).into(), now.into()]))
                .await?;
        } else if stands.active && stands.version == sent.version {
            self.note_failure(&tx, id, sent, answer, stands.failing_since.unwrap_or(now))
                .await?;
        }
        // Where it was changed meanwhile, what it was before says nothing of what it is.
        tx.commit().await?;
        Ok(arrived)
    }

    async fn note_failure(
        &self,
        tx: &DatabaseTransaction,
        id: WebhookId,
        sent: &Next,
        answer: &Answer,
        since: DateTime<Utc>,
    ) -> Result<()> {
        let (now, attempts) = (self.service.clock().now(), sent.attempts + 1);
        let statement = sql(
            "UPDATE webhook SET next_at = $2, failing_since = $3 WHERE id = $1",
            [id.0.into(), (now + back_off(attempts)).into(), since.into()],
        );
        tx.execute_raw(statement).await?;
        let for_long = since + GIVE_UP <= now && attempts >= GIVE_UP_AFTER;
        if for_long || answer.is_gone() {
            self.give_up(tx, id, sent, answer).await?;
        }
        Ok(())
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
        let why = if answer.is_gone() {
            "its receiver answered that it is gone for good (410)".to_owned()
        } else {
            let last = match answer.status {
                Some(status) => format!("the last answer was {status}: {}", answer.said),
                None => answer.said.clone(),
            };
            format!("nothing arrived there for a day. {last}")
        };
        let body = format!(
            "The webhook “{}” was paused: {why}\n\nWhat happens meanwhile is told once it goes on. Look at it here:\n\n{}\n",
            sent.name,
            self.service.post().link(&format!("/admin/webhooks/{id}"))
        );
        let subject = format!("The webhook “{}” was paused", sent.name);
        mail::put_to_admins(tx, &self.service, &subject, &body).await
    }

    async fn release(&self, turn: Turn) -> Result<()> {
        let statement = sql(
            "UPDATE webhook SET lease_until = NULL, worker = NULL, turn = NULL WHERE id = $1 AND turn = $2",
            [turn.webhook.0.into(), turn.id.into()],
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
            Err(_) => Err(AppError::internal().into()),
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
