//! Appointments, free times, and the types of appointments.

mod body;

use axum::{
    Extension, Json,
    extract::{OriginalUri, Request},
    response::IntoResponse,
};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use rapport_domain::{
    appointment::{
        AppointmentPatch, AppointmentTypeForm, Asked, FreeQuery, NewAppointment, Status, cancel_reason,
        parse_staff,
    },
    error::AppError,
    form::Values,
    id::{AppointmentId, AppointmentTypeId, CustomerId},
    journal::Receipt,
};
use rapport_service::{
    Ctx,
    appointment::{self, Window},
};
use utoipa::IntoParams;
use uuid::Uuid;

use body::{
    AppointmentBody, AppointmentChange, AppointmentList, FreeSlot, FreeSlots, NewAppointmentInput,
    NewTypeInput, StatusInput, TypeBody, TypeInput, TypeList, by_the_clock, instant,
};

use super::{
    Answer, By, ROOT,
    input::{self, Id, Parameters, Posted, id, named},
    output::{self, Versioned as _},
    problem::Problem,
    tell,
};

/// The longest stretch of time that one question is about, in days.
const DAYS_MAX: i64 = 366;
/// How far ahead it is asked unless said otherwise, in days.
const DAYS: i64 = 31;
/// How many appointments a page holds unless said otherwise, and at most.
const SIZE: usize = 50;
const SIZE_MAX: usize = 200;

/// Which appointments.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct WindowParameters {
    /// From when, ISO 8601 with the offset; from now on unless said otherwise.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Up to when; 31 days behind `from` unless said otherwise, 366 at most.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Whose: ids of users, with commas between them; everybody's unless said otherwise.
    #[param(
        pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(,[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}){0,19}$"
    )]
    staff: Option<String>,
    /// Whether what was cancelled is told, too.
    cancelled: Option<bool>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    size: Option<u16>,
}

/// What people keep, in the order in which it begins.
///
/// Of what is out of sight only the time is told.
#[utoipa::path(
    get,
    path = "/appointments",
    tag = "Appointments",
    params(WindowParameters),
    responses((
        status = 200,
        body = AppointmentList,
        headers(("Link" = String, description = "The next page (RFC 8288)."))
    ))
)]
pub(super) async fn list(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<WindowParameters>(&uri);
    let now = by.ctx.clock().now();
    let from = asked.take("from", instant).unwrap_or(now);
    let to = asked.take("to", instant);
    let to = to.unwrap_or_else(|| from.checked_add_signed(TimeDelta::days(DAYS)).unwrap_or(from));
    let _ = asked.take("to", |_| span_is_right(from, to));
    let staff = asked.take("staff", parse_staff).unwrap_or_default();
    let after = asked.take("after", place);
    let cancelled = asked
        .read("cancelled", "Please send true or false.")
        .unwrap_or(false);
    let size = asked.take("size", size).unwrap_or(SIZE);
    asked.check()?;
    let window = Window {
        staff,
        from,
        to,
        cancelled,
        after,
        size,
    };
    let (kept, more) = output::listed(appointment::window(&by.ctx, window).await)?;
    let last = kept.last().filter(|_| more);
    let next = last.map(|last| format!("{}_{}", last.from.timestamp_micros(), last.slot.id));
    let beside = next.as_ref().map(|next| ("next", with_parameter(&uri, next)));
    Ok(output::page(&AppointmentList::of(kept, next.clone()), beside))
}

fn span_is_right(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), String> {
    if to <= from {
        return Err("It would end before it begins.".to_owned());
    }
    if to - from > TimeDelta::days(DAYS_MAX) {
        return Err(format!("Please ask for at most {DAYS_MAX} days at once."));
    }
    Ok(())
}

fn size(text: &str) -> Result<usize, &'static str> {
    let size = text.parse().ok();
    size.filter(|size| (1..=SIZE_MAX).contains(size))
        .ok_or("Please send a number from 1 to 200.")
}

/// A place in the list: when the last one begins, and its id.
fn place(text: &str) -> Result<(DateTime<Utc>, AppointmentId), &'static str> {
    let read = || {
        let (micros, id) = text.split_once('_')?;
        let start = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        let start = (1..=9_999).contains(&start.year()).then_some(start)?;
        Some((start, id.parse().ok()?))
    };
    read().ok_or(input::NEXT)
}

