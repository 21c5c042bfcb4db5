//! What can be asked of customers. Every question is narrowed to what the actor may see.

use std::collections::{HashMap, HashSet};

use rapport_domain::{
    access::{Ability, Kind, Scope},
    customer::{ContactPoint, Customer, Field, FieldValue, May, PEOPLE_LISTED, Related},
    error::AppError,
    id::{ContactPointId, CustomerId, TeamId, UserId},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

pub use super::{list::list, search::suggest, timeline::timeline};
use crate::{
    Ctx, Error, Result,
    access::{push_scope, scope},
    sql::{Sql, sql},
};

/// A customer row as it stands.
#[derive(Debug, Clone, FromQueryResult)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) kind: String,
    pub(crate) stage: String,
    pub(crate) name: String,
    pub(crate) job_title: Option<String>,
    pub(crate) company_id: Option<Uuid>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) team_id: Option<Uuid>,
    pub(crate) street: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: chrono::DateTime<chrono::Utc>,
    pub(crate) updated_at: chrono::DateTime<chrono::Utc>,
    pub(crate) deleted_at: Option<chrono::DateTime<chrono::Utc>>,
}

pub(crate) const ROW: &str = "c.id, c.version, c.kind, c.stage, c.name, c.job_title, c.company_id, c.owner_id, \
    c.team_id, c.street, c.postal_code, c.city, c.region, c.country, c.tags, c.created_at, c.updated_at, c.deleted_at";

impl Row {
    pub(crate) fn is_in(&self, scope: Scope) -> bool {
        scope.holds(self.owner_id.map(UserId), self.team_id.map(TeamId))
    }

    /// What stands in a field; nothing for contact points, which are kept beside the row.
    pub(crate) fn value(&self, field: Field) -> FieldValue {
        let text = |value: &Option<String>| value.clone().map_or(FieldValue::Nothing, FieldValue::Text);
        let id = |value: Option<Uuid>| value.map_or(FieldValue::Nothing, FieldValue::Id);
        match field {
            Field::Kind => FieldValue::Text(self.kind.clone()),
            Field::Stage => FieldValue::Text(self.stage.clone()),
            Field::Name => FieldValue::Text(self.name.clone()),
            Field::JobTitle => text(&self.job_title),
            Field::Company => id(self.company_id),
            Field::Owner => id(self.owner_id),
            Field::Street => text(&self.street),
            Field::PostalCode => text(&self.postal_code),
            Field::City => text(&self.city),
            Field::Region => text(&self.region),
            Field::Country => text(&self.country),
            Field::Tags => FieldValue::List(self.tags.clone()),
            Field::Emails | Field::Phones | Field::Links => FieldValue::Nothing,
        }
    }
}

/// Fetches a row if it is in scope, locked for the transaction when asked.
pub(crate) async fn fetch(
    db: &impl ConnectionTrait,
    within: Scope,
    id: CustomerId,
    lock: bool,
) -> Result<Row> {
    let mut sql = Sql::new("SELECT ");
    sql.push(ROW)
        .push(" FROM customer c WHERE c.id = ")
        .bind(id.0)
        .push(" AND ");
    push_scope(&mut sql, within);
    if lock {
        sql.push(" FOR UPDATE");
    }
    Ok(Row::find_by_statement(sql.done())
        .one(db)
        .await?
        .ok_or(AppError::NotFound)?)
}

/// A customer's row with what is told around it.
#[derive(FromQueryResult)]
struct Whole {
    #[sea_orm(nested)]
    row: Row,
    owner: Option<String>,
    team: Option<String>,
    /// None when the actor may not see it.
    company: Option<String>,
    contact_points: serde_json::Value,
    external_refs: serde_json::Value,
    people: serde_json::Value,
}

#[derive(FromQueryResult)]
struct Point {
    id: Uuid,
    customer_id: Uuid,
    kind: String,
    value: String,
    label: String,
}

