//! Signing in and out. A session lives in Redis; what its user may do is read from PostgreSQL on every request.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    access::Actor,
    error::AppError,
    id::UserId,
    user::{SignIn, email_key},
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{Result, Service, limit, secret, user};

/// A session ends when it was not used for this long.
pub const IDLE_HOURS: i64 = 12;
/// A session ends after this long in any case.
pub const LIFE_DAYS: i64 = 30;
/// Its last use is written at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How long the account is looked for. The deadline of a sign-in leaves time for the hash, not for a database that does
/// not answer.
const LOOK_UP: Duration = Duration::from_secs(1);

/// The one answer to a wrong password, an unknown address and somebody who is not active any more.
const REFUSAL: &str = "The e-mail address or the password is not right.";

/// What signing in gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The value of the cookie: a secret, known to the browser alone.
    pub cookie: String,
    /// Whose it is.
    pub user: UserId,
    /// After this the browser may forget it.
    pub max_age: Duration,
}

/// A session as Redis keeps it, under the hash of its cookie.
#[derive(Serialize, Deserialize)]
struct Session {
    user: UserId,
    /// Milliseconds since 1970: when it began, and when it was last seen used.
    began: i64,
    used: i64,
    /// The password it began with, as a digest of its hash: a new password ends it, whatever Redis remembers.
    password: String,
}

impl Session {
    /// When it ends unless it is used again; none once that has passed.
    fn remaining(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let idle = self.used + TimeDelta::hours(IDLE_HOURS).num_milliseconds();
        let life = self.began + TimeDelta::days(LIFE_DAYS).num_milliseconds();
        let left = TimeDelta::milliseconds(idle.min(life) - now.timestamp_millis());
        (left > TimeDelta::zero()).then_some(left)
    }
}

fn key(hash: &str) -> String {
    format!("session:{hash}")
}

fn index(user: UserId) -> String {
    format!("sessions:{user}")
}

/// Begins a session: KEYS are its key and the user's index, ARGV its value, its time to live, its hash, when it ends
/// at the latest, now, the longest life; all times in milliseconds.
const BEGIN: &str = "
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 0";

