//! The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when that is lost. Secrets
//! and codes never enter the journal; that it was turned on or off does.

use std::{fmt::Write, time::Duration};

use chrono::{DateTime, Utc};
use qrcodegen::{QrCode, QrCodeEcc};
use rapport_domain::{
    access::{Ability, Kind},
    error::{AppError, FieldErrors},
    id::UserId,
    journal::Via,
    user::security::{FactorRule, Offer, Picture, Proof, SecondFactor, Security},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::{
    find_by_email,
    reset::{Proved, prove},
};
use crate::{
    Ctx, Error, Result, Service,
    access::require,
    journal::{self, Command},
    limit, organisation, secret,
    session::{self, Browser, NewSession},
    sql::sql,
};

/// How many recovery codes somebody has at first.
const RECOVERY_CODES: usize = 8;
/// For how long a key is offered after it was last looked at, and recovery codes are seen by who made them.
const SEEN_FOR: Duration = Duration::from_secs(10 * 60);
/// The most bytes that a name takes in an `otpauth:` address: a QR code that is larger is hard to read off a screen.
const NAME_MAX: usize = 60;

const ONE_MORE: &str = "One more step: this account asks for a code, too.";
const MISSING: &str = "Please give the code that your authenticator app shows, or a recovery code.";
const WRONG: &str = "This code is not right, or was used before. A new one comes every 30 seconds.";
const STALE: &str = "This key is not good any more. Please open the page again.";
const IS_ON: &str = "A second factor is on already.";
const IS_OFF: &str = "There is no second factor.";
const KEPT_NOWHERE: &str = "The key of a second factor is kept nowhere else.";

/// Offers ARGV[1] as a key unless one is offered, for ARGV[2] milliseconds from now, and says which one is.
const OFFER: &str = "
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('GET', KEYS[1])";

/// Where the key lies that a session is offered. Whoever else is signed in as the same person is offered another one.
fn offered(cookie: &str) -> String {
    format!("factor:{}", secret::digest(cookie))
}

/// Where the recovery codes lie that were made in a session a moment ago.
fn made(cookie: &str) -> String {
    format!("recovery:{}", secret::digest(cookie))
}

#[derive(FromQueryResult)]
struct Stored {
    since: DateTime<Utc>,
    codes: i64,
}

/// The actor's second factor in the session of this cookie; where there is none, what an app has to be told to turn it on.
///
/// # Errors
/// When the database or Redis does not answer.
pub async fn factor(ctx: &Ctx, cookie: &str) -> Result<SecondFactor> {
    let factor = standing(ctx, cookie).await?;
    let offer = match factor.since {
        Some(_) => None,
        None => Some(offer(ctx, cookie).await?),
    };
    Ok(SecondFactor { offer, ..factor })
}

/// The same without an offer.
async fn standing(ctx: &Ctx, cookie: &str) -> Result<SecondFactor> {
    let text = "SELECT since, (SELECT count(*) FROM recovery_code c WHERE c.user_id = f.user_id) AS codes \
                FROM second_factor f WHERE user_id = $1";
    let stored = Stored::find_by_statement(sql(text, [ctx.actor().user.0.into()]));
    let stored = stored.one(ctx.db()).await?;
    let codes = match stored {
        Some(_) => ctx.service().redis().get(&made(cookie)).await?,
        None => None,
    };
    Ok(SecondFactor {
        since: stored.as_ref().map(|stored| ctx.now().say(stored.since)),
        codes_left: stored.map_or(0, |stored| u32::try_from(stored.codes).unwrap_or(u32::MAX)),
        codes: codes.map_or_else(Vec::new, |codes| codes.lines().map(str::to_owned).collect()),
        rule: organisation::settings(ctx.db()).await?.second_factor(),
        offer: None,
    })
}

/// What guards the actor's account; the cookie tells which session is theirs here.
///
/// # Errors
/// As [`factor`].
pub async fn security(ctx: &Ctx, cookie: &str) -> Result<Security> {
    Ok(Security {
        factor: standing(ctx, cookie).await?,
        sessions: session::open(ctx, cookie).await?,
    })
}

/// A new key, or the one that this session was offered a moment ago: a page read twice shows one.
async fn offer(ctx: &Ctx, cookie: &str) -> Result<Offer> {
    let new = Secret::from(rand::random::<[u8; 20]>()).to_base32();
    let arguments = vec![new, SEEN_FOR.as_millis().to_string()];
    let redis = ctx.service().redis();
    let key: String = redis.script(OFFER, &[offered(cookie)], arguments).await?;
    let me = super::me(ctx).await?;
    let totp = builder(&key)?
        .with_issuer(Some(name(&format!("Rapport {}", me.organisation))))
        .with_account_name(name(&me.email))
        .build()
        .map_err(defect)?;
    let link = totp.to_url().map_err(defect)?;
    let groups: Vec<String> = key
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    Ok(Offer {
        key: groups.join(" "),
        picture: picture(&link)?,
        link,
    })
}

/// The beginning of a name that fits into an address, where every byte that is no letter or digit takes three. A colon
/// would end it (Key URI Format of Google Authenticator).
fn name(text: &str) -> String {
    let mut left = NAME_MAX;
    let fits = |c: &char| {
        let taken = if c.is_ascii_alphanumeric() {
            1
        } else {
            3 * c.len_utf8()
        };
        let fits = taken <= left;
        left = left.saturating_sub(taken);
        fits
    };
    text.replace(':', " ").chars().take_while(fits).collect()
}

/// What all apps assume: six digits of SHA-1, a new code every 30 seconds; one step early or late is taken (RFC 6238, 5.2).
fn builder(key: &str) -> Result<Builder> {
    let secret = Secret::try_from_base32(key).map_err(defect)?;
    Ok(Builder::new().with_secret(secret))
}

fn totp(key: &str) -> Result<Totp> {
    builder(key)?.with_account_name("-").build().map_err(defect)
}

/// The step of time whose code this is.
fn step_of(key: &str, code: &str, now: DateTime<Utc>) -> Result<Option<i64>> {
    // Apps show their codes in two groups.
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = totp(key)?.check(&code, now);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// The outline of a QR code: its dark modules, run by run.
fn picture(text: &str) -> Result<Picture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(defect)?;
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let run = (x..size).take_while(|x| code.get_module(*x, y)).count();
            let run = i32::try_from(run).map_err(defect)?;
            if run > 0 {
                write!(path, "M{x} {y}h{run}v1h-{run}z").map_err(defect)?;
            }
            x += run.max(1);
        }
    }
    Ok(Picture {
        size: size.unsigned_abs(),
        path,
    })
}

