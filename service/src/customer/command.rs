//! What can be done to customers. Each command is one batch in the journal.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{
    access::{Ability, Kind, Scope},
    customer::{ContactKind, ContactPoint, CustomerKind, CustomerPatch, Field, FieldValue, NewCustomer},
    error::{AppError, FieldConflict, FieldErrors},
    id::{CustomerId, TeamId, UserId},
    journal::{Op, Receipt},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    contact::{self, Wanted},
    query::{Row, fetch, points, with_people},
    words::Names,
};
use crate::{
    Ctx, Error, Result,
    access::{require, scope},
    journal::{self, CONTACT_KIND, Change, Fields, RecordKind},
    seen::Seen,
    sql::sql,
};

/// The command that makes a customer.
const CREATE: &str = "create customer";

/// Makes a customer. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::Invalid`] by field for an owner or a company that cannot be,
/// on `form` for an id that is in use.
pub async fn create(ctx: &Ctx, new: NewCustomer) -> Result<Receipt> {
    let id = new.id.0;
    require(ctx.actor(), Kind::Customer, Ability::Create)?;
    if let Some(receipt) = journal::made_before(ctx.db(), ctx, CREATE, RecordKind::Customer, id, id).await? {
        return Ok(receipt);
    }
    let tx = ctx.db().begin().await?;
    let (made, contacts) = creation(&tx, ctx, new).await?;
    journal::commit_new(tx, ctx, CREATE, made, contacts).await
}

/// The changes that make a customer: itself, and its contact points.
pub(super) async fn creation(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    new: NewCustomer,
) -> Result<(Change, Vec<Change>)> {
    let creates = scope(ctx, Kind::Customer, Ability::Create)?;
    let id = new.id.0;
    let mut wanted = Wish::of(new.fields);
    wanted
        .columns
        .entry(Field::Owner)
        .or_insert(FieldValue::Id(ctx.actor().user.0));
    let mut after = wanted.resolve(tx, ctx, None, creates).await?;
    after.retain(|_, value| !value.is_null());
    let contacts = wanted.contacts.into_iter();
    let contacts = contacts.flat_map(|(kind, values)| contact::creations(ctx.clock(), id, kind, values));
    Ok((
        Change::create(RecordKind::Customer, id, id, after),
        contacts.collect(),
    ))
}

/// Changes fields of a customer, as seen at a version.
///
/// Fields that somebody else changed since are refused with both values; the rest merges.
///
/// # Errors
/// [`AppError::NotFound`] out of sight, [`AppError::Forbidden`] out of reach, [`AppError::Conflict`], [`AppError::Stale`],
/// [`AppError::Invalid`] by field, [`AppError::Refused`] for one in the trash.
pub async fn save(ctx: &Ctx, id: CustomerId, seen: impl Into<Seen>, patch: CustomerPatch) -> Result<Receipt> {
    let tx = ctx.db().begin().await?;
    let (row, changes) = edit(&tx, ctx, id, seen.into(), patch).await?;
    commit(tx, ctx, "edit customer", &row, changes).await
}

/// The changes that a patch makes to a customer, which is locked; none when all of it stands already.
pub(super) async fn edit(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    id: CustomerId,
    seen: Seen,
    patch: CustomerPatch,
) -> Result<(Row, Vec<Change>)> {
    let row = lock(tx, ctx, id, Ability::Update).await?;
    if row.deleted_at.is_some() {
        return Err(AppError::refused("This customer is in the trash. Restore it to change it.").into());
    }
    let seen = seen.of(row.version)?;
    let standing = points(tx, row.id).await?;
    let mut wanted = Wish::of(patch);
    let after = wanted
        .resolve(
            tx,
            ctx,
            Some(&row),
            ctx.actor().scope(Kind::Customer, Ability::Assign),
        )
        .await?;
    let before = stored(&row);
    let columns = after.into_iter().map(|(column, value)| {
        let was = before.get(&column).cloned().unwrap_or(Value::Null);
        (column, was, value)
    });
    let mut changes: Vec<Change> = Change::update(RecordKind::Customer, row.id, row.id, columns)
        .into_iter()
        .collect();
    for (kind, values) in wanted.contacts {
        changes.extend(contact::changes(ctx.clock(), row.id, kind, &standing, values));
    }
    if !changes.is_empty() {
        refuse_conflicts(tx, ctx, &row, seen, &standing, &changes).await?;
    }
    Ok((row, changes))
}

