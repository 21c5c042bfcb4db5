//! The people who work here as admins see them: users, teams, invitations, and what may be done about them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::parse_email;
use crate::{
    access::{Ability, BuiltInRole, Kind, Reach},
    error::FieldErrors,
    form::Values,
    id::{InvitationId, TeamId, UserId},
    password, text,
    timeline::Moment,
};

/// Somebody who works here, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// The version of their account.
    pub version: i64,
    /// Their name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// What they may do.
    pub role: BuiltInRole,
    /// Their team.
    pub team: Option<TeamId>,
    /// Their team, by name.
    pub team_name: Option<String>,
    /// Whether they may sign in.
    pub active: bool,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// How many active users are in it.
    pub members: i64,
}

/// Somebody who was asked to join and has not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom it was sent to.
    pub email: String,
    /// The role they will have.
    pub role: BuiltInRole,
    /// The team they will join, by name.
    pub team: Option<String>,
    /// When they were asked.
    pub at: Moment,
    /// Up to when the link is good; none when it is not any more.
    pub until: Option<String>,
    /// The link, to the one who made it a moment ago.
    pub link: Option<String>,
}

/// All who work here, did, or were asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// Users: active ones first, by name.
    pub people: Vec<Person>,
    /// Teams, by name.
    pub teams: Vec<Team>,
    /// Open invitations, newest first.
    pub invitations: Vec<Invitation>,
    /// Who may join.
    pub sign_up: SignUp,
}

/// One user, with what has to be known before something is done about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPage {
    /// The user.
    pub person: Person,
    /// Whether that is the one who looks.
    pub is_me: bool,
    /// Teams to choose from.
    pub teams: Vec<Team>,
    /// Others who can take over.
    pub heirs: Vec<(UserId, String)>,
    /// How many customers they own.
    pub customers: i64,
    /// How many appointments of theirs are still to come.
    pub appointments: i64,
    /// The link for a new password, to the one who made it a moment ago.
    pub link: Option<String>,
    /// Whether they have a second factor.
    pub second_factor: bool,
}

/// What is to change about a user: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonPatch {
    /// Their name.
    pub name: Option<String>,
    /// The address they sign in with.
    pub email: Option<String>,
    /// What they may do.
    pub role: Option<BuiltInRole>,
    /// Their team; inside, none for no team.
    pub team: Option<Option<TeamId>>,
    /// Whether their customers come along to the new team.
    pub customers_follow: bool,
}

impl PersonPatch {
    /// Checks those of `name`, `email`, `role` and `team` that are named in `changed`; `follow` says whether customers
    /// come along.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values, changed: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut patch = Self {
            customers_follow: values.get("follow") == "on",
            ..Self::default()
        };
        if changed.has("name") {
            let name = text::required_line(changed.get("name"), "Please give a name.");
            patch.name = errors.take("name", name);
        }
        if changed.has("email") {
            patch.email = errors.take("email", parse_email(changed.get("email")));
        }
        if changed.has("role") {
            patch.role = errors.take("role", changed.get("role").parse());
        }
        if changed.has("team") {
            patch.team = errors.take("team", parse_team(changed.get("team")));
        }
        if errors.is_empty() { Ok(patch) } else { Err(errors) }
    }
}

pub(crate) fn parse_team(raw: &str) -> Result<Option<TeamId>, &'static str> {
    match raw {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| "Please choose a team."),
    }
}

/// Who takes over what somebody had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heir {
    /// Everything stays as it is.
    Nobody,
    /// Customers are owned by nobody from then on; appointments stay.
    Unowned,
    /// Somebody else.
    User(UserId),
}

impl Heir {
    /// Reads the field `heir`: `keep`, `nobody` or a user's id.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        match values.get("heir") {
            "keep" => Ok(Self::Nobody),
            "nobody" => Ok(Self::Unowned),
            id => id.parse().map(Self::User).map_err(|_| {
                FieldErrors::one(
                    "heir",
                    "Please choose who takes over, or that all stays as it is.",
                )
            }),
        }
    }
}

/// What became of what somebody had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// How many customers went.
    pub customers: u64,
    /// How many appointments went.
    pub appointments: u64,
    /// How many appointments stayed, because the heir is taken then.
    pub stayed: u64,
    /// Whether customers are still on their way.
    pub in_background: bool,
}

impl HandedOver {
    /// In a sentence or two, to follow what was done.
    #[must_use]
    pub fn said(&self) -> String {
        let many = |count: u64, word: &str| match count {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        let mut said = String::new();
        if self.in_background {
            said.push_str(" The customers are being handed over; that takes a while.");
        }
        let went: Vec<String> = [(self.customers, "customer"), (self.appointments, "appointment")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| many(count, word))
            .collect();
        if !went.is_empty() {
            said.push_str(&format!(" Handed over: {}.", went.join(" and ")));
        }
        if self.stayed > 0 {
            let stayed = many(self.stayed, "appointment");
            said.push_str(&format!(
                " Left as they are: {stayed}, for who takes over is taken then."
            ));
        }
        said
    }
}

/// A checked name of a team.
///
/// # Errors
/// A sentence for `name`.
pub fn team_name(values: &Values) -> Result<String, FieldErrors> {
    text::required_line(values.get("name"), "Please give the team a name.")
        .map_err(|sentence| FieldErrors::one("name", sentence))
}

/// A checked invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// Minted with the form.
    pub id: InvitationId,
    /// Whom to ask.
    pub email: String,
    /// The role they will have.
    pub role: BuiltInRole,
    /// The team they will join.
    pub team: Option<TeamId>,
}