/// None of these depends on what a person typed.
fn defect(cause: impl std::fmt::Display) -> Error {
    Error::Stored(format!("second factor: {cause}"))
}

/// Turns the actor's second factor on, by their password and a code of the app that took the key over. All their sessions
/// end; the browser has a new one, in which the recovery codes are seen.
///
/// # Errors
/// [`AppError::Invalid`] on `current` for a wrong password, on `code` for a wrong code; [`AppError::Refused`] when it is
/// on, or the key was offered too long ago; [`AppError::TooManyRequests`].
pub async fn turn_on_factor(ctx: &Ctx, proof: Proof, browser: Browser<'_>) -> Result<NewSession> {
    let proved = prove(ctx, &proof.current).await?;
    let cookie = browser.earlier.unwrap_or_default();
    let key = ctx.service().redis().get(&offered(cookie)).await?;
    let key = key.ok_or(AppError::refused(STALE))?;
    let now = ctx.clock().now();
    let step = step_of(&key, &proof.code, now)?.ok_or_else(|| AppError::invalid("code", WRONG))?;
    let tx = ctx.db().begin().await?;
    let on = sql(
        "INSERT INTO second_factor (user_id, secret, since, step) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO NOTHING",
        [
            ctx.actor().user.0.into(),
            key.clone().into(),
            now.into(),
            step.into(),
        ],
    );
    if tx.execute_raw(on).await?.rows_affected() == 0 {
        return Err(AppError::refused(IS_ON).into());
    }
    proved.hold(&tx, ctx.actor().user, Some(&key)).await?;
    let codes = renew_codes(&tx, ctx.actor().user).await?;
    let command = Command::of(ctx, "turn on second factor").never_undone(KEPT_NOWHERE);
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    // From the commit on no old session is let in, even if this fails: each is bound to the factor it began with.
    let session = session::anew(ctx, browser, proved.proof(Some(&key))).await?;
    show(ctx, &session.cookie, &codes).await?;
    ctx.service().redis().del(&offered(cookie)).await?;
    Ok(session)
}

/// Lets the recovery codes be seen for a while, in the session in which they were made.
async fn show(ctx: &Ctx, cookie: &str, codes: &str) -> Result<()> {
    let redis = ctx.service().redis();
    Ok(redis.set(&made(cookie), codes, SEEN_FOR).await?)
}