/// Writes what changes about a customer; nothing when nothing does.
async fn commit(
    tx: DatabaseTransaction,
    ctx: &Ctx,
    command: &'static str,
    row: &Row,
    changes: Vec<Change>,
) -> Result<Receipt> {
    if changes.is_empty() {
        return Ok(Receipt {
            record: row.id,
            version: row.version,
            batch: None,
        });
    }
    let batch = journal::commit(tx, ctx, command, changes).await?;
    Ok(Receipt {
        record: row.id,
        version: row.version + 1,
        batch: Some(batch),
    })
}

/// Moves a customer to the trash.
///
/// # Errors
/// [`AppError::NotFound`] out of sight, [`AppError::Forbidden`] out of reach, [`AppError::Stale`].
pub async fn trash(ctx: &Ctx, id: CustomerId, seen: Seen) -> Result<Receipt> {
    move_to(ctx, id, seen, Op::Trash, "delete customer").await
}

/// Brings a customer back from the trash.
///
/// # Errors
/// As [`trash`].
pub async fn restore(ctx: &Ctx, id: CustomerId, seen: Seen) -> Result<Receipt> {
    move_to(ctx, id, seen, Op::Restore, "restore customer").await
}

async fn move_to(ctx: &Ctx, id: CustomerId, seen: Seen, op: Op, command: &'static str) -> Result<Receipt> {
    let tx = ctx.db().begin().await?;
    let (row, change) = moved(&tx, ctx, id, seen, op).await?;
    commit(tx, ctx, command, &row, change.into_iter().collect()).await
}

/// The change that moves a customer to the trash or out of it; none when it is where it is wanted: a second click
/// changes nothing.
pub(super) async fn moved(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    id: CustomerId,
    seen: Seen,
    op: Op,
) -> Result<(Row, Option<Change>)> {
    let row = lock(tx, ctx, id, Ability::Delete).await?;
    seen.of(row.version)?;
    let stays = row.deleted_at.is_some() == (op == Op::Trash);
    let change = (!stays).then(|| Change::bare(RecordKind::Customer, row.id, row.id, op));
    Ok((row, change))
}

/// Locks a customer that the actor may do this to. Out of sight is not found; in sight but out of reach is forbidden.
pub(crate) async fn lock(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    id: CustomerId,
    ability: Ability,
) -> Result<Row> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let row = fetch(tx, reads, id, true).await?;
    if row.is_in(ctx.actor().scope(Kind::Customer, ability)) {
        Ok(row)
    } else {
        Err(AppError::Forbidden.into())
    }
}

/// Checked fields, taken apart by where they are stored.
struct Wish {
    columns: BTreeMap<Field, FieldValue>,
    contacts: Vec<(ContactKind, Vec<Wanted>)>,
}

impl Wish {
    fn of(patch: CustomerPatch) -> Self {
        let mut wish = Self {
            columns: BTreeMap::new(),
            contacts: Vec::new(),
        };
        for (field, value) in patch.0 {
            match (field.contact_kind(), value) {
                (Some(kind), FieldValue::List(values)) => {
                    let plain = |value| Wanted {
                        value,
                        label: String::new(),
                    };
                    wish.contacts
                        .push((kind, values.into_iter().map(plain).collect()));
                }
                (Some(kind), _) => wish.contacts.push((kind, Vec::new())),
                (None, value) => {
                    wish.columns.insert(field, value);
                }
            }
        }
        wish
    }

