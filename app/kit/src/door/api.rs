//! The door's server function.

use leptos::prelude::*;
use rapport_domain::form::{Done, Values};

use crate::api::{Answer, Json};

/// Sends a form: its path and what was typed. The same as posting it, but the answer comes back as it is.
///
/// # Errors
/// What is wrong with it.
#[server(prefix = "/api/fn", endpoint = "form/submit", input = Json, output = Json)]
pub async fn submit_form(
    /// The form's path.
    path: String,
    /// What was typed.
    values: Values,
) -> Answer<Done> {
    use rapport_domain::error::AppError;

    use super::{Form, submit};
    use crate::api::{respond, visit};

    let visit = visit()?;
    let form = Form::parse(&path).ok_or_else(|| respond(AppError::NotFound))?;
    let outcome = submit::submit(form, &values, &visit).await.map_err(respond)?;
    if let Some(options) = use_context::<leptos_axum::ResponseOptions>() {
        // A page that is loaded anew says it; one that stays says it itself.
        let flash = submit::flash(&outcome.done).filter(|_| form.reloads());
        let flash = flash.map(|flash| crate::cookie::flash(visit.secure, &flash));
        for cookie in outcome.cookies.into_iter().chain(flash) {
            options.append_header(http::header::SET_COOKIE, cookie);
        }
    }
    Ok(outcome.done)
}
