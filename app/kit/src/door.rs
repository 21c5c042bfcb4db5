//! The one form door: every form of the product, with script and without, passes here.
//!
//! A form is a [`Form`] with a path of its own and is drawn by [`DoorForm`]. Without script the browser posts it to its
//! path; the server answers 303 with a one-time [`Flash`], or renders the page that holds the form again with what was
//! typed and what is wrong ([`FormState`]). With script the same values go through [`api::submit_form`] and the answer
//! is shown in place. Both end in `submit`, on the server.
//!
//! **Building a form** (details at each item):
//! ```ignore
//! view! {
//!     <DoorForm form=Form::EditCustomer(id) values=current_values seen=customer.version>
//!         <MyTextField name="city" label="City"/>   // calls use_field("city") for value, error, id, conflict
//!         <button>"Save"</button>                    // use_form().pending tells that it is under way
//!     </DoorForm>
//! }
//! ```
//! Programmatic writes (inline edit, drag): [`use_submit`]. After every write that succeeded [`use_changes`] counts up;
//! resources name it among their sources and so load again.

use rapport_domain::{
    error::AppError,
    form::Values,
    id::{
        ActivityId, ApiKeyId, AppointmentId, AppointmentTypeId, BatchId, CustomerId, DeliveryId, ImportId,
        InvitationId, TeamId, UserId, WebhookId,
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub mod api;
pub mod component;
pub mod field;
pub mod shared;
#[cfg(feature = "ssr")]
pub mod submit;
pub mod submitter;
pub mod toasts;

pub use component::DoorForm;
pub use field::{FieldState, FormHandle, use_field, use_form};
pub use shared::{Door, use_changes, use_door};
pub use submitter::{Submitter, use_submit};
pub use toasts::{Toast, Toasts, use_toasts};

macro_rules! forms {
    (@read $found:ident $name:ident) => { Some(Self::$name) };
    (@read $found:ident $name:ident $id:ty) => { $found.map(|id| Self::$name(<$id>::from(id))) };
    ($($(#[$doc:meta])* $name:ident $(($id:ty))? = $pattern:literal),+ $(,)?) => {
        /// Every form of the product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Form {
            $($(#[$doc])* $name $(($id))?),+
        }

        impl Form {
            /// The paths of all forms, `{id}` standing for the record.
            pub const PATTERNS: &'static [&'static str] = &[$($pattern),+];

            /// The form that a path stands for.
            #[must_use]
            pub fn parse(path: &str) -> Option<Self> {
                let (pattern, id) = generalised(path);
                match pattern.as_str() {
                    $($pattern => forms!(@read id $name $($id)?),)+
                    _ => None,
                }
            }

            /// The form's path with `{id}` in it.
            #[must_use]
            pub fn pattern(self) -> &'static str {
                match self { $(Self::$name { .. } => $pattern),+ }
            }

            /// The record that the form is about.
            #[must_use]
            pub fn record(self) -> Option<Uuid> {
                match self {
                    $($(Self::$name(id) => {
                        let id: $id = id;
                        Some(id.0)
                    })?)+
                    _ => None,
                }
            }
        }
    };
}

/// A path with `{id}` where it names a record, and which.
fn generalised(path: &str) -> (String, Option<Uuid>) {
    let named = path
        .split('/')
        .find_map(|part| Some((part, Uuid::try_parse(part).ok()?)));
    match named {
        Some((part, id)) => (path.replacen(part, "{id}", 1), Some(id)),
        None => (path.to_owned(), None),
    }
}

forms! {
    /// Makes the first admin. Fields: token, organisation, name, email, password.
    SetUp = "/setup",
    /// Fields: email, password, code, next.
    SignIn = "/sign-in",
    /// No field.
    SignOut = "/sign-out",
    /// Comes in by an invitation. Fields: token, name, password.
    Join = "/join",
    /// Asks for a link to join by, where that is open. Field: email.
    SignUp = "/sign-up",
    /// Asks for a link to set a new password by. Field: email.
    Forgot = "/forgot",
    /// Sets a new password by a link. Fields: token, password.
    ResetPassword = "/reset",
    /// Sets a new password by the old one. Fields: current, password.
    ChangePassword = "/settings/password",
    /// Turns a second factor on. Fields: current, code.
    TurnOnFactor = "/second-factor",
    /// Fields: current, code.
    TurnOffFactor = "/settings/security/off",
    /// Fields: current, code.
    NewRecoveryCodes = "/settings/security/codes",
    /// Ends one of one's own sessions. Fields: session, current.
    EndSession = "/settings/security/end",
    /// Ends all of them but this one. Field: current.
    EndOtherSessions = "/settings/security/end-others",
    /// Fields: id (minted with the form), and those of the customer.
    NewCustomer = "/customers/new",
    /// Fields: version, and those of the customer that are to change.
    EditCustomer(CustomerId) = "/customers/{id}/edit",
    /// Moves it to the trash.
    TrashCustomer(CustomerId) = "/customers/{id}/trash",
    /// Takes it out of the trash.
    RestoreCustomer(CustomerId) = "/customers/{id}/restore",
    /// Fields: id (minted with the form), body.
    WriteNote(CustomerId) = "/customers/{id}/notes",
    /// Fields: version, body.
    EditNote(ActivityId) = "/notes/{id}/edit",
    /// No field.
    RemoveNote(ActivityId) = "/notes/{id}/remove",
    /// Fields: id (minted with the form), and those of the appointment.
    BookAppointment = "/appointments/new",
    /// Fields: version, and those of the appointment that are to change.
    EditAppointment(AppointmentId) = "/appointments/{id}/edit",
    /// Field: status.
    SetAppointmentStatus(AppointmentId) = "/appointments/{id}/status",
    /// Field: reason.
    CancelAppointment(AppointmentId) = "/appointments/{id}/cancel",
    /// Fields: version, name, zone, currency, week_start, and the hours of each day.
    SaveOrganisation = "/admin/settings",
    /// Opens one's calendar to other programs by a new link. No field.
    OpenFeed = "/settings/calendar",
    /// No field.
    RevokeFeed = "/settings/calendar/revoke",
    /// Makes a key for a program. Fields: id (minted with the form), name, access, days.
    NewApiKey = "/settings/keys",
    /// No field.
    RevokeApiKey(ApiKeyId) = "/settings/keys/{id}/revoke",
    /// Makes an account for a program, with a key. Fields: id (minted with the form), name, role, team, access, days.
    NewProgram = "/admin/keys",
    /// Makes another key for a program. Fields: as [`Form::NewApiKey`].
    NewProgramKey(UserId) = "/admin/keys/{id}/new",
    /// No field.
    CloseProgram(UserId) = "/admin/keys/{id}/close",
    /// Revokes a key, whosever it is. No field.
    RevokeAnyKey(ApiKeyId) = "/admin/keys/{id}/revoke",
    /// Fields: id (minted with the form), name, url, events, filter.
    NewWebhook = "/admin/webhooks",
    /// Fields: version, and those of a new one.
    EditWebhook(WebhookId) = "/admin/webhooks/{id}",
    /// No field.
    PauseWebhook(WebhookId) = "/admin/webhooks/{id}/pause",
    /// Field: missed (send, skip).
    ResumeWebhook(WebhookId) = "/admin/webhooks/{id}/resume",
    /// No field.
    RemoveWebhook(WebhookId) = "/admin/webhooks/{id}/remove",
    /// No field.
    RenewWebhookSecret(WebhookId) = "/admin/webhooks/{id}/secret",
    /// Sends a test message. No field.
    PingWebhook(WebhookId) = "/admin/webhooks/{id}/ping",
    /// Sends a message again. No field.
    SendAgain(DeliveryId) = "/admin/deliveries/{id}/again",
    /// Fields: version, name, zone.
    SaveProfile = "/settings",
    /// Fields: id (minted with the form), email, role, team.
    Invite = "/admin/users",
    /// Makes a new link. No field.
    RenewInvitation(InvitationId) = "/admin/invitations/{id}/link",
    /// No field.
    WithdrawInvitation(InvitationId) = "/admin/invitations/{id}/withdraw",
    /// Fields: version, name, email, role, team, follow.
    SaveUser(UserId) = "/admin/users/{id}",
    /// Field: heir.
    DeactivateUser(UserId) = "/admin/users/{id}/deactivate",
    /// No field.
    ReactivateUser(UserId) = "/admin/users/{id}/reactivate",
    /// Makes a link for a new password. No field.
    ResetLink(UserId) = "/admin/users/{id}/reset-link",
    /// No field.
    EndSessions(UserId) = "/admin/users/{id}/end-sessions",
    /// Takes somebody's second factor away. No field.
    DropFactor(UserId) = "/admin/users/{id}/drop-factor",
    /// Fields: id (minted with the form), name.
    NewTeam = "/admin/teams",
    /// Fields: version, name.
    RenameTeam(TeamId) = "/admin/teams/{id}/edit",
    /// No field.
    RemoveTeam(TeamId) = "/admin/teams/{id}/remove",
    /// Fields: tag, name.
    RenameTag = "/admin/tags/rename",
    /// Field: tag.
    RemoveTag = "/admin/tags/remove",
    /// Fields: id (minted with the form), name, minutes, colour, active.
    NewAppointmentType = "/admin/appointment-types",
    /// Fields: version, and those of a new one.
    EditAppointmentType(AppointmentTypeId) = "/admin/appointment-types/{id}/edit",
    /// Sets how an import is mapped and matched, and works out what it would do. Fields: those of its settings.
    CheckImport(ImportId) = "/imports/{id}/check",
    /// Sets how an import's file is read. Fields: encoding, delimiter.
    ReadImport(ImportId) = "/imports/{id}/dialect",
    /// Maps an import as an earlier one. Field: mapping.
    MapImport(ImportId) = "/imports/{id}/map",
    /// Keeps the mapping of an import. Field: name.
    KeepMapping(ImportId) = "/imports/{id}/mapping",
    /// Brings an import in. No field.
    RunImport(ImportId) = "/imports/{id}/run",
    /// Stops what an import is at. Field: take_back (its being there).
    StopImport(ImportId) = "/imports/{id}/stop",
    /// Throws an import away that has not begun. No field.
    ForgetImport(ImportId) = "/imports/{id}/forget",
    /// Takes a row with mended values. Fields: line, value.0, value.1 ...
    MendRow(ImportId) = "/imports/{id}/mend",
    /// Takes back a batch. Field: batch.
    Undo = "/undo",
    /// Takes back what the person did last. No field.
    UndoLast = "/undo/last",
    /// Fields: theme (system, light, dark).
    Theme = "/theme",
}

impl Form {
    /// Where the form is posted to.
    #[must_use]
    pub fn path(self) -> String {
        match self.record() {
            Some(id) => self.pattern().replace("{id}", &id.hyphenated().to_string()),
            None => self.pattern().to_owned(),
        }
    }

    /// The page that holds the form: what its hidden field `back` says, else the page it usually stands on.
    #[must_use]
    pub fn page(self, values: &Values) -> String {
        if let Some(back) = local_path(values.get("back")) {
            return back.to_owned();
        }
        match self {
            Self::SetUp
            | Self::SignIn
            | Self::TurnOnFactor
            | Self::NewCustomer
            | Self::EditCustomer(_)
            | Self::BookAppointment
            | Self::SaveOrganisation
            | Self::SaveProfile
            | Self::NewAppointmentType
            | Self::SignUp
            | Self::Forgot
            | Self::Invite
            | Self::SaveUser(_)
            | Self::NewTeam
            | Self::NewApiKey
            | Self::NewProgram
            | Self::NewWebhook
            | Self::EditWebhook(_)
            | Self::EditAppointment(_) => self.path(),
            Self::PauseWebhook(id)
            | Self::ResumeWebhook(id)
            | Self::RemoveWebhook(id)
            | Self::RenewWebhookSecret(id)
            | Self::PingWebhook(id) => Self::EditWebhook(id).path(),
            Self::SendAgain(_) => Self::NewWebhook.path(),
            Self::Join | Self::ResetPassword => link_page(self.pattern(), values.get("token")),
            Self::ChangePassword | Self::OpenFeed | Self::RevokeFeed => "/settings".to_owned(),
            Self::TurnOffFactor | Self::NewRecoveryCodes | Self::EndSession | Self::EndOtherSessions => {
                "/settings/security".to_owned()
            }
            Self::RenewInvitation(_) | Self::WithdrawInvitation(_) => "/admin/users".to_owned(),
            Self::DeactivateUser(id)
            | Self::ReactivateUser(id)
            | Self::ResetLink(id)
            | Self::EndSessions(id)
            | Self::DropFactor(id) => Self::SaveUser(id).path(),
            Self::RenameTeam(_) | Self::RemoveTeam(_) => "/admin/teams".to_owned(),
            Self::RevokeApiKey(_) => Self::NewApiKey.path(),
            Self::NewProgramKey(_) | Self::CloseProgram(_) | Self::RevokeAnyKey(_) => Self::NewProgram.path(),
            Self::RenameTag | Self::RemoveTag => "/admin/tags".to_owned(),
            Self::EditAppointmentType(_) => "/admin/appointment-types".to_owned(),
            Self::SetAppointmentStatus(id) | Self::CancelAppointment(id) => format!("/appointments/{id}"),
            Self::TrashCustomer(id) | Self::RestoreCustomer(id) | Self::WriteNote(id) => {
                format!("/customers/{id}")
            }
            Self::CheckImport(id)
            | Self::ReadImport(id)
            | Self::MapImport(id)
            | Self::KeepMapping(id)
            | Self::RunImport(id)
            | Self::StopImport(id)
            | Self::ForgetImport(id)
            | Self::MendRow(id) => format!("/imports/{id}"),
            Self::UndoLast => "/activity".to_owned(),
            Self::SignOut | Self::EditNote(_) | Self::RemoveNote(_) | Self::Undo | Self::Theme => {
                "/customers".to_owned()
            }
        }
    }

    /// Whether the form may be sent by somebody who is not signed in.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::SetUp
                | Self::SignIn
                | Self::SignOut
                | Self::Theme
                | Self::Join
                | Self::SignUp
                | Self::Forgot
                | Self::ResetPassword
        )
    }

    /// Whether everything the page knows is out of date after it, so that the browser loads the next page anew.
    #[must_use]
    pub fn reloads(self) -> bool {
        matches!(
            self,
            Self::SetUp
                | Self::SignIn
                | Self::SignOut
                | Self::Join
                | Self::SignUp
                | Self::Forgot
                | Self::ResetPassword
                | Self::ChangePassword
                | Self::TurnOnFactor
                | Self::TurnOffFactor
        )
    }
}

/// The fields whose values are never sent back to the browser.
pub const SECRETS: &[&str] = &["password", "token", "current", "code"];

/// A form that failed, as the page shows it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormState {
    /// The form's path.
    pub path: String,
    /// What was typed, secrets left out; after a conflict with the version that stands now.
    pub values: Values,
    /// What is wrong.
    pub error: AppError,
}

