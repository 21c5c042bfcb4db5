//! Asking people in, and joining: by an invitation, or by an address of a domain that may sign up.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    access::{Ability, BuiltInRole, Kind},
    error::AppError,
    id::{InvitationId, TeamId, UserId},
    journal::{Receipt, Via},
    password,
    user::{
        NewUser, email_key,
        people::{Invitation, Invited, Join, NewInvitation, SignUp},
    },
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use super::{
    account::{Newcomer, admit, existing_team, first_team, role_id},
    find_by_email,
    link::{self, Link},
};
use crate::{
    Ctx, Error, Result, Service,
    access::require,
    journal::{self, Change, Command, RecordKind, fields},
    limit, mail, organisation, secret,
    sql::sql,
};

/// For how long an invitation is good.
const GOOD_FOR: TimeDelta = TimeDelta::days(7);
/// The command that invites.
const INVITE: &str = "invite user";
const FINAL: &str = "An account is closed, not taken back: others may have relied on it.";
/// The one answer to a link that is wrong, used, withdrawn or too old.
const NO_MORE: &str = "This invitation is not good any more. Please ask for a new one.";

#[derive(FromQueryResult)]
struct Open {
    id: Uuid,
    email: String,
    role: String,
    team: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

/// The open invitations, newest first.
pub(super) async fn open(ctx: &Ctx) -> Result<Vec<Invitation>> {
    let statement = sql(
        "SELECT i.id, i.email, r.key AS role, t.name AS team, i.created_at, i.expires_at \
         FROM invitation i JOIN role r ON r.id = i.role_id LEFT JOIN team t ON t.id = i.team_id \
         WHERE i.user_id IS NULL ORDER BY i.created_at DESC, i.id LIMIT 500",
        [],
    );
    let now = ctx.now();
    let mut invitations = Vec::new();
    for open in Open::find_by_statement(statement).all(ctx.db()).await? {
        let good = open.expires_at.filter(|expires| *expires > ctx.clock().now());
        invitations.push(Invitation {
            id: InvitationId(open.id),
            role: open.role.parse().map_err(Error::Stored)?,
            email: open.email,
            team: open.team,
            at: now.say(open.created_at),
            until: good.map(|expires| now.local(expires).format("%-d %b %Y, %H:%M").to_string()),
            // A link lets somebody in: it is for people, never for a key.
            link: match ctx.via() {
                Via::Key => None,
                _ => link::seen(ctx, open.id).await?,
            },
        });
    }
    Ok(invitations)
}

/// Asks somebody in: by a mail, and by a link that the actor sees for a while. Posting the same form again gives the
/// receipt of the first time.
///
/// # Errors
/// [`AppError::Forbidden`] without the right; [`AppError::Invalid`] on `email` when they are here or were asked, on
/// `team` when there is none such; [`AppError::Refused`] while nobody may join.
pub async fn invite(ctx: &Ctx, new: NewInvitation) -> Result<Receipt> {
    require(ctx.actor(), Kind::User, Ability::Create)?;
    let id = new.id.0;
    if let Some(made) = journal::made_before(ctx.db(), ctx, INVITE, RecordKind::Invitation, id, id).await? {
        return Ok(made);
    }
    if organisation::settings(ctx.db()).await?.sign_up() == SignUp::Closed {
        let sentence = "The settings say that nobody may join. Change that first.";
        return Err(AppError::refused(sentence).into());
    }
    refuse_known(ctx.service(), &new.email).await?;
    let link = Link::new("/join");
    let tx = ctx.db().begin().await?;
    let made = made(&tx, &new).await?;
    let batch = journal::write(&tx, ctx.clock().new_id(), &Command::of(ctx, INVITE), vec![made])
        .await
        .map_err(asked_already)?;
    arm(
        &tx,
        ctx.service(),
        new.id,
        &new.email,
        &link,
        Some(&ctx.actor().name),
    )
    .await?;
    tx.commit().await?;
    link.show(ctx, id).await?;
    Ok(Receipt {
        record: id,
        version: 1,
        batch: Some(batch),
    })
}

async fn refuse_known(service: &Service, email: &str) -> Result<()> {
    match find_by_email(service, email).await? {
        Some(_) => Err(AppError::invalid("email", "Somebody here has this e-mail address already.").into()),
        None => Ok(()),
    }
}

async fn made(tx: &DatabaseTransaction, new: &NewInvitation) -> Result<Change> {
    let team = match new.team {
        Some(team) => Some(existing_team(tx, team).await?),
        None => None,
    };
    let columns = fields(json!({
        "email": new.email, "email_key": email_key(&new.email), "role_id": role_id(tx, new.role).await?,
        "team_id": team.map(|team| team.0),
    }));
    Ok(Change::create(
        RecordKind::Invitation,
        new.id.0,
        new.id.0,
        columns,
    ))
}

fn asked_already(error: Error) -> Error {
    match error.unique_violation() {
        Some(constraint) if constraint.contains("invitation_email_open") => {
            let sentence = "They have been asked already. Make a new link for them below.";
            AppError::invalid("email", sentence).into()
        }
        Some(constraint) if constraint.contains("_pkey") => {
            AppError::invalid("form", "Please open the form again; this one was used already.").into()
        }
        _ => error,
    }
}

/// Gives an invitation its link, for a while, and writes the mail that brings it.
async fn arm(
    tx: &DatabaseTransaction,
    service: &Service,
    id: InvitationId,
    email: &str,
    link: &Link,
    by: Option<&str>,
) -> Result<()> {
    let expires = service.clock().now() + GOOD_FOR;
    let statement = sql(
        "UPDATE invitation SET token_hash = $2, expires_at = $3 WHERE id = $1",
        [id.0.into(), link.hash.clone().into(), expires.into()],
    );
    tx.execute_raw(statement).await?;
    let settings = organisation::settings(tx).await?;
    let who = by.map_or_else(
        || format!("Somebody, we hope you, asked to join {}.", settings.name()),
        |by| format!("{by} asks you to join {}.", settings.name()),
    );
    let body = format!(
        "{who}\n\nOpen this link to choose your password and come in. It is good for 7 days, and for one person:\n\n{}\n\nIf you \
         expected nothing of the kind, leave it alone; nothing happens then.\n",
        link.address(service)
    );
    mail::put(tx, service, email, &format!("Join {}", settings.name()), &body).await
}

#[derive(FromQueryResult)]
struct Pending {
    email: String,
    version: i64,
    role_id: Uuid,
    team_id: Option<Uuid>,
}

async fn pending(tx: &DatabaseTransaction, id: InvitationId) -> Result<Pending> {
    let statement = sql(
        "SELECT email, version, role_id, team_id FROM invitation WHERE id = $1 AND user_id IS NULL FOR UPDATE",
        [id.0.into()],
    );
    let pending = Pending::find_by_statement(statement).one(tx).await?;
    Ok(pending.ok_or(AppError::NotFound)?)
}

/// Makes a new link for an invitation, and mails it; the one before is not good any more.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`] when there is no such open invitation.
pub async fn renew_invitation(ctx: &Ctx, id: InvitationId) -> Result<()> {
    require(ctx.actor(), Kind::User, Ability::Create)?;
    let link = Link::new("/join");
    let tx = ctx.db().begin().await?;
    let pending = pending(&tx, id).await?;
    let command = Command::of(ctx, "renew invitation")
        .with_detail(json!({ "invitation": id }))
        .never_undone("The link before is not kept.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    arm(
        &tx,
        ctx.service(),
        id,
        &pending.email,
        &link,
        Some(&ctx.actor().name),
    )
    .await?;
    tx.commit().await?;
    link.show(ctx, id.0).await
}

/// Takes an invitation back: its link leads nowhere from then on.
///
/// # Errors
/// As [`renew_invitation`].
pub async fn withdraw_invitation(ctx: &Ctx, id: InvitationId) -> Result<Receipt> {
    require(ctx.actor(), Kind::User, Ability::Create)?;
    let tx = ctx.db().begin().await?;
    let pending = pending(&tx, id).await?;
    let mut before = fields(json!({
        "email": pending.email, "email_key": email_key(&pending.email), "role_id": pending.role_id,
        "team_id": pending.team_id,
    }));
    before.retain(|_, value| !value.is_null());
    let gone = Change::remove(RecordKind::Invitation, id.0, id.0, before);
    let batch = journal::commit(tx, ctx, "withdraw invitation", vec![gone]).await?;
    Ok(Receipt {
        record: id.0,
        version: pending.version,
        batch: Some(batch),
    })
}

#[derive(FromQueryResult)]
struct Found {
    id: Uuid,
    email: String,
    role: String,
    team_id: Option<Uuid>,
}

/// The open invitation that a secret belongs to.
async fn found(db: &impl ConnectionTrait, service: &Service, token: &str, lock: &str) -> Result<Found> {
    let refused = || AppError::refused(NO_MORE);
    if !secret::is_token(token) || organisation::settings(db).await?.sign_up() == SignUp::Closed {
        return Err(refused().into());
    }
    let text = format!(
        "SELECT i.id, i.email, r.key AS role, i.team_id FROM invitation i JOIN role r ON r.id = i.role_id \
         WHERE i.token_hash = $1 AND i.user_id IS NULL AND i.expires_at > $2 {lock}"
    );
    let statement = sql(
        &text,
        [secret::digest(token).into(), service.clock().now().into()],
    );
    Ok(Found::find_by_statement(statement)
        .one(db)
        .await?
        .ok_or_else(refused)?)
}

/// What the page of a link says.
///
/// # Errors
/// [`AppError::Refused`] when it is not good any more; [`AppError::TooManyRequests`].
pub async fn invited(service: &Service, token: &str, from: IpAddr) -> Result<Invited> {
    limit::take(service, &[(limit::LINK_FROM, &limit::client(from))]).await?;
    let found = found(service.db(), service, token, "").await?;
    Ok(Invited {
        organisation: organisation::name(service).await?,
        email: found.email,
    })
}

/// Lets somebody in by an invitation, once. Gives the address they sign in with.
///
/// # Errors
/// As [`invited`]; [`AppError::Invalid`] on `password` when it may not be set.
pub async fn join(service: &Service, wanted: Join, from: IpAddr) -> Result<String> {
    limit::take(service, &[(limit::LINK_FROM, &limit::client(from))]).await?;
    let known = found(service.db(), service, &wanted.token, "").await?;
    if find_by_email(service, &known.email).await?.is_some() {
        let sentence = "Somebody here has this e-mail address already. Please sign in.";
        return Err(AppError::refused(sentence).into());
    }
    let password = password::check_for(&wanted.password, &[&wanted.name, &known.email])
        .map_err(|sentence| AppError::invalid("password", sentence))?;
    let hash = service.hasher().hash(password.clone()).await?;

    let tx = service.db().begin().await?;
    let found = found(&tx, service, &wanted.token, "FOR UPDATE OF i").await?;
    let newcomer = Newcomer {
        id: service.clock().new_id(),
        user: NewUser {
            name: wanted.name,
            email: found.email.clone(),
            password,
            role: found.role.parse().map_err(Error::Stored)?,
        },
        hash,
        team: found.team_id.map(TeamId),
    };
    let id: UserId = newcomer.id;
    let mut command = Command::unattended(service, Via::Page, "join").never_undone(FINAL);
    command.actor = Some(id);
    let id = admit(service, &tx, &command, Vec::new(), newcomer).await?;
    let used = used(&found, id);
    let mut command = Command::unattended(service, Via::Page, "use invitation").never_undone(FINAL);
    command.actor = Some(id);
    journal::write(&tx, service.clock().new_id(), &command, vec![used]).await?;
    let spent = "UPDATE invitation SET token_hash = NULL, expires_at = NULL WHERE id = $1";
    tx.execute_raw(sql(spent, [found.id.into()])).await?;
    tx.commit().await?;
    Ok(found.email)
}

fn used(found: &Found, by: UserId) -> Change {
    let mut change = Change::bare(
        RecordKind::Invitation,
        found.id,
        found.id,
        rapport_domain::journal::Op::Update,
    );
    change.before.insert("user_id".to_owned(), json!(null));
    change.after.insert("user_id".to_owned(), json!(by));
    change
}

/// Asks to join by an address: where its domain may sign up, a link is mailed to it, and so the address is confirmed.
/// The answer is the same whatever comes of it, so that nobody finds out who works here.
///
/// # Errors
/// [`AppError::Refused`] where nobody may sign up by themselves; [`AppError::TooManyRequests`].
pub async fn sign_up(service: &Service, email: &str, from: IpAddr) -> Result<()> {
    let key = email_key(email);
    let limits = [(limit::MAIL_FROM, &*limit::client(from)), (limit::MAIL_TO, &*key)];
    limit::take(service, &limits).await?;
    let settings = organisation::settings(service.db()).await?;
    if settings.sign_up() != SignUp::Domains {
        let sentence = "Nobody can sign up here by themselves. Please ask an admin to invite you.";
        return Err(AppError::refused(sentence).into());
    }
    let domain = key.rsplit('@').next().unwrap_or_default();
    if !settings.sign_up_domains.iter().any(|listed| listed == domain)
        || find_by_email(service, email).await?.is_some()
    {
        return Ok(());
    }
    let tx = service.db().begin().await?;
    let link = Link::new("/join");
    let id = match asked(&tx, &key).await? {
        Some(id) => id,
        None => {
            let new = NewInvitation {
                id: service.clock().new_id(),
                email: email.to_owned(),
                role: BuiltInRole::Member,
                team: first_team(&tx).await?,
            };
            let made = made(&tx, &new).await?;
            let command = Command::unattended(service, Via::Page, "ask to join")
                .never_undone("An invitation is withdrawn, not taken back.");
            match journal::write(&tx, service.clock().new_id(), &command, vec![made]).await {
                // Asked twice at the same moment: the other one's mail is on its way.
                Err(error) if error.unique_violation().is_some() => return Ok(()),
                written => written?,
            };
            new.id
        }
    };
    arm(&tx, service, id, email, &link, None).await?;
    Ok(tx.commit().await?)
}

#[derive(FromQueryResult)]
struct Asked {
    id: Uuid,
}

async fn asked(tx: &DatabaseTransaction, key: &str) -> Result<Option<InvitationId>> {
    let open = "SELECT id FROM invitation WHERE email_key = $1 AND user_id IS NULL FOR UPDATE";
    let asked = Asked::find_by_statement(sql(open, [key.into()])).one(tx).await?;
    Ok(asked.map(|asked| InvitationId(asked.id)))
}

/// The domains whose addresses may sign up by themselves; none where nobody may.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_up_domains(service: &Service) -> Result<Vec<String>> {
    let settings = organisation::settings(service.db()).await?;
    Ok(match settings.sign_up() {
        SignUp::Domains => settings.sign_up_domains,
        SignUp::Closed | SignUp::Invitation => Vec::new(),
    })
}
