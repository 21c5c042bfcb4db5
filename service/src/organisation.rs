//! What the installation is set to.

use rapport_domain::organisation::Hours;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;

use crate::{Error, Result, sql::sql};

/// The settings that other parts go by.
pub(crate) struct Settings {
    pub(crate) week_start: u8,
    pub(crate) hours: Hours,
}

#[derive(FromQueryResult)]
struct Stored {
    week_start: i32,
    hours: Value,
}

/// The settings as they stand.
pub(crate) async fn get(db: &impl ConnectionTrait) -> Result<Settings> {
    let stored = Stored::find_by_statement(sql("SELECT week_start, hours FROM organisation", []))
        .one(db)
        .await?
        .ok_or_else(|| Error::Stored("an installation without settings".to_owned()))?;
    Ok(Settings {
        week_start: u8::try_from(stored.week_start).unwrap_or(1),
        hours: serde_json::from_value(stored.hours)?,
    })
}
