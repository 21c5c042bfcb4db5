//! The schema's history, forward only. A migration that has landed is never edited.
//!
//! Migrations name tables and columns by themselves, never through entities, so that they mean the same for ever.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m0001_foundation;
mod m0002_import;
mod m0003_company;
mod m0004_organisation;
mod m0005_appointment;
mod m0006_feed;
mod m0007_people;
mod m0008_dashboard;
mod m0009_audit;
mod m0010_calendar_feed;
mod m0011_seal;
mod m0012_staff_team;
mod m0013_tag;
mod m0014_api;
mod m0015_program;
mod m0016_webhook;
mod m0017_owner_team;
mod m0018_second_factor;

/// All migrations, oldest first.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_foundation::Migration),
            Box::new(m0002_import::Migration),
            Box::new(m0003_company::Migration),
            Box::new(m0004_organisation::Migration),
            Box::new(m0005_appointment::Migration),
            Box::new(m0006_feed::Migration),
            Box::new(m0007_people::Migration),
            Box::new(m0008_dashboard::Migration),
            Box::new(m0009_audit::Migration),
            Box::new(m0010_calendar_feed::Migration),
            Box::new(m0011_seal::Migration),
            Box::new(m0012_staff_team::Migration),
            Box::new(m0013_tag::Migration),
            Box::new(m0014_api::Migration),
            Box::new(m0015_program::Migration),
            Box::new(m0016_webhook::Migration),
            Box::new(m0017_owner_team::Migration),
            Box::new(m0018_second_factor::Migration),
        ]
    }
}
