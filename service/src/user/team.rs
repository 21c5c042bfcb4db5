//! Teams.

use rapport_domain::{
    access::{Ability, Kind, Scope},
    error::AppError,
    id::TeamId,
    journal::Receipt,
    user::people::Team,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use super::account::NewTeam;
use crate::{
    Ctx, Result,
    access::require,
    journal::{self, Change, RecordKind, changed_since, fields},
    merge::{disputed, refuse, unchanged, update},
    seen::Seen,
    sql::sql,
};

/// The command that makes a team in the panel. The console's has another name, for it cannot be taken back.
const CREATE: &str = "add team";

#[derive(FromQueryResult)]
struct Stored {
    id: Uuid,
    version: i64,
    name: String,
    members: i64,
}

/// All teams, by name.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Team>> {
    let statement = sql(
        "SELECT t.id, t.version, t.name, (SELECT count(*) FROM app_user u WHERE u.team_id = t.id AND u.active AND NOT u.program) AS members \
         FROM team t ORDER BY lower(t.name), t.id",
        [],
    );
    let teams = Stored::find_by_statement(statement).all(db).await?;
    let teams = teams.into_iter().map(|team| Team {
        id: TeamId(team.id),
        version: team.version,
        name: team.name,
        members: team.members,
    });
    Ok(teams.collect())
}

/// All teams, by name.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings.
pub async fn teams(ctx: &Ctx) -> Result<Vec<Team>> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    all(ctx.db()).await
}

/// The teams of which a scope holds all that they have, by name.
pub(crate) async fn within(ctx: &Ctx, scope: Scope) -> Result<Vec<(TeamId, String)>> {
    let only = match scope {
        Scope::All => None,
        Scope::Team(_, team) => Some(team),
        Scope::Own(_) | Scope::Nothing => return Ok(Vec::new()),
    };
    let teams = all(ctx.db()).await?.into_iter().map(|team| (team.id, team.name));
    Ok(teams
        .filter(|(id, _)| only.is_none_or(|only| only == *id))
        .collect())
}

/// Makes a team. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::Forbidden`] without the right.
pub async fn new_team(ctx: &Ctx, id: TeamId, name: String) -> Result<Receipt> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    if let Some(made) = journal::made_before(ctx.db(), ctx, CREATE, RecordKind::Team, id.0, id.0).await? {
        return Ok(made);
    }
    let tx = ctx.db().begin().await?;
    journal::commit_new(tx, ctx, CREATE, NewTeam { id, name }.into(), Vec::new()).await
}

#[derive(FromQueryResult)]
struct Named {
    version: i64,
    name: String,
}

async fn named(db: &impl ConnectionTrait, id: TeamId) -> Result<Named> {
    let statement = sql(
        "SELECT version, name FROM team WHERE id = $1 FOR UPDATE",
        [id.0.into()],
    );
    let named = Named::find_by_statement(statement).one(db).await?;
    Ok(named.ok_or(AppError::NotFound)?)
}

/// Gives a team another name.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`], [`AppError::Conflict`].
pub async fn rename_team(ctx: &Ctx, id: TeamId, seen: impl Into<Seen>, name: String) -> Result<Receipt> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let team = named(&tx, id).await?;
    let seen = seen.into().of(team.version)?;
    let stored = fields(json!({ "name": team.name }));
    let Some(change) = update(RecordKind::Team, id.0, &stored, fields(json!({ "name": name }))) else {
        return Ok(unchanged(id.0, team.version));
    };
    let theirs = changed_since(&tx, ctx, RecordKind::Team, id.0, id.0, seen).await?;
    refuse(disputed(&change, &theirs, &stored), team.version)?;
    let batch = journal::commit(tx, ctx, "rename team", vec![change]).await?;
    Ok(Receipt {
        record: id.0,
        version: team.version + 1,
        batch: Some(batch),
    })
}

/// Removes a team that nobody and nothing belongs to.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`], [`AppError::Refused`] while somebody or something
/// belongs to it.
pub async fn remove_team(ctx: &Ctx, id: TeamId, seen: Seen) -> Result<Receipt> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let team = named(&tx, id).await?;
    seen.of(team.version)?;
    let gone = Change::remove(RecordKind::Team, id.0, id.0, fields(json!({ "name": team.name })));
    match journal::commit(tx, ctx, "remove team", vec![gone]).await {
        Ok(batch) => Ok(Receipt {
            record: id.0,
            version: team.version,
            batch: Some(batch),
        }),
        // 23503: a row of another table points to it.
        Err(error) if error.sql_state().as_deref() == Some("23503") => {
            let sentence = "Users, customers or appointments belong to this team, so it stays. Give them to another one first.";
            Err(AppError::refused(sentence).into())
        }
        Err(error) => Err(error),
    }
}
