//! The feed: what was done, each with its Revert; and the trash.

pub mod api;
pub mod deeds;
pub mod last;
pub mod trash;

pub use deeds::ActivityPage;
pub use trash::TrashPage;
