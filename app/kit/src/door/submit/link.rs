//! The forms by which people come in, and get in again.

use rapport_domain::{
    error::AppError,
    form::Values,
    user::{SignIn, parse_email, people::Join},
};
use rapport_service::user;

use super::{Form, Outcome, enter, tell, told};
use crate::visit::Visit;

pub(super) async fn submit(form: Form, values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    let service = &visit.service;
    let password = || values.get("password").to_owned();
    match form {
        Form::Join => {
            let join = Join::parse(values)?;
            let email = tell(user::join(service, join, visit.address).await)?;
            let password = password();
            enter(SignIn { email, password }, "/", visit).await
        }
        Form::ResetPassword => {
            let token = values.get("token");
            let email = tell(user::new_password(service, token, &password(), visit.address).await)?;
            let password = password();
            enter(SignIn { email, password }, "/", visit).await
        }
        Form::ChangePassword => {
            let ctx = visit.ctx.as_ref().ok_or(AppError::Unauthenticated)?;
            let email = tell(user::change_password(ctx, values.get("current"), &password()).await)?;
            let password = password();
            let mut outcome = enter(SignIn { email, password }, "/settings", visit).await?;
            outcome.done.said = "Your password is changed. You are signed out everywhere else.".to_owned();
            Ok(outcome)
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

/// The same whatever comes of it.
const ON_ITS_WAY: &str = "If that can be done with this address, a mail with a link is on its way to it.";

fn address(values: &Values) -> Result<String, AppError> {
    parse_email(values.get("email")).map_err(|sentence| AppError::invalid("email", sentence))
}
