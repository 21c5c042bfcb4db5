//! Programs with accounts of their own, and all the keys there are, for admins.

use rapport_domain::{
    access::{Ability, Kind, Scope},
    api_key::{AllKeys, KeyView, NewKey, NewProgram, OwnedKey, Program},
    error::AppError,
    id::{ApiKeyId, UserId},
    journal::Receipt,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use super::keep::{for_people, insert, make_for, of, revoke_of, show};
use crate::{
    Ctx, Error, Result,
    access::require,
    journal::{self, Change, Command, RecordKind},
    secret,
    sql::sql,
    user,
};

#[derive(FromQueryResult)]
struct Account {
    id: Uuid,
    name: String,
    role: String,
    team: Option<String>,
    program: bool,
    active: bool,
}

/// All keys there are: of programs, and of people.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings.
pub async fn all(ctx: &Ctx) -> Result<AllKeys> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let accounts = sql(
        "SELECT u.id, u.name, r.key AS role, t.name AS team, u.program, u.active FROM app_user u JOIN role r ON r.id = u.role_id \
         LEFT JOIN team t ON t.id = u.team_id \
         WHERE CASE WHEN u.program THEN u.active ELSE EXISTS \
           (SELECT 1 FROM api_key k WHERE k.user_id = u.id AND k.revoked_at IS NULL) END ORDER BY lower(u.name), u.id",
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
            let closed = if account.active { "" } else { " (closed)" };
            personal.extend(keys.into_iter().map(|key| OwnedKey {
                owner: format!("{}{closed}", account.name),
                // What its owner may still see is theirs alone, also when that is who looks here.
                key: KeyView { secret: None, ..key },
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
    let (id, key) = (new.id, new.key.id);
    if is_made(ctx, key).await? {
        return Ok(());
    }
    // Nobody knows it; made before anything waits for this.
    let hash = ctx.service().hasher().hash(secret::token()).await?;
    let tx = ctx.db().begin().await?;
    let command = Command::of(ctx, "make program")
        .with_detail(json!({ "key": new.key.name, "access": new.key.access.word() }))
        .never_undone("A key that was handed on cannot be called back; the program can be closed.");
    let again = || AppError::invalid("form", "Please open the form again; this one was used already.");
    match user::admit_program(&tx, ctx, &command, &new, hash).await {
        Err(error) if journal::is_id_in_use(&error) => {
            tx.rollback().await?;
            // The same form, twice at once.
            return if is_made(ctx, key).await? {
                Ok(())
            } else {
                Err(again().into())
            };
        }
        admitted => admitted?,
    }
    let secret = insert(&tx, ctx, id, new.key).await?.ok_or_else(again)?;
    tx.commit().await?;
    show(ctx, key, &secret).await
}

async fn is_made(ctx: &Ctx, key: ApiKeyId) -> Result<bool> {
    let made = sql("SELECT 1 FROM api_key WHERE id = $1", [key.0.into()]);
    Ok(ctx.db().query_one_raw(made).await?.is_some())
}

/// Makes another key for a program: both are good until the earlier one is revoked.
///
/// # Errors
/// As [`new_program`]; [`AppError::NotFound`] when there is no such program; [`AppError::Refused`] when it has too many.
pub async fn new_program_key(ctx: &Ctx, program: UserId, new: NewKey) -> Result<()> {
    for_people(ctx)?;
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    locked(&tx, program).await?;
    make_for(tx, ctx, program, new).await.map(drop)
}

#[derive(FromQueryResult)]
struct Standing {
    version: i64,
}

/// The version of a program that is not closed, which holds still.
async fn locked(tx: &DatabaseTransaction, id: UserId) -> Result<i64> {
    let there = sql(
        "SELECT version FROM app_user WHERE id = $1 AND program AND active FOR NO KEY UPDATE",
        [id.0.into()],
    );
    let standing = Standing::find_by_statement(there).one(tx).await?;
    Ok(standing.ok_or(AppError::NotFound)?.version)
}

/// Closes a program: its keys are good for nothing while it is. What it made stays. An undo opens it again.
///
/// # Errors
/// As [`new_program_key`].
pub async fn close_program(ctx: &Ctx, id: UserId) -> Result<Receipt> {
    for_people(ctx)?;
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let version = locked(&tx, id).await?;
    let fields = [("active".to_owned(), json!(true), json!(false))];
    let change = Change::update(RecordKind::User, id.0, id.0, fields);
    let batch = journal::commit(tx, ctx, "close program", change.into_iter().collect()).await?;
    Ok(Receipt {
        record: id.0,
        version: version + 1,
        batch: Some(batch),
    })
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
