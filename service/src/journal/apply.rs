//! Applies changes to the tables, one statement for all changes of a shape.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use rapport_domain::journal::Op;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Change, RecordKind, table::Table};
use crate::{
    Error, Result,
    sql::{Sql, sql},
};

/// How a record stands after the changes.
#[derive(Debug, Clone, Copy, Default, FromQueryResult)]
pub(super) struct Stand {
    id: Uuid,
    pub(super) version: i64,
    pub(super) owner: Option<Uuid>,
    pub(super) team: Option<Uuid>,
}

/// How the touched records stand after the changes.
#[derive(Default)]
pub(super) struct Stands {
    customers: HashMap<Uuid, Stand>,
    others: HashMap<Uuid, Stand>,
}

impl Stands {
    /// The version is the record's own, or its customer's where it has none; who could see it is the customer's, and of
    /// an appointment who keeps it.
    pub(super) fn of(&self, change: &Change) -> Stand {
        let customer = self.customers.get(&change.subject).copied().unwrap_or_default();
        match self.others.get(&change.record) {
            Some(own) if change.kind == RecordKind::Appointment => *own,
            Some(own) => Stand {
                version: own.version,
                ..customer
            },
            None => customer,
        }
    }

    fn add(&mut self, kind: RecordKind, stands: Vec<Stand>) {
        let map = if kind == RecordKind::Customer {
            &mut self.customers
        } else {
            &mut self.others
        };
        map.extend(stands.into_iter().map(|stand| (stand.id, stand)));
    }
}

/// Changes that one statement can apply: same kind, same operation, same fields, and no record twice.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    kind: RecordKind,
    /// How many changes of the same record stand before it: one statement would take any of them, not the last.
    round: usize,
    op: Op,
    /// Companies are made before their people.
    after_companies: bool,
    fields: BTreeSet<String>,
}

pub(super) async fn apply(
    db: &impl ConnectionTrait,
    changes: &[Change],
    at: DateTime<Utc>,
) -> Result<Stands> {
    let mut shapes = BTreeMap::<Shape, Vec<&Change>>::new();
    let mut rounds = HashMap::<Uuid, usize>::new();
    for change in changes {
        let round = rounds.entry(change.record).or_default();
        shapes.entry(shape(change, *round)).or_default().push(change);
        *round += 1;
    }
    let mut stands = Stands::default();
    for kind in RecordKind::IN_ORDER {
        for (shape, changes) in shapes.iter().filter(|(shape, _)| shape.kind == kind) {
            let done = run(db, shape, changes, at).await?;
            stands.add(kind, done);
        }
        if kind == RecordKind::Customer {
            touch_customers(db, changes, at, &mut stands).await?;
        }
    }
    spend_links(db, changes).await?;
    see_subjects(db, changes, &mut stands).await?;
    Ok(stands)
}

/// Takes the links for a new password from those who get another address: theirs went to the one before, whoever has that.
async fn spend_links(db: &impl ConnectionTrait, changes: &[Change]) -> Result<()> {
    let moved = changes
        .iter()
        .filter(|change| change.kind == RecordKind::User && change.op == Op::Update);
    let moved = moved.filter(|change| change.after.contains_key("email_key"));
    let moved: Vec<Uuid> = moved.map(|change| change.record).collect();
    if !moved.is_empty() {
        let spent = "DELETE FROM password_reset WHERE user_id = ANY($1)";
        db.execute_raw(sql(spent, [moved.into()])).await?;
    }
    Ok(())
}

fn shape(change: &Change, round: usize) -> Shape {
    // A creation names all columns of its table, so that all creations of a kind are one statement.
    let fields = match change.op {
        Op::Update => change.after.keys().cloned().collect(),
        _ => BTreeSet::new(),
    };
    let is_person = change.after.get("kind").and_then(Value::as_str) == Some("person");
    Shape {
        kind: change.kind,
        round,
        op: change.op,
        after_companies: change.kind == RecordKind::Customer && change.op == Op::Create && is_person,
        fields,
    }
}

async fn run(
    db: &impl ConnectionTrait,
    shape: &Shape,
    changes: &[&Change],
    at: DateTime<Utc>,
) -> Result<Vec<Stand>> {
    let table = shape.kind.table();
    let statement = match shape.op {
        Op::Create => insert(&table, changes, at),
        Op::Update => update(&table, &shape.fields, changes, at),
        Op::Trash => set_deleted(&table, changes, at, Some(at)),
        Op::Restore => set_deleted(&table, changes, at, None),
        Op::Remove => {
            let mut sql = Sql::new(&format!("DELETE FROM {} WHERE id = ANY(", table.name));
            sql.bind(ids(changes)).push(")");
            sql
        }
    };
    let records: BTreeSet<Uuid> = changes.iter().map(|change| change.record).collect();
    if table.versioned && shape.op != Op::Remove {
        let stands = Stand::find_by_statement(statement.done()).all(db).await?;
        require_all(table.name, stands.len() as u64, records.len())?;
        Ok(stands)
    } else {
        let done = db.execute_raw(statement.done()).await?;
        require_all(table.name, done.rows_affected(), records.len())?;
        Ok(Vec::new())
    }
}

/// Fails when a change found no row: what was not done must not be recorded.
fn require_all(table: &str, done: u64, wanted: usize) -> Result<()> {
    if done == wanted as u64 {
        Ok(())
    } else {
        Err(Error::Stored(format!(
            "changes of {wanted} rows of {table} found {done}"
        )))
    }
}

