//! New passwords: by a link that an admin makes or a mail brings, or by the old one.

use std::net::IpAddr;

use chrono::TimeDelta;
use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    id::UserId,
    journal::Via,
    password,
    user::email_key,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use super::{
    account,
    account::{close_other_ways, set_password, spend_link},
    link::Link,
};
use crate::{
    Ctx, Result, Service,
    access::require,
    journal::{self, Command},
    limit, mail, organisation, secret,
    session::{self, Browser, NewSession},
    sql::sql,
};

/// For how long the link of an admin is good, and for how long that which a mail brings.
pub(super) const MADE_GOOD_FOR: TimeDelta = TimeDelta::hours(24);
const ASKED_GOOD_FOR: TimeDelta = TimeDelta::hours(1);
/// The command by which somebody makes a link for somebody else.
const MAKE_LINK: &str = "make reset link";
const HANDED_ON: &str = "A link that was handed on cannot be called back; it ends by itself.";
const NOT_KEPT: &str = "The old password is not kept.";
/// The one answer to a link that is wrong, used or too old.
const NO_MORE: &str = "This link is not good any more. Please ask for a new one.";

#[derive(FromQueryResult)]
struct Holder {
    id: Uuid,
    name: String,
    email: String,
}

/// Makes a link by which a user sets a new password, mails it to them, and lets the actor see it for a while. Sessions go
/// on until it is used.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`] when there is no such active user.
pub async fn reset_link(ctx: &Ctx, user: UserId) -> Result<()> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let link = Link::new("/reset");
    let tx = ctx.db().begin().await?;
    let active = "SELECT id, name, email FROM app_user WHERE id = $1 AND active AND NOT program FOR UPDATE";
    let holder = Holder::find_by_statement(sql(active, [user.0.into()]))
        .one(&tx)
        .await?;
    let holder = holder.ok_or(AppError::NotFound)?;
    let command = Command::of(ctx, MAKE_LINK)
        .with_detail(json!({ "user": user }))
        .never_undone(HANDED_ON);
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    arm(&tx, ctx.service(), holder.id, &link, MADE_GOOD_FOR).await?;
    mail(&tx, ctx.service(), &holder, &link, MADE_GOOD_FOR).await?;
    tx.commit().await?;
    link.show(ctx, user.0).await
}

/// Makes a link by which the user of an address sets a new password, from the console: gives it.
///
/// # Errors
/// [`AppError::Invalid`] on `email` when nobody active has the address.
pub async fn console_link(service: &Service, email: &str) -> Result<String> {
    let found = account(service, email).await?.filter(|user| user.active);
    let user = found.ok_or_else(account::unknown)?;
    let link = Link::new("/reset");
    let tx = service.db().begin().await?;
    let command = Command::unattended(service, Via::Console, MAKE_LINK)
        .with_detail(json!({ "user": user.id }))
        .never_undone(HANDED_ON);
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    arm(&tx, service, user.id, &link, MADE_GOOD_FOR).await?;
    tx.commit().await?;
    Ok(link.address(service))
}

/// Mails a link for a new password to an address, if somebody active has it. The answer is the same whatever comes of it.
///
/// # Errors
/// [`AppError::TooManyRequests`].
pub async fn forgot(service: &Service, email: &str, from: IpAddr) -> Result<()> {
    let key = email_key(email);
    let limits = [(limit::MAIL_FROM, &*limit::client(from)), (limit::MAIL_TO, &*key)];
    limit::take(service, &limits).await?;
    let Some(user) = account(service, email).await?.filter(|user| user.active) else {
        return Ok(());
    };
    let tx = service.db().begin().await?;
    // The address may be another one by now, and this one somebody else's.
    let stands = sql(
        "SELECT id, name, email FROM app_user WHERE id = $1 AND active AND email_key = $2 FOR UPDATE",
        [user.id.into(), key.into()],
    );
    let Some(holder) = Holder::find_by_statement(stands).one(&tx).await? else {
        return Ok(());
    };
    let command = Command::unattended(service, Via::Page, "ask for reset link")
        .with_detail(json!({ "user": holder.id }))
        .never_undone("A mail that was sent cannot be called back; its link ends by itself.");
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    let link = Link::new("/reset");
    arm(&tx, service, holder.id, &link, ASKED_GOOD_FOR).await?;
    mail(&tx, service, &holder, &link, ASKED_GOOD_FOR).await?;
    Ok(tx.commit().await?)
}

