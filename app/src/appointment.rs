//! Appointments: the calendar, one appointment, its forms, and the list on a customer's page.

pub mod api;
pub mod calendar;
pub mod drag;
pub mod form;
pub mod grid;
pub mod list;
pub mod moves;
pub mod of_customer;
pub mod page;
pub mod press;
pub mod toolbar;

pub use calendar::CalendarPage;
pub use form::{EditPage, NewPage};
pub use page::AppointmentPage;
