//! The forms of webhooks.

use rapport_domain::{
    error::AppError,
    form::{Done, Values},
    webhook::WebhookForm,
};
use rapport_service::{Ctx, seen::Seen, webhook};

use super::{Form, saved, seen, tell, told, written};

pub(super) async fn submit(form: Form, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let back = form.page(values);
    match form {
        Form::NewWebhook => {
            let id = values.get("id").parse();
            let id = id.map_err(|_| AppError::invalid("form", "Please open the form again."))?;
            let made = tell(webhook::create(ctx, id, WebhookForm::parse(values)?).await)?;
            let said = "Set up. For ten minutes you can copy here what its messages are signed with.";
            Ok(written(format!("/admin/webhooks/{id}"), said, made.receipt))
        }
        Form::EditWebhook(id) => {
            let receipt = tell(webhook::change(ctx, id, seen(values)?, WebhookForm::parse(values)?).await)?;
            Ok(saved(back, "Saved.", receipt))
        }
        Form::PauseWebhook(id) => {
            let receipt = tell(webhook::pause(ctx, id).await)?;
            Ok(saved(
                back,
                "Paused. What happens meanwhile is kept for it.",
                receipt,
            ))
        }
        Form::ResumeWebhook(id) => {
            let skip = values.get("missed") == "skip";
            Ok(saved(
                back,
                "It goes on.",
                tell(webhook::resume(ctx, id, skip).await)?,
            ))
        }
        Form::RemoveWebhook(id) => {
            let receipt = tell(webhook::remove(ctx, id, Seen::Latest).await)?;
            Ok(written(
                Form::NewWebhook.path(),
                "Removed; it is told nothing any more.",
                receipt,
            ))
        }
        Form::RenewWebhookSecret(id) => {
            tell(webhook::renew_secret(ctx, id).await)?;
            Ok(told(
                back,
                "Here is the new secret. For ten minutes you can copy it.",
            ))
        }
        Form::PingWebhook(id) => {
            tell(webhook::ping(ctx, id).await)?;
            Ok(told(back, "A test message is on its way."))
        }
        Form::SendAgain(id) => {
            let webhook = tell(webhook::send_again(ctx, id).await)?;
            Ok(told(Form::EditWebhook(webhook).path(), "It is on its way."))
        }
        _ => Err(AppError::internal()),
    }
}
