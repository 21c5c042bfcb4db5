//! A second factor at sign-in.

#![expect(
    elided_lifetimes_in_paths,
    reason = "async_trait matches the trait's own, which are elided"
)]

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = include_str!("m0018_second_factor.sql");
        manager.get_connection().execute_unprepared(sql).await.map(|_| ())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "the schema goes forward only; restore a backup to go back".to_owned(),
        ))
    }
}
