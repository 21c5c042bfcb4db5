//! Who may take a change back: one rule, for the undo itself and for the timeline that offers it.

use std::collections::HashSet;

use rapport_domain::{
    access::{Ability, Actor, Kind},
    id::{TeamId, UserId},
    journal::Op,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::{Fields, RecordKind};
use crate::{Result, sql::sql};

/// The columns that say whose a customer is.
pub(in crate::journal) const OWNERSHIP: [&str; 2] = ["owner_id", "team_id"];

/// What somebody may do about a customer as it stands.
pub(crate) struct Right<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) owner: Option<Uuid>,
    pub(crate) team: Option<Uuid>,
    pub(crate) in_trash: bool,
}

impl Right<'_> {
    pub(crate) fn sees(&self) -> bool {
        self.reaches(Kind::Customer, Ability::Read)
    }

    /// Why the inverse of a change may not be done, if so. What it says about the owner is asked for by itself.
    pub(crate) fn refusal(&self, kind: RecordKind, op: Op) -> Option<&'static str> {
        let record = if kind == RecordKind::Activity {
            Kind::Activity
        } else {
            Kind::Customer
        };
        let ability = match op {
            Op::Create | Op::Trash | Op::Restore if kind.table().trash => Ability::Delete,
            _ => Ability::Update,
        };
        let moves_it = kind == RecordKind::Customer && op != Op::Update;
        if !self.reaches(record, ability) {
            Some("You may not change this any more.")
        } else if self.in_trash && !moves_it {
            Some("It lies in the trash.")
        } else {
            None
        }
    }

    /// Why the customer may not be given back to whose it was before a change, if so: by the rule by which it is given
    /// to somebody.
    pub(crate) fn owner_refusal(&self, before: &Fields, active: &HashSet<Uuid>) -> Option<&'static str> {
        if !OWNERSHIP.iter().any(|column| before.contains_key(*column)) {
            return None;
        }
        let owner = id_in(before, "owner_id", self.owner);
        let team = id_in(before, "team_id", self.team);
        let assigns = self.actor.scope(Kind::Customer, Ability::Assign);
        if !self.reaches(Kind::Customer, Ability::Assign) {
            Some("You may not change the owner.")
        } else if before.contains_key("owner_id") && owner.is_some_and(|owner| !active.contains(&owner)) {
            Some("Who owned it before does not work here any more.")
        } else if !assigns.holds(owner.map(UserId), team.map(TeamId)) {
            Some("You may not give it back to who owned it before.")
        } else {
            None
        }
    }

    fn reaches(&self, kind: Kind, ability: Ability) -> bool {
        let scope = self.actor.scope(kind, ability);
        scope.holds(self.owner.map(UserId), self.team.map(TeamId))
    }
}

/// The id that a change names in a column; where it does not name the column, what stands there.
pub(in crate::journal) fn id_in(fields: &Fields, column: &str, stands: Option<Uuid>) -> Option<Uuid> {
    match fields.get(column) {
        Some(value) => value.as_str().and_then(|id| Uuid::try_parse(id).ok()),
        None => stands,
    }
}

#[derive(FromQueryResult)]
struct Active {
    id: Uuid,
}

/// Those who owned customers before these changes and work here still.
pub(crate) async fn active_owners<'a>(
    db: &impl ConnectionTrait,
    befores: impl Iterator<Item = &'a Value>,
) -> Result<HashSet<Uuid>> {
    let owners = befores.filter_map(|before| before.get("owner_id")?.as_str());
    let owners: Vec<Uuid> = owners.filter_map(|id| Uuid::try_parse(id).ok()).collect();
    if owners.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = sql(
        "SELECT id FROM app_user WHERE active AND id = ANY($1)",
        [owners.into()],
    );
    let active = Active::find_by_statement(statement).all(db).await?;
    Ok(active.into_iter().map(|user| user.id).collect())
}
