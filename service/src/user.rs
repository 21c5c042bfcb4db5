//! The people who work here: the first set-up, accounts, and what each may do.

use std::net::IpAddr;

use rapport_domain::{
    access::{Ability, Actor, Grants, Kind, Reach, Scope},
    appointment::Staff,
    error::AppError,
    id::{RoleId, TeamId, UserId},
    journal::Via,
    password,
    user::{Me, NewUser, SetUp, email_key},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait,
    FromQueryResult, QueryFilter, QueryOrder, QuerySelect, TransactionTrait, sea_query::OnConflict,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Ctx, Error, Result, Service, access,
    database::{Lock, lock},
    entity::{role, setting, team, user},
    journal::{self, Change, Command, RecordKind, fields},
    limit, organisation, secret, session,
    sql::sql,
};

/// The setting that holds the hashes of the set-up tokens.
const SET_UP_TOKENS: &str = "set_up_tokens";
/// How many set-up tokens are good at a time: each server that starts before the set-up prints one.
const SET_UP_TOKENS_MAX: usize = 8;

// ------------------------------------------------------------------------------------------------ the first set-up

/// Whether nobody works here yet, so that the set-up page comes before anything else.
///
/// # Errors
/// When the database does not answer.
pub async fn setup_needed(service: &Service) -> Result<bool> {
    nobody_here(service.db()).await
}

async fn nobody_here(db: &impl ConnectionTrait) -> Result<bool> {
    let somebody = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .into_tuple::<Uuid>()
        .one(db)
        .await?;
    Ok(somebody.is_none())
}

/// Makes a new set-up token, for the console; none once somebody works here. Only its hash is kept.
///
/// # Errors
/// When the database does not answer.
pub async fn issue_setup_token(service: &Service) -> Result<Option<String>> {
    let tx = service.db().begin().await?;
    lock(&tx, Lock::SetUp).await?;
    if !nobody_here(&tx).await? {
        return Ok(None);
    }
    let token = secret::spoken_token();
    let mut hashes = set_up_tokens(&tx).await?;
    hashes.insert(0, secret::digest(&token));
    hashes.truncate(SET_UP_TOKENS_MAX);
    set(&tx, SET_UP_TOKENS, json!(hashes)).await?;
    tx.commit().await?;
    Ok(Some(token))
}

async fn set_up_tokens(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    Ok(get(db, SET_UP_TOKENS)
        .await?
        .map(serde_json::from_value)
        .transpose()?
        .unwrap_or_default())
}

/// Makes the first team and the first admin. Needs the token from the console.
///
/// # Errors
/// [`AppError::Refused`] when it was done before, [`AppError::Invalid`] for a wrong token,
/// [`AppError::TooManyRequests`] after too many of them.
pub async fn set_up(service: &Service, wanted: SetUp, from: IpAddr) -> Result<UserId> {
    let SetUp {
        token,
        organisation,
        zone,
        admin,
    } = wanted;
    limit::take(service, &[(limit::SET_UP_FROM, &limit::client(from))]).await?;
    may_set_up(service.db(), &token).await?;
    let hash = service.hasher().hash(admin.password.clone()).await?;

    let tx = service.db().begin().await?;
    lock(&tx, Lock::SetUp).await?;
    may_set_up(&tx, &token).await?;
    let named = organisation::named(&tx, &organisation, zone.as_deref()).await?;
    let detail = json!({ "organisation": organisation });
    setting::Entity::delete_by_id(SET_UP_TOKENS).exec(&tx).await?;
    let team = NewTeam {
        id: service.clock().new_id(),
        name: organisation,
    };
    let newcomer = Newcomer {
        id: service.clock().new_id(),
        user: admin,
        hash,
        team: Some(team.id),
    };
    let command = Command::unattended(service, Via::Page, "set up")
        .with_detail(detail)
        .never_undone("It made the first admin.");
    let first = named.into_iter().chain([team.into()]).collect();
    let id = admit(service, &tx, &command, first, newcomer).await?;
    tx.commit().await?;
    Ok(id)
}

async fn may_set_up(db: &impl ConnectionTrait, token: &str) -> Result<()> {
    if !nobody_here(db).await? {
        return Err(AppError::refused("Rapport has been set up already. Please sign in.").into());
    }
    let given = secret::digest(&secret::heard(token));
    // All are compared, whichever fits.
    let fits = set_up_tokens(db)
        .await?
        .iter()
        .fold(false, |fits, hash| secret::same(hash, &given) | fits);
    if fits {
        Ok(())
    } else {
        Err(AppError::invalid("token", "This is not the token from the server’s console.").into())
    }
}

// ------------------------------------------------------------------------------------------------------- accounts

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

