//! The forms of appointments.

use rapport_domain::{
    appointment::{AppointmentPatch, NewAppointment, Status, cancel_reason},
    error::AppError,
    form::{Done, Values},
};
use rapport_service::{Ctx, appointment, seen::Seen};

use super::{Form, changed, local_path, saved, seen, tell, written};

/// The version that the page showed; whichever stands, for one that an older server drew.
fn looked_at(values: &Values) -> Result<Seen, AppError> {
    match values.has("version") {
        true => seen(values).map(Seen::At),
        false => Ok(Seen::Latest),
    }
}

pub(super) async fn submit(form: Form, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    match form {
        Form::BookAppointment => {
            let receipt = tell(appointment::book(ctx, NewAppointment::parse(values)?).await)?;
            let page = format!("/appointments/{}", receipt.record);
            let to = local_path(values.get("back")).map_or(page, str::to_owned);
            Ok(written(to, "Booked.", receipt))
        }
        Form::EditAppointment(id) => {
            let seen = seen(values)?;
            let patch = AppointmentPatch::parse(values, &changed(values))?;
            let to = local_path(values.get("back"));
            let to = to.map_or_else(|| format!("/appointments/{id}"), str::to_owned);
            Ok(saved(
                to,
                "Saved.",
                tell(appointment::save(ctx, id, seen, patch).await)?,
            ))
        }
        Form::SetAppointmentStatus(id) => {
            let status: Status = values
                .get("status")
                .parse()
                .map_err(|sentence| AppError::invalid("status", sentence))?;
            let receipt = tell(appointment::set_status(ctx, id, looked_at(values)?, status).await)?;
            let said = format!("{}.", status.label());
            Ok(saved(form.page(values), &said, receipt))
        }
        Form::CancelAppointment(id) => {
            let reason = cancel_reason(values.get("reason"));
            let reason = reason.map_err(|sentence| AppError::invalid("reason", sentence))?;
            let receipt = tell(appointment::cancel(ctx, id, looked_at(values)?, reason).await)?;
            Ok(saved(form.page(values), "Cancelled; its time is free.", receipt))
        }
        _ => Err(AppError::internal()),
    }
}
