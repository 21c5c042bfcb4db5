//! What all pages stand on: the parts that they are built from (`ui`), the shell (`layout`), the form door (`door`), live
//! updates (`live`), and what server functions share (`api`). Nothing here knows a page.

pub mod api;
pub mod browser;
#[cfg(feature = "ssr")]
pub mod cookie;
pub mod door;
pub mod find;
pub mod layout;
pub mod live;
pub mod load;
pub mod me;
pub mod missing;
pub mod part;
pub mod theme;
pub mod ui;
#[cfg(feature = "ssr")]
pub mod visit;
