//! What admins do about the people who work here.

use std::collections::BTreeSet;

use rapport_domain::{
    access::{Ability, BuiltInRole, Kind},
    error::{AppError, FieldConflict},
    id::{TeamId, UserId},
    journal::{Op, Receipt},
    user::{
        email_key,
        people::{Grant, HandedOver, Heir, People, Person, PersonPage, PersonPatch, RoleView, Team},
    },
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    account::{address_taken, close_other_ways, existing_team, role_id},
    invitation, link, present,
    reassign::Move,
    team,
};
use crate::{
    Ctx, Error, Result,
    access::require,
    bulk::{self, Plan},
    database::lock_staff,
    journal::{self, Change, Command, Fields, RecordKind, changed_since, fields},
    merge::{disputed, refuse, unchanged, update},
    organisation,
    seen::Seen,
    session,
    sql::sql,
};

/// What is said instead of taking the last admin away.
const LAST_ADMIN: &str = "There has to be an admin. Make somebody else one first.";
/// The most appointments that change hands at once.
const APPOINTMENTS_MAX: i64 = 1_000;

#[derive(FromQueryResult)]
struct Stored {
    id: Uuid,
    version: i64,
    name: String,
    email: String,
    role_id: Uuid,
    role: String,
    team_id: Option<Uuid>,
    team: Option<String>,
    active: bool,
}

impl Stored {
    fn person(self) -> Result<Person> {
        Ok(Person {
            id: UserId(self.id),
            version: self.version,
            role: self.role.parse().map_err(Error::Stored)?,
            name: self.name,
            email: self.email,
            team: self.team_id.map(TeamId),
            team_name: self.team,
            active: self.active,
        })
    }

    fn fields(&self) -> Fields {
        fields(json!({
            "name": self.name, "email": self.email, "email_key": email_key(&self.email),
            "role_id": self.role_id, "team_id": self.team_id, "active": self.active,
        }))
    }
}

const COLUMNS: &str = "SELECT u.id, u.version, u.name, u.email, u.role_id, r.key AS role, u.team_id, t.name AS team, u.active \
     FROM app_user u JOIN role r ON r.id = u.role_id LEFT JOIN team t ON t.id = u.team_id";

/// All who work here, did, or were asked to.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings.
pub async fn people(ctx: &Ctx) -> Result<People> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let text = format!("{COLUMNS} WHERE NOT u.program ORDER BY NOT u.active, lower(u.name), u.id");
    let stored = Stored::find_by_statement(sql(&text, [])).all(ctx.db());
    let (stored, teams, invitations, settings) = futures::try_join!(
        async { Ok(stored.await?) },
        team::all(ctx.db()),
        invitation::open(ctx),
        organisation::settings(ctx.db())
    )?;
    Ok(People {
        people: stored.into_iter().map(Stored::person).collect::<Result<_>>()?,
        teams,
        invitations,
        sign_up: settings.sign_up(),
    })
}

#[derive(FromQueryResult)]
struct Holdings {
    customers: i64,
    appointments: i64,
    second_factor: bool,
}

/// One user.
///
/// # Errors
/// [`AppError::Forbidden`] as [`people`], [`AppError::NotFound`].
pub async fn person(ctx: &Ctx, id: UserId) -> Result<PersonPage> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let stored = stored(ctx.db(), id, "").await?;
    let statement = sql(
        "SELECT (SELECT count(*) FROM customer WHERE owner_id = $1 AND deleted_at IS NULL) AS customers, \
                (SELECT count(*) FROM appointment_staff WHERE staff = $1 AND active AND lower(during) > $2 \
                   AND during && tstzrange($2, NULL)) AS appointments, \
                EXISTS (SELECT FROM second_factor WHERE user_id = $1) AS second_factor",
        [id.0.into(), ctx.clock().now().into()],
    );
    let holdings = Holdings::find_by_statement(statement).one(ctx.db());
    let (holdings, teams, active, link) = futures::try_join!(
        async { Ok(holdings.await?) },
        team::all(ctx.db()),
        present::active(ctx),
        link::seen(ctx, id.0)
    )?;
    let holdings = holdings.unwrap_or(Holdings {
        customers: 0,
        appointments: 0,
        second_factor: false,
    });
    let others = active.into_iter().filter(|(other, ..)| *other != id.0);
    Ok(PersonPage {
        person: stored.person()?,
        is_me: id == ctx.actor().user,
        teams,
        heirs: others.map(|(other, name, _)| (UserId(other), name)).collect(),
        customers: holdings.customers,
        appointments: holdings.appointments,
        link,
        second_factor: holdings.second_factor,
    })
}