/// A customer, whole, also when it lies in the trash.
///
/// # Errors
/// [`AppError::NotFound`] when there is none or it is out of sight.
pub async fn get(ctx: &Ctx, id: CustomerId) -> Result<Customer> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let whole = whole(ctx.db(), reads, id).await?;
    let row = whole.row;
    let actor = ctx.actor();
    let may = |kind, ability| row.is_in(actor.scope(kind, ability));
    let now = ctx.now();
    Ok(Customer {
        id,
        version: row.version,
        kind: row.kind.parse().map_err(Error::Stored)?,
        stage: row.stage.parse().map_err(Error::Stored)?,
        job_title: row.job_title.clone(),
        company: row.company_id.map(|id| match whole.company {
            Some(name) => Related::Seen(CustomerId(id), name),
            None => Related::NoAccess,
        }),
        owner: row.owner_id.map(UserId).zip(whole.owner),
        team: row.team_id.map(TeamId).zip(whole.team),
        contact_points: serde_json::from_value(whole.contact_points)?,
        external_refs: serde_json::from_value(whole.external_refs)?,
        people: serde_json::from_value(whole.people)?,
        created: now.say(row.created_at),
        updated: now.say(row.updated_at),
        deleted: row.deleted_at.is_some(),
        may: May {
            update: may(Kind::Customer, Ability::Update),
            delete: may(Kind::Customer, Ability::Delete),
            assign: may(Kind::Customer, Ability::Assign),
            note: may(Kind::Activity, Ability::Create),
            book: actor.may(Kind::Appointment, Ability::Create),
        },
        name: row.name,
        street: row.street,
        postal_code: row.postal_code,
        city: row.city,
        region: row.region,
        country: row.country,
        tags: row.tags,
    })
}

/// A customer with words for its ids, its contact points, its keys in other systems, and its people. One question, since
/// each costs more on its way than in the database.
async fn whole(db: &impl ConnectionTrait, reads: Scope, id: CustomerId) -> Result<Whole> {
    let row = ROW.replace("c.", "r.");
    let mut sql = Sql::new(&format!(
        "SELECT {row}, (SELECT name FROM app_user WHERE id = r.owner_id) AS owner, \
         (SELECT name FROM team WHERE id = r.team_id) AS team, \
         (SELECT c.name FROM customer c WHERE c.id = r.company_id AND "
    ));
    push_scope(&mut sql, reads);
    sql.push(
        ") AS company, (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'value', value, \
            'label', label) ORDER BY kind, position, id), '[]') FROM contact_point WHERE customer_id = r.id) \
            AS contact_points, \
         (SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'key', key) ORDER BY source, key), '[]') \
            FROM external_ref WHERE customer_id = r.id) AS external_refs, \
         (SELECT coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name, 'job_title', p.job_title) \
            ORDER BY p.name, p.id), '[]') FROM (SELECT c.id, c.name, c.job_title FROM customer c \
            WHERE c.deleted_at IS NULL AND c.company_id = r.id AND ",
    );
    push_scope(&mut sql, reads);
    sql.push(" ORDER BY c.name, c.id").limit(PEOPLE_LISTED as i64);
    sql.push(") AS p) AS people FROM (SELECT c.* FROM customer c WHERE c.id = ")
        .bind(id.0)
        .push(" AND ");
    push_scope(&mut sql, reads);
    sql.push(") AS r");
    let whole = Whole::find_by_statement(sql.done()).one(db).await?;
    Ok(whole.ok_or(AppError::NotFound)?)
}

/// The contact points of a customer in their order.
pub(super) async fn points(db: &impl ConnectionTrait, customer: Uuid) -> Result<Vec<ContactPoint>> {
    let mut points = points_of(db, vec![customer]).await?;
    Ok(points.remove(&customer).unwrap_or_default())
}

/// The contact points of customers in their order, by customer; who has none is not in it.
pub(crate) async fn points_of(
    db: &impl ConnectionTrait,
    customers: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<ContactPoint>>> {
    let statement = sql(
        "SELECT id, customer_id, kind, value, label FROM contact_point WHERE customer_id = ANY($1) \
         ORDER BY customer_id, kind, position, id",
        [customers.into()],
    );
    let mut points = HashMap::<Uuid, Vec<ContactPoint>>::new();
    for point in Point::find_by_statement(statement).all(db).await? {
        points.entry(point.customer_id).or_default().push(ContactPoint {
            id: ContactPointId(point.id),
            kind: point.kind.parse().map_err(Error::Stored)?,
            value: point.value,
            label: point.label,
        });
    }
    Ok(points)
}

#[derive(FromQueryResult)]
struct WithPeople {
    id: Uuid,
}

/// Those of the customers that people belong to, also people in the trash: they come back as they were.
pub(crate) async fn with_people(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    // Two queries, each with an index of its own.
    let statement = sql(
        "SELECT company_id AS id FROM customer WHERE company_id = ANY($1) AND deleted_at IS NULL \
         UNION SELECT company_id FROM customer WHERE company_id = ANY($1) AND deleted_at IS NOT NULL",
        [ids.into()],
    );
    let with_people = WithPeople::find_by_statement(statement).all(db).await?;
    Ok(with_people.into_iter().map(|company| company.id).collect())
}
