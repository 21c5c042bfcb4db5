//! The door on the server: what each form does. Both ways in, with script and without, end here.

use http::HeaderValue;
use rapport_domain::{
    activity::{NewNote, note_body},
    customer::{CustomerPatch, NewCustomer},
    error::AppError,
    form::{Done, Values},
    id::{ActivityId, BatchId, CustomerId, ImportId, MappingId},
    import::{Dialect, ImportSettings},
    journal::{Receipt, UndoReport},
    user::{SetUp, SignIn},
};
use rapport_service::{
    Ctx, activity,
    customer::command,
    import, journal, limit,
    seen::Seen,
    session::{self, NewSession},
    user,
};

mod appointment;
mod link;
mod people;
mod security;
mod settings;
mod webhook;

use super::{Flash, Form, PICK, WAS, changed, local_path};
use crate::{cookie, theme, visit::Visit};

/// What a form that succeeded did.
pub struct Outcome {
    /// The answer.
    pub done: Done,
    /// Cookies to set.
    pub cookies: Vec<HeaderValue>,
}

impl From<Done> for Outcome {
    fn from(done: Done) -> Self {
        Self {
            done,
            cookies: Vec::new(),
        }
    }
}

/// Does what a form asks for: checks it by the domain's rules and calls one service function.
///
/// # Errors
/// What is wrong with it, or what the service refused.
pub async fn submit(form: Form, values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    match form {
        Form::SetUp => set_up(values, visit).await,
        Form::SignIn => sign_in(values, visit).await,
        Form::SignOut => sign_out(visit).await,
        Form::Theme => choose_theme(values, visit),
        Form::Join | Form::SignUp | Form::Forgot | Form::ResetPassword | Form::ChangePassword => {
            link::submit(form, values, visit).await
        }
        Form::TurnOnFactor
        | Form::TurnOffFactor
        | Form::NewRecoveryCodes
        | Form::EndSession
        | Form::EndOtherSessions => security::submit(form, values, visit).await,
        _ => {
            let ctx = visit.ctx.as_ref().ok_or(AppError::Unauthenticated)?;
            tell(limit::take_own(ctx, limit::FORMS_OF).await)?;
            change(form, values, ctx).await.map(Outcome::from)
        }
    }
}

/// The forms of those who are signed in.
async fn change(form: Form, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let back = || form.page(values);
    match form {
        Form::NewCustomer => {
            let receipt = tell(command::create(ctx, NewCustomer::parse(values)?).await)?;
            Ok(written(
                format!("/customers/{}", receipt.record),
                "Customer created.",
                receipt,
            ))
        }
        Form::EditCustomer(id) => edit_customer(id, values, ctx).await,
        Form::TrashCustomer(id) => {
            let to = local_path(values.get("back")).unwrap_or("/customers").to_owned();
            let receipt = tell(command::trash(ctx, id, Seen::Latest).await)?;
            Ok(written(to, "Moved to the trash.", receipt))
        }
        Form::RestoreCustomer(id) => Ok(written(
            back(),
            "Taken out of the trash.",
            tell(command::restore(ctx, id, Seen::Latest).await)?,
        )),
        Form::WriteNote(id) => {
            let note = NewNote::parse(values)?;
            Ok(written(
                back(),
                "Note added.",
                tell(activity::write_note(ctx, id, note).await)?,
            ))
        }
        Form::EditNote(id) => edit_note(id, values, ctx).await,
        Form::RemoveNote(id) => Ok(written(
            back(),
            "Note removed.",
            tell(activity::remove_note(ctx, id, Seen::Latest).await)?,
        )),
        Form::Undo => {
            let batch = values.get("batch").parse::<BatchId>()?;
            taken_back(back(), &tell(journal::undo(ctx, batch).await)?)
        }
        Form::UndoLast => taken_back(back(), &tell(journal::undo_last(ctx).await)?),
        Form::BookAppointment
        | Form::EditAppointment(_)
        | Form::SetAppointmentStatus(_)
        | Form::CancelAppointment(_) => appointment::submit(form, values, ctx).await,
        Form::SaveOrganisation
        | Form::SaveProfile
        | Form::OpenFeed
        | Form::RevokeFeed
        | Form::NewApiKey
        | Form::RevokeApiKey(_)
        | Form::NewProgram
        | Form::NewProgramKey(_)
        | Form::CloseProgram(_)
        | Form::RevokeAnyKey(_)
        | Form::RenameTag
        | Form::RemoveTag
        | Form::NewAppointmentType
        | Form::EditAppointmentType(_) => settings::submit(form, values, ctx).await,
        Form::NewWebhook
        | Form::EditWebhook(_)
        | Form::PauseWebhook(_)
        | Form::ResumeWebhook(_)
        | Form::RemoveWebhook(_)
        | Form::RenewWebhookSecret(_)
        | Form::PingWebhook(_)
        | Form::SendAgain(_) => webhook::submit(form, values, ctx).await,
        Form::Invite
        | Form::RenewInvitation(_)
        | Form::WithdrawInvitation(_)
        | Form::SaveUser(_)
        | Form::DeactivateUser(_)
        | Form::ReactivateUser(_)
        | Form::ResetLink(_)
        | Form::EndSessions(_)
        | Form::DropFactor(_)
        | Form::NewTeam
        | Form::RenameTeam(_)
        | Form::RemoveTeam(_) => people::submit(form, values, ctx).await,
        Form::CheckImport(id)
        | Form::ReadImport(id)
        | Form::MapImport(id)
        | Form::KeepMapping(id)
        | Form::RunImport(id)
        | Form::StopImport(id)
        | Form::ForgetImport(id)
        | Form::MendRow(id) => imports(form, id, values, ctx).await,
        Form::SetUp
        | Form::SignIn
        | Form::SignOut
        | Form::Theme
        | Form::Join
        | Form::SignUp
        | Form::Forgot
        | Form::ResetPassword
        | Form::ChangePassword
        | Form::TurnOnFactor
        | Form::TurnOffFactor
        | Form::NewRecoveryCodes
        | Form::EndSession
        | Form::EndOtherSessions => Err(AppError::internal()),
    }
}

