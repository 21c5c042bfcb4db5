//! The people who work here: signing in, the first set-up; and how admins see them.

use serde::{Deserialize, Serialize};

use crate::{
    access::BuiltInRole, customer::looks_like_email, error::FieldErrors, form::Values, id::UserId, password,
    text,
};

pub mod people;
pub mod security;

/// What a page knows of the person who looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Their role, by name.
    pub role: String,
    /// Their team, by name.
    pub team: Option<String>,
    /// The organisation that runs this installation.
    pub organisation: String,
    /// Whether they may make customers.
    pub may_create: bool,
    /// Whether they may take customers away as a file.
    pub may_export: bool,
    /// Whether they may book appointments.
    pub may_book: bool,
    /// Whether they may change the settings.
    pub may_set: bool,
    /// Whether they may say who works here.
    pub may_admit: bool,
}

/// Checks and cleans an address to sign in with.
///
/// # Errors
/// A sentence for the field.
pub fn parse_email(raw: &str) -> Result<String, String> {
    let email = text::required_line(raw, "Please give an e-mail address.")?;
    if looks_like_email(&email) {
        Ok(email)
    } else {
        Err(format!("“{email}” is not an e-mail address."))
    }
}

/// The form of an address by which an account is found: lower case.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// A checked sign-in form. The password is taken as typed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
    /// A code of the second factor, for an account that has one.
    pub code: Option<String>,
}

impl SignIn {
    /// Checks that address and password are there; whether they are right is not for a form to say.
    ///
    /// # Errors
    /// A sentence for each missing field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.take(
            "email",
            text::required_line(values.get("email"), "Please give your e-mail address."),
        );
        let password = password::typed(values.get("password"));
        let code = errors.take("code", text::line(values.get("code")));
        match (email, errors.take("password", password), code) {
            (Some(email), Some(password), Some(code)) => Ok(Self {
                email,
                password,
                code: text::non_empty(code),
            }),
            _ => Err(errors),
        }
    }
}

/// A checked set-up form: the first admin of a new installation.
#[derive(Clone, PartialEq, Eq)]
pub struct SetUp {
    /// The one-time token from the console.
    pub token: String,
    /// The organisation's name; the first team bears it too.
    pub organisation: String,
    /// Where it is: the zone of the browser, if it told.
    pub zone: Option<String>,
    /// The admin.
    pub admin: NewUser,
}

impl SetUp {
    /// Checks the form.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let token = errors.take(
            "token",
            text::required_line(
                values.get("token"),
                "Please give the token from the server’s console.",
            ),
        );
        let organisation = errors.take(
            "organisation",
            text::required_line(values.get("organisation"), "Please name your organisation."),
        );
        let admin = NewUser::parse(values, BuiltInRole::Admin)
            .map_err(|more| errors.0.extend(more.0))
            .ok();
        match (token, organisation, admin) {
            (Some(token), Some(organisation), Some(admin)) => Ok(Self {
                token,
                organisation,
                zone: text::non_empty(values.get("zone").to_owned()),
                admin,
            }),
            _ => Err(errors),
        }
    }
}

/// A checked new user.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Full name.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password, checked against the rules.
    pub password: String,
    /// The role to start with.
    pub role: BuiltInRole,
}

impl NewUser {
    /// Checks `name`, `email` and `password`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values, role: BuiltInRole) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(
            "name",
            text::required_line(values.get("name"), "Please give a name."),
        );
        let email = errors.take("email", parse_email(values.get("email")));
        let password = errors.take("password", {
            let known = ["name", "email", "organisation"].map(|field| values.get(field));
            password::check_for(values.get("password"), &known)
        });
        match (name, email, password) {
            (Some(name), Some(email), Some(password)) => Ok(Self {
                name,
                email,
                password,
                role,
            }),
            _ => Err(errors),
        }
    }
}
