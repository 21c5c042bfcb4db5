//! What a chunk of an undo stands on: its customers, locked, and all that happened to them since.

use std::collections::{HashMap, HashSet};

use rapport_domain::{
    access::{Ability, Actor, Kind},
    customer::CustomerKind,
    id::BatchId,
    journal::{LIFE, Op, Standing, Touch, standing},
};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Recorded,
    other::{self, Other},
};
use crate::{
    Ctx, Error, Result,
    access::{push_scope, scope},
    customer::query::with_people,
    journal::{
        CONTACT_KIND, Fields, RecordKind,
        right::{Right, active_owners, id_in},
    },
    sql::{Sql, sql},
};

/// The customer that changes are about, as it stands now and as the changes in hand will leave it.
#[derive(Clone, FromQueryResult)]
pub(super) struct Subject {
    pub(super) id: Uuid,
    pub(super) name: String,
    kind: String,
    company: Option<Uuid>,
    owner: Option<Uuid>,
    team: Option<Uuid>,
    pub(super) in_trash: bool,
}

impl Subject {
    pub(super) fn right<'a>(&self, actor: &'a Actor) -> Right<'a> {
        Right {
            actor,
            owner: self.owner,
            team: self.team,
            in_trash: self.in_trash,
        }
    }
}

/// Something that is taken back by itself: a field of a record, or (as the field [`LIFE`]) its being there. The contact
/// points of one kind are a field of their customer: they are edited as a list. Columns that say one thing together are one
/// field.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Place(RecordKind, Uuid, String);

impl Place {
    fn of_field(kind: RecordKind, record: Uuid, field: &str) -> Self {
        Self(kind, record, kind.field_of(field).to_owned())
    }
}

/// Where a change belongs that is taken back or left as a whole.
pub(super) fn place(kind: RecordKind, change: &Recorded) -> Place {
    match &change.contact {
        Some(contact) => Place(kind, change.subject, contact.clone()),
        None => Place(kind, change.record, LIFE.to_owned()),
    }
}

#[derive(FromQueryResult)]
struct Line {
    kind: String,
    record: Uuid,
    subject: Uuid,
    op: String,
    contact: Option<String>,
    fields: Vec<String>,
    batch: Uuid,
    undo_of: Option<Uuid>,
    actor: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct Company {
    id: Uuid,
}

#[derive(Default)]
pub(super) struct Ground {
    pub(super) subjects: HashMap<Uuid, Subject>,
    /// Records that are no parts of customers, by their own id.
    pub(super) others: HashMap<Uuid, Other>,
    /// Who kept appointments before, or keeps them, as far as the actor may book for them.
    pub(super) keepers: HashSet<Uuid>,
    /// The types of appointments that can be booked, where changes are about some.
    types: HashSet<Uuid>,
    /// Customers that the batch itself made.
    pub(super) made_here: HashSet<Uuid>,
    /// Who owned customers before, as far as they work here still.
    pub(super) active: HashSet<Uuid>,
    /// Companies that people belonged to, as far as they are that still, and in sight.
    companies: HashSet<Uuid>,
    /// Customers that would be persons again and that others belong to.
    with_people: HashSet<Uuid>,
    touches: HashMap<Place, Vec<Touch>>,
    /// Records without a trash that are not there any more.
    removed: HashSet<Uuid>,
    /// By customer, and by record that is no part of one: who touched it later, in which batch.
    later: HashMap<Uuid, Vec<(Option<Uuid>, Touch)>>,
}

impl Ground {
    /// Lays it for changes of `target`; `own` is the batch of the undo, where an earlier chunk opened it.
    pub(super) async fn lay(
        tx: &DatabaseTransaction,
        ctx: &Ctx,
        target: BatchId,
        own: Option<BatchId>,
        recorded: &[Recorded],
    ) -> Result<Self> {
        // What an older program handed over stands under the appointment itself, not under its customer.
        let appointments = recorded
            .iter()
            .filter(|change| change.kind == RecordKind::Appointment.word());
        let subjects: HashSet<Uuid> = recorded
            .iter()
            .map(|change| change.subject)
            .chain(appointments.map(|change| change.record))
            .collect();
        let subjects: Vec<Uuid> = subjects.into_iter().collect();
        let first = recorded.last().map_or(i64::MAX, |change| change.seq);
        let befores = || recorded.iter().filter_map(|change| change.before.as_ref());
        other::lock_keepers(tx, recorded).await?;
        let types = other::types_in_use(tx, recorded).await?;
        let others = other::load(tx, ctx, recorded).await?;
        let mut ground = Self {
            subjects: lock(tx, subjects.clone()).await?,
            keepers: other::bookable_keepers(tx, ctx.actor(), recorded, &others).await?,
            others,
            types,
            active: active_owners(tx, befores()).await?,
            companies: companies(tx, ctx, befores()).await?,
            with_people: with_people(tx, persons_again(recorded)).await?,
            ..Self::default()
        };
        let text = format!(
            "SELECT c.kind, c.record, c.subject, c.op, {CONTACT_KIND} AS contact, c.batch, b.undo_of, b.actor, \
                    ARRAY(SELECT jsonb_object_keys(CASE WHEN c.op = 'update' THEN c.after ELSE '{{}}' END)) AS fields \
             FROM change c JOIN batch b ON b.id = c.batch \
             WHERE c.subject = ANY($1) AND (c.seq >= $2 OR c.batch = $3) ORDER BY c.seq"
        );
        let lines = sql(&text, [subjects.into(), first.into(), target.0.into()]);
        for line in Line::find_by_statement(lines).all(tx).await? {
            ground.add(target, own, line)?;
        }
        if let Some(user) = other::opened_again(tx, ctx.actor(), target).await? {
            // Their account comes back with what it had.
            ground.active.insert(user);
            ground.keepers.insert(user);
        }
        Ok(ground)
    }

