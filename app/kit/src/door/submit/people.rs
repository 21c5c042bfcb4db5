//! The forms about the people who work here.

use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    form::{Done, Values},
    id::UserId,
    user::people::{Heir, NewInvitation, PersonPatch, team_name},
};
use rapport_service::{Ctx, seen::Seen, user};

use super::{Form, changed, saved, seen, tell, told, written};

const LINK_SHOWN: &str = "A new link is on its way by mail. For ten minutes you can also copy it here.";

pub(super) async fn submit(form: Form, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let back = form.page(values);
    match form {
        Form::Invite => {
            let receipt = tell(user::invite(ctx, NewInvitation::parse(values)?).await)?;
            let said =
                "The invitation is on its way by mail. For ten minutes you can also copy its link here.";
            Ok(written(back, said, receipt))
        }
        Form::RenewInvitation(id) => {
            tell(user::renew_invitation(ctx, id).await)?;
            Ok(told(back, LINK_SHOWN))
        }
        Form::WithdrawInvitation(id) => {
            let receipt = tell(user::withdraw_invitation(ctx, id).await)?;
            Ok(written(back, "Withdrawn; its link leads nowhere now.", receipt))
        }
        Form::SaveUser(id) => save(id, back, values, ctx).await,
        Form::DeactivateUser(id) => {
            let (receipt, handed) = tell(user::deactivate(ctx, id, Heir::parse(values)?).await)?;
            Ok(written(
                back,
                &format!("Account closed.{}", handed.said()),
                receipt,
            ))
        }
        Form::ReactivateUser(id) => {
            let receipt = tell(user::reactivate(ctx, id).await)?;
            Ok(written(back, "Account opened again.", receipt))
        }
        Form::ResetLink(id) => {
            tell(user::reset_link(ctx, id).await)?;
            Ok(told(back, LINK_SHOWN))
        }
        Form::EndSessions(id) => {
            tell(user::end_sessions(ctx, id).await)?;
            Ok(told(back, "Signed out everywhere; keys of programs are revoked."))
        }
        Form::DropFactor(id) => {
            tell(user::drop_factor(ctx, id).await)?;
            Ok(told(
                back,
                "Their second factor is gone, and they are signed out.",
            ))
        }
        Form::NewTeam => {
            let id = values.get("id").parse();
            let id = id.map_err(|_| AppError::invalid("form", "Please open the form again."))?;
            let receipt = tell(user::new_team(ctx, id, team_name(values)?).await)?;
            Ok(written(back, "Team added.", receipt))
        }
        Form::RenameTeam(id) => {
            let receipt = tell(user::rename_team(ctx, id, seen(values)?, team_name(values)?).await)?;
            Ok(saved(back, "Saved.", receipt))
        }
        Form::RemoveTeam(id) => Ok(written(
            back,
            "Team removed.",
            tell(user::remove_team(ctx, id, Seen::Latest).await)?,
        )),
        _ => Err(AppError::internal()),
    }
}

async fn save(id: UserId, back: String, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let patch = PersonPatch::parse(values, &changed(values))?;
    let steps_down = id == ctx.actor().user && patch.role.is_some_and(|role| role != BuiltInRole::Admin);
    let (receipt, handed) = tell(user::save_person(ctx, id, seen(values)?, patch).await)?;
    // Who is no admin any more may not see this page.
    let to = if steps_down { "/customers".to_owned() } else { back };
    Ok(saved(to, &format!("Saved.{}", handed.said()), receipt))
}
