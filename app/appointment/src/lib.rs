//! Appointments: the calendar, one appointment, its forms, and the list on a customer's page.

// A page is one deeply nested type, as in `rapport_app`.
#![recursion_limit = "512"]

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

use kit::part::Part;

const CALENDAR: Part = Part::new("calendar", || {
    Box::pin(async {
        calendar::load().await?;
        page::load().await?;
        form::load_new().await?;
        form::load_all().await
    })
});

/// The parts of the program that are here.
pub const PARTS: &[Part] = &[CALENDAR];
