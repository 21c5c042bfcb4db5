//! The dashboard: what is due, what went silent, what changed, and figures of a period beside those of the one before.
//!
//! The figures are counted by PostgreSQL from the records themselves and kept in Redis for as long as nothing is written:
//! the newest command of the journal is a part of their key.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use rapport_domain::{
    access::{Ability, Kind, Scope},
    appointment::{CalendarQuery, CalendarView, Day, Slot},
    customer::Stage,
    dashboard::{Dashboard, DashboardQuery, Figures, Period, SILENT_AFTER, Series, Silent, Whose},
    id::CustomerId,
};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

use crate::{
    Ctx, Error, Result,
    access::{push_union, require},
    appointment, feed, secret,
    sql::{Sql, sql},
    user, zone,
};

/// Figures are never older than this, also while a long command goes on writing.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Silent customers that are named.
const SILENT_MAX: i64 = 6;
/// Customers that are looked through for them, those that changed longest ago first.
const SILENT_LOOKED: i64 = 500;
/// Commands that are told.
const LATELY: usize = 6;

/// All that the dashboard shows.
///
/// # Errors
/// [`rapport_domain::error::AppError::Forbidden`] without the right to see customers.
pub async fn get(ctx: &Ctx, query: DashboardQuery) -> Result<Dashboard> {
    let customers = require(ctx.actor(), Kind::Customer, Ability::Read)?;
    let with_appointments = ctx.actor().may(Kind::Appointment, Ability::Read);
    ctx.db().ask_apart();
    let (appointments, silent, feed, figures, teams) = futures::try_join!(
        today(ctx, with_appointments),
        silent(ctx),
        feed::feed(ctx, false, None),
        figures(ctx, customers, query),
        user::teams_within(ctx, customers)
    )?;
    let now = ctx.now().local(ctx.clock().now());
    let name = ctx.actor().name.split_whitespace().next().unwrap_or_default();
    Ok(Dashboard {
        query,
        name: name.to_owned(),
        today: Day::of(now.date()).long(),
        greeting: part_of_day(now.hour()).to_owned(),
        appointments,
        silent,
        lately: feed.deeds.into_iter().take(LATELY).collect(),
        figures,
        teams,
        with_appointments,
    })
}

fn part_of_day(hour: u32) -> &'static str {
    match hour {
        5..12 => "morning",
        12..18 => "afternoon",
        _ => "evening",
    }
}

async fn today(ctx: &Ctx, with_appointments: bool) -> Result<Vec<Slot>> {
    if !with_appointments {
        return Ok(Vec::new());
    }
    let day = CalendarQuery {
        view: Some(CalendarView::Day),
        ..CalendarQuery::default()
    };
    Ok(appointment::calendar(ctx, day).await?.slots)
}

#[derive(FromQueryResult)]
struct SilentRow {
    id: Uuid,
    name: String,
    stage: String,
    since: DateTime<Utc>,
}

/// The actor's own customers with whom nothing happened for long: no change, no note, no appointment that was or comes.
async fn silent(ctx: &Ctx) -> Result<Vec<Silent>> {
    let now = ctx.clock().now();
    let statement = sql(
        "SELECT c.id, c.name, c.stage, greatest(c.updated_at, c.noted, c.met) AS since \
         FROM (SELECT k.id, k.name, k.stage, k.updated_at, \
                      (SELECT max(a.created_at) FROM activity a WHERE a.customer_id = k.id AND a.deleted_at IS NULL) AS noted, \
                      (SELECT max(a.starts_at) FROM appointment a WHERE a.customer_id = k.id AND a.deleted_at IS NULL \
                         AND a.status <> 'cancelled') AS met \
               FROM (SELECT * FROM customer WHERE owner_id = $1 AND deleted_at IS NULL AND updated_at < $2 \
                       AND stage <> 'former' ORDER BY updated_at, id LIMIT $3) AS k) AS c \
         WHERE greatest(c.updated_at, c.noted, c.met) < $2 ORDER BY since, c.id LIMIT $4",
        [
            ctx.actor().user.0.into(),
            (now - TimeDelta::days(SILENT_AFTER.into())).into(),
            SILENT_LOOKED.into(),
            SILENT_MAX.into(),
        ],
    );
    let rows = SilentRow::find_by_statement(statement).all(ctx.db()).await?;
    let silent = rows.into_iter().map(|row| {
        Ok(Silent {
            id: CustomerId(row.id),
            name: row.name,
            stage: row.stage.parse().map_err(Error::Stored)?,
            days: u32::try_from((now - row.since).num_days()).unwrap_or_default(),
        })
    });
    silent.collect()
}

#[derive(FromQueryResult)]
struct Newest {
    id: Uuid,
}

