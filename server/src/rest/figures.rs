//! The figures of the dashboard, and analytics.

use axum::{Extension, Json, extract::OriginalUri, response::IntoResponse};
use rapport_domain::{
    analytics::{Outcome, PartCounts},
    dashboard::{DashboardQuery, Figures, Period, Series, Whose},
};
use rapport_service::{analytics, dashboard};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{Answer, By, input::Parameters, tell};

/// Whose figures, and how far back.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct FigureParameters {
    /// `mine`, or the id of a team; all that is in sight unless said otherwise.
    #[param(pattern = "^(mine|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")]
    whose: Option<String>,
    /// How many days back: 7, 28, 91 or 364.
    #[param(pattern = "^(7|28|91|364)$")]
    days: Option<String>,
}

/// A count by parts of the period, and how many there were in the period before.
#[derive(Serialize, ToSchema)]
struct SeriesBody {
    /// How many in each part of the period, the oldest first.
    parts: Vec<u32>,
    /// How many in the period before.
    before: u32,
}

impl SeriesBody {
    fn of(series: Series) -> Self {
        Self {
            parts: series.parts,
            before: series.before,
        }
    }
}

/// How many customers are in a stage.
#[derive(Serialize, ToSchema)]
struct StageCount {
    #[schema(example = "lead")]
    stage: &'static str,
    customers: u32,
}

/// The figures of the dashboard.
#[derive(Serialize, ToSchema)]
struct FiguresBody {
    /// How many days the period has.
    days: u16,
    /// How many days are counted together.
    step: u16,
    /// Customers that were made and are still there.
    new: SeriesBody,
    /// Appointments that were held.
    held: SeriesBody,
    /// Appointments to which nobody came.
    missed: SeriesBody,
    /// How many customers there are, by stage.
    stages: Vec<StageCount>,
}

impl FiguresBody {
    fn of(period: Period, figures: Figures) -> Self {
        let stages = figures.stages.into_iter();
        Self {
            days: period.days(),
            step: period.step(),
            new: SeriesBody::of(figures.new),
            held: SeriesBody::of(figures.held),
            missed: SeriesBody::of(figures.missed),
            stages: stages
                .map(|(stage, customers)| StageCount {
                    stage: stage.word(),
                    customers,
                })
                .collect(),
        }
    }
}

/// The figures of the dashboard, each beside the period before.
#[utoipa::path(
    get,
    path = "/figures",
    tag = "Figures",
    params(FigureParameters),
    responses((status = 200, body = FiguresBody))
)]
pub(super) async fn figures(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<FigureParameters>(&uri);
    let whose = asked.take("whose", |text| match text {
        "mine" => Ok(Whose::Mine),
        id => id
            .parse()
            .map(Whose::Team)
            .map_err(|_| "Please send mine, or the id of a team."),
    });
    let period = asked.read("days", DAYS).unwrap_or_default();
    asked.check()?;
    let query = DashboardQuery {
        whose: whose.unwrap_or_default(),
        period,
    };
    let dashboard = tell(dashboard::get(&by.ctx, query).await)?;
    Ok(Json(FiguresBody::of(period, dashboard.figures)).into_response())
}

const DAYS: &str = "Please send 7, 28, 91 or 364.";

/// How far back.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct PeriodParameters {
    /// How many days back: 7, 28, 91 or 364.
    #[param(pattern = "^(7|28|91|364)$")]
    days: Option<String>,
}

/// Who works, what is made and held, and when.
#[derive(Serialize, ToSchema)]
struct AnalyticsBody {
    days: u16,
    /// The parts of the period, the oldest first.
    parts: Vec<PartBody>,
    /// By type of appointment.
    types: Vec<OutcomeBody>,
    /// By who keeps them.
    staff: Vec<OutcomeBody>,
    /// How many appointments begin in each hour of the day, by the clock where they were booked.
    hours: Vec<u32>,
}

/// One part of the period.
#[derive(Serialize, ToSchema)]
struct PartBody {
    #[schema(format = Date)]
    from: String,
    /// Users who did something.
    active: u32,
    /// Customers that were made and are still there.
    customers: u32,
    /// Appointments that stand in it, those cancelled left out.
    appointments: u32,
    /// Of these, those to which nobody came.
    missed: u32,
}

impl PartBody {
    fn of(part: PartCounts) -> Self {
        Self {
            from: part.from,
            active: part.active,
            customers: part.customers,
            appointments: part.appointments,
            missed: part.missed,
        }
    }
}

/// How the appointments of one type, or of one person, went.
#[derive(Serialize, ToSchema)]
struct OutcomeBody {
    name: String,
    held: u32,
    missed: u32,
}

impl OutcomeBody {
    fn of(outcome: Outcome) -> Self {
        Self {
            name: outcome.name,
            held: outcome.held,
            missed: outcome.missed,
        }
    }
}

/// Analytics; for admins.
#[utoipa::path(
    get,
    path = "/analytics",
    tag = "Figures",
    params(PeriodParameters),
    responses((status = 200, body = AnalyticsBody))
)]
pub(super) async fn analytics(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<PeriodParameters>(&uri);
    let period = asked.read("days", DAYS).unwrap_or_default();
    asked.check()?;
    let told = tell(analytics::get(&by.ctx, period).await)?;
    let body = AnalyticsBody {
        days: period.days(),
        parts: told.parts.into_iter().map(PartBody::of).collect(),
        types: told.types.into_iter().map(OutcomeBody::of).collect(),
        staff: told.staff.into_iter().map(OutcomeBody::of).collect(),
        hours: told.hours,
    };
    Ok(Json(body).into_response())
}