async fn stored(db: &impl ConnectionTrait, id: UserId, lock: &str) -> Result<Stored> {
    let text = format!("{COLUMNS} WHERE u.id = $1 AND NOT u.program {lock}");
    let stored = Stored::find_by_statement(sql(&text, [id.0.into()]))
        .one(db)
        .await?;
    Ok(stored.ok_or(AppError::NotFound)?)
}

/// The user, held still. Not more than that: who books for them goes on.
async fn held(tx: &DatabaseTransaction, id: UserId) -> Result<Stored> {
    stored(tx, id, "FOR NO KEY UPDATE OF u").await
}

/// Changes what somebody is here, as seen at a version. What they may do counts from their next click on; their sessions
/// hold no rights. With `customers_follow` their customers go to the new team, as part of the same command.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`], [`AppError::Conflict`]; [`AppError::Invalid`] on
/// `email` for an address that somebody has, on `role` for the last admin, on `team` when there is none such.
pub async fn save_person(
    ctx: &Ctx,
    id: UserId,
    seen: impl Into<Seen>,
    patch: PersonPatch,
) -> Result<(Receipt, HandedOver)> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    if patch.team.is_some() {
        // Their appointments follow; whoever books for them takes their time first, too.
        lock_staff(&tx, [id.0].into()).await?;
    }
    let person = held(&tx, id).await?;
    let seen = seen.into().of(person.version)?;
    let before = person.fields();
    let wanted = wanted(&tx, &patch).await?;
    let Some(change) = update(RecordKind::User, id.0, &before, wanted) else {
        return Ok((unchanged(id.0, person.version), HandedOver::default()));
    };
    let theirs = changed_since(&tx, ctx, RecordKind::User, id.0, id.0, seen).await?;
    let mut conflicts = disputed(&change, &theirs, &before);
    conflicts.retain(|conflict| conflict.field != "email_key");
    if !conflicts.is_empty() {
        let teams = team::all(&tx).await?;
        conflicts
            .iter_mut()
            .for_each(|conflict| speak_plainly(conflict, &person, &patch, &teams));
    }
    refuse(conflicts, person.version)?;
    let follow = patch
        .team
        .filter(|_| patch.customers_follow && change.after.contains_key("team_id"))
        .map(|team| Plan::Move(Move::to_team(id, team)));
    let command = Command::of(ctx, "change user").with_detail(json!({ "user": id }));
    let written = bulk::write(&tx, ctx, command, vec![change], follow).await;
    let written = written.map_err(last_admin_on_role).map_err(address_taken)?;
    tx.commit().await?;
    let receipt = Receipt {
        record: id.0,
        version: person.version + 1,
        batch: Some(written.batch),
    };
    let handed = HandedOver {
        customers: written.customers,
        in_background: written.in_background,
        ..HandedOver::default()
    };
    Ok((receipt, handed))
}

/// Names role and team, which are stored as ids, for people.
fn speak_plainly(conflict: &mut FieldConflict, stands: &Stored, patch: &PersonPatch, teams: &[Team]) {
    let team = |id: Option<TeamId>| {
        let team = teams.iter().find(|team| Some(team.id) == id);
        team.map_or_else(|| "No team".to_owned(), |team| team.name.clone())
    };
    match conflict.field.as_str() {
        "role_id" => {
            let stands = stands.role.parse::<BuiltInRole>().map(BuiltInRole::label);
            conflict.field = "role".to_owned();
            conflict.mine = patch.role.map(BuiltInRole::label).unwrap_or_default().to_owned();
            conflict.theirs = stands.unwrap_or_default().to_owned();
        }
        "team_id" => {
            conflict.field = "team".to_owned();
            conflict.mine = team(patch.team.flatten());
            conflict.theirs = team(stands.team_id.map(TeamId));
        }
        _ => {}
    }
}

