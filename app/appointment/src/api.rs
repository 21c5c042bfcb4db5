//! What the pages of appointments read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::appointment::{Appointment, BookingOptions, Calendar, FreeTime, Slot};

/// What a view of the calendar shows.
///
/// # Errors
/// Without the right to see appointments.
#[server(prefix = "/api/fn", endpoint = "appointment/calendar", input = GetUrl, output = Json)]
pub async fn get_calendar(
    /// The query of the calendar's address.
    query: String,
) -> Answer<Calendar> {
    use kit::api::{answer, context};
    let query = rapport_domain::appointment::CalendarQuery::parse(&query);
    answer(rapport_service::appointment::calendar(&context()?, query).await)
}

/// An appointment.
///
/// # Errors
/// When there is none, or it is out of sight.
#[server(prefix = "/api/fn", endpoint = "appointment/get", input = GetUrl, output = Json)]
pub async fn get_appointment(
    /// The appointment, as the address names it.
    id: String,
) -> Answer<Appointment> {
    use kit::api::{answer, context};
    answer(rapport_service::appointment::get(&context()?, parse(&id)?).await)
}

/// The appointments of a customer: those that come, then those that were.
///
/// # Errors
/// When the customer is out of sight.
#[server(prefix = "/api/fn", endpoint = "appointment/of-customer", input = GetUrl, output = Json)]
pub async fn appointments_of(
    /// The customer.
    id: String,
) -> Answer<Vec<Slot>> {
    use kit::api::{answer, context};
    let kept = answer(rapport_service::appointment::of_customer(&context()?, parse(&id)?).await)?;
    Ok(kept.into_iter().map(|kept| kept.slot).collect())
}

/// What the form of a new appointment offers.
///
/// # Errors
/// Without the right to book.
#[server(prefix = "/api/fn", endpoint = "appointment/options", input = GetUrl, output = Json)]
pub async fn get_booking_options(
    /// The customer to book for, if the address names one.
    customer: Option<String>,
) -> Answer<BookingOptions> {
    use kit::api::{answer, context};
    // Who is not to be found is left out: the form opens all the same.
    let customer = customer.and_then(|id| id.parse().ok());
    answer(rapport_service::appointment::booking_options(&context()?, customer).await)
}

/// The next times at which all of these people are free.
///
/// # Errors
/// Without the right to book; by field for what cannot be read.
#[server(prefix = "/api/fn", endpoint = "appointment/free", input = GetUrl, output = Json)]
pub async fn free_times(
    /// Who, an id a line.
    staff: String,
    /// From this day on.
    day: String,
    /// How long.
    minutes: String,
    /// The appointment that is to be moved; empty for a new one.
    except: String,
) -> Answer<Vec<FreeTime>> {
    use kit::api::{answer, context, respond};
    use rapport_domain::appointment::FreeQuery;
    let query = FreeQuery::parse(&staff, &day, &minutes, &except).map_err(|fields| respond(fields.into()))?;
    answer(rapport_service::appointment::free_times(&context()?, query).await)
}

#[cfg(feature = "ssr")]
fn parse<Id: std::str::FromStr>(id: &str) -> Answer<Id> {
    id.parse()
        .map_err(|_| kit::api::respond(rapport_domain::error::AppError::NotFound))
}