/// Turns the actor's second factor off, by their password and a code. All their sessions end; the browser has a new one.
///
/// # Errors
/// [`AppError::Invalid`] on `current` for a wrong password, on `code` for a wrong code; [`AppError::Refused`] when it is
/// off, or everybody has to have one; [`AppError::TooManyRequests`].
pub async fn turn_off_factor(ctx: &Ctx, proof: Proof, browser: Browser<'_>) -> Result<NewSession> {
    if organisation::settings(ctx.db()).await?.second_factor() == FactorRule::Demanded {
        let sentence = "Everybody here has to have a second factor. Ask an admin if you lost yours.";
        return Err(AppError::refused(sentence).into());
    }
    let proved = prove_by_both(ctx, &proof).await?;
    let command = Command::of(ctx, "turn off second factor");
    take_away(ctx.service(), command, ctx.actor().user, Some(&proved)).await?;
    session::anew(ctx, browser, proved.proof(None)).await
}

/// Makes new recovery codes for the actor, by their password and a code; those before are good no more. They are seen in the
/// session of this cookie.
///
/// # Errors
/// As [`turn_off_factor`].
pub async fn new_recovery_codes(ctx: &Ctx, proof: Proof, cookie: &str) -> Result<()> {
    let proved = prove_by_both(ctx, &proof).await?;
    let tx = ctx.db().begin().await?;
    proved.hold(&tx, ctx.actor().user, proved.factor()).await?;
    let held = "SELECT FROM second_factor WHERE user_id = $1 FOR UPDATE";
    let held = tx.query_one_raw(sql(held, [ctx.actor().user.0.into()]));
    if held.await?.is_none() {
        return Err(AppError::refused(IS_OFF).into());
    }
    let codes = renew_codes(&tx, ctx.actor().user).await?;
    let command = Command::of(ctx, "make recovery codes").never_undone("Those before are kept nowhere else.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    show(ctx, cookie, &codes).await
}

/// Makes sure that it is the actor themselves, who has a second factor.
async fn prove_by_both(ctx: &Ctx, proof: &Proof) -> Result<Proved> {
    let proved = prove(ctx, &proof.current).await?;
    let passed = pass(ctx.service(), ctx.actor().user, Some(&proof.code)).await?;
    passed.ok_or(AppError::refused(IS_OFF))?;
    Ok(proved)
}

/// New codes in the place of all there are, one a line. 150 random bits each: a fast hash guards them.
async fn renew_codes(tx: &DatabaseTransaction, user: UserId) -> Result<String> {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| secret::spoken_token()).collect();
    let hashes: Vec<String> = codes.iter().map(|code| secret::digest(code)).collect();
    let gone = "DELETE FROM recovery_code WHERE user_id = $1";
    tx.execute_raw(sql(gone, [user.0.into()])).await?;
    let made = "INSERT INTO recovery_code (user_id, code_hash) SELECT $1, unnest($2::text[])";
    tx.execute_raw(sql(made, [user.0.into(), hashes.into()])).await?;
    Ok(codes.join("\n"))
}

/// Takes somebody's second factor away, who lost it, and ends all their sessions.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`]; [`AppError::Refused`] when they have none, and for
/// oneself.
pub async fn drop_factor(ctx: &Ctx, user: UserId) -> Result<()> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    if user == ctx.actor().user {
        let sentence = "Turn your own off in your settings. If you lost it, another admin can take it away.";
        return Err(AppError::refused(sentence).into());
    }
    let there = "SELECT FROM app_user WHERE id = $1 AND NOT program";
    let there = ctx.db().query_one_raw(sql(there, [user.0.into()]));
    there.await?.ok_or(AppError::NotFound)?;
    let command = Command::of(ctx, "turn off second factor").with_detail(json!({ "user": user }));
    take_away(ctx.service(), command, user, None).await
}

/// The same from the console.
///
/// # Errors
/// [`AppError::Invalid`] on `email` when nobody has that address; [`AppError::Refused`] when they have none.
pub async fn remove_factor(service: &Service, email: &str) -> Result<()> {
    let user = find_by_email(service, email).await?;
    let user = user.ok_or_else(|| AppError::invalid("email", "Nobody here has this e-mail address."))?;
    let command = Command::unattended(service, Via::Console, "turn off second factor")
        .with_detail(json!({ "user": user }));
    take_away(service, command, user, None).await
}

async fn take_away(service: &Service, command: Command, user: UserId, proved: Option<&Proved>) -> Result<()> {
    let tx = service.db().begin().await?;
    if let Some(proved) = proved {
        proved.hold(&tx, user, proved.factor()).await?;
    }
    let gone = "DELETE FROM second_factor WHERE user_id = $1";
    if tx.execute_raw(sql(gone, [user.0.into()])).await?.rows_affected() == 0 {
        return Err(AppError::refused(IS_OFF).into());
    }
    let command = command.never_undone(KEPT_NOWHERE);
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    session::end_all(service, user).await
}

