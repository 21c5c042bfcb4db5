//! A filter as a condition on `customer c`.

use chrono_tz::Tz;
use rapport_domain::{
    access::Actor,
    error::AppError,
    query::{Column, Condition, Filter, Operator},
};
use sea_orm::Value;
use uuid::Uuid;

use crate::{Result, sql::Sql, zone};

/// Adds the filter as one condition in brackets, as it is meant by who looks, if somebody does.
///
/// # Errors
/// [`AppError::Invalid`] on `filter` for a value that its column cannot be compared with.
pub(in crate::customer) fn push(sql: &mut Sql, filter: &Filter, viewer: Option<&Actor>) -> Result<()> {
    match filter {
        Filter::And(parts) => push_all(sql, parts, viewer, "TRUE", " AND "),
        Filter::Or(parts) => push_all(sql, parts, viewer, "FALSE", " OR "),
        Filter::Not(part) => {
            // A comparison with nothing is neither true nor false; its opposite holds.
            sql.push("(");
            push(sql, part, viewer)?;
            sql.push(" IS NOT TRUE)");
            Ok(())
        }
        Filter::Where(condition) => push_condition(sql, condition, viewer),
    }
}

fn push_all(
    sql: &mut Sql,
    parts: &[Filter],
    viewer: Option<&Actor>,
    of_none: &str,
    between: &str,
) -> Result<()> {
    if parts.is_empty() {
        sql.push(of_none);
        return Ok(());
    }
    sql.push("(");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            sql.push(between);
        }
        push(sql, part, viewer)?;
    }
    sql.push(")");
    Ok(())
}

fn name(column: Column) -> &'static str {
    match column {
        Column::Kind => "c.kind",
        Column::Stage => "c.stage",
        Column::Owner => "c.owner_id",
        Column::Team => "c.team_id",
        Column::Tag => "c.tags",
        Column::City => "c.city",
        Column::Country => "c.country",
        Column::Name => "c.name",
        Column::Company => "c.company_id",
        Column::Created => "c.created_at",
        Column::Updated => "c.updated_at",
    }
}

fn push_condition(sql: &mut Sql, condition: &Condition, viewer: Option<&Actor>) -> Result<()> {
    let column = name(condition.column);
    match condition.operator {
        Operator::Empty if condition.column == Column::Tag => sql.push("(c.tags = '{}')"),
        Operator::Filled if condition.column == Column::Tag => sql.push("(c.tags <> '{}')"),
        Operator::Empty => sql.push(&format!("({column} IS NULL)")),
        Operator::Filled => sql.push(&format!("({column} IS NOT NULL)")),
        Operator::Is => return push_equals(sql, condition, viewer),
        Operator::IsNot => {
            sql.push("(");
            push_equals(sql, condition, viewer)?;
            sql.push(" IS NOT TRUE)")
        }
        Operator::Contains => push_contains(sql, column, &condition.values),
        Operator::From => sql
            .push(&format!("({column} >= "))
            .bind(day(condition, viewer)?)
            .push(")"),
        Operator::Before => sql
            .push(&format!("({column} < "))
            .bind(day(condition, viewer)?)
            .push(")"),
    };
    Ok(())
}

fn push_equals(sql: &mut Sql, condition: &Condition, viewer: Option<&Actor>) -> Result<()> {
    let values = &condition.values;
    match condition.column {
        // A tag is the same however it is written.
        Column::Tag => sql
            .push("(c.tags && ARRAY(SELECT t.name FROM tag t WHERE lower(t.name) = ANY(ARRAY(SELECT lower(v) FROM unnest(")
            .bind(values.clone())
            .push("::text[]) AS v))))"),
        Column::Kind => sql.push("(c.kind = ANY(").bind(values.clone()).push("))"),
        Column::Stage => sql.push("(c.stage = ANY(").bind(values.clone()).push("))"),
        Column::Owner | Column::Team | Column::Company => {
            let column = name(condition.column);
            let ids = values
                .iter()
                .map(|value| id(value, viewer))
                .collect::<Result<Vec<_>>>()?;
            let ids: Vec<Uuid> = ids.into_iter().flatten().collect();
            sql.push(&format!("({column} = ANY(")).bind(ids).push("))")
        }
        Column::City | Column::Country | Column::Name => {
            let column = name(condition.column);
            // By one way of making letters small: PostgreSQL's and Rust's differ.
            sql.push(&format!("(lower({column}) = ANY(ARRAY(SELECT lower(v) FROM unnest("))
                .bind(values.clone())
                .push("::text[]) AS v)))")
        }
        Column::Created | Column::Updated => return Err(unfit(condition)),
    };
    Ok(())
}

fn push_contains<'a>(sql: &'a mut Sql, column: &str, values: &[String]) -> &'a mut Sql {
    sql.push("(FALSE");
    for value in values {
        sql.push(&format!(" OR rapport_plain({column}) LIKE "));
        push_pattern(sql, value);
    }
    sql.push(")")
}

/// Adds the pattern that finds a text anywhere, with its own wildcards taken literally.
pub(in crate::customer) fn push_pattern(sql: &mut Sql, text: &str) {
    sql.push("'%' || ");
    push_literal(sql, text);
    sql.push(" || '%'");
}

/// Adds a text in its plain form, in which `LIKE` finds no wildcards. Escaped last: the plain form of a full-width
/// wildcard is a wildcard.
///
/// A question of its own, so that it is answered once: where PostgreSQL plans once for all values, it would make the plain
/// form anew for each row that it looks at.
pub(in crate::customer) fn push_literal(sql: &mut Sql, text: &str) {
    sql.push("(SELECT regexp_replace(rapport_plain(")
        .bind(text)
        .push(r"), '([\\%_])', '\\\1', 'g'))");
}

/// `me` and `mine` stand for the viewer and their team; a person without a team finds nothing by `mine`.
fn id(value: &str, viewer: Option<&Actor>) -> Result<Option<Uuid>> {
    match value {
        "me" => Ok(viewer.map(|viewer| viewer.user.0)),
        "mine" => Ok(viewer.and_then(|viewer| viewer.team).map(|team| team.0)),
        other => Uuid::try_parse(other)
            .map(Some)
            .map_err(|_| AppError::invalid("filter", format!("“{other}” is not an id.")).into()),
    }
}

/// When a day begins for the viewer; for who follows without looking, as a webhook does, in UTC.
fn day(condition: &Condition, viewer: Option<&Actor>) -> Result<Value> {
    let zone = viewer
        .and_then(|viewer| zone::parse(&viewer.zone))
        .unwrap_or(Tz::UTC);
    let date = condition.values.first().and_then(|value| value.parse().ok());
    date.map(|date| zone::date_begins(date, zone).into())
        .ok_or_else(|| unfit(condition))
}

fn unfit(condition: &Condition) -> crate::Error {
    AppError::invalid(
        "filter",
        format!("The condition on {} does not fit it.", condition.column),
    )
    .into()
}
