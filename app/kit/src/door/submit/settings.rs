//! The forms of settings.

use rapport_domain::{
    api_key::{NewKey, NewProgram},
    appointment::AppointmentTypeForm,
    error::AppError,
    form::{Done, Values},
    organisation::{OrganisationPatch, ProfilePatch},
    tag::Retag,
};
use rapport_service::{Ctx, api_key, appointment, organisation, tag};

use super::{Form, PICK, WAS, changed, saved, seen, tell, told, written};

const KEY_SHOWN: &str = "Here is the key. For ten minutes you can copy it; then nobody sees it again.";
const REVOKED: &str = "Revoked; the key is good for nothing now.";

pub(super) async fn submit(form: Form, values: &Values, ctx: &Ctx) -> Result<Done, AppError> {
    match form {
        Form::OpenFeed => {
            tell(appointment::open_feed(ctx).await)?;
            let said = "Your calendar has a new link. For ten minutes you can copy it here.";
            return Ok(told(form.page(values), said));
        }
        Form::RevokeFeed => {
            tell(appointment::revoke_feed(ctx).await)?;
            return Ok(told(form.page(values), "Revoked; the link leads nowhere now."));
        }
        Form::NewApiKey => {
            tell(api_key::make(ctx, NewKey::parse(values)?).await)?;
            return Ok(told(form.page(values), KEY_SHOWN));
        }
        Form::RevokeApiKey(id) => {
            tell(api_key::revoke(ctx, id).await)?;
            return Ok(told(form.page(values), REVOKED));
        }
        Form::NewProgram => {
            tell(api_key::new_program(ctx, NewProgram::parse(values)?).await)?;
            return Ok(told(form.page(values), KEY_SHOWN));
        }
        Form::NewProgramKey(id) => {
            tell(api_key::new_program_key(ctx, id, NewKey::parse(values)?).await)?;
            return Ok(told(form.page(values), KEY_SHOWN));
        }
        Form::CloseProgram(id) => {
            let receipt = tell(api_key::close_program(ctx, id).await)?;
            let said = "Closed; its keys are good for nothing now.";
            return Ok(written(form.page(values), said, receipt));
        }
        Form::RevokeAnyKey(id) => {
            tell(api_key::revoke_any(ctx, id).await)?;
            return Ok(told(form.page(values), REVOKED));
        }
        Form::RenameTag => return retag(form, values, Retag::renaming(values)?, ctx).await,
        Form::RemoveTag => return retag(form, values, Retag::removing(values)?, ctx).await,
        _ => {}
    }
    let receipt = match form {
        Form::SaveOrganisation => {
            let patch = OrganisationPatch::parse(&settled(values), &changed(values))?;
            tell(organisation::save(ctx, seen(values)?, patch).await)
        }
        Form::SaveProfile => {
            let patch = ProfilePatch::parse(&changed(values))?;
            tell(organisation::save_profile(ctx, seen(values)?, patch).await)
        }
        Form::NewAppointmentType => {
            let id = values.get("id").parse();
            let id = id.map_err(|_| AppError::invalid("form", "Please open the form again."))?;
            tell(appointment::create_type(ctx, id, AppointmentTypeForm::parse(values)?).await)
        }
        Form::EditAppointmentType(id) => {
            let form = AppointmentTypeForm::parse(values)?;
            tell(appointment::save_type(ctx, id, seen(values)?, form).await)
        }
        _ => Err(AppError::internal()),
    };
    Ok(saved(form.page(values), "Saved.", receipt?))
}

async fn retag(form: Form, values: &Values, retag: Retag, ctx: &Ctx) -> Result<Done, AppError> {
    let done = tell(tag::change(ctx, retag).await)?;
    let said = match (done.in_background, done.customers) {
        (true, _) => "The customers are being changed; that takes a while.".to_owned(),
        (false, 1) => "Changed with one customer.".to_owned(),
        (false, many) => format!("Changed with {many} customers."),
    };
    Ok(Done {
        to: form.page(values),
        said,
        undo: done.batch.filter(|_| !done.in_background),
        receipt: None,
    })
}

/// The form as the person settled it: of a field in dispute what stands, where they picked that. A day is read whole,
/// also where only one of its ends was in dispute.
fn settled(values: &Values) -> Values {
    let mut settled = values.clone();
    for field in values.0.keys().filter_map(|key| key.strip_prefix(PICK)) {
        if values.get(&format!("{PICK}{field}")) == "theirs" {
            settled.set(field, values.get(&format!("{WAS}{field}")));
        }
    }
    settled
}