    fn add(&mut self, target: BatchId, own: Option<BatchId>, line: Line) -> Result<()> {
        let kind: RecordKind = line.kind.parse().map_err(Error::Stored)?;
        let op: Op = line.op.parse().map_err(Error::Stored)?;
        let touch = Touch {
            batch: BatchId(line.batch),
            undo_of: line.undo_of.map(BatchId),
        };
        if op == Op::Remove {
            self.removed.insert(line.record);
        } else {
            self.removed.remove(&line.record);
        }
        if own == Some(touch.batch) {
            // What an earlier chunk took back says nothing about what is still to be taken back.
            return Ok(());
        }
        if touch.batch != target {
            let own = (!kind.is_of_customer() && line.record != line.subject).then_some(line.record);
            for about in own.into_iter().chain([line.subject]) {
                self.later.entry(about).or_default().push((line.actor, touch));
            }
        } else if kind == RecordKind::Customer && op == Op::Create {
            self.made_here.insert(line.record);
        }
        let places = match (line.contact, op) {
            (Some(contact), _) => vec![Place(kind, line.subject, contact)],
            (None, Op::Update) => {
                let fields = line.fields.into_iter();
                fields
                    .map(|field| Place::of_field(kind, line.record, &field))
                    .collect()
            }
            (None, _) => vec![Place(kind, line.record, LIFE.to_owned())],
        };
        for place in places {
            self.touches.entry(place).or_default().push(touch);
        }
        Ok(())
    }

    /// What a customer or another record is called.
    pub(super) fn name(&self, id: Uuid) -> &str {
        let subject = self.subjects.get(&id).map(|subject| subject.name.as_str());
        let other = self.others.get(&id).map(|other| other.name.as_str());
        subject.or(other).unwrap_or_default()
    }

    pub(super) fn standing(&self, place: &Place, target: BatchId) -> Standing {
        let touches = self.touches.get(place);
        touches.map_or(Standing::Undone, |touches| standing(touches, target))
    }

    /// How a field that an update changed stands; of a record that was removed since, nothing can be put back.
    pub(super) fn field_standing(
        &self,
        kind: RecordKind,
        record: Uuid,
        field: &str,
        target: BatchId,
    ) -> Standing {
        match self.standing(&Place::of_field(kind, record, field), target) {
            Standing::Top if self.removed.contains(&record) => Standing::Covered,
            standing => standing,
        }
    }

    /// Whether an appointment may take the time of all who keep it again: as a save asks.
    pub(super) fn may_take_time(&self, appointment: Uuid) -> bool {
        let kept = self.others.get(&appointment).map(|other| &other.staff);
        kept.is_none_or(|staff| staff.iter().all(|one| self.keepers.contains(one)))
    }

    /// The same for one in the trash, unless it was cancelled: that takes no time.
    pub(super) fn may_come_back(&self, appointment: Uuid) -> bool {
        let other = self.others.get(&appointment);
        other.is_some_and(|other| other.cancelled) || self.may_take_time(appointment)
    }