#[derive(FromQueryResult)]
struct Key {
    secret: String,
}

/// Lets somebody pass whose password was right: at once without a second factor, else by a code, each good once. Gives the
/// key of the factor that was passed.
///
/// # Errors
/// [`AppError::Invalid`] on `code` when it is missing or not right; [`AppError::TooManyRequests`] after too many tries.
pub(crate) async fn pass(service: &Service, user: UserId, code: Option<&str>) -> Result<Option<String>> {
    let text = "SELECT secret FROM second_factor WHERE user_id = $1";
    let key = Key::find_by_statement(sql(text, [user.0.into()]));
    let Some(Key { secret: key }) = key.one(service.db()).await? else {
        return Ok(None);
    };
    let Some(code) = code else {
        // Also what it looks like when somebody has a password that is not theirs.
        tracing::warn!(account = %user, "a password was right, and no code of the second factor came with it");
        let mut fields = FieldErrors::default();
        fields.add("form", ONE_MORE);
        fields.add("code", MISSING);
        return Err(AppError::from(fields).into());
    };
    if spend_code(service, user, code).await? {
        return Ok(Some(key));
    }
    // Recovery codes cannot be guessed, so who guesses at the app does not keep out who has one.
    limit::take(service, &[(limit::CODE_OF, &user.to_string())]).await?;
    let step = step_of(&key, code, service.clock().now())?;
    let right = match step {
        Some(step) => spend_step(service, user, &key, step).await?,
        None => false,
    };
    if right {
        return Ok(Some(key));
    }
    tracing::warn!(account = %user, "a code of a second factor was refused");
    Err(AppError::invalid("code", WRONG).into())
}

/// Whether nobody came in by this step of the key, or by a later one; from now on somebody did.
async fn spend_step(service: &Service, user: UserId, key: &str, step: i64) -> Result<bool> {
    let spent = sql(
        "UPDATE second_factor SET step = $3 WHERE user_id = $1 AND secret = $2 AND step < $3",
        [user.0.into(), key.into(), step.into()],
    );
    Ok(service.db().execute_raw(spent).await?.rows_affected() == 1)
}

/// Whether it is a recovery code of theirs; from now on it is none.
async fn spend_code(service: &Service, user: UserId, code: &str) -> Result<bool> {
    if !secret::is_spoken(code) {
        return Ok(false);
    }
    let tx = service.db().begin().await?;
    let spent = sql(
        "DELETE FROM recovery_code WHERE user_id = $1 AND code_hash = $2",
        [user.0.into(), secret::digest(&secret::heard(code)).into()],
    );
    if tx.execute_raw(spent).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let mut command = Command::unattended(service, Via::Page, "use recovery code")
        .with_detail(json!({ "user": user }))
        .never_undone("A recovery code is good once.");
    command.actor = Some(user);
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    /// The key of RFC 6238, appendix B, for SHA-1.
    fn key() -> String {
        Secret::from(*b"12345678901234567890").to_base32()
    }

    #[test]
    fn codes_are_those_of_rfc_6238_and_hold_a_step_early_or_late() {
        // The last six of its eight digits, of the step that each time is in.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (2_000_000_000, "279037"),
        ] {
            let at = |late: i64| DateTime::from_timestamp(seconds + late, 0).unwrap();
            for late in [-30, 0, 30] {
                assert_eq!(
                    step_of(&key(), code, at(late)).unwrap(),
                    Some(seconds / 30),
                    "{code}"
                );
            }
            assert_eq!(step_of(&key(), code, at(90)).unwrap(), None);
        }
        let spaced = DateTime::from_timestamp(59, 0).unwrap();
        assert_eq!(step_of(&key(), " 287 082 ", spaced).unwrap(), Some(1));
        for wrong in ["", "28708", "2870820", "abcdef", "２８７０８２"] {
            assert_eq!(step_of(&key(), wrong, spaced).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn the_picture_has_the_marks_of_a_qr_code() {
        let picture = picture("otpauth://totp/Rapport:a@example.org?secret=AAAA").unwrap();
        assert!(picture.size >= 21);
        // ISO/IEC 18004: a finder pattern of seven modules in the corners left and right above.
        assert!(picture.path.starts_with("M0 0h7v1h-7z"));
        assert!(picture.path.contains(&format!("M{} 0h7v1h-7z", picture.size - 7)));
    }
}
