//! Accounts: where they come from, and how they are found.

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::BuiltInRole,
    api_key::NewProgram,
    error::AppError,
    id::{TeamId, UserId},
    journal::Via,
    password,
    user::{NewUser, email_key},
};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use uuid::Uuid;

use super::{
    link::Link,
    reset::{MADE_GOOD_FOR, arm},
};
use crate::{
    Ctx, Error, Result, Service, api_key,
    database::{Lock, lock},
    entity::{role, team, user},
    journal::{self, Change, Command, RecordKind, fields},
    password::unguessable,
    session,
    sql::sql,
};

/// Lets somebody in, from the console. Without a team they join the first one, if there is any.
///
/// # Errors
/// [`AppError::Invalid`] on `email` when somebody has that address, on `team` when there is no such team.
pub async fn create(service: &Service, new: NewUser, team: Option<TeamId>) -> Result<UserId> {
    let hash = service.hasher().hash(new.password.clone()).await?;
    let tx = service.db().begin().await?;
    // Not while the set-up decides whether anybody is here.
    lock(&tx, Lock::SetUp).await?;
    let team = match team {
        Some(team) => Some(existing_team(&tx, team).await?),
        None => first_team(&tx).await?,
    };
    let newcomer = Newcomer {
        id: service.clock().new_id(),
        user: new,
        hash,
        team,
    };
    let command = Command::unattended(service, Via::Console, "create user")
        .never_undone("An account is closed, not taken back: others may have relied on it.");
    let id = admit(service, &tx, &command, Vec::new(), newcomer).await?;
    tx.commit().await?;
    Ok(id)
}

/// Makes a team, from the console.
///
/// # Errors
/// When the database does not answer.
pub async fn create_team(service: &Service, name: String) -> Result<TeamId> {
    let team = NewTeam {
        id: service.clock().new_id(),
        name,
    };
    let id = team.id;
    let tx = service.db().begin().await?;
    let command =
        Command::unattended(service, Via::Console, "create team").never_undone("People may have joined it.");
    journal::write(&tx, service.clock().new_id(), &command, vec![team.into()]).await?;
    tx.commit().await?;
    Ok(id)
}

pub(super) async fn existing_team(db: &impl ConnectionTrait, id: TeamId) -> Result<TeamId> {
    match team::Entity::find_by_id(id.0).one(db).await? {
        Some(team) => Ok(TeamId(team.id)),
        None => Err(AppError::invalid("team", "There is no such team.").into()),
    }
}

pub(super) async fn first_team(db: &impl ConnectionTrait) -> Result<Option<TeamId>> {
    let first = team::Entity::find()
        .order_by_asc(team::Column::CreatedAt)
        .order_by_asc(team::Column::Id)
        .one(db)
        .await?;
    Ok(first.map(|team| TeamId(team.id)))
}

pub(super) struct NewTeam {
    pub(super) id: TeamId,
    pub(super) name: String,
}

impl From<NewTeam> for Change {
    fn from(team: NewTeam) -> Self {
        Self::create(
            RecordKind::Team,
            team.id.0,
            team.id.0,
            fields(json!({ "name": team.name })),
        )
    }
}

/// Somebody who is let in: checked, with the password hashed.
pub(super) struct Newcomer {
    pub(super) id: UserId,
    pub(super) user: NewUser,
    pub(super) hash: String,
    pub(super) team: Option<TeamId>,
}

/// The one place where accounts come from; the changes are what is written before the account.
pub(super) async fn admit(
    service: &Service,
    tx: &DatabaseTransaction,
    command: &Command,
    mut changes: Vec<Change>,
    newcomer: Newcomer,
) -> Result<UserId> {
    let Newcomer {
        id,
        user: new,
        hash,
        team: joins,
    } = newcomer;
    let role = role_id(tx, new.role).await?;
    let account = fields(json!({
        "name": new.name, "email": new.email, "email_key": email_key(&new.email), "role_id": role,
        "team_id": joins.map(|team| team.0),
    }));
    changes.push(Change::create(RecordKind::User, id.0, id.0, account));
    journal::write(tx, service.clock().new_id(), command, changes)
        .await
        .map_err(address_taken)?;
    set_password(tx, id, hash).await?;
    Ok(id)
}

/// An account of a program, which nobody signs in by: the hash is of a password that nobody knows.
pub(crate) async fn admit_program(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    command: &Command,
    new: &NewProgram,
    hash: String,
) -> Result<()> {
    let role = role_id(tx, new.role).await?;
    let team = match new.team {
        Some(team) => Some(existing_team(tx, team).await?.0),
        None => None,
    };
    // Every account has an address of its own; here nothing arrives (RFC 2606).
    let address = format!("{}@program.invalid", new.id);
    let account = fields(json!({
        "name": new.name, "email": address, "email_key": address, "role_id": role, "team_id": team, "program": true,
    }));
    let made = Change::create(RecordKind::User, new.id.0, new.id.0, account);
    journal::write(tx, ctx.clock().new_id(), command, vec![made]).await?;
    set_password(tx, new.id, hash).await
}