/// The forms of an import.
async fn imports(form: Form, id: ImportId, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let back = form.page(values);
    match form {
        Form::CheckImport(_) => {
            let settings = import_settings(ctx, id).await?.with_values(values)?;
            tell(import::set(ctx, id, settings.mapping, settings.rules).await)?;
            tell(import::check(ctx, id).await)?;
            Ok(told(back, ""))
        }
        Form::ReadImport(_) => {
            let dialect = Dialect::parse(values)?;
            tell(import::set_dialect(ctx, id, dialect).await)?;
            Ok(told(back, "The columns were told anew."))
        }
        Form::MapImport(_) => {
            tell(import::map_as(ctx, id, values.get("mapping").parse::<MappingId>()?).await)?;
            Ok(told(back, "Mapped as before."))
        }
        Form::KeepMapping(_) => {
            tell(import::save_mapping(ctx, id, values.get("name")).await)?;
            Ok(told(back, "The mapping is kept for the next file of this kind."))
        }
        Form::RunImport(_) => {
            tell(import::run(ctx, id).await)?;
            Ok(told(back, ""))
        }
        Form::StopImport(_) => {
            tell(import::cancel(ctx, id, values.has("take_back")).await)?;
            Ok(told(back, "It stops after the rows that it is at."))
        }
        Form::ForgetImport(_) => {
            tell(import::forget(ctx, id).await)?;
            Ok(told("/imports".to_owned(), "Thrown away; nothing was written."))
        }
        _ => {
            let line = values.get("line").parse::<u64>();
            let line = line.map_err(|_| AppError::invalid("form", "Please open the page again."))?;
            let fields = (0..)
                .map(|place| format!("value.{place}"))
                .take_while(|name| values.has(name))
                .map(|name| values.get(&name).to_owned());
            tell(import::mend(ctx, id, line, fields.collect()).await)?;
            Ok(told(back, "The row is in."))
        }
    }
}

async fn import_settings(ctx: &Ctx, id: ImportId) -> Result<ImportSettings, AppError> {
    tell(import::get(ctx, id).await)?
        .settings
        .ok_or(AppError::NotFound)
}

/// Done, with nothing to take back.
fn told(to: String, said: &str) -> Done {
    Done {
        to,
        said: said.to_owned(),
        undo: None,
        receipt: None,
    }
}

/// The version of the record that the person saw.
fn seen(values: &Values) -> Result<i64, AppError> {
    let seen = values.get("version").parse();
    seen.map_err(|_| AppError::invalid("form", "Please open the form again."))
}

async fn edit_customer(id: CustomerId, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let seen = seen(values)?;
    let patch = CustomerPatch::parse(&changed(values))?;
    let to = local_path(values.get("back")).map_or_else(|| format!("/customers/{id}"), str::to_owned);
    if patch.0.is_empty() {
        return Ok(unchanged(to));
    }
    Ok(written(
        to,
        "Saved.",
        tell(command::save(ctx, id, seen, patch).await)?,
    ))
}

