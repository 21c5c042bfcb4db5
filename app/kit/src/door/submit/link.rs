//! The forms by which people come in, and get in again.

use rapport_domain::{
    error::AppError,
    form::Values,
    user::{SignIn, parse_email, people::Join},
};
use rapport_service::user;

use super::{Form, Outcome, begun, enter, tell, told};
use crate::visit::Visit;

pub(super) async fn submit(form: Form, values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    let service = &visit.service;
    let password = || values.get("password").to_owned();
    match form {
        Form::Join => {
            let join = Join::parse(values)?;
            let email = tell(user::join(service, join, visit.address).await)?;
            enter(entry(email, password()), "/", visit).await
        }
        Form::ResetPassword => {
            let token = values.get("token");
            let email = tell(user::new_password(service, token, &password(), visit.address).await)?;
            match enter(entry(email, password()), "/", visit).await {
                // The link stands for the password, not for the second factor.
                Err(AppError::Invalid { fields }) if fields.get("code").is_some() => Ok(told(
                    "/sign-in".to_owned(),
                    "Your new password is set. Sign in with it.",
                )
                .into()),
                entered => entered,
            }
        }
        Form::ChangePassword => {
            let ctx = visit.ctx.as_ref().ok_or(AppError::Unauthenticated)?;
            let changed =
                user::change_password(ctx, values.get("current"), &password(), visit.browser()).await;
            let session = tell(changed)?;
            let said = "Your password is changed. You are signed out everywhere else.";
            Ok(begun(&session, told("/settings".to_owned(), said), visit))
        }
        Form::SignUp => {
            tell(user::sign_up(service, &address(values)?, visit.address).await)?;
            Ok(told("/sign-in".to_owned(), ON_ITS_WAY).into())
        }
        Form::Forgot => {
            tell(user::forgot(service, &address(values)?, visit.address).await)?;
            Ok(told("/sign-in".to_owned(), ON_ITS_WAY).into())
        }
        _ => Err(AppError::internal()),
    }
}

fn entry(email: String, password: String) -> SignIn {
    SignIn {
        email,
        password,
        code: None,
    }
}

/// The same whatever comes of it.
const ON_ITS_WAY: &str = "If that can be done with this address, a mail with a link is on its way to it.";

fn address(values: &Values) -> Result<String, AppError> {
    parse_email(values.get("email")).map_err(|sentence| AppError::invalid("email", sentence))
}