/// The same address behind a place.
fn with_parameter(uri: &http::Uri, after: &str) -> String {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked.filter(|(name, _)| name != "after"));
    query.append_pair("after", after);
    format!("{ROOT}/appointments?{}", query.finish())
}

/// The appointments of a customer that are in sight, at most 50: those that come, the next first, then those that were,
/// the last first.
#[utoipa::path(
    get,
    path = "/customers/{id}/appointments",
    tag = "Appointments",
    responses((status = 200, body = AppointmentList))
)]
pub(super) async fn of_customer(Extension(by): By, path: Id) -> Answer {
    let customer: CustomerId = id(path)?;
    let kept = tell(appointment::of_customer(&by.ctx, customer).await)?;
    Ok(Json(AppointmentList::of(kept, None)).into_response())
}

/// Books an appointment.
///
/// A time that is taken is refused, with whom and what where the key's owner may know, and the next free times.
#[utoipa::path(
    post,
    path = "/appointments",
    tag = "Appointments",
    request_body = NewAppointmentInput,
    responses((status = 201, body = AppointmentBody))
)]
pub(super) async fn book(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let rename = named::<NewAppointmentInput>;
    let values = by_the_clock(&by.ctx, posted.fields::<NewAppointmentInput>()?)?;
    let id: AppointmentId = posted.id(&by).await?;
    let new =
        NewAppointment::parse(&values.with("id", id.to_string())).map_err(|wrong| rename(wrong.into()))?;
    let receipt = tell(appointment::book(&by.ctx, new).await).map_err(rename)?;
    let place = format!("{ROOT}/appointments/{id}");
    Ok(output::made(&place, receipt, whole(&by.ctx, id).await))
}

/// One appointment, also one whose booking was taken back.
#[utoipa::path(
    get,
    path = "/appointments/{id}",
    tag = "Appointments",
    responses((status = 200, body = AppointmentBody))
)]
pub(super) async fn get(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let appointment = tell(whole(&by.ctx, id(path)?).await)?;
    Ok(output::record(&headers, &appointment))
}

/// Moves an appointment, or changes what else is known of it: a JSON Merge Patch (RFC 7396).
#[utoipa::path(
    patch,
    path = "/appointments/{id}",
    tag = "Appointments",
    request_body(content(
        (AppointmentChange = "application/merge-patch+json"),
        (AppointmentChange = "application/json"),
    )),
    responses((status = 200, body = AppointmentBody))
)]
pub(super) async fn save(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let rename = named::<AppointmentChange>;
    let values = by_the_clock(&by.ctx, input::values::<AppointmentChange>(&object)?)?;
    let patch = AppointmentPatch::parse(&values, &values).map_err(|wrong| rename(wrong.into()))?;
    let receipt = tell(appointment::save(&by.ctx, id, seen, patch).await).map_err(rename)?;
    written(&by.ctx, id, receipt).await
}

/// Says how far an appointment is, or cancels it and says why. One that was cancelled is booked again by `booked`. With
/// `If-Match` it is 412 when it was changed since.
#[utoipa::path(
    post,
    path = "/appointments/{id}/status",
    tag = "Appointments",
    request_body = StatusInput,
    responses((status = 200, body = AppointmentBody))
)]
pub(super) async fn set_status(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id = id(path)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::fresh::<StatusInput>(object)?;
    let seen = input::seen(&parts.headers)?;
    let wrong = |sentence| AppError::invalid("status", sentence);
    let status: Status = values.get("status").parse().map_err(wrong)?;
    let receipt = if status == Status::Cancelled {
        let reason = cancel_reason(values.get("reason")).map_err(|why| AppError::invalid("reason", why))?;
        appointment::cancel(&by.ctx, id, seen, reason).await
    } else {
        appointment::set_status(&by.ctx, id, seen, status).await
    };
    let receipt = tell(receipt).map_err(named::<AppointmentChange>)?;
    written(&by.ctx, id, receipt).await
}

async fn written(ctx: &Ctx, id: AppointmentId, receipt: Receipt) -> Answer {
    Ok(output::written(receipt, whole(ctx, id).await))
}

async fn whole(ctx: &Ctx, id: AppointmentId) -> rapport_service::Result<AppointmentBody> {
    Ok(AppointmentBody::of(appointment::get(ctx, id).await?))
}

