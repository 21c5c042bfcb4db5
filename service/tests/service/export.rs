//! Customers as a file, and back again.

use std::pin::pin;

use chrono::TimeDelta;
use futures::TryStreamExt;
use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    import::{MatchBy, OnMatch, Rules},
    query::ListQuery,
};
use rapport_service::{
    Ctx, Result,
    clock::Clock,
    customer::{command, export},
    import::{self, NewImport, Wishes},
    job::Worker,
    limit,
    seen::Seen,
};
use rapport_testing::House;

use crate::support::{World, told};

async fn exported(ctx: &Ctx, query: &str) -> Result<String> {
    let query = ListQuery::from_query_string(query).unwrap();
    let mut pieces = pin!(export::csv(ctx, query).await?);
    let mut file = String::new();
    while let Some(piece) = pieces.try_next().await? {
        file.push_str(&piece);
    }
    Ok(file)
}

async fn northwind(ctx: &Ctx) {
    let bytes = include_bytes!("../../../domain/tests/data/northwind-customers.csv");
    import::customers(ctx, "northwind-customers.csv", None, bytes)
        .await
        .unwrap();
}

#[tokio::test]
async fn nobody_takes_everything_out_without_end() {
    let house = House::with_clock(Clock::stopped()).await;
    let someone = async || house.acting(house.user(BuiltInRole::Admin, None).await).await;
    let (anna, ben) = (someone().await, someone().await);
    for _ in 0..limit::FILES_OF.burst {
        exported(&anna, "").await.unwrap();
    }
    let again = told(exported(&anna, "").await);
    assert!(matches!(again, AppError::TooManyRequests { .. }), "{again:?}");
    exported(&ben, "").await.unwrap();
    house.clock.advance(TimeDelta::seconds(6));
    exported(&anna, "").await.unwrap();
}

#[tokio::test]
async fn importing_an_export_changes_nothing() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    northwind(&anna).await;
    world
        .customer(
            &anna,
            &[
                ("name", "=cmd()|\"x\""),
                ("emails", "+a@example.org\n-b@example.org"),
                ("phones", "+44 1"),
                ("street", "@home, sweet"),
                ("tags", "=1,two"),
            ],
        )
        .await;
    let (before, file) = (world.state().await, exported(&anna, "").await.unwrap());
    assert!(!file.contains(",=cmd"), "a formula is escaped");
    for then in [OnMatch::Update, OnMatch::FillEmpty, OnMatch::Skip] {
        let new = NewImport {
            id: anna.clock().new_id(),
            file: "customers.csv".to_owned(),
            size: file.len() as u64,
            stamp: 0,
        };
        let wishes = Wishes {
            then: Some(then),
            ..Wishes::default()
        };
        let id = import::stage(&anna, new, file.as_bytes(), wishes).await.unwrap();
        let settings = import::get(&anna, id).await.unwrap().settings.unwrap();
        assert!(settings.rules.by.contains(&MatchBy::Id), "{:?}", Rules::default());
        import::run(&anna, id).await.unwrap();
        Worker::new(&world.house.service).work_off().await.unwrap();
        let report = import::outcome(&anna, id).await.unwrap();
        assert_eq!(
            (report.rows, report.unchanged_rows, report.batch),
            (135, 135, None),
            "{report}"
        );
        assert_eq!(world.state().await, before);
    }
}

#[tokio::test]
async fn the_day_on_which_somebody_was_added_is_the_same_wherever_a_file_goes() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let zone = "UPDATE app_user SET zone = 'Europe/Berlin'";
    world.house.database.run(zone).await;
    let anna = world.house.acting(anna.actor().user).await;
    let file = b"Name,Customer since\nAda,2026-01-15\nEden,1875-03-01\n";
    import::customers(&anna, "list.csv", None, file).await.unwrap();
    let out = exported(&anna, "").await.unwrap();
    assert!(out.contains("2026-01-15T00:00:00+01:00"), "{out}");
    assert!(out.contains("1875-03-01T00:00:00+00:53"), "{out}");

    let elsewhere = World::new().await;
    let ben = elsewhere.acting(BuiltInRole::Admin).await;
    elsewhere.house.database.run(zone).await;
    let ben = elsewhere.house.acting(ben.actor().user).await;
    import::customers(&ben, "customers.csv", None, out.as_bytes())
        .await
        .unwrap();
    let out = exported(&ben, "").await.unwrap();
    assert!(out.contains("2026-01-15T00:00:00+01:00"), "{out}");
}