/// Makes a link good; the one before is not any more.
pub(super) async fn arm(
    tx: &DatabaseTransaction,
    service: &Service,
    user: Uuid,
    link: &Link,
    good_for: TimeDelta,
) -> Result<()> {
    let statement = sql(
        "INSERT INTO password_reset (user_id, token_hash, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
        [
            user.into(),
            link.hash.clone().into(),
            (service.clock().now() + good_for).into(),
        ],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}

async fn mail(
    tx: &DatabaseTransaction,
    service: &Service,
    holder: &Holder,
    link: &Link,
    good_for: TimeDelta,
) -> Result<()> {
    let organisation = organisation::settings(tx).await?;
    let hours = match good_for.num_hours() {
        1 => "an hour".to_owned(),
        hours => format!("{hours} hours"),
    };
    let body = format!(
        "Hello {},\n\nthis link lets you choose a new password for {}. It is good once, for {hours}:\n\n{}\n\nIf you did not \
         ask for it, leave it alone; your password stays what it is.\n",
        holder.name,
        organisation.name(),
        link.address(service)
    );
    mail::put(tx, service, &holder.email, "Choose a new password", &body).await
}

async fn holder(db: &impl ConnectionTrait, service: &Service, token: &str, lock: &str) -> Result<Holder> {
    let refused = || AppError::refused(NO_MORE);
    if !secret::is_token(token) {
        return Err(refused().into());
    }
    let text = format!(
        "SELECT u.id, u.name, u.email FROM password_reset p JOIN app_user u ON u.id = p.user_id AND u.active \
         WHERE p.token_hash = $1 AND p.expires_at > $2 {lock}"
    );
    let statement = sql(
        &text,
        [secret::digest(token).into(), service.clock().now().into()],
    );
    Ok(Holder::find_by_statement(statement)
        .one(db)
        .await?
        .ok_or_else(refused)?)
}

/// The address whose password a link sets.
///
/// # Errors
/// [`AppError::Refused`] when it is not good any more; [`AppError::TooManyRequests`].
pub async fn resettable(service: &Service, token: &str, from: IpAddr) -> Result<String> {
    limit::take(service, &[(limit::LINK_FROM, &limit::client(from))]).await?;
    Ok(holder(service.db(), service, token, "").await?.email)
}

/// Sets a new password by a link, once, and ends all sessions of the user. Gives the address they sign in with.
///
/// # Errors
/// As [`resettable`]; [`AppError::Invalid`] on `password` when it may not be set.
pub async fn new_password(service: &Service, token: &str, new: &str, from: IpAddr) -> Result<String> {
    limit::take(service, &[(limit::LINK_FROM, &limit::client(from))]).await?;
    let known = holder(service.db(), service, token, "").await?;
    let hash = hashed(service, new, &known.name, &known.email).await?;
    let tx = service.db().begin().await?;
    // The account first, as whoever asks for a link does.
    let held = sql(
        "SELECT 1 FROM app_user WHERE id = $1 FOR UPDATE",
        [known.id.into()],
    );
    tx.query_one_raw(held).await?;
    let holder = holder(&tx, service, token, "FOR UPDATE OF p").await?;
    let id = UserId(holder.id);
    let mut command = Command::unattended(service, Via::Page, "reset password")
        .with_detail(json!({ "user": id }))
        .never_undone(NOT_KEPT);
    command.actor = Some(id);
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    set_password(&tx, id, hash).await?;
    close_other_ways(&tx, id, service.clock().now()).await?;
    tx.commit().await?;
    // From the commit on no old session is let in, even if this fails: each is bound to the password it began with.
    session::end_all(service, id).await?;
    Ok(holder.email)
}

async fn hashed(service: &Service, new: &str, name: &str, email: &str) -> Result<String> {
    let new = password::check_for(new, &[name, email])
        .map_err(|sentence| AppError::invalid("password", sentence))?;
    service.hasher().hash(new).await
}

/// By what the actor has shown that it is themselves: the password with this hash, beside the second factor that they had.
pub(crate) struct Proved {
    password_hash: String,
    factor: Option<String>,
}

impl Proved {
    /// Holds the account still, if it stands yet, with this second factor: what was proved by a password that was taken
    /// away meanwhile is proved no more.
    ///
    /// # Errors
    /// [`AppError::Unauthenticated`].
    pub(super) async fn hold(
        &self,
        tx: &DatabaseTransaction,
        user: UserId,
        factor: Option<&str>,
    ) -> Result<()> {
        let statement = sql(
            "SELECT 1 FROM app_user u WHERE u.id = $1 AND u.active AND u.password_hash = $2 \
               AND (SELECT f.secret FROM second_factor f WHERE f.user_id = u.id) IS NOT DISTINCT FROM $3 FOR UPDATE OF u",
            [user.0.into(), self.password_hash.clone().into(), factor.into()],
        );
        let stands = tx.query_one_raw(statement).await?;
        stands.map(drop).ok_or(AppError::Unauthenticated.into())
    }

    /// The second factor that they had.
    pub(super) fn factor(&self) -> Option<&str> {
        self.factor.as_deref()
    }

    /// For the session that goes on by it: with the second factor that they have by now.
    pub(super) fn proof<'a>(&'a self, factor: Option<&'a str>) -> (&'a str, Option<&'a str>) {
        (&self.password_hash, factor)
    }
}