/// An appointment for other calendars: iCalendar (RFC 5545).
#[utoipa::path(
    get,
    path = "/appointments/{id}/calendar",
    tag = "Appointments",
    responses((status = 200, body = String, content_type = "text/calendar"))
)]
pub(super) async fn ics(Extension(by): By, path: Id) -> Answer {
    let mut response = tell(appointment::ics(&by.ctx, id(path)?).await)?.into_response();
    let kind = HeaderValue::from_static("text/calendar; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// For whom a free time is looked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct FreeParameters {
    /// Who has to be free: ids of users, with commas between them.
    #[param(
        pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(,[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}){0,19}$"
    )]
    staff: String,
    /// From which day on, by the clock of the key's owner.
    #[param(format = Date, example = "2026-12-01")]
    date: String,
    /// How long.
    #[param(minimum = 5, maximum = 1440)]
    minutes: u16,
    /// The appointment that is to be moved, whose own time counts as free.
    except: Option<Uuid>,
}

/// The next times at which all of these people are free, within the opening hours of the two weeks from a day on; at
/// most eight.
#[utoipa::path(
    get,
    path = "/appointments/free",
    tag = "Appointments",
    params(FreeParameters),
    responses((status = 200, body = FreeSlots))
)]
pub(super) async fn free(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<FreeParameters>(&uri);
    let _ = asked.read::<AppointmentId>("except", "Please send the id of an appointment.");
    let query = FreeQuery::parse(
        asked.text("staff"),
        asked.text("date"),
        asked.text("minutes"),
        asked.text("except"),
    );
    if let Err(wrong) = &query {
        asked.wrong(wrong.clone());
    }
    asked.check()?;
    let query = query.map_err(Problem::parameters)?;
    let free = tell(appointment::free_times(&by.ctx, query).await)?;
    let at = free.into_iter().map(|free| {
        by.ctx.instant(Asked {
            wall: free.from,
            fold: free.fold,
        })
    });
    let at = tell(at.collect::<rapport_service::Result<Vec<_>>>())?;
    let data = at.into_iter().map(FreeSlot::at).collect();
    Ok(Json(FreeSlots { data }).into_response())
}

/// The types of appointments, those in use first.
#[utoipa::path(
    get,
    path = "/appointment-types",
    tag = "Appointments",
    responses((status = 200, body = TypeList))
)]
pub(super) async fn types(Extension(by): By) -> Answer {
    let types = tell(appointment::legend(&by.ctx).await)?;
    let data = types.into_iter().map(TypeBody::of).collect();
    Ok(Json(TypeList { data }).into_response())
}

/// Makes a type of appointment.
#[utoipa::path(
    post,
    path = "/appointment-types",
    tag = "Appointments",
    request_body = NewTypeInput,
    responses((status = 201, body = TypeBody))
)]
pub(super) async fn create_type(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let sent = posted.fields::<TypeInput>()?;
    let usual = Values::default().with("colour", "0").with("active", "on");
    let form = AppointmentTypeForm::parse(&input::over(usual, sent)).map_err(AppError::from)?;
    let id: AppointmentTypeId = posted.id(&by).await?;
    let receipt = tell(appointment::create_type(&by.ctx, id, form).await)?;
    let place = format!("{ROOT}/appointment-types/{id}");
    Ok(output::made(&place, receipt, type_of(&by.ctx, id).await))
}

/// Changes a type of appointment. One that is not active stays on the appointments that have it.
#[utoipa::path(
    patch,
    path = "/appointment-types/{id}",
    tag = "Appointments",
    request_body(content(
        (TypeInput = "application/merge-patch+json"),
        (TypeInput = "application/json"),
    )),
    responses((status = 200, body = TypeBody))
)]
pub(super) async fn save_type(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: AppointmentTypeId = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let sent = input::values::<TypeInput>(&object)?;
    let stands = tell(type_of(&by.ctx, id).await)?;
    let form = AppointmentTypeForm::parse(&input::over(stands.values(), sent)).map_err(AppError::from)?;
    // What was not sent is taken from what stands: that is what was seen.
    let seen = seen.or(stands.version());
    let receipt = tell(appointment::save_type(&by.ctx, id, seen, form).await)?;
    Ok(output::written(receipt, type_of(&by.ctx, id).await))
}

async fn type_of(ctx: &Ctx, id: AppointmentTypeId) -> rapport_service::Result<TypeBody> {
    let types = appointment::legend(ctx).await?;
    let kind = types.into_iter().map(TypeBody::of).find(|kind| kind.is(id.0));
    Ok(kind.ok_or(AppError::NotFound)?)
}
