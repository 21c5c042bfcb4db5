//! The forms about what guards one's own account.

use rapport_domain::{error::AppError, form::Values, password, user::security::Proof};
use rapport_service::{session, user};

use super::{Form, Outcome, begun, tell, told};
use crate::visit::Visit;

/// The password, by which somebody shows that it is themselves.
fn typed(values: &Values) -> Result<String, AppError> {
    password::typed(values.get("current")).map_err(|sentence| AppError::invalid("current", sentence))
}

pub(super) async fn submit(form: Form, values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    let back = form.page(values);
    if form == Form::TurnOnFactor {
        let ctx = visit.someone().ok_or(AppError::Unauthenticated)?;
        let session = tell(user::turn_on_factor(ctx, Proof::parse(values)?, visit.browser()).await)?;
        return Ok(begun(&session, told(back, ""), visit));
    }
    let ctx = visit.ctx.as_ref().ok_or(AppError::Unauthenticated)?;
    match form {
        Form::TurnOffFactor => {
            let session = tell(user::turn_off_factor(ctx, Proof::parse(values)?, visit.browser()).await)?;
            let said = "Your second factor is off. You are signed out everywhere else.";
            Ok(begun(&session, told(back, said), visit))
        }
        Form::NewRecoveryCodes => {
            tell(user::new_recovery_codes(ctx, Proof::parse(values)?, visit.cookie()).await)?;
            Ok(told(
                back,
                "These are your new recovery codes. Those before are good no more.",
            )
            .into())
        }
        Form::EndSession => {
            let current = typed(values)?;
            tell(session::end(ctx, values.get("session"), &current).await)?;
            Ok(told(back, "That session is over.").into())
        }
        Form::EndOtherSessions => {
            let current = typed(values)?;
            let said = match tell(session::end_others(ctx, visit.cookie(), &current).await)? {
                0 => "No other session was open.".to_owned(),
                1 => "The other session is over.".to_owned(),
                many => format!("The other {many} sessions are over."),
            };
            Ok(told(back, &said).into())
        }
        _ => Err(AppError::internal()),
    }
}