impl FormState {
    /// Keeps what the page may show of a form that failed.
    #[must_use]
    pub fn new(form: Form, mut values: Values, error: AppError) -> Self {
        values.0.retain(|field, _| !SECRETS.contains(&field.as_str()));
        take_over(&mut values, &error);
        Self {
            path: form.path(),
            values,
            error,
        }
    }
}

/// What a form that succeeded says on the next page, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The sentence.
    pub said: String,
    /// The batch that Undo takes back.
    pub undo: Option<BatchId>,
    /// The page to come back to after Undo.
    pub back: String,
}

/// The prefix of the hidden field that holds what a field was when the form was opened.
pub const WAS: &str = "was.";
/// The prefix of the field by which a person settles a conflict: `mine` or `theirs`.
pub const PICK: &str = "pick.";

/// The fields that a form of changes really changes: those whose text differs from the hidden `was.` beside it, less
/// those where the person picked the value that stands. A field without a `was.` counts as changed.
#[must_use]
pub fn changed(values: &Values) -> Values {
    let same = |field: &str, text: &str| {
        let was = format!("{WAS}{field}");
        values.has(&was) && plain_lines(values.get(&was)) == plain_lines(text)
    };
    let fields = values.0.iter().filter(|(field, text)| {
        !field.starts_with(WAS)
            && !field.starts_with(PICK)
            && values.get(&format!("{PICK}{field}")) != "theirs"
            && !same(field, text)
    });
    fields
        .map(|(field, text)| (field.clone(), text.clone()))
        .collect()
}