pub(super) fn address_taken(error: Error) -> Error {
    match error.unique_violation() {
        Some(constraint) if constraint.contains("app_user_email_unique") => {
            AppError::invalid("email", "Somebody here has this e-mail address already.").into()
        }
        _ => error,
    }
}

/// Writes the hash beside the journal, which no secret enters.
pub(super) async fn set_password(tx: &DatabaseTransaction, id: UserId, hash: String) -> Result<()> {
    tx.execute_raw(sql(
        "UPDATE app_user SET password_hash = $2 WHERE id = $1",
        [id.0.into(), hash.into()],
    ))
    .await?;
    Ok(())
}

/// Closes every way into an account but its password: keys, the link to its calendar, a link for a new password. Whoever
/// had the account may have made them.
pub(super) async fn close_other_ways(tx: &DatabaseTransaction, id: UserId, now: DateTime<Utc>) -> Result<()> {
    api_key::revoke_all(tx, id, now).await?;
    let gone = "DELETE FROM calendar_feed WHERE user_id = $1";
    tx.execute_raw(sql(gone, [id.0.into()])).await?;
    spend_link(tx, id).await
}

/// Makes a link for a new password good no more.
pub(super) async fn spend_link(tx: &DatabaseTransaction, id: UserId) -> Result<()> {
    let gone = "DELETE FROM password_reset WHERE user_id = $1";
    tx.execute_raw(sql(gone, [id.0.into()])).await?;
    Ok(())
}

/// Sets a new password, from the console, ends all sessions of the user and closes all other ways in. The journal says that it was done, not
/// what was set.
///
/// # Errors
/// [`AppError::Invalid`] on `email` when nobody has that address, on `password` when it may not be set.
pub async fn reset_password(service: &Service, email: &str, new: &str) -> Result<()> {
    let user = account(service, email).await?.ok_or_else(unknown)?;
    let new = password::check_for(new, &[&user.name, &user.email])
        .map_err(|sentence| AppError::invalid("password", sentence))?;
    renew(service, UserId(user.id), new, None).await
}

/// Takes the password of somebody away, as [`reset_password`] does, and gives the link by which they choose a new one.
///
/// # Errors
/// [`AppError::Invalid`] on `email` when nobody active has that address.
pub async fn reset_by_link(service: &Service, email: &str) -> Result<String> {
    let user = account(service, email).await?.filter(|user| user.active);
    let user = user.ok_or_else(unknown)?;
    let link = Link::new("/reset");
    renew(service, UserId(user.id), unguessable(), Some(&link)).await?;
    Ok(link.address(service))
}

pub(super) fn unknown() -> Error {
    AppError::invalid("email", "Nobody who works here has this e-mail address.").into()
}

async fn renew(service: &Service, id: UserId, new: String, link: Option<&Link>) -> Result<()> {
    let hash = service.hasher().hash(new).await?;
    let tx = service.db().begin().await?;
    let command = Command::unattended(service, Via::Console, "reset password")
        .with_detail(json!({ "user": id }))
        .never_undone("The old password is not kept.");
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    set_password(&tx, id, hash).await?;
    close_other_ways(&tx, id, service.clock().now()).await?;
    if let Some(link) = link {
        arm(&tx, service, id.0, link, MADE_GOOD_FOR).await?;
    }
    tx.commit().await?;
    // From the commit on no old session is let in, even if this fails: each is bound to the password it began with.
    session::end_all(service, id).await
}

/// The user with this address, active or not.
///
/// # Errors
/// When the database does not answer.
pub async fn find_by_email(service: &Service, email: &str) -> Result<Option<UserId>> {
    Ok(account(service, email).await?.map(|user| UserId(user.id)))
}

pub(crate) async fn account(service: &Service, email: &str) -> Result<Option<user::Model>> {
    let by_address = user::Entity::find()
        .filter(user::Column::EmailKey.eq(email_key(email)))
        .filter(user::Column::Program.eq(false));
    Ok(by_address.one(service.db()).await?)
}

/// The id of a role that every installation has.
pub(super) async fn role_id(db: &impl ConnectionTrait, role: BuiltInRole) -> Result<Uuid> {
    let key = role.word();
    let found = role::Entity::find()
        .filter(role::Column::Key.eq(key))
        .one(db)
        .await?;
    let found = found.ok_or_else(|| Error::Stored(format!("there is no role “{key}”")))?;
    Ok(found.id)
}