/// The figures, from Redis where nothing was written since they were counted.
async fn figures(ctx: &Ctx, customers: Scope, query: DashboardQuery) -> Result<Figures> {
    let newest = "SELECT id FROM batch ORDER BY at DESC, id DESC LIMIT 1";
    let newest = Newest::find_by_statement(sql(newest, [])).one(ctx.db()).await?;
    let span = Span::double(ctx, query.period);
    let booked = ctx.actor().scope(Kind::Appointment, Ability::Read);
    // Those of one scope share what was counted; what is somebody's own is nobody else's.
    let own = (query.whose == Whose::Mine).then_some(ctx.actor().user);
    let sight = format!(
        "{customers:?} {booked:?} {query:?} {own:?} {:?} {:?}",
        span.bounds,
        newest.map(|newest| newest.id)
    );
    let key = format!("figures:{}", secret::digest(&sight));
    let redis = ctx.service().redis();
    // What an older program kept cannot be read, and is counted anew.
    if let Some(kept) = redis.get(&key).await?
        && let Ok(figures) = serde_json::from_str(&kept)
    {
        return Ok(figures);
    }
    let figures = counted(ctx, customers, booked, query.whose, span).await?;
    redis
        .set(&key, &serde_json::to_string(&figures)?, KEPT_FOR)
        .await?;
    Ok(figures)
}

/// The instants between which the parts of a period lie: midnights by the viewer's clock. Before them may come those of
/// the period before.
pub(crate) struct Span {
    bounds: Vec<DateTime<Utc>>,
    /// From which day on each part of the period counts.
    first_days: Vec<Day>,
}

impl Span {
    /// A period that ends today.
    pub(crate) fn single(ctx: &Ctx, period: Period) -> Self {
        Self::of(ctx, period, 1)
    }

    /// The same behind the one before.
    fn double(ctx: &Ctx, period: Period) -> Self {
        Self::of(ctx, period, 2)
    }

    fn of(ctx: &Ctx, period: Period, times: i32) -> Self {
        let today = zone::wall(ctx.clock().now(), ctx.zone()).day;
        let (days, step) = (i32::from(period.days()), i32::from(period.step()));
        let parts = days / step;
        // Today is the last day of the period.
        let first = today.plus(1 - times * days);
        let day = |part: i32| first.plus(part * step);
        Self {
            bounds: (0..=times * parts)
                .map(|part| zone::day_begins(day(part), ctx.zone()))
                .collect(),
            first_days: ((times - 1) * parts..times * parts).map(day).collect(),
        }
    }

    pub(crate) fn bounds(&self) -> &[DateTime<Utc>] {
        &self.bounds
    }

    pub(crate) fn ends(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let end = |bound: Option<&DateTime<Utc>>| bound.copied().unwrap_or_default();
        (end(self.bounds.first()), end(self.bounds.last()))
    }

    /// The first day of each part: "2026-11-24".
    pub(crate) fn days(&self) -> Vec<String> {
        self.first_days.iter().map(ToString::to_string).collect()
    }

    fn labels(&self) -> Vec<String> {
        let days = self.first_days.iter();
        days.map(|day| day.date().format("%-d %b").to_string()).collect()
    }

    /// How many are in each part of the period.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it stands at the end of questions that may fail"
    )]
    pub(crate) fn counts(&self, counts: &[Part]) -> Result<Vec<u32>> {
        Ok(self.series(counts.iter()).parts)
    }

    /// The counts of numbered parts as a series.
    fn series<'a>(&self, counts: impl Iterator<Item = &'a Part>) -> Series {
        let parts = self.first_days.len();
        let mut series = Series {
            parts: vec![0; parts],
            before: 0,
        };
        // Parts are numbered from 1, those of the period before first.
        let first = self.bounds.len() - parts;
        for count in counts {
            let many = u32::try_from(count.many).unwrap_or(u32::MAX);
            let place = usize::try_from(count.part).unwrap_or_default();
            match place
                .checked_sub(first)
                .and_then(|place| series.parts.get_mut(place))
            {
                Some(part) => *part += many,
                None => series.before += many,
            }
        }
        series
    }
}

/// How many are in a part of a span, and of which status.
#[derive(FromQueryResult)]
pub(crate) struct Part {
    part: i32,
    many: i64,
    status: String,
}

#[derive(FromQueryResult)]
struct OfStage {
    stage: String,
    many: i64,
}

async fn counted(ctx: &Ctx, customers: Scope, booked: Scope, whose: Whose, span: Span) -> Result<Figures> {
    let db = ctx.db();
    let (new, went, of_stage) = futures::try_join!(
        new_customers(db, ctx, customers, whose, &span),
        appointments(db, ctx, booked, whose, &span),
        stages(db, ctx, customers, whose)
    )?;
    let of = |status: &'static str| went.iter().filter(move |part| part.status == status);
    let many = |stage: Stage| {
        let lines = of_stage.iter().filter(|line| line.stage == stage.word());
        u32::try_from(lines.map(|line| line.many).sum::<i64>()).unwrap_or(u32::MAX)
    };
    Ok(Figures {
        new: span.series(new.iter()),
        held: span.series(of("done")),
        missed: span.series(of("no_show")),
        stages: Stage::EVERY.iter().map(|stage| (*stage, many(*stage))).collect(),
        labels: span.labels(),
    })
}

