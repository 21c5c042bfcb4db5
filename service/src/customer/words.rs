//! Stored values in the words that a person reads.

use std::collections::HashMap;

use rapport_domain::{
    access::{Ability, Kind},
    customer::{CustomerKind, Field, Stage},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::{push_scope, scope},
    sql::Sql,
};

/// The names that ids stand for, as far as the actor may see them.
#[derive(Default)]
pub(crate) struct Names(HashMap<Uuid, String>);

#[derive(FromQueryResult)]
struct Name {
    id: Uuid,
    name: String,
}

impl Names {
    /// Looks up the users and customers that these values name.
    pub(crate) async fn load(db: &impl ConnectionTrait, ctx: &Ctx, values: &[&Value]) -> Result<Self> {
        let texts = values.iter().filter_map(|value| value.as_str());
        let ids: Vec<Uuid> = texts.filter_map(|text| Uuid::try_parse(text).ok()).collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let mut sql = Sql::new("SELECT id, name FROM app_user WHERE id = ANY(");
        sql.bind(ids.clone())
            .push(") UNION ALL SELECT c.id, c.name FROM customer c WHERE c.id = ANY(");
        sql.bind(ids).push(") AND ");
        push_scope(&mut sql, scope(ctx, Kind::Customer, Ability::Read)?);
        let names = Name::find_by_statement(sql.done()).all(db).await?;
        Ok(Self(names.into_iter().map(|line| (line.id, line.name)).collect()))
    }

    /// A stored value of a field in words; nothing is empty.
    pub(crate) fn say(&self, field: Field, value: &Value) -> String {
        match (field, value) {
            (Field::Owner | Field::Company, Value::String(id)) => {
                let name = Uuid::try_parse(id).ok().and_then(|id| self.0.get(&id));
                name.cloned()
                    .unwrap_or_else(|| "somebody you may not see".to_owned())
            }
            (Field::Stage, Value::String(word)) => {
                word.parse().map(Stage::label).unwrap_or_default().to_owned()
            }
            (Field::Kind, Value::String(word)) => word
                .parse()
                .map(CustomerKind::label)
                .unwrap_or_default()
                .to_owned(),
            (_, Value::String(text)) => text.clone(),
            (_, Value::Array(list)) => list
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            _ => String::new(),
        }
    }
}
