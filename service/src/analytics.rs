//! Analytics, for admins: counted from the journal and the appointments, within a period of whole weeks.

use rapport_domain::{
    access::{Ability, Kind},
    analytics::{Analytics, Outcome, PartCounts, Table, tenths},
    dashboard::Period,
    export::{BOM, push_line},
};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::{
    Ctx, Result,
    access::require,
    dashboard::{Part, Span},
    sql::sql,
};

#[derive(FromQueryResult)]
struct OutcomeRow {
    name: String,
    held: i64,
    missed: i64,
}

#[derive(FromQueryResult)]
struct HourRow {
    hour: i32,
    many: i64,
}

/// The figures of a period that ends today, by the viewer's clock.
///
/// # Errors
/// [`rapport_domain::error::AppError::Forbidden`] for who may not see the settings.
pub async fn get(ctx: &Ctx, period: Period) -> Result<Analytics> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let span = Span::single(ctx, period);
    let (from, to) = span.ends();
    let bounds = span.bounds();
    let db = ctx.db();
    // In the text: `$1` the bounds of the parts, `$2` and `$3` the ends of the period.
    let parts = async |text: &str| {
        let statement = sql(text, [bounds.to_vec().into(), from.into(), to.into()]);
        span.counts(&Part::find_by_statement(statement).all(db).await?)
    };
    let of_period = |text: &str| sql(text, [from.into(), to.into()]);
    db.ask_apart();
    let (active, customers, appointments, missed, types, staff, hours) = futures::try_join!(
        parts(ACTIVE),
        parts(CUSTOMERS),
        parts(APPOINTMENTS),
        parts(MISSED),
        outcomes(db, of_period(TYPES)),
        outcomes(db, of_period(STAFF)),
        hours(db, of_period(HOURS))
    )?;
    let count = |counts: &[u32], part: usize| counts.get(part).copied().unwrap_or_default();
    let parts = span
        .days()
        .into_iter()
        .enumerate()
        .map(|(part, from)| PartCounts {
            from,
            active: count(&active, part),
            customers: count(&customers, part),
            appointments: count(&appointments, part),
            missed: count(&missed, part),
        });
    Ok(Analytics {
        period,
        parts: parts.collect(),
        types,
        staff,
        hours,
    })
}

const ACTIVE: &str = "SELECT width_bucket(b.at, $1::timestamptz[]) AS part, count(DISTINCT b.actor) AS many, '' AS status \
     FROM batch b JOIN app_user u ON u.id = b.actor AND NOT u.program WHERE b.at >= $2 AND b.at < $3 GROUP BY 1";
const CUSTOMERS: &str = "SELECT width_bucket(c.created_at, $1::timestamptz[]) AS part, count(*) AS many, '' AS status \
     FROM customer c WHERE c.created_at >= $2 AND c.created_at < $3 AND c.deleted_at IS NULL GROUP BY 1";
const APPOINTMENTS: &str = "SELECT width_bucket(a.starts_at, $1::timestamptz[]) AS part, count(*) AS many, '' AS status \
     FROM appointment a WHERE a.starts_at >= $2 AND a.starts_at < $3 AND a.deleted_at IS NULL AND a.status <> 'cancelled' \
     GROUP BY 1";
const MISSED: &str = "SELECT width_bucket(a.starts_at, $1::timestamptz[]) AS part, count(*) AS many, '' AS status \
     FROM appointment a WHERE a.starts_at >= $2 AND a.starts_at < $3 AND a.deleted_at IS NULL AND a.status = 'no_show' \
     GROUP BY 1";
const TYPES: &str = "SELECT t.name, count(*) FILTER (WHERE a.status = 'done') AS held, \
            count(*) FILTER (WHERE a.status = 'no_show') AS missed \
     FROM appointment a JOIN appointment_type t ON t.id = a.type_id \
     WHERE a.starts_at >= $1 AND a.starts_at < $2 AND a.deleted_at IS NULL AND a.status IN ('done', 'no_show') \
     GROUP BY t.id, t.name ORDER BY t.name, t.id";
const STAFF: &str = "SELECT u.name, count(*) FILTER (WHERE a.status = 'done') AS held, \
            count(*) FILTER (WHERE a.status = 'no_show') AS missed \
     FROM appointment a CROSS JOIN LATERAL unnest(a.staff) AS k (id) JOIN app_user u ON u.id = k.id \
     WHERE a.starts_at >= $1 AND a.starts_at < $2 AND a.deleted_at IS NULL AND a.status IN ('done', 'no_show') \
     GROUP BY u.id, u.name ORDER BY u.name, u.id";
const HOURS: &str = "SELECT extract(hour FROM a.local_start)::int AS hour, count(*) AS many FROM appointment a \
     WHERE a.starts_at >= $1 AND a.starts_at < $2 AND a.deleted_at IS NULL AND a.status <> 'cancelled' GROUP BY 1";

async fn outcomes(db: &impl ConnectionTrait, statement: Statement) -> Result<Vec<Outcome>> {
    let rows = OutcomeRow::find_by_statement(statement).all(db).await?;
    let many = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let outcomes = rows.into_iter().map(|row| Outcome {
        name: row.name,
        held: many(row.held),
        missed: many(row.missed),
    });
    Ok(outcomes.collect())
}

async fn hours(db: &impl ConnectionTrait, statement: Statement) -> Result<Vec<u32>> {
    let mut hours = vec![0; 24];
    for row in HourRow::find_by_statement(statement).all(db).await? {
        let place = usize::try_from(row.hour).unwrap_or_default();
        if let Some(hour) = hours.get_mut(place) {
            *hour = u32::try_from(row.many).unwrap_or(u32::MAX);
        }
    }
    Ok(hours)
}

/// One table of the figures as CSV, with a head.
///
/// # Errors
/// As [`get`].
pub async fn csv(ctx: &Ctx, period: Period, table: Table) -> Result<String> {
    let figures = get(ctx, period).await?;
    let mut file = BOM.to_owned();
    let mut add = |fields: &[&str]| push_line(&mut file, fields.iter().copied());
    match table {
        Table::Time => {
            add(&[
                "From",
                "Active users",
                "New customers",
                "Appointments",
                "No-shows",
            ]);
            for part in &figures.parts {
                let counts = [part.active, part.customers, part.appointments, part.missed]
                    .map(|count| count.to_string());
                let [active, customers, appointments, missed] = &counts;
                add(&[&part.from, active, customers, appointments, missed]);
            }
        }
        Table::Types | Table::Staff => {
            let (head, rows) = match table {
                Table::Types => ("Type", &figures.types),
                _ => ("Person", &figures.staff),
            };
            add(&[head, "Held", "No-shows", "Share of no-shows"]);
            for row in rows {
                let share = tenths(row.missed_share());
                add(&[&row.name, &row.held.to_string(), &row.missed.to_string(), &share]);
            }
        }
        Table::Hours => {
            add(&["Hour", "Appointments"]);
            for (hour, many) in figures.hours.iter().enumerate() {
                add(&[&format!("{hour:02}:00"), &many.to_string()]);
            }
        }
    }
    Ok(file)
}
