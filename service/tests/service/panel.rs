//! What the panel shows besides people: analytics, and how the installation is.

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    analytics::{Outcome, Table},
    dashboard::Period,
    error::AppError,
};
use rapport_migration::{Migrator, MigratorTrait};
use rapport_service::{analytics, clock::Clock, health};
use rapport_testing::House;

use crate::support::{World, told};

#[tokio::test]
async fn analytics_count_who_works_what_is_made_and_how_appointments_went() {
    let world = World::of(House::with_clock(Clock::stopped()).await);
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    for name in ["Ada", "Ben"] {
        world.customer(&member, &[("name", name)]).await;
    }
    // Three days on: the two of before are in the period still, and somebody else does something.
    world.house.clock.advance(TimeDelta::days(3));
    world.customer(&admin, &[("name", "Cid")]).await;
    let me = member.actor().user;
    for (number, (status, hour)) in [("done", 9), ("done", 9), ("no_show", 14), ("cancelled", 9)]
        .iter()
        .enumerate()
    {
        let booked = format!(
            "INSERT INTO appointment (id, title, type_id, status, starts_at, ends_at, zone, local_start, staff, created_at, updated_at) \
             SELECT gen_random_uuid(), 'Talk', id, '{status}', now() + interval '1 day' + {number} * interval '1 hour', \
                    now() + interval '1 day' + {number} * interval '1 hour' + interval '30 minutes', 'UTC', \
                    '2026-01-01 {hour:02}:00', ARRAY['{me}'::uuid], now(), now() FROM appointment_type WHERE name = 'Call'"
        );
        world.house.database.run(&booked).await;
    }
    world
        .house
        .database
        .run("UPDATE app_user SET name = '=1+1' WHERE name LIKE 'member%'")
        .await;

    let figures = analytics::get(&admin, Period::Week).await.unwrap();
    let sums = |count: fn(&rapport_domain::analytics::PartCounts) -> u32| {
        figures.parts.iter().map(count).sum::<u32>()
    };
    assert_eq!(figures.parts.len(), 7);
    assert_eq!(
        (
            sums(|part| part.customers),
            figures.parts[6].customers,
            figures.parts[3].customers
        ),
        (3, 1, 2)
    );
    assert_eq!((figures.parts[6].active, figures.parts[3].active), (1, 1));
    assert_eq!((sums(|part| part.appointments), sums(|part| part.missed)), (3, 1));
    let outcome = |name: &str| Outcome {
        name: name.to_owned(),
        held: 2,
        missed: 1,
    };
    assert_eq!(
        (figures.types.as_slice(), figures.staff.as_slice()),
        ([outcome("Call")].as_slice(), [outcome("=1+1")].as_slice())
    );
    assert_eq!(
        (
            figures.hours[9],
            figures.hours[14],
            figures.hours.iter().sum::<u32>()
        ),
        (2, 1, 3)
    );

    let file = |table| analytics::csv(&admin, Period::Week, table);
    assert_eq!(
        file(Table::Staff).await.unwrap(),
        "\u{feff}Person,Held,No-shows,Share of no-shows\r\n'=1+1,2,1,33.3 %\r\n",
        "what a spreadsheet would compute is escaped"
    );
    assert_eq!(file(Table::Time).await.unwrap().lines().count(), 8);
    assert_eq!(file(Table::Hours).await.unwrap().lines().count(), 25);
    assert_eq!(
        told(analytics::get(&member, Period::Week).await),
        AppError::Forbidden
    );
    assert_eq!(
        told(analytics::csv(&member, Period::Week, Table::Time).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn the_health_of_the_installation_is_for_admins() {
    let world = World::new().await;
    let (admin, manager) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Manager).await,
    );
    let health = health::get(&admin).await.unwrap();
    assert_eq!(health.schema.0 as usize, Migrator::migrations().len());
    assert!(
        health
            .postgres
            .version
            .starts_with(|digit: char| digit.is_ascii_digit())
    );
    assert!(
        health
            .redis
            .version
            .starts_with(|digit: char| digit.is_ascii_digit())
    );
    assert!(health.postgres.bytes > 1_000_000 && health.redis.bytes > 10_000);
    assert!(health.postgres.micros > 0 && health.redis.micros > 0);
    let (open, idle, most) = health.connections;
    assert!(
        idle <= open && open <= most && most > 0,
        "{:?}",
        health.connections
    );
    assert_eq!(told(health::get(&manager).await), AppError::Forbidden);
}
