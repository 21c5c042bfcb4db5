//! Keys by which a program acts for somebody.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    access::{BuiltInRole, words},
    error::FieldErrors,
    form::Values,
    id::{ApiKeyId, TeamId, UserId},
    text,
    timeline::Moment,
    user::people::parse_team,
};

/// What every key begins with, so that scanners of code and logs know one when they see it:
/// `rapport_key_[0-9a-f]{64}`.
pub const PREFIX: &str = "rapport_key_";

/// The most keys that somebody has at once.
pub const KEYS_MAX: usize = 50;

/// What a key may do of what its owner may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAccess {
    /// Look.
    Read,
    /// All of it.
    Write,
}
words!(KeyAccess: Read = "read", Write = "write");

impl KeyAccess {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "Look only",
            Self::Write => "All that you may do",
        }
    }
}

/// How long a key is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasts(Option<u16>);

impl Lasts {
    /// What there is to choose: days, and its words.
    pub const EVERY: [(&'static str, &'static str); 4] = [
        ("30", "30 days"),
        ("90", "90 days"),
        ("365", "A year"),
        ("0", "Until it is revoked"),
    ];

    /// In days; nothing when it does not end by itself.
    #[must_use]
    pub fn days(self) -> Option<u16> {
        self.0
    }

    fn parse(raw: &str) -> Result<Self, &'static str> {
        let known = Self::EVERY.iter().any(|(days, _)| *days == raw);
        let days = raw
            .parse()
            .ok()
            .filter(|_| known)
            .ok_or("Please pick one of the list.")?;
        Ok(Self((days > 0).then_some(days)))
    }
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Minted with the form.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub access: KeyAccess,
    /// How long it is good.
    pub lasts: Lasts,
}

impl NewKey {
    /// Checks `id`, `name`, `access` and `days`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let again = "Please open the form again.";
        let id = errors.take("form", values.get("id").parse().map_err(|_| again));
        let name = text::required_line(values.get("name"), "Please say what the key is for.");
        let name = errors.take("name", name);
        let access = errors.take("access", values.get("access").parse());
        let lasts = errors.take("days", Lasts::parse(values.get("days")));
        match (id, name, access, lasts) {
            (Some(id), Some(name), Some(access), Some(lasts)) => Ok(Self {
                id,
                name,
                access,
                lasts,
            }),
            _ => Err(errors),
        }
    }
}

/// A program with an account of its own, and its first key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProgram {
    /// Minted with the form; its key has it, too.
    pub id: UserId,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: BuiltInRole,
    /// The team it belongs to.
    pub team: Option<TeamId>,
    /// Its first key.
    pub key: NewKey,
}

impl NewProgram {
    /// Checks `id`, `name`, `role`, `team`, `access` and `days`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let key = NewKey::parse(values);
        if let Err(wrong) = &key {
            errors.0.extend(wrong.0.clone());
        }
        let role = errors.take("role", values.get("role").parse());
        let team = errors.take("team", parse_team(values.get("team")));
        match (key, role, team) {
            (Ok(key), Some(role), Some(team)) => Ok(Self {
                id: UserId(key.id.0),
                name: key.name.clone(),
                role,
                team,
                key,
            }),
            _ => Err(errors),
        }
    }
}

/// A program with an account of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its account.
    pub id: UserId,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: BuiltInRole,
    /// Its team, by name.
    pub team: Option<String>,
    /// Its keys, newest first.
    pub keys: Vec<KeyView>,
}

/// A key of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedKey {
    /// Whose it is, by name.
    pub owner: String,
    /// The key.
    pub key: KeyView,
}

/// All keys there are, for admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllKeys {
    /// Programs with accounts of their own, by name.
    pub programs: Vec<Program>,
    /// The keys of people, by their owners.
    pub personal: Vec<OwnedKey>,
    /// Teams that a new program can belong to.
    pub teams: Vec<(TeamId, String)>,
}

/// A key as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    /// What it may do.
    pub access: KeyAccess,
    /// When it was made.
    pub created: Moment,
    /// When it was last used, to the minute.
    pub used: Option<Moment>,
    /// The day on which it ends, by the owner's clock, if it does.
    pub expires: Option<String>,
    /// Whether that day has passed.
    pub expired: bool,
    /// The key itself, for ten minutes to the one who made it.
    pub secret: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_named_and_lasts_as_long_as_can_be_chosen() {
        let values = |days: &str| {
            Values::default()
                .with("id", "01933d3e-0000-7000-8000-000000000001")
                .with("name", " Sync ")
                .with("access", "read")
                .with("days", days)
        };
        let key = NewKey::parse(&values("90")).unwrap();
        assert_eq!(
            (key.name.as_str(), key.access, key.lasts.days()),
            ("Sync", KeyAccess::Read, Some(90))
        );
        assert_eq!(NewKey::parse(&values("0")).unwrap().lasts.days(), None);
        for wrong in ["", "7", "-1", "90 "] {
            assert!(NewKey::parse(&values(wrong)).is_err(), "{wrong:?}");
        }
        let errors = NewKey::parse(&Values::default()).unwrap_err();
        assert_eq!(
            errors.0.keys().collect::<Vec<_>>(),
            ["access", "days", "form", "name"]
        );
    }
}
