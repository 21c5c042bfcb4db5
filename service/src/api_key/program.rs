//! Programs with accounts of their own, and all the keys there are, for admins.

use rapport_domain::{
    access::{Ability, Kind, Scope},
    api_key::{AllKeys, NewKey, NewProgram, OwnedKey, Program},
    error::AppError,
    id::{ApiKeyId, UserId},
    journal::Receipt,
    user::people::Heir,
};
use sea_orm::{ConnectionTrait, FromQueryResult, TransactionTrait};
use serde_json::json;
use uuid::Uuid;

use super::keep::{for_people, insert, make_for, of, revoke_of, show};
use crate::{Ctx, Error, Result, access::require, journal::Command, sql::sql, user};

#[derive(FromQueryResult)]
struct Account {
    id: Uuid,
    name: String,
    role: String,
    team: Option<String>,
    program: bool,
}

/// All keys there are: of programs, and of people.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings.
pub async fn all(ctx: &Ctx) -> Result<AllKeys> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let accounts = sql(
        "SELECT u.id, u.name, r.key AS role, t.name AS team, u.program FROM app_user u JOIN role r ON r.id = u.role_id \
         LEFT JOIN team t ON t.id = u.team_id \
         WHERE u.active AND (u.program OR EXISTS \
           (SELECT 1 FROM api_key k WHERE k.user_id = u.id AND k.revoked_at IS NULL)) ORDER BY lower(u.name), u.id",
        [],
    );
    let accounts = Account::find_by_statement(accounts).all(ctx.db()).await?;
    let mut keys = of(ctx, None).await?;
    let (mut programs, mut personal) = (Vec::new(), Vec::new());
    for account in accounts {
        let id = UserId(account.id);
        let keys = keys.remove(&id).unwrap_or_default();
        if account.program {
            programs.push(Program {
                id,
                name: account.name,
                role: account.role.parse().map_err(Error::Stored)?,
                team: account.team,
                keys,
            });
        } else {
            // What its owner may still see is theirs alone, also when that is who looks here.
            personal.extend(keys.into_iter().map(|key| OwnedKey {
                owner: account.name.clone(),
                key: rapport_domain::api_key::KeyView { secret: None, ..key },
            }));
        }
    }
    let teams = user::teams_within(ctx, Scope::All).await?;
    Ok(AllKeys {
        programs,
        personal,
        teams,
    })
}

/// Makes an account for a program, with its first key, which the actor sees for a while. Sending the same form again
/// makes none.
///
/// # Errors
/// [`AppError::Forbidden`] without the right and for a program; [`AppError::Invalid`] on `team` when there is none such.
pub async fn new_program(ctx: &Ctx, new: NewProgram) -> Result<()> {
    for_people(ctx)?;
    require(ctx.actor(), Kind::User, Ability::Create)?;
    let made = sql("SELECT 1 FROM api_key WHERE id = $1", [new.key.id.0.into()]);
    if ctx.db().query_one_raw(made).await?.is_some() {
        return Ok(());
    }
    let (id, key) = (new.id, new.key.id);
    let tx = ctx.db().begin().await?;
    let command = Command::of(ctx, "make program")
        .with_detail(json!({ "key": new.key.name, "access": new.key.access.word() }))
        .never_undone("A key that was handed on cannot be called back; the program can be closed.");
    user::admit_program(&tx, ctx, &command, &new).await?;
    let secret = insert(&tx, ctx, id, new.key).await?;
    let secret = secret.ok_or_else(|| AppError::invalid("form", "Please open the form again."))?;
    tx.commit().await?;
    show(ctx, key, &secret).await
}

/// Makes another key for a program: both are good until the earlier one is revoked.
///
/// # Errors
/// As [`new_program`]; [`AppError::NotFound`] when there is no such program; [`AppError::Refused`] when it has too many.
pub async fn new_program_key(ctx: &Ctx, program: UserId, new: NewKey) -> Result<()> {
    for_people(ctx)?;
    require(ctx.actor(), Kind::User, Ability::Update)?;
    require_program(ctx, program).await?;
    make_for(ctx, program, new).await.map(drop)
}

async fn require_program(ctx: &Ctx, id: UserId) -> Result<()> {
    let there = sql(
        "SELECT 1 FROM app_user WHERE id = $1 AND program AND active",
        [id.0.into()],
    );
    match ctx.db().query_one_raw(there).await? {
        Some(_) => Ok(()),
        None => Err(AppError::NotFound.into()),
    }
}

/// Closes a program: its keys are good for nothing while it is. What it made stays. An undo opens it again.
///
/// # Errors
/// As [`new_program_key`].
pub async fn close_program(ctx: &Ctx, id: UserId) -> Result<Receipt> {
    for_people(ctx)?;
    require(ctx.actor(), Kind::User, Ability::Update)?;
    require_program(ctx, id).await?;
    Ok(user::deactivate(ctx, id, Heir::Nobody).await?.0)
}

/// Revokes a key, whosever it is.
///
/// # Errors
/// [`AppError::Forbidden`] without the right and for a program, [`AppError::NotFound`] when there is none such.
pub async fn revoke_any(ctx: &Ctx, id: ApiKeyId) -> Result<()> {
    for_people(ctx)?;
    require(ctx.actor(), Kind::User, Ability::Update)?;
    revoke_of(ctx, id, None).await
}
