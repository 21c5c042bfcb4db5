//! Who somebody is, what they may do at this moment, and whom they may pick.

use rapport_domain::{
    access::{Ability, Actor, Kind, Reach, Scope},
    appointment::Staff,
    error::AppError,
    id::{RoleId, TeamId, UserId},
    user::Me,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{Ctx, Result, Service, access, entity::user, sql::sql};

/// Who somebody is and what they may do at this moment.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such user, or they are not active.
pub async fn actor(service: &Service, id: UserId) -> Result<Actor> {
    Ok(present(service, id).await?.ok_or(AppError::NotFound)?.actor)
}

/// An active user as they are in the database now.
pub(crate) struct Present {
    pub(crate) actor: Actor,
    pub(crate) password_hash: String,
    /// The key of their second factor; of who acts by a key it is not asked.
    pub(crate) factor: Option<String>,
    /// Whether they lack one although everybody has to have one.
    pub(crate) lacks_factor: bool,
}

/// The columns of [`Standing`], of an `app_user u` and an `organisation o`. What a role grants comes in one text: it is
/// read on every request, and a row for each grant costs more than all the rest.
pub(crate) const STANDING: &str = "u.id AS user_id, u.name, u.team_id, u.role_id, u.password_hash, \
    coalesce(u.zone, o.zone) AS zone, \
    (SELECT string_agg(concat_ws(' ', g.kind, g.ability, g.reach), ',') FROM role_grant g WHERE g.role_id = u.role_id) \
      AS grants";

/// Reads user, role and grants in one query; none for who is not there or not active.
pub(crate) async fn present(service: &Service, id: UserId) -> Result<Option<Present>> {
    let text = format!(
        "SELECT {STANDING}, (SELECT secret FROM second_factor f WHERE f.user_id = u.id) AS factor, \
                o.second_factor <> 'offered' AS demanded \
         FROM app_user u CROSS JOIN organisation o WHERE u.id = $1 AND u.active"
    );
    let found = Found::find_by_statement(sql(&text, [id.0.into()]));
    Ok(found.one(service.db()).await?.map(|found| Present {
        lacks_factor: found.demanded && found.factor.is_none(),
        factor: found.factor,
        ..found.standing.into()
    }))
}

#[derive(FromQueryResult)]
struct Found {
    #[sea_orm(nested)]
    standing: Standing,
    factor: Option<String>,
    demanded: bool,
}

/// A user as a row.
#[derive(FromQueryResult)]
pub(crate) struct Standing {
    user_id: Uuid,
    name: String,
    team_id: Option<Uuid>,
    role_id: Uuid,
    password_hash: String,
    zone: String,
    grants: Option<String>,
}

impl From<Standing> for Present {
    fn from(user: Standing) -> Self {
        let grants = user.grants.as_deref().unwrap_or_default();
        Self {
            actor: Actor {
                user: UserId(user.user_id),
                name: user.name,
                team: user.team_id.map(TeamId),
                role: RoleId(user.role_id),
                grants: grants.split(',').filter_map(grant).collect(),
                zone: user.zone,
            },
            password_hash: user.password_hash,
            factor: None,
            lacks_factor: false,
        }
    }
}

/// What a role grants, from its three words; one that this program does not know grants nothing.
fn grant(words: &str) -> Option<(Kind, Ability, Reach)> {
    let mut words = words.split(' ');
    Some((
        words.next()?.parse().ok()?,
        words.next()?.parse().ok()?,
        words.next()?.parse().ok()?,
    ))
}

/// The columns of [`Myself`], of what [`MYSELF_FROM`] joins.
pub(crate) const MYSELF: &str =
    "u.name, u.email, role.name AS role, team.name AS team, (SELECT name FROM organisation) AS organisation";
/// A user with the names around them.
pub(crate) const MYSELF_FROM: &str =
    "app_user u JOIN role ON role.id = u.role_id LEFT JOIN team ON team.id = u.team_id";

/// A user with the names around them, as a row.
#[derive(FromQueryResult)]
pub(crate) struct Myself {
    name: String,
    email: String,
    role: String,
    team: Option<String>,
    organisation: String,
}

impl Myself {
    /// Whom a page shows as the one who looks at it.
    pub(crate) fn told(self, ctx: &Ctx) -> Me {
        let may = |kind, ability| ctx.actor().may(kind, ability);
        Me {
            id: ctx.actor().user,
            name: self.name,
            email: self.email,
            role: self.role,
            team: self.team,
            organisation: self.organisation,
            may_create: may(Kind::Customer, Ability::Create),
            may_export: may(Kind::Customer, Ability::Export),
            may_book: may(Kind::Appointment, Ability::Create),
            may_set: may(Kind::Setting, Ability::Update),
            may_admit: may(Kind::User, Ability::Update),
        }
    }
}

/// What a page shows of the person who looks at it.
///
/// # Errors
/// [`AppError::Unauthenticated`] when they are gone.
pub async fn me(ctx: &Ctx) -> Result<Me> {
    let text = format!("SELECT {MYSELF} FROM {MYSELF_FROM} WHERE u.id = $1");
    let myself = Myself::find_by_statement(sql(&text, [ctx.actor().user.0.into()]));
    let myself = myself.one(ctx.db()).await?.ok_or(AppError::Unauthenticated)?;
    Ok(myself.told(ctx))
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
pub(super) async fn active(ctx: &Ctx) -> Result<Vec<(Uuid, String, Option<Uuid>)>> {
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
        .filter(user::Column::Program.eq(false))
        .filter(within)
        .order_by_asc(user::Column::Name)
        .order_by_asc(user::Column::Id)
        .into_tuple()
        .all(ctx.db())
        .await?)
}
