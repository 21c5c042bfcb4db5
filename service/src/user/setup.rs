//! The first set-up: while nobody works here, the console's token makes the first admin.

use std::net::IpAddr;

use rapport_domain::{error::AppError, id::UserId, journal::Via, user::SetUp};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QuerySelect, sea_query::OnConflict};
use serde_json::{Value, json};
use uuid::Uuid;

use super::account::{NewTeam, Newcomer, admit};
use crate::{
    Result, Service,
    database::{Lock, lock},
    entity::{setting, user},
    journal::Command,
    limit, organisation, secret,
};

/// The setting that holds the hashes of the set-up tokens.
const SET_UP_TOKENS: &str = "set_up_tokens";
/// How many set-up tokens are good at a time: each server that starts before the set-up prints one.
const SET_UP_TOKENS_MAX: usize = 8;

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