/// Makes sure that it is the actor themselves, by their password.
///
/// # Errors
/// [`AppError::Invalid`] on `current` when it is not theirs; [`AppError::TooManyRequests`].
pub(crate) async fn prove(ctx: &Ctx, current: &str) -> Result<Proved> {
    let service = ctx.service();
    limit::take_own(ctx, limit::PASSWORD_OF).await?;
    let present = super::present(service, ctx.actor().user).await?;
    let present = present.ok_or(AppError::Unauthenticated)?;
    let right = service
        .hasher()
        .verify(current.to_owned(), Some(present.password_hash.clone()))
        .await?;
    if !right {
        return Err(AppError::invalid("current", "This is not your password.").into());
    }
    Ok(Proved {
        password_hash: present.password_hash,
        factor: present.factor,
    })
}

/// Sets a new password by the old one, and ends all sessions of the user; the browser has a new one.
///
/// # Errors
/// [`AppError::Invalid`] on `current` when it is not the old one, on `password` when the new one may not be set;
/// [`AppError::TooManyRequests`].
pub async fn change_password(
    ctx: &Ctx,
    current: &str,
    new: &str,
    browser: Browser<'_>,
) -> Result<NewSession> {
    let (service, id) = (ctx.service(), ctx.actor().user);
    let proved = prove(ctx, current).await?;
    let me = super::me(ctx).await?;
    let hash = hashed(service, new, &me.name, &me.email).await?;
    let tx = service.db().begin().await?;
    proved.hold(&tx, id, proved.factor()).await?;
    let command = Command::of(ctx, "change password").never_undone(NOT_KEPT);
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    set_password(&tx, id, hash.clone()).await?;
    spend_link(&tx, id).await?;
    tx.commit().await?;
    session::anew(ctx, browser, (&hash, proved.factor())).await
}
