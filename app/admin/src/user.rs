//! The people who work here, for admins: users, teams, roles, invitations and the mail that brings them.

pub mod api;
pub mod outbox;
pub mod people;
pub mod person;
pub mod roles;
pub mod teams;

pub use outbox::OutboxPage;
pub use people::PeoplePage;
pub use person::PersonPage;
pub use roles::RolesPage;
pub use teams::TeamsPage;
