//! The forms about what guards one's own account.

use rapport_domain::{
    error::AppError,
    form::{Done, Values},
};
use rapport_service::{Ctx, session, user};

use super::{Form, Outcome, begun, tell, told};
use crate::visit::Visit;

/// Turns a second factor on, and begins a session anew in this browser.
pub(super) async fn turn_on(values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    let ctx = visit.someone().ok_or(AppError::Unauthenticated)?;
    tell(user::turn_on_factor(ctx, values.get("current"), values.get("code")).await)?;
    let session = tell(session::renew(ctx, visit.browser()).await)?;
    let page = Form::TurnOnFactor.path();
    Ok(begun(&session, told(page, ""), visit))
}

pub(super) async fn submit(form: Form, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let (back, current) = (form.page(values), values.get("current"));
    let said = match form {
        Form::TurnOffFactor => {
            tell(user::turn_off_factor(ctx, current).await)?;
            "Your second factor is off. The password alone lets you in."
        }
        Form::NewRecoveryCodes => {
            tell(user::new_recovery_codes(ctx, current).await)?;
            "These are your new recovery codes. Those before are good no more."
        }
        Form::EndSession => {
            tell(session::end(ctx, values.get("session")).await)?;
            "That session is over."
        }
        _ => return Err(AppError::internal()),
    };
    Ok(told(back, said))
}