impl NewInvitation {
    /// Checks `id`, `email`, `role` and `team`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let id = errors.take(
            "form",
            values
                .get("id")
                .parse()
                .map_err(|_| "Please open the form again."),
        );
        let email = errors.take("email", parse_email(values.get("email")));
        let role = errors.take("role", values.get("role").parse());
        let team = errors.take("team", parse_team(values.get("team")));
        match (id, email, role, team) {
            (Some(id), Some(email), Some(role), Some(team)) => Ok(Self {
                id,
                email,
                role,
                team,
            }),
            _ => Err(errors),
        }
    }
}

/// Who may join.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Nobody.
    Closed,
    /// Who was asked to.
    #[default]
    Invitation,
    /// Also who has an address of one of the listed domains.
    Domains,
}
crate::access::words!(SignUp: Closed = "closed", Invitation = "invitation", Domains = "domains");

/// Checks the domains whose addresses may sign up, separated by blanks or commas: `example.org, example.com`.
///
/// # Errors
/// A sentence for the field.
pub fn parse_domains(raw: &str) -> Result<Vec<String>, String> {
    let words = raw.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
    let words = words
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_start_matches('@').to_lowercase());
    let mut domains = Vec::new();
    for domain in words {
        if !looks_like_domain(&domain) {
            return Err(format!("“{domain}” is not a domain such as example.org."));
        }
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    if domains.len() > 100 {
        return Err("Please list at most 100 domains.".to_owned());
    }
    Ok(domains)
}

/// Labels of letters, digits and hyphens (RFC 1035), with a dot between them. What is not ASCII is written in its
/// ASCII form, as in an address.
fn looks_like_domain(text: &str) -> bool {
    let label = |label: &str| {
        let inside = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inside && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// What an invitation says to the one who opens its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The organisation that they are asked into.
    pub organisation: String,
    /// The address they will sign in with.
    pub email: String,
}

/// A checked form of somebody who joins. It is not for a log: it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Join {
    /// The secret of the link.
    pub token: String,
    /// Their full name.
    pub name: String,
    /// The password, checked against the rules.
    pub password: String,
}

impl Join {
    /// Checks `name` and `password`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(
            "name",
            text::required_line(values.get("name"), "Please give your name."),
        );
        let password = password::check_for(values.get("password"), &[values.get("name")]);
        match (name, errors.take("password", password)) {
            (Some(name), Some(password)) => Ok(Self {
                token: values.get("token").to_owned(),
                name,
                password,
            }),
            _ => Err(errors),
        }
    }
}

/// One line of what a role grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Of which kind of record.
    pub kind: Kind,
    /// What may be done.
    pub ability: Ability,
    /// How far that reaches.
    pub reach: Reach,
}

/// A role, with what it grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleView {
    /// The role.
    pub role: BuiltInRole,
    /// How many active users have it.
    pub members: i64,
    /// What it grants; what is not in it is denied.
    pub grants: Vec<Grant>,
}

/// A mail on its way out, or one that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Whom it is for.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// The text, until it was sent.
    pub body: Option<String>,
    /// When it was written.
    pub at: Moment,
    /// How it is: sent, waiting, or why it could not be sent.
    pub state: MailState,
}

/// How a mail is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailState {
    /// It lies here: there is no server to send it by.
    Kept,
    /// It is tried again; the sentence says why it was not sent yet, if it was tried.
    Waiting(Option<String>),
    /// It went.
    Sent,
    /// It was given up.
    Failed(String),
}

/// The newest mails, and whether there is a server to send them by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Newest first.
    pub mails: Vec<Mail>,
    /// Whether mail leaves.
    pub leaves: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_read_as_people_list_them() {
        let listed = parse_domains(" Example.org, @sub.example.com\nexample.org ").unwrap();
        assert_eq!(listed, ["example.org", "sub.example.com"]);
        assert_eq!(parse_domains(" , ").unwrap(), Vec::<String>::new());
        for wrong in [
            "example", "exa mple", "-a.org", "a..org", "ä.org", "a@b.org", "*.org",
        ] {
            assert!(parse_domains(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_named_of_a_user_changes() {
        let values = Values::default()
            .with("role", "manager")
            .with("team", "")
            .with("follow", "on");
        let patch = PersonPatch::parse(&values, &values).unwrap();
        assert_eq!((patch.role, patch.team), (Some(BuiltInRole::Manager), Some(None)));
        assert_eq!(
            (patch.name, patch.email, patch.customers_follow),
            (None, None, true)
        );
        let wrong = Values::default()
            .with("role", "owner")
            .with("team", "x")
            .with("email", "x");
        let errors = PersonPatch::parse(&wrong, &wrong).unwrap_err();
        assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["email", "role", "team"]);
    }

    #[test]
    fn who_takes_over_has_to_be_said() {
        let heir = |text: &str| Heir::parse(&Values::default().with("heir", text));
        assert_eq!(heir("keep"), Ok(Heir::Nobody));
        assert_eq!(heir("nobody"), Ok(Heir::Unowned));
        assert!(heir("").is_err() && heir("somebody").is_err());
    }

    #[test]
    fn what_was_handed_over_is_said_in_full() {
        let handed = HandedOver {
            customers: 2,
            appointments: 1,
            stayed: 1,
            in_background: false,
        };
        assert_eq!(
            handed.said(),
            " Handed over: 2 customers and 1 appointment. Left as they are: 1 appointment, for who takes over is taken \
             then."
        );
        assert_eq!(HandedOver::default().said(), "");
    }
}
