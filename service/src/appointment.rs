//! Appointments. Nobody is in two places at once: the schema refuses it, and whoever is refused is told why.

mod clash;
mod command;
mod free;
mod query;
mod row;

pub use command::{book, cancel, save, set_status};
pub use free::free_times;
pub use query::{booking_options, calendar, get, of_customer};