/// Ends all sessions in the index KEYS[1]; the last of ARGV is the prefix of all keys.
const END_ALL: &str = "
local hashes = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, hash in ipairs(hashes) do redis.call('DEL', ARGV[#ARGV] .. 'session:' .. hash) end
redis.call('DEL', KEYS[1])
return #hashes";

/// Checks address and password and begins a session. An earlier session of the same browser ends with it.
///
/// # Errors
/// [`AppError::Invalid`] on `form`, the same and after the same time whatever is wrong;
/// [`AppError::TooManyRequests`] after too many tries.
pub async fn sign_in(
    service: &Service,
    form: SignIn,
    from: IpAddr,
    earlier: Option<&str>,
) -> Result<NewSession> {
    let SignIn { email, password } = form;
    let (client, account) = (limit::client(from), email_key(&email));
    let limits = [
        (limit::SIGN_IN_FROM, client.as_str()),
        (limit::SIGN_IN_ACCOUNT_FROM, &format!("{account} {client}")),
        (limit::SIGN_IN_ACCOUNT, &account),
    ];
    limit::take(service, &limits).await?;
    let found = timeout(LOOK_UP, user::account(service, &email)).await;
    let found = found.map_err(|_| AppError::Unavailable)??;
    let right = service
        .hasher()
        .verify(password, found.as_ref().map(|user| user.password_hash.0.clone()))
        .await?;
    let known = found
        .as_ref()
        .map(|user| tracing::field::display(UserId(user.id)));
    // Never what was typed: it may be a password in the wrong field.
    if !right || found.as_ref().is_none_or(|user| !user.active) {
        tracing::warn!(account = known, "a sign-in was refused");
    }
    let Some(user) = found.filter(|user| right && user.active) else {
        return Err(AppError::invalid("form", REFUSAL).into());
    };
    let session = begin(service, UserId(user.id), &user.password_hash.0).await?;
    tracing::info!(account = %session.user, "signed in");
    if let Some(earlier) = earlier {
        sign_out(service, earlier).await?;
    }
    Ok(session)
}

async fn begin(service: &Service, user: UserId, password_hash: &str) -> Result<NewSession> {
    let cookie = secret::token();
    let hash = secret::digest(&cookie);
    let now = service.clock().now();
    let at = now.timestamp_millis();
    let session = Session {
        user,
        began: at,
        used: at,
        password: secret::digest(password_hash),
    };
    let (idle, life) = (TimeDelta::hours(IDLE_HOURS), TimeDelta::days(LIFE_DAYS));
    let arguments = vec![
        serde_json::to_string(&session)?,
        idle.num_milliseconds().to_string(),
        hash.clone(),
        (now + life).timestamp_millis().to_string(),
        at.to_string(),
        life.num_milliseconds().to_string(),
    ];
    service
        .redis()
        .script::<()>(BEGIN, &[key(&hash), index(user)], arguments)
        .await?;
    Ok(NewSession {
        cookie,
        user,
        max_age: life.to_std().unwrap_or_default(),
    })
}

/// Who is signed in with this cookie, with the rights they have now; none when nobody is.
///
/// # Errors
/// When Redis or PostgreSQL does not answer: then nobody is let in, but nobody is signed out either.
pub async fn resolve(service: &Service, cookie: &str) -> Result<Option<Actor>> {
    let Some((key, mut session, actor)) = find(service, cookie).await? else {
        return Ok(None);
    };
    let now = service.clock().now();
    if now.timestamp_millis() - session.used >= NOTED_EVERY.num_milliseconds() {
        session.used = now.timestamp_millis();
        let left = session
            .remaining(now)
            .unwrap_or_default()
            .to_std()
            .unwrap_or_default();
        // Only over what is still there: a session that was ended meanwhile stays ended.
        service
            .redis()
            .replace(&key, &serde_json::to_string(&session)?, left)
            .await?;
    }
    Ok(Some(actor))
}

/// As [`resolve`], where nobody may have done anything: a page that is only left open, and reads what others change,
/// does not keep its session.
///
/// # Errors
/// As [`resolve`].
pub async fn peek(service: &Service, cookie: &str) -> Result<Option<Actor>> {
    Ok(find(service, cookie).await?.map(|(_, _, actor)| actor))
}

/// The session of a cookie under its key, and whose it is.
async fn find(service: &Service, cookie: &str) -> Result<Option<(String, Session, Actor)>> {
    if !secret::is_token(cookie) {
        return Ok(None);
    }
    let key = key(&secret::digest(cookie));
    let Some(stored) = service.redis().get(&key).await? else {
        return Ok(None);
    };
    let now = service.clock().now();
    // What cannot be read is no session: an older program wrote it, or nobody of ours.
    let session = serde_json::from_str::<Session>(&stored)
        .ok()
        .filter(|session| session.remaining(now).is_some());
    let Some(session) = session else {
        service.redis().del(&key).await?;
        return Ok(None);
    };
    let present = user::present(service, session.user).await?;
    let Some(present) =
        present.filter(|user| secret::same(&secret::digest(&user.password_hash), &session.password))
    else {
        service.redis().del(&key).await?;
        return Ok(None);
    };
    Ok(Some((key, session, present.actor)))
}

/// Ends the session of this cookie, if there is one.
///
/// # Errors
/// When Redis does not answer.
pub async fn sign_out(service: &Service, cookie: &str) -> Result<()> {
    if secret::is_token(cookie) {
        service.redis().del(&key(&secret::digest(cookie))).await?;
    }
    Ok(())
}

/// Ends all sessions of a user.
///
/// # Errors
/// When Redis does not answer.
pub async fn end_all(service: &Service, user: UserId) -> Result<()> {
    service
        .redis()
        .script::<i64>(END_ALL, &[index(user)], Vec::new())
        .await?;
    Ok(())
}
