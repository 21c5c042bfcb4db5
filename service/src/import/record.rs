//! A drafted record as changes for the journal.

use std::collections::HashMap;

use rapport_domain::{
    customer::{ContactPoint, CustomerKind, CustomerPatch, ExternalRef, Field, FieldValue},
    id::CustomerId,
    import::{Draft, Example},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::json as object;
use uuid::Uuid;

use crate::{
    Ctx, Result, activity,
    customer::{
        command::{json, stored},
        contact::{self, Wanted},
        query::{ROW, Row, points_of},
    },
    journal::{self, Change, Fields, RecordKind},
    sql::sql,
    zone,
};

/// A record that is here, as it stands.
pub(super) struct Standing {
    pub(super) row: Row,
    points: Vec<ContactPoint>,
}

impl Standing {
    /// Its fields, without those that are empty.
    pub(super) fn fields(&self) -> CustomerPatch {
        let mut fields = CustomerPatch::default();
        for field in Field::EVERY.iter().copied() {
            let value = match field.contact_kind() {
                Some(kind) => {
                    let of_kind = self.points.iter().filter(|point| point.kind == kind);
                    FieldValue::List(of_kind.map(|point| point.value.clone()).collect())
                }
                None => self.row.value(field),
            };
            fields.0.insert(field, value);
        }
        fields.0.retain(|_, value| *value != FieldValue::Nothing);
        fields
    }
}

impl Standing {
    /// Whether it is a person: only those belong to a company.
    pub(super) fn is_person(&self) -> bool {
        self.row.kind == CustomerKind::Person.word()
    }

    /// What a patch changes, as people read it.
    pub(super) fn example(&self, line: u64, patch: &CustomerPatch) -> Example {
        let stands = self.fields();
        let before = |field| stands.0.get(field).map(said).unwrap_or_default();
        let fields = patch.0.iter();
        Example {
            line,
            name: self.row.name.clone(),
            fields: fields
                .map(|(field, after)| (field.label().to_owned(), before(field), said(after)))
                .collect(),
        }
    }
}

/// A value as people read it.
fn said(value: &FieldValue) -> String {
    match value {
        FieldValue::Nothing => String::new(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::List(list) => list.join(", "),
        FieldValue::Id(id) => id.to_string(),
    }
}

/// Records as they stand, locked in the order of their ids.
pub(super) async fn load(
    db: &impl ConnectionTrait,
    ids: Vec<Uuid>,
    into: &mut HashMap<Uuid, Standing>,
) -> Result<()> {
    let statement = sql(
        &format!("SELECT {ROW} FROM customer c WHERE c.id = ANY($1) ORDER BY c.id FOR UPDATE"),
        [ids.clone().into()],
    );
    let rows = Row::find_by_statement(statement).all(db).await?;
    let mut points = points_of(db, ids).await?;
    into.extend(rows.into_iter().map(|row| {
        let points = points.remove(&row.id).unwrap_or_default();
        (row.id, Standing { row, points })
    }));
    Ok(())
}

/// Makes a record; the actor owns it.
pub(super) fn made(
    ctx: &Ctx,
    id: CustomerId,
    draft: &Draft,
    company: Option<CustomerId>,
    changes: &mut Vec<Change>,
) {
    let mut after = Fields::new();
    for (field, value) in &draft.fields.0 {
        match (field.contact_kind(), value) {
            // Whether that company is here was asked, and what came of it stands below.
            _ if *field == Field::Company => {}
            (Some(kind), FieldValue::List(values)) => {
                let wanted = values.iter().map(|value| wanted(draft, *field, value)).collect();
                changes.extend(contact::creations(ctx.clock(), id.0, kind, wanted));
            }
            (_, value) => drop(after.insert(field.word().to_owned(), json(value))),
        }
    }
    after.insert("owner_id".to_owned(), object!(ctx.actor().user));
    after.insert("team_id".to_owned(), object!(ctx.actor().team));
    if let Some(company) = company {
        after.insert("company_id".to_owned(), object!(company));
    }
    if let Some(day) = draft.since {
        after.insert(
            "created_at".to_owned(),
            object!(zone::date_begins(day, ctx.zone())),
        );
    }
    changes.push(Change::create(RecordKind::Customer, id.0, id.0, after));
    if let Some(note) = &draft.note {
        changes.push(activity::noted(ctx, ctx.clock().new_id(), id.0, note));
    }
}

/// Lets a source know a record by its own key from now on.
pub(super) fn referenced(ctx: &Ctx, id: CustomerId, reference: &ExternalRef) -> Change {
    let fields = object!({ "customer_id": id, "source": reference.source, "key": reference.key });
    Change::create(
        RecordKind::ExternalRef,
        ctx.clock().new_id(),
        id.0,
        journal::fields(fields),
    )
}

/// Changes fields of a record that is here.
pub(super) fn patched(
    ctx: &Ctx,
    standing: &Standing,
    draft: &Draft,
    patch: CustomerPatch,
    changes: &mut Vec<Change>,
) {
    let before = stored(&standing.row);
    let id = standing.row.id;
    let mut columns = Vec::new();
    for (field, value) in patch.0 {
        match (field.contact_kind(), value) {
            (Some(kind), FieldValue::List(values)) => {
                let wanted = values.iter().map(|value| wanted(draft, field, value)).collect();
                changes.extend(contact::changes(ctx.clock(), id, kind, &standing.points, wanted));
            }
            (_, value) => {
                let was = before.get(field.word()).cloned().unwrap_or_default();
                columns.push((field.word().to_owned(), was, json(&value)));
            }
        }
    }
    changes.extend(Change::update(RecordKind::Customer, id, id, columns));
}

fn wanted(draft: &Draft, field: Field, value: &str) -> Wanted {
    Wanted {
        value: value.to_owned(),
        label: draft.label(field, value).to_owned(),
    }
}
