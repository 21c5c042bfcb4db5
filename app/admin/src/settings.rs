//! Settings: those of the installation, for admins, and those that each person has for themselves.

pub mod api;
pub mod keys;
pub mod organisation;
pub mod profile;
pub mod programs;
pub mod security;
pub mod tags;
pub mod types;

pub use keys::KeysPage;
pub use organisation::OrganisationPage;
pub use profile::ProfilePage;
pub use programs::AllKeysPage;
pub use security::SecurityPage;
pub use tags::TagsPage;
pub use types::TypesPage;
