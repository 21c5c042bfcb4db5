//! The dashboard's figures against a naive count, by right and by filter; and what it lists.

use chrono::{DateTime, Duration, TimeDelta, Utc};
use chrono_tz::Tz;
use rapport_domain::{
    access::{BuiltInRole, Kind},
    customer::Stage,
    dashboard::{DashboardQuery, Figures, Period, Whose},
    id::{TeamId, UserId},
    organisation::ProfilePatch,
};
use rapport_service::{Ctx, clock::Clock, dashboard, organisation};
use rapport_testing::House;
use serde::Deserialize;

use crate::support::World;

/// Random numbers (xorshift64, Marsaglia 2003) that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[derive(Deserialize)]
struct Customer {
    stage: String,
    owner: Option<UserId>,
    team: Option<TeamId>,
    at: DateTime<Utc>,
    gone: bool,
}

#[derive(Deserialize)]
struct Appointment {
    status: String,
    at: DateTime<Utc>,
    gone: bool,
    keepers: Vec<(UserId, Option<TeamId>)>,
}

/// All there is, past the program.
async fn everything(house: &House) -> (Vec<Customer>, Vec<Appointment>) {
    let customers = "SELECT coalesce(jsonb_agg(jsonb_build_object('stage', stage, 'owner', owner_id, 'team', team_id, \
         'at', created_at, 'gone', deleted_at IS NOT NULL)), '[]')::text FROM customer";
    let appointments = "SELECT coalesce(jsonb_agg(jsonb_build_object('status', status, 'at', starts_at, \
         'gone', deleted_at IS NOT NULL, 'keepers', (SELECT jsonb_agg(jsonb_build_array(staff, team)) \
         FROM appointment_staff WHERE appointment = id))), '[]')::text FROM appointment";
    (
        serde_json::from_str(&house.database.read(customers).await).unwrap(),
        serde_json::from_str(&house.database.read(appointments).await).unwrap(),
    )
}

/// The figures by going through everything, one by one.
fn naive(ctx: &Ctx, zone: Tz, query: DashboardQuery, all: &(Vec<Customer>, Vec<Appointment>)) -> Figures {
    use rapport_domain::access::Ability;
    let me = ctx.actor().user;
    let asked = |owner: Option<UserId>, team: Option<TeamId>| match query.whose {
        Whose::All => true,
        Whose::Mine => owner == Some(me),
        Whose::Team(asked) => team == Some(asked),
    };
    let today = ctx.clock().now().with_timezone(&zone).date_naive();
    let (days, step) = (i64::from(query.period.days()), i64::from(query.period.step()));
    let mut figures = Figures::default();
    let parts = usize::try_from(days / step).unwrap();
    for series in [&mut figures.new, &mut figures.held, &mut figures.missed] {
        series.parts = vec![0; parts];
    }
    for part in 0..days / step {
        let first = today - Duration::days(days - 1 - part * step);
        figures.labels.push(first.format("%-d %b").to_string());
    }
    // How many days before today, by the viewer's clock: 0 is today.
    let ago = |at: DateTime<Utc>| (today - at.with_timezone(&zone).date_naive()).num_days();
    let count = |series: &mut rapport_domain::dashboard::Series, at: DateTime<Utc>| match ago(at) {
        ago if (0..days).contains(&ago) => {
            series.parts[usize::try_from((days - 1 - ago) / step).unwrap()] += 1;
        }
        ago if (days..2 * days).contains(&ago) => series.before += 1,
        _ => {}
    };
    figures.stages = Stage::EVERY.iter().map(|stage| (*stage, 0)).collect();
    let sees = ctx.actor().scope(Kind::Customer, Ability::Read);
    for customer in all.0.iter().filter(|one| !one.gone) {
        if sees.holds(customer.owner, customer.team) && asked(customer.owner, customer.team) {
            count(&mut figures.new, customer.at);
            let mut stages = figures.stages.iter_mut();
            let stage = stages.find(|(stage, _)| stage.word() == customer.stage);
            stage.unwrap().1 += 1;
        }
    }
    let sees = ctx.actor().scope(Kind::Appointment, Ability::Read);
    for appointment in all.1.iter().filter(|one| !one.gone) {
        let kept = |by: &dyn Fn(UserId, Option<TeamId>) -> bool| {
            appointment
                .keepers
                .iter()
                .any(|(keeper, team)| by(*keeper, *team))
        };
        if kept(&|keeper, team| sees.holds(Some(keeper), team))
            && kept(&|keeper, team| asked(Some(keeper), team))
        {
            match appointment.status.as_str() {
                "done" => count(&mut figures.held, appointment.at),
                "no_show" => count(&mut figures.missed, appointment.at),
                _ => {}
            }
        }
    }
    figures
}

