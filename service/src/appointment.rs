//! Appointments. Nobody is in two places at once: the schema refuses it, and whoever is refused is told why.

mod clash;
mod command;
pub(crate) mod feed;
mod free;
mod ics;
mod kind;
mod query;
pub(crate) mod row;

pub use command::{book, cancel, save, set_status};
pub use feed::{feed_ics, open_feed, revoke_feed};
pub use free::free_times;
pub use ics::ics;
pub use kind::{create_type, legend, save_type, types};
pub use query::{Timed, Window, booking_options, calendar, get, of_customer, window};