    /// Whether nothing could be booked any more without a type: then it stays. If not, it is in use no more.
    pub(super) fn drops_last_type(&mut self, id: Uuid) -> bool {
        if self.types.contains(&id) && self.types.len() == 1 {
            return true;
        }
        self.types.remove(&id);
        false
    }

    /// Whether somebody changed what the change made later, in a batch that was not taken back since. What `maker` did
    /// counts as part of making it.
    pub(super) fn added_to(&self, kind: RecordKind, change: &Recorded, maker: Option<Uuid>) -> bool {
        let is_whole = kind == RecordKind::Customer || !kind.is_of_customer();
        let Some(later) = self.later.get(&change.record).filter(|_| is_whole) else {
            return false;
        };
        let history: Vec<Touch> = later.iter().map(|(_, touch)| *touch).collect();
        later
            .iter()
            .filter(|(actor, touch)| (maker.is_none() || *actor != maker) && touch.undo_of.is_none())
            .any(|(_, touch)| standing(&history, touch.batch) != Standing::Undone)
    }

    /// Why a customer may not get these fields, if so: only a person belongs to a company, and that is a company.
    pub(super) fn company_refusal(&self, subject: &Subject, after: &Fields) -> Option<&'static str> {
        let person = CustomerKind::Person.word();
        let kind = after.get("kind").and_then(Value::as_str);
        let company = id_in(after, "company_id", subject.company);
        let is_person = kind.unwrap_or(&subject.kind) == person;
        let gets_company = after.contains_key("company_id");
        if company.is_some() && !is_person {
            Some("Only a person belongs to a company.")
        } else if kind == Some(person) && self.with_people.contains(&subject.id) {
            Some("People belong to it by now, so it stays a company.")
        } else if gets_company && company.is_some_and(|company| !self.companies.contains(&company)) {
            Some("What it belonged to is no company any more, or you may not see it.")
        } else {
            None
        }
    }

    /// Notes how a change in hand will leave its customer.
    pub(super) fn note(&mut self, subject: Uuid, kind: RecordKind, inverse: Op, after: &Fields) {
        let subject = self.subjects.get_mut(&subject);
        let Some(subject) = subject.filter(|_| kind == RecordKind::Customer) else {
            return;
        };
        match inverse {
            Op::Trash => subject.in_trash = true,
            Op::Restore => subject.in_trash = false,
            _ => {}
        }
        if let Some(kind) = after.get("kind").and_then(Value::as_str) {
            kind.clone_into(&mut subject.kind);
        }
        subject.company = id_in(after, "company_id", subject.company);
    }
}

async fn lock(tx: &DatabaseTransaction, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Subject>> {
    let statement = sql(
        "SELECT id, name, kind, company_id AS company, owner_id AS owner, team_id AS team, \
                deleted_at IS NOT NULL AS in_trash \
         FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        [ids.into()],
    );
    let subjects = Subject::find_by_statement(statement).all(tx).await?;
    Ok(subjects
        .into_iter()
        .map(|subject| (subject.id, subject))
        .collect())
}

async fn companies<'a>(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    befores: impl Iterator<Item = &'a Value>,
) -> Result<HashSet<Uuid>> {
    let ids = befores.filter_map(|before| before.get("company_id")?.as_str());
    let ids: Vec<Uuid> = ids.filter_map(|id| Uuid::try_parse(id).ok()).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new("SELECT c.id FROM customer c WHERE c.kind = ");
    sql.bind(CustomerKind::Company.word())
        .push(" AND c.id = ANY(")
        .bind(ids)
        .push(") AND ");
    push_scope(&mut sql, scope(ctx, Kind::Customer, Ability::Read)?);
    let companies = Company::find_by_statement(sql.done()).all(tx).await?;
    Ok(companies.into_iter().map(|company| company.id).collect())
}

/// The customers that changes took from being a person.
fn persons_again(recorded: &[Recorded]) -> Vec<Uuid> {
    let was_person = |change: &&Recorded| {
        let kind = change.before.as_ref().and_then(|before| before.get("kind"));
        change.op == Op::Update.word() && kind.and_then(Value::as_str) == Some(CustomerKind::Person.word())
    };
    recorded
        .iter()
        .filter(was_person)
        .map(|change| change.record)
        .collect()
}