/// Customers and appointments of all people at random instants, many of them beside midnights.
async fn scatter(house: &House, people: &[UserId], dice: &mut Dice, zone: Tz) {
    let today = house.clock.now().with_timezone(&zone).date_naive();
    let instant = |dice: &mut Dice| {
        let day = today - Duration::days(i64::try_from(dice.below(60)).unwrap());
        let midnight = day
            .and_hms_opt(0, 0, 0)
            .unwrap()
            .and_local_timezone(zone)
            .earliest()
            .unwrap();
        let near = [-1_i64, 0, 1, 43_200_000_000][usize::try_from(dice.below(4)).unwrap()];
        (midnight.with_timezone(&Utc) + Duration::microseconds(near)).to_rfc3339()
    };
    for _ in 0..40 {
        let owner = people[usize::try_from(dice.below(people.len() as u64)).unwrap()];
        let stage = Stage::EVERY[usize::try_from(dice.below(4)).unwrap()];
        let gone = if dice.below(8) == 0 { "now()" } else { "NULL" };
        let at = instant(dice);
        let customer = format!(
            "INSERT INTO customer (id, kind, stage, name, owner_id, team_id, created_at, updated_at, deleted_at) \
             SELECT gen_random_uuid(), 'person', '{stage}', 'X', id, team_id, '{at}', '{at}', {gone} \
             FROM app_user WHERE id = '{owner}'"
        );
        house.database.run(&customer).await;
    }
    for number in 0..40_u64 {
        let keeper = people[usize::try_from(dice.below(people.len() as u64)).unwrap()];
        let with = people[usize::try_from(dice.below(people.len() as u64)).unwrap()];
        let status = ["done", "done", "no_show", "booked"][usize::try_from(dice.below(4)).unwrap()];
        // Each a little later than the other, so that nobody is in two places at once.
        let at = format!(
            "'{}'::timestamptz + {number} * interval '100 microseconds'",
            instant(dice)
        );
        let appointment = format!(
            "INSERT INTO appointment (id, title, type_id, status, starts_at, ends_at, zone, local_start, staff, created_at, updated_at) \
             SELECT gen_random_uuid(), 'Talk', (SELECT id FROM appointment_type LIMIT 1), '{status}', {at}, {at} + interval '50 microseconds', \
                    'UTC', now(), ARRAY(SELECT DISTINCT unnest(ARRAY['{keeper}', '{with}']::uuid[])), now(), now() \
             ON CONFLICT DO NOTHING"
        );
        house.database.run(&appointment).await;
    }
}

async fn set_zone(house: &House, ctx: &Ctx, zone: &str) -> Ctx {
    let patch = ProfilePatch {
        zone: Some(Some(zone.to_owned())),
        ..ProfilePatch::default()
    };
    let seen = organisation::profile(ctx).await.unwrap().version;
    organisation::save_profile(ctx, seen, patch).await.unwrap();
    house.acting(ctx.actor().user).await
}

