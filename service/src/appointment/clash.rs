//! Who is taken, with what, as far as the one who asks may know.

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    appointment::{FreeTime, clock},
    error::AppError,
    id::{AppointmentId, TeamId, UserId},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    free,
    row::{Span, TEAMS, is_kept_within},
};
use crate::{Ctx, Result, sql::sql, zone};

#[derive(FromQueryResult)]
struct Taken {
    name: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    staff: Vec<Uuid>,
    teams: Vec<Uuid>,
    title: Option<String>,
    customer: Option<String>,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

/// Refuses a time at which one of these people keeps another appointment: with whom and when, and which times are free.
///
/// # Errors
/// [`AppError::Invalid`] on `time`.
pub(super) async fn refuse(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    staff: &[Uuid],
    span: &Span,
    except: Option<AppointmentId>,
) -> Result<()> {
    let Some(taken) = find(db, staff, span, except).await? else {
        return Ok(());
    };
    let free = free::after(db, ctx, staff, span, except).await?;
    Err(AppError::invalid("time", sentence(ctx, &taken, span, &free)).into())
}

async fn find(
    db: &impl ConnectionTrait,
    staff: &[Uuid],
    span: &Span,
    except: Option<AppointmentId>,
) -> Result<Option<Taken>> {
    let text = format!(
        "SELECT u.name, a.starts_at AS from, a.ends_at AS to, a.staff, {TEAMS} AS teams, a.title, \
                c.name AS customer, c.owner_id AS owner, c.team_id AS team \
         FROM appointment_staff s JOIN appointment a ON a.id = s.appointment JOIN app_user u ON u.id = s.staff \
              LEFT JOIN customer c ON c.id = a.customer_id \
         WHERE s.active AND s.staff = ANY($1) AND s.during && tstzrange($2, $3) AND s.appointment <> $4 \
         ORDER BY a.starts_at, u.name LIMIT 1"
    );
    let statement = sql(
        &text,
        [
            staff.to_vec().into(),
            span.from.into(),
            span.to.into(),
            except.map_or(Uuid::nil(), |id| id.0).into(),
        ],
    );
    Ok(Taken::find_by_statement(statement).one(db).await?)
}

fn sentence(ctx: &Ctx, taken: &Taken, span: &Span, free: &[FreeTime]) -> String {
    let actor = ctx.actor();
    let sees = is_kept_within(
        actor.scope(Kind::Appointment, Ability::Read),
        &taken.staff,
        &taken.teams,
    );
    let sees_customer = actor
        .scope(Kind::Customer, Ability::Read)
        .holds(taken.owner.map(UserId), taken.team.map(TeamId));
    let with = taken.customer.as_ref().filter(|_| sees && sees_customer);
    let about = with.or(taken.title.as_ref().filter(|_| sees));
    let what = about.map_or_else(|| "is taken".to_owned(), |about| format!("has “{about}”"));
    let (from, to) = (
        zone::wall(taken.from, ctx.zone()),
        zone::wall(taken.to, ctx.zone()),
    );
    let asked = zone::wall(span.from, ctx.zone()).day;
    let said = |wall: rapport_domain::appointment::Wall| {
        if wall.day == asked {
            clock(wall.minute)
        } else {
            wall.to_string()
        }
    };
    let mut sentence = format!("{} {what} from {} to {}.", taken.name, said(from), said(to));
    let next: Vec<String> = free.iter().take(3).map(|free| said(free.from)).collect();
    if !next.is_empty() {
        sentence.push_str(&format!(" Free next: {}.", next.join("; ")));
    }
    sentence
}