async fn wanted(tx: &DatabaseTransaction, patch: &PersonPatch) -> Result<Fields> {
    let mut wanted = Fields::new();
    if let Some(name) = &patch.name {
        wanted.insert("name".to_owned(), json!(name));
    }
    if let Some(email) = &patch.email {
        wanted.insert("email".to_owned(), json!(email));
        wanted.insert("email_key".to_owned(), json!(email_key(email)));
    }
    if let Some(role) = patch.role {
        wanted.insert("role_id".to_owned(), json!(role_id(tx, role).await?));
    }
    if let Some(team) = patch.team {
        let team = match team {
            Some(team) => Some(existing_team(tx, team).await?),
            None => None,
        };
        wanted.insert("team_id".to_owned(), json!(team));
    }
    Ok(wanted)
}

fn last_admin_on_role(error: Error) -> Error {
    if error.is_of_last_admin() {
        AppError::invalid("role", LAST_ADMIN).into()
    } else {
        error
    }
}

/// Closes somebody's account, at once and in all their sessions, and hands over what they had. All of it is one command.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`]; [`AppError::Refused`] for oneself, for the last
/// admin, and for who is not active; [`AppError::Invalid`] on `heir` for who cannot take over.
pub async fn deactivate(ctx: &Ctx, id: UserId, heir: Heir) -> Result<(Receipt, HandedOver)> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    if id == ctx.actor().user {
        let sentence = "You cannot close your own account. Another admin can.";
        return Err(AppError::refused(sentence).into());
    }
    let tx = ctx.db().begin().await?;
    let keepers: BTreeSet<Uuid> = match heir {
        Heir::User(to) => [id.0, to.0].into(),
        Heir::Nobody | Heir::Unowned => [id.0].into(),
    };
    lock_staff(&tx, keepers).await?;
    let person = held(&tx, id).await?;
    if !person.active {
        return Err(AppError::refused("This account is closed already.").into());
    }
    let closed = fields(json!({ "active": false }));
    let mut changes: Vec<Change> = update(RecordKind::User, id.0, &person.fields(), closed)
        .into_iter()
        .collect();
    let mut handed = HandedOver::default();
    let customers = match heir {
        Heir::Nobody => None,
        Heir::Unowned => Some(Plan::Move(Move::to_owner(id, None))),
        Heir::User(to) => {
            let to = held(&tx, to).await.ok().filter(|to| to.active && to.id != id.0);
            let sentence = "Please choose somebody who works here.";
            let to = to.ok_or_else(|| AppError::invalid("heir", sentence))?;
            let (taken_over, stayed) = appointments(&tx, ctx, id, to.id).await?;
            (handed.appointments, handed.stayed) = (taken_over.len() as u64, stayed);
            changes.extend(taken_over);
            Some(Plan::Move(Move::to_owner(id, Some((to.id, to.team_id)))))
        }
    };
    let command = Command::of(ctx, "deactivate user").with_detail(json!({ "user": id }));
    let written = bulk::write(&tx, ctx, command, changes, customers).await;
    let written = written.map_err(last_admin)?;
    (handed.customers, handed.in_background) = (written.customers, written.in_background);
    tx.commit().await?;
    // From the commit on nobody is let in, even if this fails: who is not active has no session.
    session::end_all(ctx.service(), id).await?;
    let receipt = Receipt {
        record: id.0,
        version: person.version + 1,
        batch: Some(written.batch),
    };
    Ok((receipt, handed))
}

fn last_admin(error: Error) -> Error {
    if error.is_of_last_admin() {
        AppError::refused(LAST_ADMIN).into()
    } else {
        error
    }
}

#[derive(FromQueryResult)]
struct Kept {
    id: Uuid,
    customer: Option<Uuid>,
    staff: Vec<Uuid>,
    /// Whether the heir keeps something else then.
    taken: bool,
}

