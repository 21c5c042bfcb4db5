//! The feed: what was done, each with its Revert; and the trash.

pub mod api;
pub mod deed;
pub mod deeds;
pub mod trash;

pub use deed::DeedPage;
pub use deeds::ActivityPage;
pub use trash::TrashPage;