fn insert(table: &Table, changes: &[&Change], at: DateTime<Utc>) -> Sql {
    let rows: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut row = change.after.clone();
            row.insert("id".to_owned(), json!(change.record));
            Value::Object(row)
        })
        .collect();
    let names: String = table
        .columns
        .iter()
        .map(|(name, _)| format!(", {name}"))
        .collect();
    let values: String = table
        .columns
        .iter()
        .map(|(name, default)| format!(", coalesce(p.{name}, {default})"))
        .collect();
    let mut sql = Sql::new(&format!("INSERT INTO {} (id{names}", table.name));
    if table.versioned {
        sql.push(", version, created_at, updated_at");
    }
    sql.push(&format!(") SELECT p.id{values}"));
    if table.versioned {
        // A record that comes from elsewhere may be older than its row here.
        sql.push(", 1, coalesce(p.created_at, ")
            .bind(at)
            .push("), ")
            .bind(at);
    }
    sql.push(&format!(" FROM jsonb_populate_recordset(NULL::{}, ", table.name))
        .bind(Value::Array(rows))
        .push(") AS p");
    returning(&mut sql, table, "");
    sql
}

fn update(table: &Table, fields: &BTreeSet<String>, changes: &[&Change], at: DateTime<Utc>) -> Sql {
    let rows: Vec<Value> = changes
        .iter()
        .map(|change| json!({ "id": change.record, "after": change.after }))
        .collect();
    // Only columns of the table get into the text, whatever a change names.
    let columns: Vec<_> = table
        .columns
        .iter()
        .filter(|(name, _)| fields.contains(*name))
        .map(|(name, default)| format!("{name} = coalesce(p.{name}, {default})"))
        .collect();
    let mut sql = Sql::new(&format!("UPDATE {} AS t SET {}", table.name, columns.join(", ")));
    raise(&mut sql, table, at);
    sql.push(" FROM jsonb_array_elements(").bind(Value::Array(rows));
    sql.push(&format!(
        ") AS u, LATERAL jsonb_populate_record(NULL::{}, u -> 'after') AS p WHERE t.id = (u ->> 'id')::uuid",
        table.name
    ));
    returning(&mut sql, table, "t.");
    sql
}

fn set_deleted(table: &Table, changes: &[&Change], at: DateTime<Utc>, deleted: Option<DateTime<Utc>>) -> Sql {
    let mut sql = Sql::new(&format!("UPDATE {} AS t SET deleted_at = ", table.name));
    sql.bind(deleted);
    raise(&mut sql, table, at);
    sql.push(" WHERE t.id = ANY(").bind(ids(changes)).push(")");
    returning(&mut sql, table, "t.");
    sql
}

fn raise(sql: &mut Sql, table: &Table, at: DateTime<Utc>) {
    if table.versioned {
        sql.push(", version = t.version + 1, updated_at = ").bind(at);
    }
}

fn returning(sql: &mut Sql, table: &Table, alias: &str) {
    if !table.versioned {
        return;
    }
    let whose = match table.name {
        "customer" => format!("{alias}owner_id AS owner, {alias}team_id AS team"),
        "appointment" => {
            let first = format!("{alias}staff[1]");
            format!("{first} AS owner, (SELECT u.team_id FROM app_user u WHERE u.id = {first}) AS team")
        }
        _ => "NULL::uuid AS owner, NULL::uuid AS team".to_owned(),
    };
    sql.push(&format!(" RETURNING {alias}id, {alias}version, {whose}"));
}

/// Raises the version of customers of which only contact points or references change.
async fn touch_customers(
    db: &impl ConnectionTrait,
    changes: &[Change],
    at: DateTime<Utc>,
    stands: &mut Stands,
) -> Result<()> {
    let touched: BTreeSet<Uuid> = changes
        .iter()
        .filter(|change| matches!(change.kind, RecordKind::ContactPoint | RecordKind::ExternalRef))
        .map(|change| change.subject)
        .filter(|subject| !stands.customers.contains_key(subject))
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let wanted = touched.len();
    let statement = sql(
        "UPDATE customer SET version = version + 1, updated_at = $2 WHERE id = ANY($1) \
         RETURNING id, version, owner_id AS owner, team_id AS team",
        [touched.into_iter().collect::<Vec<_>>().into(), at.into()],
    );
    let touched = Stand::find_by_statement(statement).all(db).await?;
    require_all("customer", touched.len() as u64, wanted)?;
    stands.add(RecordKind::Customer, touched);
    Ok(())
}

/// Looks up the customers that changes are about without touching them.
async fn see_subjects(db: &impl ConnectionTrait, changes: &[Change], stands: &mut Stands) -> Result<()> {
    let unseen: BTreeSet<Uuid> = changes
        .iter()
        .map(|change| change.subject)
        .filter(|id| !stands.customers.contains_key(id))
        .collect();
    if unseen.is_empty() {
        return Ok(());
    }
    let statement = sql(
        "SELECT id, version, owner_id AS owner, team_id AS team FROM customer WHERE id = ANY($1)",
        [unseen.into_iter().collect::<Vec<_>>().into()],
    );
    let seen = Stand::find_by_statement(statement).all(db).await?;
    stands.add(RecordKind::Customer, seen);
    Ok(())
}

fn ids(changes: &[&Change]) -> Vec<Uuid> {
    changes.iter().map(|change| change.record).collect()
}