/// The appointments to come that go from one to another, and how many stay because the other is taken then.
async fn appointments(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    from: UserId,
    to: Uuid,
) -> Result<(Vec<Change>, u64)> {
    let statement = sql(
        "SELECT a.id, a.customer_id AS customer, a.staff, EXISTS (SELECT 1 FROM appointment_staff o WHERE o.staff = $2 AND o.active \
                    AND o.during && s.during AND o.appointment <> a.id) AS taken \
         FROM appointment_staff s JOIN appointment a ON a.id = s.appointment \
         WHERE s.staff = $1 AND s.active AND s.during && tstzrange($3, NULL) AND a.starts_at > $3 \
         ORDER BY a.id LIMIT $4 FOR UPDATE OF a",
        [
            from.0.into(),
            to.into(),
            ctx.clock().now().into(),
            APPOINTMENTS_MAX.into(),
        ],
    );
    let kept = Kept::find_by_statement(statement).all(tx).await?;
    let stayed = kept.iter().filter(|kept| kept.taken).count() as u64;
    let went = kept.into_iter().filter(|kept| !kept.taken).map(|kept| {
        let mut staff: Vec<Uuid> = kept
            .staff
            .iter()
            .map(|one| if *one == from.0 { to } else { *one })
            .collect();
        let mut seen = BTreeSet::new();
        staff.retain(|one| seen.insert(*one));
        let subject = kept.customer.unwrap_or(kept.id);
        let mut change = Change::bare(RecordKind::Appointment, kept.id, subject, Op::Update);
        change.before.insert("staff".to_owned(), json!(kept.staff));
        change.after.insert("staff".to_owned(), json!(staff));
        change
    });
    Ok((went.collect(), stayed))
}

/// Opens a closed account again.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`], [`AppError::Refused`] for one that is open.
pub async fn reactivate(ctx: &Ctx, id: UserId) -> Result<Receipt> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let person = held(&tx, id).await?;
    let opened = fields(json!({ "active": true }));
    let change = update(RecordKind::User, id.0, &person.fields(), opened);
    let change = change.ok_or_else(|| AppError::refused("This account is open already."))?;
    let batch = journal::commit(tx, ctx, "reactivate user", vec![change]).await?;
    Ok(Receipt {
        record: id.0,
        version: person.version + 1,
        batch: Some(batch),
    })
}

/// Signs somebody out everywhere, and closes all other ways in but their password.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`]; and when Redis is away.
pub async fn end_sessions(ctx: &Ctx, id: UserId) -> Result<()> {
    require(ctx.actor(), Kind::User, Ability::Update)?;
    stored(ctx.db(), id, "").await?;
    session::end_all(ctx.service(), id).await?;
    let tx = ctx.db().begin().await?;
    close_other_ways(&tx, id, ctx.clock().now()).await?;
    let command = Command::of(ctx, "end sessions")
        .with_detail(json!({ "user": id }))
        .never_undone("A session that has ended is not begun again.");
    journal::write(&tx, ctx.clock().new_id(), &command, Vec::new()).await?;
    Ok(tx.commit().await?)
}

#[derive(FromQueryResult)]
struct Granted {
    role: String,
    members: i64,
    grants: Value,
}

/// All roles, with what each grants.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not see the settings.
pub async fn roles(ctx: &Ctx) -> Result<Vec<RoleView>> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let statement = sql(
        "SELECT r.key AS role, (SELECT count(*) FROM app_user u WHERE u.role_id = r.id AND u.active AND NOT u.program) AS members, \
                (SELECT coalesce(jsonb_agg(jsonb_build_array(g.kind, g.ability, g.reach)), '[]') FROM role_grant g \
                 WHERE g.role_id = r.id) AS grants \
         FROM role r",
        [],
    );
    let granted = Granted::find_by_statement(statement).all(ctx.db()).await?;
    let mut roles = Vec::new();
    for granted in granted {
        let lines: Vec<[String; 3]> = serde_json::from_value(granted.grants)?;
        // A word that this program does not know grants nothing.
        let grants = lines.iter().filter_map(|[kind, ability, reach]| {
            Some(Grant {
                kind: kind.parse().ok()?,
                ability: ability.parse().ok()?,
                reach: reach.parse().ok()?,
            })
        });
        roles.push(RoleView {
            role: granted.role.parse().map_err(Error::Stored)?,
            members: granted.members,
            grants: grants.collect(),
        });
    }
    roles.sort_by_key(|view| BuiltInRole::EVERY.iter().position(|role| *role == view.role));
    Ok(roles)
}
