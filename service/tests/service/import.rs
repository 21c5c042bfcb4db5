//! Importing a real export: what is taken, what is not, once and again, there and back.

use rapport_domain::{
    access::BuiltInRole,
    customer::{ContactKind, CustomerKind, Related},
    error::AppError,
    import::ImportReport,
    timeline::{Story, Undo},
};
use rapport_service::{Ctx, Result, customer::query, import, journal};

use crate::support::{World, told};

const NORTHWIND: &[u8] = include_bytes!("../../../domain/tests/data/northwind-customers.csv");

async fn northwind(ctx: &Ctx) -> Result<ImportReport> {
    import::customers(ctx, "northwind-customers.csv", None, NORTHWIND).await
}

#[tokio::test]
async fn a_real_export_comes_in_as_companies_with_their_people() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;

    let report = northwind(&anna).await.unwrap();

    assert_eq!(
        (report.rows, report.created_companies, report.created_people),
        (91, 67, 67)
    );
    assert_eq!(
        (report.problem_rows, report.problems.len(), report.unchanged_rows),
        (24, 24, 0)
    );
    assert!(
        report
            .problems
            .iter()
            .all(|row| row.reason.contains("12") && row.reason.contains("11"))
    );

    let found = query::suggest(&anna, "antonio moreno taqueria", Some(CustomerKind::Company))
        .await
        .unwrap();
    let company = query::get(&anna, found[0].id).await.unwrap();
    assert_eq!(company.name, "Antonio Moreno Taquería");
    assert_eq!(company.region, None, "NULL is nothing");
    assert_eq!(company.external_refs[0].key, "ANTON");
    let phones: Vec<_> = company
        .contacts(ContactKind::Phone)
        .map(|point| point.value.as_str())
        .collect();
    assert_eq!(phones, ["(5) 555-3932"], "the fax is NULL");
    let person = query::get(&anna, company.people[0].id).await.unwrap();
    assert_eq!(
        (person.name.as_str(), person.job_title.as_deref()),
        ("Antonio Moreno", Some("Owner"))
    );
    assert_eq!(person.company, Some(Related::Seen(company.id, company.name)));
}

#[tokio::test]
async fn importing_twice_even_at_once_doubles_nobody() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );

    let (one, two) = tokio::join!(northwind(&anna), northwind(&ben));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.created_companies + two.created_companies, 67);
    assert_eq!(one.unchanged_rows + two.unchanged_rows, 67);

    let state = world.state().await;
    let again = northwind(&anna).await.unwrap();
    assert_eq!((again.unchanged_rows, again.batch), (67, None));
    assert_eq!(world.state().await, state);
}

#[tokio::test]
async fn an_import_is_taken_back_as_a_whole_and_brought_in_again() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let before = world.state().await;
    let report = northwind(&anna).await.unwrap();
    let after = world.state().await;

    let undone = journal::undo(&anna, report.batch.unwrap()).await.unwrap();
    assert_eq!((undone.undone, undone.left), (134, 0));
    assert_eq!(world.state().await, before);

    let redone = journal::undo(&anna, undone.batch.unwrap()).await.unwrap();
    assert_eq!((redone.undone, world.state().await), (134, after.clone()));

    journal::undo(&anna, report.batch.unwrap()).await.unwrap();
    let again = northwind(&anna).await.unwrap();
    assert_eq!((again.restored_rows, again.created_companies), (67, 0));
    assert_eq!(world.state().await, after);
}

#[tokio::test]
async fn notes_and_the_days_of_an_old_system_come_with_the_records_that_are_made() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let file = "Customer ID,Company,Contact name,Customer since,Notes\n\
                7,Bakery,Ada Lovelace,31.12.2019,Pays late\n\
                8,Mill,,1.2.2020,\n";
    let bring = async || import::customers(&anna, "old.csv", None, file).await.unwrap();

    let report = bring().await;

    assert_eq!((report.created_companies, report.created_people), (2, 1));
    let found = query::suggest(&anna, "bakery", Some(CustomerKind::Company))
        .await
        .unwrap();
    let bakery = query::get(&anna, found[0].id).await.unwrap();
    assert_eq!(bakery.created.said, "31 Dec 2019");
    let story = query::timeline(&anna, bakery.id, None).await.unwrap().entries;
    let told: Vec<_> = story.iter().map(|entry| (&entry.story, entry.undo)).collect();
    assert!(
        matches!(
            told.as_slice(),
            [(Story::Note { body, .. }, Undo::No), (Story::Imported { .. }, Undo::Offered)] if body == "Pays late"
        ),
        "{told:?}"
    );

    let state = world.state().await;
    assert_eq!(bring().await.unchanged_rows, 2, "no second note");
    assert_eq!(world.state().await, state);
    let undone = journal::undo(&anna, report.batch.unwrap()).await.unwrap();
    assert!(!world.state().await.contains("Pays late"));
    journal::undo(&anna, undone.batch.unwrap()).await.unwrap();
    assert_eq!(world.state().await, state);
}

#[tokio::test]
async fn what_somebody_added_to_since_stays_when_an_import_is_taken_back() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let report = northwind(&anna).await.unwrap();
    let kept = query::suggest(&ben, "around the horn", Some(CustomerKind::Company))
        .await
        .unwrap()[0]
        .id;
    world.save(&ben, kept, &[("city", "Cowes")]).await.unwrap();

    let undone = journal::undo(&anna, report.batch.unwrap()).await.unwrap();

    assert_eq!((undone.undone, undone.left), (133, 1));
    assert_eq!(undone.kept[0].name, "Around the Horn");
    assert_eq!(
        query::get(&ben, kept).await.unwrap().city.as_deref(),
        Some("Cowes")
    );
}

#[tokio::test]
async fn a_file_that_is_none_and_a_person_who_may_not_are_refused() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let reader = world.acting(BuiltInRole::ReadOnly).await;
    for bytes in [
        &b""[..],
        &b"\x89PNG\r\n\x1a\n\0\0"[..],
        &b"shoe size,colour\n44,red\n"[..],
    ] {
        let error = told(import::customers(&anna, "x.csv", None, bytes).await);
        let AppError::Invalid { fields } = error else {
            panic!("{error:?}")
        };
        assert!(fields.get("file").or(fields.get("form")).is_some());
    }
    assert_eq!(told(northwind(&reader).await), AppError::Forbidden);
    assert_eq!(world.list(&anna, "").await.rows, []);
}
