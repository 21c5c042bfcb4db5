//! Signing in and out. A session lives in Redis; what its user may do is read from PostgreSQL on every request.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    access::Actor,
    error::AppError,
    id::UserId,
    user::{SignIn, email_key, security::OpenSession},
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{
    Ctx, Result, Service, limit, secret,
    user::{self, Present},
};

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

/// Whose sign-in it is, as far as the request tells.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// Where it comes from.
    pub address: IpAddr,
    /// What it says of itself, in words.
    pub name: &'a str,
    /// The cookie of its session until now: that session ends.
    pub earlier: Option<&'a str>,
}

impl From<IpAddr> for Browser<'_> {
    /// One of which nothing else is known.
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            name: "",
            earlier: None,
        }
    }
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is, with the rights they have now.
    pub actor: Actor,
    /// Whether they lack the second factor that everybody has to have: then they may bring one, and nothing else.
    pub lacks_factor: bool,
}

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
    /// The key of the second factor that it began with, as a digest: whatever began without the present one is over.
    #[serde(default)]
    factor: Option<String>,
    /// The address that it began from, and the browser in words; empty where an older program began it.
    #[serde(default)]
    from: String,
    #[serde(default)]
    browser: String,
}

impl Session {
    /// Whether it began with the password that somebody has now, and with their second factor, if they have one.
    fn is_of(&self, present: &Present) -> bool {
        let of_factor = present.factor.as_ref().is_none_or(|key| {
            let began = self.factor.as_deref().unwrap_or_default();
            secret::same(&secret::digest(key), began)
        });
        of_factor && secret::same(&secret::digest(&present.password_hash), &self.password)
    }

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

/// The sessions in the index KEYS[1] that are there: hash and value in turn.
const ALL: &str = "
local found = {}
for _, hash in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local session = redis.call('GET', ARGV[#ARGV] .. 'session:' .. hash)
    if session then table.insert(found, hash) table.insert(found, session) end
end
return found";

/// Checks address, password and, where the account has a second factor, its code, and begins a session. An earlier session
/// of the same browser ends with it.
///
/// # Errors
/// [`AppError::Invalid`] on `form`, the same and after the same time whatever is wrong with address and password; on `code`
/// when those are right and the code is missing or not; [`AppError::TooManyRequests`] after too many tries.
pub async fn sign_in<'a>(
    service: &Service,
    form: SignIn,
    browser: impl Into<Browser<'a>>,
) -> Result<NewSession> {
    let browser = browser.into();
    let SignIn {
        email,
        password,
        code,
    } = form;
    let (client, account) = (limit::client(browser.address), email_key(&email));
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
    let factor = user::pass(service, UserId(user.id), code.as_deref()).await?;
    let proof = (user.password_hash.0.as_str(), factor.as_deref());
    let session = begin(service, UserId(user.id), proof, browser).await?;
    tracing::info!(account = %session.user, "signed in");
    Ok(session)
}

/// Ends all sessions of the actor, when what they stood on has changed, and begins one in this browser by what it is by now:
/// the hash of the password and the key of the second factor.
pub(crate) async fn anew(ctx: &Ctx, browser: Browser<'_>, proof: (&str, Option<&str>)) -> Result<NewSession> {
    let (service, user) = (ctx.service(), ctx.actor().user);
    end_all(service, user).await?;
    begin(service, user, proof, browser).await
}

/// Begins a session that was proved by the password with this hash, and by the second factor with this key.
async fn begin(
    service: &Service,
    user: UserId,
    (password_hash, factor): (&str, Option<&str>),
    browser: Browser<'_>,
) -> Result<NewSession> {
    let cookie = secret::token();
    let hash = secret::digest(&cookie);
    let now = service.clock().now();
    let at = now.timestamp_millis();
    let session = Session {
        user,
        began: at,
        used: at,
        password: secret::digest(password_hash),
        factor: factor.map(secret::digest),
        from: browser.address.to_canonical().to_string(),
        browser: browser.name.to_owned(),
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
    if let Some(earlier) = browser.earlier {
        sign_out(service, earlier).await?;
    }
    Ok(NewSession {
        cookie,
        user,
        max_age: life.to_std().unwrap_or_default(),
    })
}

/// Who is signed in with this cookie; none when nobody is.
///
/// # Errors
/// When Redis or PostgreSQL does not answer: then nobody is let in, but nobody is signed out either.
pub async fn resolve(service: &Service, cookie: &str) -> Result<Option<SignedIn>> {
    let Some((key, mut session, who)) = find(service, cookie).await? else {
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
    Ok(Some(who))
}

/// As [`resolve`], where nobody may have done anything: a page that is only left open, and reads what others change,
/// does not keep its session.
///
/// # Errors
/// As [`resolve`].
pub async fn peek(service: &Service, cookie: &str) -> Result<Option<SignedIn>> {
    Ok(find(service, cookie).await?.map(|(_, _, who)| who))
}

/// The session of a cookie under its key, and whose it is.
async fn find(service: &Service, cookie: &str) -> Result<Option<(String, Session, SignedIn)>> {
    if !secret::is_token(cookie) {
        return Ok(None);
    }
    let key = key(&secret::digest(cookie));
    let Some(stored) = service.redis().get(&key).await? else {
        return Ok(None);
    };
    let now = service.clock().now();
    // What cannot be read is no session: an older program wrote it, or nobody of ours.
    let Some(session) = read(&stored, now) else {
        service.redis().del(&key).await?;
        return Ok(None);
    };
    let present = user::present(service, session.user).await?;
    let Some(present) = present.filter(|user| session.is_of(user)) else {
        service.redis().del(&key).await?;
        return Ok(None);
    };
    let who = SignedIn {
        actor: present.actor,
        lacks_factor: present.lacks_factor,
    };
    Ok(Some((key, session, who)))
}

/// A session as Redis has it; none where it is over, or cannot be read.
fn read(stored: &str, now: DateTime<Utc>) -> Option<Session> {
    let session = serde_json::from_str::<Session>(stored).ok();
    session.filter(|session| session.remaining(now).is_some())
}

/// The actor's sessions that are open, under their hashes.
async fn all(ctx: &Ctx) -> Result<Vec<(String, Session)>> {
    let (service, user) = (ctx.service(), ctx.actor().user);
    let present = user::present(service, user).await?;
    let present = present.ok_or(AppError::Unauthenticated)?;
    let found: Vec<String> = service.redis().script(ALL, &[index(user)], Vec::new()).await?;
    let open = found.chunks(2).filter_map(|pair| match pair {
        [hash, stored] => Some((hash.clone(), read(stored, ctx.clock().now())?)),
        _ => None,
    });
    Ok(open.filter(|(_, session)| session.is_of(&present)).collect())
}

/// By what a session is named to its owner: not by its key in Redis.
fn id(hash: &str) -> String {
    secret::digest(&format!("session {hash}"))
}

/// The actor's sessions that are open: that of this cookie first, then the one that was used last.
///
/// # Errors
/// When Redis or PostgreSQL does not answer.
pub async fn open(ctx: &Ctx, cookie: &str) -> Result<Vec<OpenSession>> {
    let here = secret::digest(cookie);
    let mut all = all(ctx).await?;
    all.sort_by_key(|(hash, session)| (here != *hash, -session.used));
    let (now, moment) = (ctx.now(), |at| {
        DateTime::from_timestamp_millis(at).unwrap_or_default()
    });
    let told = all.into_iter().map(|(hash, session)| OpenSession {
        id: id(&hash),
        browser: session.browser,
        from: session.from,
        began: now.say(moment(session.began)),
        used: now.say(moment(session.used)),
        here: here == hash,
    });
    Ok(told.collect())
}

/// Ends one of the actor's sessions, by their password.
///
/// # Errors
/// [`AppError::Invalid`] on `current` for a wrong password; [`AppError::Refused`] when it is none of theirs, or is over;
/// [`AppError::TooManyRequests`]; and when Redis or PostgreSQL does not answer.
pub async fn end(ctx: &Ctx, session: &str, current: &str) -> Result<()> {
    user::prove(ctx, current).await?;
    let all = all(ctx).await?;
    let found = all.iter().find(|(hash, _)| id(hash) == session);
    let (hash, _) = found.ok_or(AppError::refused("This session is over already."))?;
    Ok(ctx.service().redis().del(&key(hash)).await?)
}

/// Ends all of the actor's sessions but that of this cookie, by their password. Gives how many were open.
///
/// # Errors
/// As [`end`].
pub async fn end_others(ctx: &Ctx, cookie: &str, current: &str) -> Result<usize> {
    user::prove(ctx, current).await?;
    let here = secret::digest(cookie);
    let mut others = all(ctx).await?;
    others.retain(|(hash, _)| *hash != here);
    for (hash, _) in &others {
        ctx.service().redis().del(&key(hash)).await?;
    }
    Ok(others.len())
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