async fn edit_note(id: ActivityId, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    let to = Form::EditNote(id).page(values);
    let seen = seen(values)?;
    if values.has("body") && !changed(values).has("body") {
        return Ok(unchanged(to));
    }
    let body = note_body(values.get("body")).map_err(|sentence| AppError::invalid("body", sentence))?;
    let receipt = tell(activity::edit_note(ctx, id, seen, body).await)?;
    Ok(match receipt.batch {
        Some(_) => written(to, "Note changed.", receipt),
        None => unchanged(to),
    })
}

/// Written, or nothing to write.
fn saved(to: String, said: &str, receipt: Receipt) -> Done {
    match receipt.batch {
        Some(_) => written(to, said, receipt),
        None => unchanged(to),
    }
}

fn unchanged(to: String) -> Done {
    Done {
        to,
        said: "Nothing was changed.".to_owned(),
        undo: None,
        receipt: None,
    }
}

async fn set_up(values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    let form = SetUp::parse(values)?;
    let entry = SignIn {
        email: form.admin.email.clone(),
        password: form.admin.password.clone(),
        code: None,
    };
    tell(user::set_up(&visit.service, form, visit.address).await)?;
    enter(entry, "/", visit).await
}

async fn sign_in(values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    enter(
        SignIn::parse(values)?,
        local_path(values.get("next")).unwrap_or("/"),
        visit,
    )
    .await
}

/// Starts a session; the one before ends with it, so that the secret is always a new one.
async fn enter(form: SignIn, to: &str, visit: &Visit) -> Result<Outcome, AppError> {
    let session = tell(session::sign_in(&visit.service, form, visit.browser()).await)?;
    Ok(begun(&session, told(to.to_owned(), ""), visit))
}

/// Done, and the browser has a new session.
fn begun(session: &NewSession, done: Done, visit: &Visit) -> Outcome {
    Outcome {
        done,
        cookies: vec![cookie::session(visit.secure, &session.cookie, session.max_age)],
    }
}

async fn sign_out(visit: &Visit) -> Result<Outcome, AppError> {
    if let Some(session) = &visit.session {
        tell(session::sign_out(&visit.service, session).await)?;
    }
    let done = Done {
        to: "/sign-in".to_owned(),
        said: "You are signed out.".to_owned(),
        undo: None,
        receipt: None,
    };
    Ok(Outcome {
        done,
        cookies: vec![cookie::no_session(visit.secure)],
    })
}

fn choose_theme(values: &Values, visit: &Visit) -> Result<Outcome, AppError> {
    let theme = values
        .get("theme")
        .parse::<theme::Theme>()
        .map_err(|sentence| AppError::invalid("theme", sentence))?;
    let done = Done {
        to: Form::Theme.page(values),
        said: String::new(),
        undo: None,
        receipt: None,
    };
    Ok(Outcome {
        done,
        cookies: vec![cookie::theme(visit.secure, theme)],
    })
}

fn written(to: String, said: &str, receipt: Receipt) -> Done {
    Done {
        to,
        said: said.to_owned(),
        undo: receipt.batch,
        receipt: Some(receipt),
    }
}

fn tell<T>(result: rapport_service::Result<T>) -> Result<T, AppError> {
    result.map_err(rapport_service::Error::tell)
}

/// The answer to an undo: a refusal, where it left everything as it is.
fn taken_back(to: String, report: &UndoReport) -> Result<Done, AppError> {
    if report.in_background {
        return Ok(told(to, "It is being taken back; that takes a while."));
    }
    if report.undone == 0 && report.left > 0 {
        return Err(AppError::refused(undone(report)));
    }
    Ok(Done {
        to,
        said: undone(report),
        undo: report.batch,
        receipt: None,
    })
}

/// What an undo did, in a sentence or two.
fn undone(report: &UndoReport) -> String {
    let kept = || {
        report
            .kept
            .first()
            .map(|kept| kept.reason.as_str())
            .unwrap_or_default()
    };
    match (report.undone, report.left) {
        (0, 0) => "There was nothing to undo.".to_owned(),
        (_, 0) => "Undone.".to_owned(),
        (0, 1) => format!("It was left as it is. {}", kept()),
        (0, left) => format!("{left} were left as they are. {}", kept()),
        (_, 1) => format!("Undone, but one was left as it is. {}", kept()),
        (_, left) => format!("Undone, but {left} were left as they are. {}", kept()),
    }
}

/// The one-time message for the next page, if there is something to say.
#[must_use]
pub fn flash(done: &Done) -> Option<Flash> {
    let back = done.to.clone();
    (!done.said.is_empty()).then(|| Flash {
        said: done.said.clone(),
        undo: done.undo,
        back,
    })
}
