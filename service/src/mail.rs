//! Mail: written beside what it tells of, in the same transaction, and sent by whichever server comes to it first.
//! Without a server to send it by it stays in the outbox, for admins to read.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox,
    message::header::ContentType,
};
use rapport_domain::{
    access::{Ability, Kind},
    user::people::{Mail, MailState, Outbox},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{Ctx, Result, Service, access::require, sql::sql};

/// How long the mail server has for one mail.
const PATIENCE: Duration = Duration::from_secs(30);
/// For how long the other servers leave a mail alone that one is at.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// A mail that could not be sent for this long is given up.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);
/// The longest pause between two attempts.
const PAUSE_MAX: TimeDelta = TimeDelta::hours(2);
/// How many mails the outbox shows.
const SHOWN: i64 = 200;

/// The way of mail and of links: where the installation is reached, and the server that takes its mail, if there is
/// one.
pub struct Post {
    public_url: String,
    way: Option<Way>,
}

struct Way {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Post {
    /// The server's address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Post at {}", self.public_url)
    }
}

impl Default for Post {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:3000".to_owned(),
            way: None,
        }
    }
}

impl Post {
    /// Where the installation is reached, as `https://crm.example.org`. Mail stays here.
    #[must_use]
    pub fn at(public_url: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            way: None,
        }
    }

    /// Sends mail by a server, as `smtps://user:password@host` (TLS), `smtp://host:587?tls=required` (STARTTLS) or
    /// `smtp://host` (in clear), from an address such as `Rapport <crm@example.org>`.
    ///
    /// # Errors
    /// A sentence that says which of the two cannot be read, without repeating it.
    pub fn by(mut self, smtp_url: &str, from: &str) -> std::result::Result<Self, &'static str> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url)
            .map_err(|_| "SMTP_URL is an address such as smtps://user:password@mail.example.org.")?;
        let from = from
            .parse()
            .map_err(|_| "MAIL_FROM is an address such as Rapport <crm@example.org>.")?;
        self.way = Some(Way {
            server: server.timeout(Some(PATIENCE)).build(),
            from,
        });
        Ok(self)
    }

    /// The whole address of a path.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }
}

/// Writes a mail; it is sent once the transaction is through.
pub(crate) async fn put(
    db: &impl ConnectionTrait,
    service: &Service,
    to: &str,
    subject: &str,
    body: &str,
) -> Result<()> {
    let now = service.clock().now();
    let statement = sql(
        "INSERT INTO mail (id, recipient, subject, body, created_at, next_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            service.clock().new_id::<Uuid>().into(),
            to.into(),
            subject.into(),
            body.into(),
            now.into(),
            service.post().way.is_some().then_some(now).into(),
        ],
    );
    db.execute_raw(statement).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Admin {
    email: String,
}

/// Writes a mail to each admin that is a person.
pub(crate) async fn put_to_admins(
    db: &impl ConnectionTrait,
    service: &Service,
    subject: &str,
    body: &str,
) -> Result<()> {
    let admins = sql(
        "SELECT u.email FROM app_user u JOIN role r ON r.id = u.role_id \
         WHERE r.key = 'admin' AND u.active AND NOT u.program ORDER BY u.id",
        [],
    );
    for admin in Admin::find_by_statement(admins).all(db).await? {
        put(db, service, &admin.email, subject, body).await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Due {
    id: Uuid,
    recipient: String,
    subject: String,
    body: String,
    created_at: DateTime<Utc>,
    attempts: i32,
}

/// Sends the next mail that waits, if there is one and a server to send it by; false when there was nothing to do.
/// What fails is tried again, later each time, for a day. A server that dies in between may send a mail twice.
///
/// # Errors
/// When the database does not answer.
pub async fn send_next(service: &Service) -> Result<bool> {
    let Some(way) = &service.post().way else {
        return Ok(false);
    };
    let now = service.clock().now();
    let statement = sql(
        "UPDATE mail SET next_at = $2, attempts = attempts + 1 \
         WHERE id = (SELECT id FROM mail WHERE next_at <= $1 ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
         RETURNING id, recipient, subject, body, created_at, attempts",
        [now.into(), (now + LEASE).into()],
    );
    let Some(due) = Due::find_by_statement(statement).one(service.db()).await? else {
        return Ok(false);
    };
    match send(way, &due).await {
        Ok(()) => {
            let sent =
                "UPDATE mail SET sent_at = $2, next_at = NULL, body = NULL, error = NULL WHERE id = $1";
            let statement = sql(sent, [due.id.into(), service.clock().now().into()]);
            service.db().execute_raw(statement).await?;
        }
        Err(error) => {
            tracing::warn!(mail = %due.id, error, "a mail could not be sent");
            let pause = (TimeDelta::minutes(1) * (1 << due.attempts.clamp(0, 8))).min(PAUSE_MAX);
            let next = (now < due.created_at + GIVE_UP).then_some(now + pause);
            let failed = "UPDATE mail SET next_at = $2, error = $3 WHERE id = $1";
            let statement = sql(failed, [due.id.into(), next.into(), error.into()]);
            service.db().execute_raw(statement).await?;
        }
    }
    Ok(true)
}

async fn send(way: &Way, due: &Due) -> std::result::Result<(), String> {
    let to: Mailbox = due
        .recipient
        .parse()
        .map_err(|_| "The address cannot be written to.".to_owned())?;
    let message = Message::builder()
        .from(way.from.clone())
        .to(to)
        .subject(due.subject.as_str())
        .header(ContentType::TEXT_PLAIN)
        .body(due.body.clone())
        .map_err(|error| error.to_string())?;
    match timeout(PATIENCE, way.server.send(message)).await {
        Ok(sent) => sent.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err("The mail server did not answer in time.".to_owned()),
    }
}

#[derive(FromQueryResult)]
struct Stored {
    recipient: String,
    subject: String,
    body: Option<String>,
    created_at: DateTime<Utc>,
    next_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    error: Option<String>,
}

impl Stored {
    fn state(&self) -> MailState {
        match (self.sent_at, self.next_at, &self.error) {
            (Some(_), ..) => MailState::Sent,
            (None, Some(_), error) => MailState::Waiting(error.clone()),
            (None, None, Some(error)) => MailState::Failed(error.clone()),
            (None, None, None) => MailState::Kept,
        }
    }
}

/// The newest mails, for those who say who works here: what was not sent can be handed on by other means.
///
/// # Errors
/// [`AppError::Forbidden`](rapport_domain::error::AppError::Forbidden) for others.
pub async fn outbox(ctx: &Ctx) -> Result<Outbox> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let statement = sql(
        "SELECT recipient, subject, body, created_at, next_at, sent_at, error FROM mail \
         ORDER BY created_at DESC, id DESC LIMIT $1",
        [SHOWN.into()],
    );
    let stored = Stored::find_by_statement(statement).all(ctx.db()).await?;
    let now = ctx.now();
    let mails = stored.into_iter().map(|mail| Mail {
        state: mail.state(),
        to: mail.recipient,
        subject: mail.subject,
        body: mail.body,
        at: now.say(mail.created_at),
    });
    Ok(Outbox {
        mails: mails.collect(),
        leaves: ctx.service().post().way.is_some(),
    })
}
