//! Importing a real export: what is taken, what is not, once and again, there and back.

use rapport_domain::{
    access::BuiltInRole,
    customer::{ContactKind, CustomerKind, Related},
    error::AppError,
    import::ImportReport,
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
        (report.unreadable_rows, report.unreadable.len(), report.unchanged),
        (24, 24, 0)
    );
    assert!(
        report
            .unreadable
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
    assert_eq!(one.unchanged + two.unchanged, 67);

    let state = world.state().await;
    let again = northwind(&anna).await.unwrap();
    assert_eq!((again.unchanged, again.batch), (67, None));
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
    assert_eq!((again.restored, again.created_companies), (67, 0));
    assert_eq!(world.state().await, after);
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
        assert!(fields.get("file").is_some());
    }
    assert_eq!(told(northwind(&reader).await), AppError::Forbidden);
    assert_eq!(world.list(&anna, "").await.rows, []);
}