/// Counts customers `c`, each part of what may be seen by an index of its own: `head` says what is counted of which, up
/// to the scope. What falls into several parts comes several times.
fn counts(
    ctx: &Ctx,
    scope: Scope,
    whose: Whose,
    head: impl Fn(&mut Sql),
    group: &'static str,
) -> Result<Statement> {
    let mut sql = Sql::default();
    push_union(&mut sql, scope, |sql, branch| {
        sql.push("(");
        head(sql);
        sql.push("c.deleted_at IS NULL AND ");
        branch.push(sql);
        match whose {
            Whose::All => &mut *sql,
            Whose::Mine => sql.push(" AND c.owner_id = ").bind(ctx.actor().user.0),
            Whose::Team(team) => sql.push(" AND c.team_id = ").bind(team.0),
        }
        .push(" GROUP BY ")
        .push(group)
        .push(")");
        Ok(())
    })?;
    Ok(sql.done())
}

async fn new_customers(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    scope: Scope,
    whose: Whose,
    span: &Span,
) -> Result<Vec<Part>> {
    let (from, to) = span.ends();
    let head = |sql: &mut Sql| {
        sql.push("SELECT width_bucket(c.created_at, ")
            .bind(span.bounds.clone())
            .push("::timestamptz[]) AS part, count(*) AS many, '' AS status FROM customer c WHERE c.created_at >= ")
            .bind(from)
            .push(" AND c.created_at < ")
            .bind(to)
            .push(" AND ");
    };
    let statement = counts(ctx, scope, whose, head, "1")?;
    Ok(Part::find_by_statement(statement).all(db).await?)
}

async fn stages(db: &impl ConnectionTrait, ctx: &Ctx, scope: Scope, whose: Whose) -> Result<Vec<OfStage>> {
    let head = |sql: &mut Sql| {
        sql.push("SELECT c.stage, count(*) AS many FROM customer c WHERE ");
    };
    let statement = counts(ctx, scope, whose, head, "c.stage")?;
    Ok(OfStage::find_by_statement(statement).all(db).await?)
}

async fn appointments(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    scope: Scope,
    whose: Whose,
    span: &Span,
) -> Result<Vec<Part>> {
    let (from, to) = span.ends();
    let mut sql = Sql::new("SELECT width_bucket(a.starts_at, ");
    sql.bind(span.bounds.clone())
        .push("::timestamptz[]) AS part, count(*) AS many, a.status FROM appointment a WHERE a.deleted_at IS NULL ")
        .push("AND a.status IN ('done', 'no_show') AND a.starts_at >= ")
        .bind(from)
        .push(" AND a.starts_at < ")
        .bind(to)
        .push(" AND ");
    let me = ctx.actor().user.0;
    match scope {
        Scope::Nothing => sql.push("FALSE"),
        Scope::Own(user) => push_kept(&mut sql, &[Keeper::User(user.0)], span),
        Scope::Team(user, team) => push_kept(&mut sql, &[Keeper::User(user.0), Keeper::Team(team.0)], span),
        Scope::All => sql.push("TRUE"),
    };
    match whose {
        Whose::All => &mut sql,
        Whose::Mine => push_kept(sql.push(" AND "), &[Keeper::User(me)], span),
        Whose::Team(team) => push_kept(sql.push(" AND "), &[Keeper::Team(team.0)], span),
    };
    sql.push(" GROUP BY 1, a.status");
    Ok(Part::find_by_statement(sql.done()).all(db).await?)
}

/// Who keeps an appointment.
enum Keeper {
    User(Uuid),
    Team(Uuid),
}

/// Adds that one of these keeps the appointment `a`, found by when it is: what was held or missed was never cancelled.
fn push_kept<'a>(sql: &'a mut Sql, keepers: &[Keeper], span: &Span) -> &'a mut Sql {
    let (from, to) = span.ends();
    sql.push("a.id IN (");
    for (place, keeper) in keepers.iter().enumerate() {
        if place > 0 {
            sql.push(" UNION ALL ");
        }
        sql.push("SELECT k.appointment FROM appointment_staff k WHERE k.active AND ");
        match keeper {
            Keeper::User(user) => sql
                .push("k.staff = ")
                .bind(*user)
                .push(" AND k.during && tstzrange(")
                .bind(from)
                .push(", ")
                .bind(to)
                .push(")"),
            Keeper::Team(team) => sql
                .push("k.team = ")
                .bind(*team)
                .push(" AND lower(k.during) >= ")
                .bind(from)
                .push(" AND lower(k.during) < ")
                .bind(to),
        };
    }
    sql.push(")")
}