    /// The columns to write, with owner and company checked against what the actor may do.
    async fn resolve(
        &mut self,
        tx: &DatabaseTransaction,
        ctx: &Ctx,
        row: Option<&Row>,
        owners: Scope,
    ) -> Result<Fields> {
        let mut errors = FieldErrors::default();
        let mut fields = Fields::new();
        self.check_company(tx, ctx, row, &mut errors).await?;
        if let Some(owner) = self.columns.get(&Field::Owner) {
            let owner = if let FieldValue::Id(id) = owner {
                Some(*id)
            } else {
                None
            };
            if row.is_none_or(|row| row.owner_id != owner) {
                match self.check_owner(tx, row, owner, owners).await? {
                    Ok(team) => {
                        fields.insert("team_id".to_owned(), json!(team));
                    }
                    Err(sentence) => errors.add(Field::Owner.word(), sentence),
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors.into());
        }
        for (field, value) in &self.columns {
            fields.insert(field.word().to_owned(), json(value));
        }
        Ok(fields)
    }

    /// Only a person belongs to a company, one that the actor can see. Asked of a save that names kind or company: what
    /// stands is not what it is about.
    async fn check_company(
        &self,
        tx: &DatabaseTransaction,
        ctx: &Ctx,
        row: Option<&Row>,
        errors: &mut FieldErrors,
    ) -> Result<()> {
        let names = |field| self.columns.contains_key(&field);
        if !names(Field::Kind) && !names(Field::Company) {
            return Ok(());
        }
        let kind = match self.columns.get(&Field::Kind) {
            Some(FieldValue::Text(kind)) => Some(kind.as_str()),
            _ => row.map(|row| row.kind.as_str()),
        };
        let company = match self.columns.get(&Field::Company) {
            Some(FieldValue::Id(id)) => Some(*id),
            Some(_) => None,
            None => row.and_then(|row| row.company_id),
        };
        let is_person = kind == Some(CustomerKind::Person.word());
        if let Some(row) = row.filter(|row| is_person && Some(row.kind.as_str()) != kind)
            && !with_people(tx, vec![row.id]).await?.is_empty()
        {
            let sentence = "People belong to this company, perhaps some in the trash; it stays a company.";
            errors.add(Field::Kind.word(), sentence);
        }
        let Some(company) = company else { return Ok(()) };
        let stays = row.is_some_and(|row| row.company_id == Some(company));
        if !is_person && stays && names(Field::Kind) {
            let sentence = "Only a person belongs to a company; please clear its company first.";
            errors.add(Field::Kind.word(), sentence);
        } else if !is_person {
            errors.add(Field::Company.word(), "Only a person belongs to a company.");
        } else if !stays {
            let reads = scope(ctx, Kind::Customer, Ability::Read)?;
            hold(tx, company).await?;
            match fetch(tx, reads, CustomerId(company), false).await {
                Ok(found) if found.kind == CustomerKind::Company.word() && found.deleted_at.is_none() => {}
                Ok(_) | Err(Error::Told(AppError::NotFound)) => {
                    errors.add(Field::Company.word(), "Please pick a company of the list.");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The team that the record gets with its owner, or why it may not have that owner.
    async fn check_owner(
        &self,
        tx: &DatabaseTransaction,
        row: Option<&Row>,
        owner: Option<Uuid>,
        owners: Scope,
    ) -> Result<std::result::Result<Option<Uuid>, &'static str>> {
        if row.is_some_and(|row| !row.is_in(owners)) {
            return Ok(Err("You may not change the owner."));
        }
        let team = match owner {
            Some(id) => match active_user(tx, id).await? {
                Some(team) => team,
                None => return Ok(Err("Please pick one of the list.")),
            },
            None => None,
        };
        if owners.holds(owner.map(UserId), team.map(TeamId)) {
            Ok(Ok(team))
        } else {
            Ok(Err("You may not give it to this person."))
        }
    }
}

/// Keeps a company one until the transaction ends.
async fn hold(tx: &DatabaseTransaction, company: Uuid) -> Result<()> {
    let held = sql("SELECT 1 FROM customer WHERE id = $1 FOR SHARE", [company.into()]);
    tx.query_one_raw(held).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Team {
    team_id: Option<Uuid>,
}

/// The team of a user who may own records; none when there is no such active user.
async fn active_user(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Option<Uuid>>> {
    let statement = sql(
        "SELECT team_id FROM app_user WHERE id = $1 AND active",
        [id.into()],
    );
    Ok(Team::find_by_statement(statement)
        .one(db)
        .await?
        .map(|user| user.team_id))
}

/// A value as its column holds it.
pub(crate) fn json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Id(id) => json!(id),
        FieldValue::Text(text) => json!(text),
        FieldValue::List(list) => json!(list),
        FieldValue::Nothing => Value::Null,
    }
}

/// The columns that a change may name, as they stand.
pub(crate) fn stored(row: &Row) -> Fields {
    journal::fields(json!({
        "kind": row.kind, "stage": row.stage, "name": row.name, "job_title": row.job_title,
        "company_id": row.company_id, "owner_id": row.owner_id, "team_id": row.team_id, "street": row.street,
        "postal_code": row.postal_code, "city": row.city, "region": row.region, "country": row.country,
        "tags": row.tags,
    }))
}

#[derive(FromQueryResult)]
struct Since {
    fields: Vec<String>,
    contact: Option<String>,
    by: Option<String>,
}

/// Refuses when the journal shows that somebody else changed one of the same fields since `seen`.
async fn refuse_conflicts(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    row: &Row,
    seen: i64,
    standing: &[ContactPoint],
    changes: &[Change],
) -> Result<()> {
    if seen == row.version {
        return Ok(());
    }
    let text = format!(
        "SELECT u.name AS by, {CONTACT_KIND} AS contact, \
                ARRAY(SELECT jsonb_object_keys(CASE c.kind WHEN 'customer' THEN c.after END)) AS fields \
         FROM change c JOIN batch b ON b.id = c.batch LEFT JOIN app_user u ON u.id = b.actor \
         WHERE c.subject = $1 AND c.version > $2 AND b.actor IS DISTINCT FROM $3 \
           AND c.kind IN ('customer', 'contact_point') ORDER BY c.seq"
    );
    let since = sql(&text, [row.id.into(), seen.into(), ctx.actor().user.0.into()]);
    let since = Since::find_by_statement(since).all(tx).await?;
    let theirs: BTreeMap<Field, Option<String>> = since
        .iter()
        .flat_map(|change| {
            touched(change)
                .into_iter()
                .map(|field| (field, change.by.clone()))
        })
        .collect();
    let disputed: BTreeSet<Field> = changes
        .iter()
        .flat_map(|change| fields_of(change, standing))
        .filter(|field| theirs.contains_key(field))
        .collect();
    if disputed.is_empty() {
        return Ok(());
    }
    let stands = stored(row);
    let wanted = changes.iter().flat_map(|change| change.after.values());
    let values: Vec<&Value> = wanted.chain(stands.values()).collect();
    let names = Names::load(tx, ctx, &values).await?;
    let fields = disputed.into_iter().map(|field| {
        let (mine, stands) = match field.contact_kind() {
            Some(kind) => (wanted_contacts(changes, standing, kind), contacts(standing, kind)),
            None => (
                column_of(changes, field),
                stands.get(field.word()).cloned().unwrap_or(Value::Null),
            ),
        };
        FieldConflict {
            field: field.word().to_owned(),
            mine: names.say(field, &mine),
            theirs: names.say(field, &stands),
            by: theirs.get(&field).cloned().flatten(),
        }
    });
    Err(AppError::Conflict {
        version: row.version,
        fields: fields.collect(),
    }
    .into())
}

fn touched(change: &Since) -> Vec<Field> {
    let contact = change
        .contact
        .as_deref()
        .and_then(|kind| kind.parse().ok())
        .map(ContactKind::field);
    change
        .fields
        .iter()
        .filter_map(|field| field.parse().ok())
        .chain(contact)
        .collect()
}

/// The fields of the customer that a change is about.
fn fields_of(change: &Change, standing: &[ContactPoint]) -> Vec<Field> {
    if change.kind == RecordKind::Customer {
        return change
            .after
            .keys()
            .filter_map(|column| column.parse().ok())
            .collect();
    }
    contact_kind_of(change, standing)
        .map(ContactKind::field)
        .into_iter()
        .collect()
}

fn contact_kind_of(change: &Change, standing: &[ContactPoint]) -> Option<ContactKind> {
    let stated = change
        .after
        .get("kind")
        .or_else(|| change.before.get("kind"))
        .and_then(Value::as_str);
    match stated {
        Some(kind) => kind.parse().ok(),
        None => standing
            .iter()
            .find(|point| point.id.0 == change.record)
            .map(|point| point.kind),
    }
}

fn column_of(changes: &[Change], field: Field) -> Value {
    changes
        .iter()
        .find_map(|change| change.after.get(field.word()))
        .cloned()
        .unwrap_or(Value::Null)
}

fn contacts(standing: &[ContactPoint], kind: ContactKind) -> Value {
    standing
        .iter()
        .filter(|point| point.kind == kind)
        .map(|point| json!(point.value))
        .collect()
}

/// The list of contact points as it would stand after the changes, in words enough for a person to choose by.
fn wanted_contacts(changes: &[Change], standing: &[ContactPoint], kind: ContactKind) -> Value {
    let of_kind: Vec<&Change> = changes
        .iter()
        .filter(|change| contact_kind_of(change, standing) == Some(kind))
        .collect();
    let kept = standing
        .iter()
        .filter(|point| point.kind == kind)
        .filter_map(|point| {
            let change = of_kind.iter().find(|change| change.record == point.id.0);
            match change {
                Some(change) if change.op == Op::Remove => None,
                Some(change) => Some(
                    change
                        .after
                        .get("value")
                        .cloned()
                        .unwrap_or_else(|| json!(point.value)),
                ),
                None => Some(json!(point.value)),
            }
        });
    let added = of_kind
        .iter()
        .filter(|change| change.op == Op::Create)
        .filter_map(|change| change.after.get("value"));
    kept.chain(added.cloned()).collect()
}