async fn existing_team(db: &impl ConnectionTrait, id: TeamId) -> Result<TeamId> {
    match team::Entity::find_by_id(id.0).one(db).await? {
        Some(team) => Ok(TeamId(team.id)),
        None => Err(AppError::invalid("team", "There is no such team.").into()),
    }
}

async fn first_team(db: &impl ConnectionTrait) -> Result<Option<TeamId>> {
    let first = team::Entity::find()
        .order_by_asc(team::Column::CreatedAt)
        .order_by_asc(team::Column::Id)
        .one(db)
        .await?;
    Ok(first.map(|team| TeamId(team.id)))
}

struct NewTeam {
    id: TeamId,
    name: String,
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
struct Newcomer {
    id: UserId,
    user: NewUser,
    hash: String,
    team: Option<TeamId>,
}

/// The one place where accounts come from; the changes are what is written before the account.
async fn admit(
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
    let key = new.role.word();
    let role = role::Entity::find()
        .filter(role::Column::Key.eq(key))
        .one(tx)
        .await?;
    let role = role.ok_or_else(|| Error::Stored(format!("there is no role “{key}”")))?;
    let account = fields(json!({
        "name": new.name, "email": new.email, "email_key": email_key(&new.email), "role_id": role.id,
        "team_id": joins.map(|team| team.0),
    }));
    changes.push(Change::create(RecordKind::User, id.0, id.0, account));
    journal::write(tx, service.clock().new_id(), command, changes)
        .await
        .map_err(address_taken)?;
    set_password(tx, id, hash).await?;
    Ok(id)
}

fn address_taken(error: Error) -> Error {
    match error.unique_violation() {
        Some(constraint) if constraint.contains("app_user_email_unique") => {
            AppError::invalid("email", "Somebody here has this e-mail address already.").into()
        }
        _ => error,
    }
}

/// Writes the hash beside the journal, which no secret enters.
async fn set_password(tx: &DatabaseTransaction, id: UserId, hash: String) -> Result<()> {
    tx.execute_raw(sql(
        "UPDATE app_user SET password_hash = $2 WHERE id = $1",
        [id.0.into(), hash.into()],
    ))
    .await?;
    Ok(())
}

/// Sets a new password, from the console, and ends all sessions of the user. The journal says that it was done, not
/// what was set.
///
/// # Errors
/// [`AppError::Invalid`] on `email` when nobody has that address, on `password` when it may not be set.
pub async fn reset_password(service: &Service, email: &str, new: &str) -> Result<()> {
    let Some(user) = account(service, email).await? else {
        return Err(AppError::invalid("email", "Nobody here has this e-mail address.").into());
    };
    let new = password::check_for(new, &[&user.name, &user.email])
        .map_err(|sentence| AppError::invalid("password", sentence))?;
    let id = UserId(user.id);
    let hash = service.hasher().hash(new).await?;
    let tx = service.db().begin().await?;
    let command = Command::unattended(service, Via::Console, "reset password")
        .with_detail(json!({ "user": id }))
        .never_undone("The old password is not kept.");
    journal::write(&tx, service.clock().new_id(), &command, Vec::new()).await?;
    set_password(&tx, id, hash).await?;
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
    let by_address = user::Entity::find().filter(user::Column::EmailKey.eq(email_key(email)));
    Ok(by_address.one(service.db()).await?)
}

// ----------------------------------------------------------------------------------------- who they are, who may what

/// Who somebody is and what they may do at this moment.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such user, or they are not active.
pub async fn actor(service: &Service, id: UserId) -> Result<Actor> {
    let present = present(service, id).await?;
    Ok(present.ok_or(AppError::NotFound)?.actor)
}

/// An active user as they are in the database now.
pub(crate) struct Present {
    pub(crate) actor: Actor,
    pub(crate) password_hash: String,
}

/// Reads user, role and grants in one query; none for who is not there or not active.
pub(crate) async fn present(service: &Service, id: UserId) -> Result<Option<Present>> {
    let statement = sql(
        "SELECT u.name, u.team_id, u.role_id, u.password_hash, coalesce(u.zone, o.zone) AS zone, \
                g.kind, g.ability, g.reach \
         FROM app_user u CROSS JOIN organisation o LEFT JOIN role_grant g ON g.role_id = u.role_id \
         WHERE u.id = $1 AND u.active",
        [id.0.into()],
    );
    let lines = Line::find_by_statement(statement).all(service.db()).await?;
    let grants = lines.iter().filter_map(Line::grant).collect::<Grants>();
    Ok(lines.into_iter().next().map(|user| Present {
        actor: Actor {
            user: id,
            name: user.name,
            team: user.team_id.map(TeamId),
            role: RoleId(user.role_id),
            grants,
            zone: user.zone,
        },
        password_hash: user.password_hash,
    }))
}

/// A user with one line of what their role grants.
#[derive(FromQueryResult)]
struct Line {
    name: String,
    team_id: Option<Uuid>,
    role_id: Uuid,
    password_hash: String,
    zone: String,
    kind: Option<String>,
    ability: Option<String>,
    reach: Option<String>,
}

impl Line {
    /// The grant; a word that this program does not know grants nothing.
    fn grant(&self) -> Option<(Kind, Ability, Reach)> {
        Some((
            self.kind.as_deref()?.parse().ok()?,
            self.ability.as_deref()?.parse().ok()?,
            self.reach.as_deref()?.parse().ok()?,
        ))
    }
}

#[derive(FromQueryResult)]
struct Myself {
    name: String,
    email: String,
    role: String,
    team: Option<String>,
    organisation: String,
}

/// What a page shows of the person who looks at it.
///
/// # Errors
/// [`AppError::Unauthenticated`] when they are gone.
pub async fn me(ctx: &Ctx) -> Result<Me> {
    let statement = sql(
        "SELECT u.name, u.email, role.name AS role, team.name AS team, \
                (SELECT name FROM organisation) AS organisation \
         FROM app_user AS u JOIN role ON role.id = u.role_id LEFT JOIN team ON team.id = u.team_id WHERE u.id = $1",
        [ctx.actor().user.0.into()],
    );
    let myself = Myself::find_by_statement(statement)
        .one(ctx.db())
        .await?
        .ok_or(AppError::Unauthenticated)?;
    Ok(Me {
        id: ctx.actor().user,
        name: myself.name,
        email: myself.email,
        role: myself.role,
        team: myself.team,
        organisation: myself.organisation,
        may_create: ctx.actor().may(Kind::Customer, Ability::Create),
        may_export: ctx.actor().may(Kind::Customer, Ability::Export),
        may_book: ctx.actor().may(Kind::Appointment, Ability::Create),
        may_set: ctx.actor().may(Kind::Setting, Ability::Update),
    })
}

/// The active users, by name, that somebody may pick from.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to see users.
pub async fn options(ctx: &Ctx) -> Result<Vec<(UserId, String)>> {
    let users = active(ctx).await?.into_iter();
    Ok(users.map(|(id, name, _)| (UserId(id), name)).collect())
}

/// Those to whom somebody may give a new customer, by name; first nobody, where that is within their reach.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to see users.
pub async fn new_owner_options(ctx: &Ctx) -> Result<Vec<(Option<UserId>, String)>> {
    let creates = ctx.actor().scope(Kind::Customer, Ability::Create);
    let nobody = creates.holds(None, None).then(|| (None, "Nobody".to_owned()));
    let users = active(ctx).await?.into_iter();
    let within = users.filter(|(id, _, team)| creates.holds(Some(UserId(*id)), team.map(TeamId)));
    let within = within.map(|(id, name, _)| (Some(UserId(id)), name));
    Ok(nobody.into_iter().chain(within).collect())
}

/// Those for whom somebody may book appointments, by name.
pub(crate) async fn bookable(ctx: &Ctx) -> Result<Vec<Staff>> {
    let books = ctx.actor().scope(Kind::Appointment, Ability::Create);
    let users = active(ctx).await?.into_iter();
    let within = users.filter(|(id, _, team)| books.holds(Some(UserId(*id)), team.map(TeamId)));
    let within = within.map(|(id, name, _)| Staff { id: UserId(id), name });
    Ok(within.collect())
}

/// The active users that somebody may see, by name, each with their team.
async fn active(ctx: &Ctx) -> Result<Vec<(Uuid, String, Option<Uuid>)>> {
    let within = match access::scope(ctx, Kind::User, Ability::Read)? {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Own(user) => Condition::all().add(user::Column::Id.eq(user.0)),
        Scope::Team(user, team) => Condition::any()
            .add(user::Column::Id.eq(user.0))
            .add(user::Column::TeamId.eq(team.0)),
        Scope::All => Condition::all(),
    };
    Ok(user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::Name, user::Column::TeamId])
        .filter(user::Column::Active.eq(true))
        .filter(within)
        .order_by_asc(user::Column::Name)
        .order_by_asc(user::Column::Id)
        .into_tuple()
        .all(ctx.db())
        .await?)
}

// ------------------------------------------------------------------------------------------------------- settings

async fn get(db: &impl ConnectionTrait, key: &str) -> Result<Option<Value>> {
    Ok(setting::Entity::find_by_id(key)
        .one(db)
        .await?
        .map(|setting| setting.value))
}

async fn set(db: &impl ConnectionTrait, key: &str, value: Value) -> Result<()> {
    let row = setting::ActiveModel {
        key: Set(key.to_owned()),
        value: Set(value),
    };
    let or_replace = OnConflict::column(setting::Column::Key)
        .update_column(setting::Column::Value)
        .to_owned();
    setting::Entity::insert(row)
        .on_conflict(or_replace)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
