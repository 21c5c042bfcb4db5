//! Records that are not parts of a customer, as an undo finds them: what they are called, and what the actor may do.

use std::collections::{BTreeSet, HashMap, HashSet};

use rapport_domain::{
    access::{Ability, Actor, Kind, Scope},
    id::{BatchId, TeamId, UserId},
    journal::Op,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::Recorded;
use crate::{
    Ctx, Result,
    database::lock_staff,
    journal::{Fields, RecordKind},
    sql::sql,
};

/// What everybody may set about themselves.
const OWN_FIELDS: [&str; 2] = ["name", "zone"];

/// A record as it stands.
pub(super) struct Other {
    pub(super) name: String,
    pub(super) sees: bool,
    changes: bool,
    moves: bool,
    in_trash: bool,
    /// Whether it is the actor's own account.
    own: bool,
    /// Who keeps it, if it is an appointment, and whether it is one that was cancelled.
    pub(super) staff: Vec<Uuid>,
    pub(super) cancelled: bool,
}

impl Other {
    /// Why the inverse of a change may not be done, if so.
    pub(super) fn refusal(&self, kind: RecordKind, op: Op, fields: &Fields) -> Option<&'static str> {
        let own = self.own && op == Op::Update && fields.keys().all(|field| OWN_FIELDS.contains(&&**field));
        let may = if op == Op::Update {
            self.changes
        } else {
            self.moves
        };
        if !may && !own {
            Some("You may not change this any more.")
        } else if self.in_trash && kind.table().trash && op == Op::Update {
            Some("Its booking was taken back.")
        } else {
            None
        }
    }
}

/// The records of these changes that are no parts of customers, held still.
pub(super) async fn load(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    recorded: &[Recorded],
) -> Result<HashMap<Uuid, Other>> {
    let actor = ctx.actor();
    let mut others = appointments(tx, actor, ids(recorded, RecordKind::Appointment)).await?;
    for (kind, held, name) in [
        (RecordKind::AppointmentType, Kind::Setting, "name"),
        (RecordKind::Organisation, Kind::Setting, "name"),
        (RecordKind::Team, Kind::User, "name"),
        (RecordKind::User, Kind::User, "name"),
        (RecordKind::Invitation, Kind::User, "email"),
        (RecordKind::Webhook, Kind::Setting, "name"),
    ] {
        others.extend(plain(tx, actor, kind, held, name, ids(recorded, kind)).await?);
    }
    Ok(others)
}

fn ids(recorded: &[Recorded], kind: RecordKind) -> Vec<Uuid> {
    let of_kind = recorded.iter().filter(|change| change.kind == kind.word());
    let ids: HashSet<Uuid> = of_kind.map(|change| change.record).collect();
    ids.into_iter().collect()
}

#[derive(FromQueryResult)]
struct Plain {
    id: Uuid,
    name: String,
}

/// Records whose right is the same for all of their kind; those that are gone are told by their kind.
async fn plain(
    tx: &DatabaseTransaction,
    actor: &Actor,
    kind: RecordKind,
    held: Kind,
    name: &str,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Other>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let table = kind.table().name;
    let text =
        format!("SELECT id, {name} AS name FROM {table} WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE");
    let found = Plain::find_by_statement(sql(&text, [ids.clone().into()]))
        .all(tx)
        .await?;
    let mut names: HashMap<Uuid, String> = found.into_iter().map(|one| (one.id, one.name)).collect();
    let may = actor.scope(held, Ability::Update) == Scope::All;
    let others = ids.into_iter().map(|id| {
        let own = kind == RecordKind::User && id == actor.user.0;
        let other = Other {
            name: names.remove(&id).unwrap_or_else(|| table.replace('_', " ")),
            sees: own || actor.scope(held, Ability::Read) == Scope::All,
            changes: may,
            moves: may,
            in_trash: false,
            own,
            staff: Vec::new(),
            cancelled: false,
        };
        (id, other)
    });
    Ok(others.collect())
}

#[derive(FromQueryResult)]
struct Booked {
    id: Uuid,
    name: String,
    in_trash: bool,
    cancelled: bool,
    staff: Vec<Uuid>,
    /// The team of each of them; the nil id for none.
    teams: Vec<Uuid>,
}

async fn appointments(
    tx: &DatabaseTransaction,
    actor: &Actor,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Other>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = sql(
        "SELECT a.id, coalesce(a.title, (SELECT t.name FROM appointment_type t WHERE t.id = a.type_id)) AS name, \
                a.deleted_at IS NOT NULL AS in_trash, a.status = 'cancelled' AS cancelled, \
                ARRAY(SELECT s.staff FROM appointment_staff s WHERE s.appointment = a.id ORDER BY s.staff) AS staff, \
                ARRAY(SELECT coalesce(s.team, '00000000-0000-0000-0000-000000000000') FROM appointment_staff s WHERE s.appointment = a.id ORDER BY s.staff) AS teams \
         FROM appointment a WHERE a.id = ANY($1) ORDER BY a.id FOR UPDATE",
        [ids.into()],
    );
    let found = Booked::find_by_statement(statement).all(tx).await?;
    let others = found.into_iter().map(|booked| {
        let within = |ability| {
            let scope = actor.scope(Kind::Appointment, ability);
            let mut keepers = booked.staff.iter().zip(&booked.teams);
            keepers.any(|(staff, team)| scope.holds(Some(UserId(*staff)), Some(TeamId(*team))))
        };
        let other = Other {
            sees: within(Ability::Read),
            changes: within(Ability::Update),
            moves: within(Ability::Update),
            in_trash: booked.in_trash,
            own: false,
            name: booked.name,
            staff: booked.staff,
            cancelled: booked.cancelled,
        };
        (booked.id, other)
    });
    Ok(others.collect())
}