/// A browser posts the line ends of a text area as CR LF.
fn plain_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// After a conflict the form names the version that stands, and what stands in the fields in dispute, so that sending
/// it again is a decision and not the same conflict.
pub fn take_over(values: &mut Values, error: &AppError) {
    if let AppError::Conflict { version, fields } = error {
        values.set("version", version.to_string());
        for conflict in fields {
            values.set(&format!("{WAS}{}", conflict.field), conflict.theirs.clone());
        }
    }
}

/// The page of a link that lets somebody in: what it holds is kept in its address alone.
fn link_page(path: &str, token: &str) -> String {
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        format!("{path}/{token}")
    } else {
        "/sign-in".to_owned()
    }
}

/// The text, if it is a path on this site that a redirect may go to.
#[must_use]
pub fn local_path(text: &str) -> Option<&str> {
    let outside = text.starts_with("//") || text.contains(|c: char| c == '\\' || !c.is_ascii_graphic());
    (text.starts_with('/') && !outside && text.len() <= 2_000).then_some(text)
}

/// The value of a parameter in the query of an address, `use_location().search`.
///
/// Leptos' own `use_query_map` decodes a value twice, so that an address inside an address falls apart.
#[must_use]
pub fn query_value(search: &str, name: &str) -> Option<String> {
    let search = search.strip_prefix('?').unwrap_or(search);
    form_urlencoded::parse(search.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::error::FieldConflict;

    const ID: &str = "01933d3e-0000-7000-8000-000000000001";

    #[test]
    fn every_form_reads_back_its_own_path() {
        for pattern in Form::PATTERNS {
            let path = pattern.replace("{id}", ID);
            let form = Form::parse(&path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!((form.path(), form.pattern()), (path, *pattern));
        }
    }

    #[test]
    fn what_is_no_form_is_none() {
        for path in [
            "/",
            "/customers",
            "/customers/1/edit",
            "/customers//edit",
            "/setup/",
            "/customers/new/edit",
            "/customers/{id}/edit",
            "/customers/01933d3e-0000-7000-8000-0000000000c1",
            "/01933d3e-0000-7000-8000-0000000000c1",
        ] {
            assert_eq!(Form::parse(path), None, "{path}");
        }
    }

    #[test]
    fn only_paths_on_this_site_are_gone_to() {
        for good in ["/", "/customers?filter=a%20b&open=1"] {
            assert_eq!(local_path(good), Some(good));
        }
        for bad in [
            "",
            "customers",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/a b",
            "/ä",
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_address_inside_an_address_is_decoded_once() {
        let search = "?next=%2Fcustomers%3Fq%3Da%2520b%26open%3D1&next=2";
        assert_eq!(
            query_value(search, "next").as_deref(),
            Some("/customers?q=a%20b&open=1")
        );
        assert_eq!(query_value(search, "open"), None);
    }

    #[test]
    fn only_fields_that_differ_from_what_they_were_are_sent() {
        let values = Values::default()
            .with("was.city", "Berlin")
            .with("city", "Bern")
            .with("was.emails", "a@b\nc@d")
            .with("emails", "a@b\r\nc@d")
            .with("version", "3");
        assert_eq!(
            changed(&values),
            Values::default().with("city", "Bern").with("version", "3")
        );
    }

    #[test]
    fn after_a_conflict_the_form_can_be_sent_again_with_either_value() {
        let conflict = FieldConflict {
            field: "city".into(),
            mine: "Bern".into(),
            theirs: "Basel".into(),
            by: None,
        };
        let error = AppError::Conflict {
            version: 9,
            fields: vec![conflict],
        };
        let typed = Values::default()
            .with("was.city", "Berlin")
            .with("city", "Bern")
            .with("version", "3");
        let state = FormState::new(Form::NewCustomer, typed, error);
        assert_eq!(
            changed(&state.values),
            Values::default().with("city", "Bern").with("version", "9")
        );
        let theirs = state.values.with("pick.city", "theirs");
        assert_eq!(changed(&theirs), Values::default().with("version", "9"));
    }

    #[test]
    fn a_failed_form_keeps_no_password() {
        let typed = Values::default().with("password", "secret").with("email", "a@b");
        let state = FormState::new(Form::SignIn, typed, AppError::internal());
        assert_eq!(state.values, Values::default().with("email", "a@b"));
    }
}