#[tokio::test]
async fn a_person_stays_with_a_company_that_lies_in_the_trash() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let acme = world
        .customer(&anna, &[("name", "Acme"), ("kind", "company")])
        .await;
    let acme_id = acme.to_string();
    let ada = world
        .customer(
            &anna,
            &[("name", "Ada"), ("company_id", &acme_id), ("city", "Ely")],
        )
        .await;
    command::trash(&anna, acme, Seen::Latest).await.unwrap();
    let file = exported(&anna, "").await.unwrap().replace("Ely", "Bath");
    let wishes = Wishes {
        then: Some(OnMatch::Update),
        ..Wishes::default()
    };
    let new = NewImport {
        id: anna.clock().new_id(),
        file: "customers.csv".to_owned(),
        size: file.len() as u64,
        stamp: 0,
    };
    let id = import::stage(&anna, new, file.as_bytes(), wishes).await.unwrap();
    import::run(&anna, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let report = import::outcome(&anna, id).await.unwrap();
    assert_eq!((report.problem_rows, report.changed_rows), (0, 1), "{report}");
    let stays = format!("customer WHERE id = '{ada}' AND company_id = '{acme}' AND city = 'Bath'");
    assert_eq!(world.count(&stays).await, 1);
}

#[tokio::test]
async fn an_export_holds_what_the_list_holds_and_the_right_reaches() {
    let world = World::new().await;
    let (admin, manager) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting_in(BuiltInRole::Manager, "Elsewhere").await,
    );
    northwind(&admin).await;
    world
        .customer(&manager, &[("name", "Mine"), ("city", "Bath")])
        .await;

    let rows = |file: String| file.matches("\r\n").count() - 1;
    assert_eq!(rows(exported(&admin, "").await.unwrap()), 135);
    assert_eq!(
        rows(exported(&admin, "filter=1:city.is(London)").await.unwrap()),
        6
    );
    assert_eq!(rows(exported(&admin, "q=moreno").await.unwrap()), 2);
    assert_eq!(
        rows(exported(&manager, "").await.unwrap()),
        1,
        "the right reaches the team's"
    );
    for role in [BuiltInRole::Member, BuiltInRole::ReadOnly] {
        let refused = exported(&world.acting(role).await, "").await;
        assert_eq!(told(refused), AppError::Forbidden);
    }
}

#[tokio::test]
async fn nobody_takes_away_what_they_may_not_see() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    northwind(&admin).await;
    let grants = "UPDATE role_grant SET reach = CASE ability WHEN 'export' THEN 'all' ELSE 'team' END \
         WHERE kind = 'customer' AND ability IN ('read', 'export') \
           AND role_id = (SELECT id FROM role WHERE key = 'manager')";
    world.house.database.run(grants).await;
    let manager = world.acting_in(BuiltInRole::Manager, "Elsewhere").await;
    world.customer(&manager, &[("name", "Mine")]).await;

    for query in ["", "q=min", "filter=1:kind.is(person)"] {
        let file = exported(&manager, query).await.unwrap();
        assert_eq!(file.matches("\r\n").count(), 2, "{query}: {file:.200}");
    }
}

#[tokio::test]
async fn an_export_moves_a_whole_team_to_another_installation() {
    let here = World::new().await;
    let anna = here.acting(BuiltInRole::Admin).await;
    northwind(&anna).await;
    // Somebody who was here before their company.
    let ada = here.customer(&anna, &[("name", "Ada Lovelace")]).await;
    let mill = here
        .customer(&anna, &[("name", "Mill"), ("kind", "company")])
        .await;
    here.save(&anna, ada, &[("company_id", &mill.to_string())])
        .await
        .unwrap();
    let file = exported(&anna, "").await.unwrap();

    let there = World::new().await;
    let ben = there.acting(BuiltInRole::Admin).await;
    let report = import::customers(&ben, "customers.csv", None, &file)
        .await
        .unwrap();

    assert_eq!(
        (
            report.created_companies,
            report.created_people,
            report.problem_rows
        ),
        (68, 68, 0),
        "{report:?}"
    );
    let linked =
        "SELECT count(*)::text FROM customer p JOIN customer c ON c.id = p.company_id AND c.kind = 'company'";
    assert_eq!(there.house.database.read(linked).await, "68");
    let again = import::customers(&ben, "customers.csv", None, &file)
        .await
        .unwrap();
    assert_eq!((again.unchanged_rows, again.batch), (136, None));
}