#[derive(FromQueryResult)]
struct Keeper {
    id: Uuid,
}

/// Locks the time of all who keep these appointments, or would again.
pub(super) async fn lock_keepers(tx: &DatabaseTransaction, recorded: &[Recorded]) -> Result<()> {
    let booked = ids(recorded, RecordKind::Appointment);
    // Who goes back to another team takes their appointments along.
    let moved = recorded.iter().filter(|change| {
        let fields = change.before.as_ref().and_then(Value::as_object);
        change.kind == RecordKind::User.word() && fields.is_some_and(|fields| fields.contains_key("team_id"))
    });
    let moved: Vec<Uuid> = moved.map(|change| change.record).collect();
    if booked.is_empty() && moved.is_empty() {
        return Ok(());
    }
    let statement = sql(
        "SELECT DISTINCT unnest(staff) AS id FROM appointment WHERE id = ANY($1)",
        [booked.into()],
    );
    let now = Keeper::find_by_statement(statement).all(tx).await?;
    let mut keepers: BTreeSet<Uuid> = now.into_iter().map(|keeper| keeper.id).collect();
    keepers.extend(former_keepers(recorded));
    keepers.extend(moved);
    lock_staff(tx, keepers).await
}

fn former_keepers(recorded: &[Recorded]) -> impl Iterator<Item = Uuid> {
    recorded
        .iter()
        .filter_map(|change| change.before.as_ref()?.get("staff")?.as_array())
        .flatten()
        .filter_map(|id| Uuid::try_parse(id.as_str()?).ok())
}

#[derive(FromQueryResult)]
struct Former {
    id: Uuid,
    team: Option<Uuid>,
}

/// Who kept appointments before these changes, or keeps them, works here still, and is within the reach of who books: as a
/// save asks.
pub(super) async fn bookable_keepers(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    recorded: &[Recorded],
    others: &HashMap<Uuid, Other>,
) -> Result<HashSet<Uuid>> {
    let present = others.values().flat_map(|other| other.staff.iter().copied());
    let former: Vec<Uuid> = former_keepers(recorded).chain(present).collect();
    if former.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = sql(
        "SELECT id, team_id AS team FROM app_user WHERE active AND NOT program AND id = ANY($1)",
        [former.into()],
    );
    let within = actor.scope(Kind::Appointment, Ability::Create);
    let active = Former::find_by_statement(statement).all(tx).await?.into_iter();
    let reached = active.filter(|one| within.holds(Some(UserId(one.id)), one.team.map(TeamId)));
    Ok(reached.map(|one| one.id).collect())
}

/// The types of appointments that can be booked, held still, where changes are about some.
pub(super) async fn types_in_use(tx: &impl ConnectionTrait, recorded: &[Recorded]) -> Result<HashSet<Uuid>> {
    if ids(recorded, RecordKind::AppointmentType).is_empty() {
        return Ok(HashSet::new());
    }
    let statement = sql(
        "SELECT id FROM appointment_type WHERE active ORDER BY id FOR UPDATE",
        [],
    );
    let types = Keeper::find_by_statement(statement).all(tx).await?;
    Ok(types.into_iter().map(|one| one.id).collect())
}

#[derive(FromQueryResult)]
struct Closed {
    id: Uuid,
}

/// Whose account is closed by this batch, and will be open again without it.
pub(super) async fn opened_again(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    target: BatchId,
) -> Result<Option<Uuid>> {
    if actor.scope(Kind::User, Ability::Update) != Scope::All {
        return Ok(None);
    }
    let statement = sql(
        "SELECT u.id FROM batch b JOIN app_user u ON u.id = (b.detail ->> 'user')::uuid \
         WHERE b.id = $1 AND b.command = 'deactivate user' \
           AND b.id = (SELECT c.batch FROM change c WHERE c.subject = u.id AND c.kind = 'user' \
                         AND c.after ? 'active' ORDER BY c.seq DESC LIMIT 1)",
        [target.0.into()],
    );
    let closed = Closed::find_by_statement(statement).one(tx).await?;
    Ok(closed.map(|closed| closed.id))
}

/// Whether all of these people are among those.
pub(super) fn all_among(staff: &Value, active: &HashSet<Uuid>) -> bool {
    let staff = staff.as_array().map(Vec::as_slice).unwrap_or_default();
    staff.iter().all(|id| {
        id.as_str()
            .and_then(|id| Uuid::try_parse(id).ok())
            .is_some_and(|id| active.contains(&id))
    })
}
