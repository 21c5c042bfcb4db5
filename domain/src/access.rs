//! Who may do what, and how far it reaches. Denied by default.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::id::{RoleId, TeamId, UserId};

/// A kind of record that rights are granted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// People and companies, with their contact points and references.
    Customer,
    /// Notes; their scope is that of their customer.
    Activity,
    /// The people who work here.
    User,
    /// Appointments: own means to be on their staff.
    Appointment,
    /// What the installation is set to.
    Setting,
}

/// What one may do to a kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// See it.
    Read,
    /// Make a new one.
    Create,
    /// Change its fields.
    Update,
    /// Move it to the trash and back.
    Delete,
    /// Take it away as a file.
    Export,
    /// Change its owner.
    Assign,
}

/// How far an ability reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nothing.
    None,
    /// What the actor owns.
    Own,
    /// What the actor's team or the actor owns.
    Team,
    /// Everything, also what nobody owns.
    All,
}

macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+) => {
        impl $type {
            /// Every value, in order.
            pub const EVERY: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands for it in the database and in a URL.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("“{}” is not known here.", text.chars().take(40).collect::<String>())),
                }
            }
        }
    };
}
pub(crate) use words;

words!(Kind: Customer = "customer", Activity = "activity", User = "user", Appointment = "appointment", Setting = "setting");
words!(Ability: Read = "read", Create = "create", Update = "update", Delete = "delete", Export = "export", Assign = "assign");
words!(Reach: None = "none", Own = "own", Team = "team", All = "all");

/// The rights of a role. What is not in it is [`Reach::None`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<(Kind, Ability), Reach>);

impl Grants {
    /// Sets one line of the table.
    pub fn set(&mut self, kind: Kind, ability: Ability, reach: Reach) {
        self.0.insert((kind, ability), reach);
    }

    /// How far the ability reaches.
    #[must_use]
    pub fn reach(&self, kind: Kind, ability: Ability) -> Reach {
        self.0.get(&(kind, ability)).copied().unwrap_or(Reach::None)
    }
}

impl Grants {
    /// Only what looks at something.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.0
            .retain(|(_, ability), _| matches!(ability, Ability::Read | Ability::Export));
        self
    }
}

impl FromIterator<(Kind, Ability, Reach)> for Grants {
    fn from_iter<I: IntoIterator<Item = (Kind, Ability, Reach)>>(lines: I) -> Self {
        Self(
            lines
                .into_iter()
                .map(|(kind, ability, reach)| ((kind, ability), reach))
                .collect(),
        )
    }
}

/// The person on whose behalf something is done, with the rights they have at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub user: UserId,
    /// Their name, for what they leave behind.
    pub name: String,
    /// Their team.
    pub team: Option<TeamId>,
    /// Their role.
    pub role: RoleId,
    /// What the role grants.
    pub grants: Grants,
    /// Where their clock stands: a name of the IANA database.
    pub zone: String,
}

impl Actor {
    /// The rows that the ability reaches.
    #[must_use]
    pub fn scope(&self, kind: Kind, ability: Ability) -> Scope {
        match (self.grants.reach(kind, ability), self.team) {
            (Reach::None, _) => Scope::Nothing,
            (Reach::Own, _) | (Reach::Team, None) => Scope::Own(self.user),
            (Reach::Team, Some(team)) => Scope::Team(self.user, team),
            (Reach::All, _) => Scope::All,
        }
    }

    /// True when the ability reaches anything at all.
    #[must_use]
    pub fn may(&self, kind: Kind, ability: Ability) -> bool {
        self.grants.reach(kind, ability) > Reach::None
    }
}

/// The rows that somebody may see or touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// No row.
    Nothing,
    /// Rows of this owner.
    Own(UserId),
    /// Rows of this owner or of this team.
    Team(UserId, TeamId),
    /// Every row.
    All,
}

impl Scope {
    /// Whether a row with this owner and team is inside.
    #[must_use]
    pub fn holds(self, owner: Option<UserId>, team: Option<TeamId>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Own(user) => owner == Some(user),
            Self::Team(user, mine) => owner == Some(user) || team == Some(mine),
            Self::All => true,
        }
    }
}

/// The roles that every installation starts with. Their grants live in the database and can be changed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltInRole {
    /// Runs the installation.
    Admin,
    /// Leads a team.
    Manager,
    /// Works with customers.
    Member,
    /// Looks, but does not touch.
    ReadOnly,
}

words!(BuiltInRole: Admin = "admin", Manager = "manager", Member = "member", ReadOnly = "read_only");

impl BuiltInRole {
    /// Its name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Manager => "Manager",
            Self::Member => "Member",
            Self::ReadOnly => "Read-only",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::uuid_v7;

    fn actor(reach: Reach, team: Option<TeamId>) -> Actor {
        Actor {
            user: UserId(uuid_v7(1, [1; 10])),
            name: "A".to_owned(),
            team,
            role: RoleId(uuid_v7(2, [2; 10])),
            grants: [(Kind::Customer, Ability::Read, reach)].into_iter().collect(),
            zone: "UTC".to_owned(),
        }
    }

    #[test]
    fn what_is_not_granted_is_denied() {
        assert_eq!(
            actor(Reach::All, None).scope(Kind::Customer, Ability::Delete),
            Scope::Nothing
        );
        assert_eq!(
            actor(Reach::All, None).scope(Kind::User, Ability::Read),
            Scope::Nothing
        );
    }

    #[test]
    fn a_team_reach_without_a_team_is_the_own_reach() {
        let actor = actor(Reach::Team, None);
        assert_eq!(actor.scope(Kind::Customer, Ability::Read), Scope::Own(actor.user));
    }

    #[test]
    fn a_row_without_owner_and_team_is_seen_by_scope_all_only() {
        let team = TeamId(uuid_v7(3, [3; 10]));
        for reach in [Reach::None, Reach::Own, Reach::Team] {
            assert!(
                !actor(reach, Some(team))
                    .scope(Kind::Customer, Ability::Read)
                    .holds(None, None)
            );
        }
        assert!(
            actor(Reach::All, None)
                .scope(Kind::Customer, Ability::Read)
                .holds(None, None)
        );
    }
}