#[tokio::test]
async fn the_figures_are_those_of_a_naive_count_for_every_role_filter_period_and_clock() {
    let house = House::with_clock(Clock::stopped()).await;
    let (north, south) = (house.team("North").await, house.team("South").await);
    let mut people = Vec::new();
    for (role, team) in [
        (BuiltInRole::Admin, Some(north)),
        (BuiltInRole::Member, Some(north)),
        (BuiltInRole::Member, Some(south)),
        (BuiltInRole::Member, None),
        (BuiltInRole::ReadOnly, Some(south)),
    ] {
        people.push(house.user(role, team).await);
    }
    let mut dice = Dice(0x5eed_cafe);
    for (place, zone) in ["Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]
        .iter()
        .enumerate()
    {
        let zone_read: Tz = zone.parse().unwrap();
        scatter(&house, &people, &mut dice, zone_read).await;
        let all = everything(&house).await;
        for person in &people {
            let ctx = set_zone(&house, &house.acting(*person).await, zone).await;
            for whose in [Whose::All, Whose::Mine, Whose::Team(north), Whose::Team(south)] {
                for period in Period::EVERY {
                    let query = DashboardQuery { whose, period };
                    let counted = dashboard::get(&ctx, query).await.unwrap().figures;
                    let naive = naive(&ctx, zone_read, query, &all);
                    assert_eq!(counted, naive, "{zone} {place} {query:?} {:?}", ctx.actor().name);
                }
            }
        }
        house.clock.advance(TimeDelta::hours(5));
    }
}

#[tokio::test]
async fn figures_are_kept_until_something_is_written() {
    let world = World::new().await;
    let member = world.acting(BuiltInRole::Member).await;
    world.customer(&member, &[("name", "Ada")]).await;
    let new = || async {
        let dashboard = dashboard::get(&member, DashboardQuery::default()).await.unwrap();
        dashboard.figures.new.total()
    };
    assert_eq!(new().await, 1);
    // Past the journal: what was kept still stands.
    world
        .house
        .database
        .run("UPDATE customer SET deleted_at = now()")
        .await;
    assert_eq!(new().await, 1, "it was kept");
    world.customer(&member, &[("name", "Ben")]).await;
    assert_eq!(new().await, 1, "Ada is gone, and Ben is there");
    world.customer(&member, &[("name", "Cid")]).await;
    assert_eq!(new().await, 2);
}

#[tokio::test]
async fn it_lists_own_customers_that_went_silent_and_no_others() {
    let world = World::new().await;
    let member = world.acting(BuiltInRole::Member).await;
    let other = world.acting(BuiltInRole::Member).await;
    for (name, days) in [
        ("Fresh", 5),
        ("Quiet", 45),
        ("Quieter", 90),
        ("Noted", 60),
        ("Former", 70),
    ] {
        let id = world.customer(&member, &[("name", name)]).await;
        let age = format!(
            "UPDATE customer SET updated_at = now() - interval '{days} days', \
                    stage = CASE name WHEN 'Former' THEN 'former' ELSE stage END WHERE id = '{id}'"
        );
        world.house.database.run(&age).await;
    }
    let foreign = world.customer(&other, &[("name", "Foreign")]).await;
    let age = format!("UPDATE customer SET updated_at = now() - interval '99 days' WHERE id = '{foreign}'");
    world.house.database.run(&age).await;
    let note = "INSERT INTO activity (id, customer_id, kind, body, created_at, updated_at) \
         SELECT gen_random_uuid(), id, 'note', 'x', now(), now() FROM customer WHERE name = 'Noted'";
    world.house.database.run(note).await;
    // What was to come and was called off is nothing to come; and those who left hide nobody.
    let called_off = "INSERT INTO appointment (id, customer_id, type_id, title, staff, status, starts_at, ends_at, zone, \
                                      local_start, created_at, updated_at) \
         SELECT gen_random_uuid(), id, (SELECT id FROM appointment_type LIMIT 1), 'x', ARRAY[owner_id], 'cancelled', \
                now() + interval '90 days', now() + interval '90 days 1 hour', 'UTC', now(), now(), now() \
         FROM customer WHERE name = 'Quiet'";
    world.house.database.run(called_off).await;
    let left = format!(
        "INSERT INTO customer (id, kind, stage, name, owner_id, created_at, updated_at) \
         SELECT gen_random_uuid(), 'person', 'former', 'Left', '{}', now() - interval '900 days', now() - interval '900 days' \
         FROM generate_series(1, 600)",
        member.actor().user
    );
    world.house.database.run(&left).await;
    let dashboard = dashboard::get(&member, DashboardQuery::default()).await.unwrap();
    let silent: Vec<_> = dashboard
        .silent
        .iter()
        .map(|one| (one.name.as_str(), one.days))
        .collect();
    assert_eq!(silent, [("Quieter", 90), ("Quiet", 45)]);
}
