//! Importing where it is easy to go wrong: what names others, what changes in the middle, what comes at once.

use std::fmt::Write;

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    customer::{Customer, CustomerKind, Related},
    error::AppError,
    id::{CustomerId, ImportId},
    import::{ImportReport, ImportState, MatchBy, OnMatch, OnTrash, Rules},
};
use rapport_service::{
    Ctx,
    customer::{command, query},
    import::{self, NewImport, Wishes},
    job::Worker,
    journal,
    seen::Seen,
};
use rapport_testing::eventually;

use crate::support::{World, told};

const NORTHWIND: &str = include_str!("../../../domain/tests/data/northwind-customers.csv");

async fn staged(ctx: &Ctx, text: &str) -> ImportId {
    let new = NewImport {
        id: ctx.clock().new_id(),
        file: "list.csv".to_owned(),
        size: text.len() as u64,
        stamp: 7,
    };
    let staged = import::stage(ctx, new, text.as_bytes(), Wishes::default()).await;
    staged.unwrap()
}

async fn ready(ctx: &Ctx, text: &str, rules: Rules) -> ImportId {
    let id = staged(ctx, text).await;
    let mapping = import::get(ctx, id).await.unwrap().settings.unwrap().mapping;
    import::set(ctx, id, mapping, rules).await.unwrap();
    id
}

async fn bring(world: &World, ctx: &Ctx, text: &str, rules: Rules) -> ImportReport {
    let id = ready(ctx, text, rules).await;
    import::run(ctx, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    import::outcome(ctx, id).await.unwrap()
}

fn rules(by: MatchBy, then: OnMatch) -> Rules {
    Rules {
        by: [by].into(),
        then,
        trash: OnTrash::Restore,
    }
}

fn people(rows: usize) -> String {
    let mut text = String::from("Name,E-mail\n");
    for row in 0..rows {
        let _ = writeln!(text, "Ada {row},ada{row}@example.org");
    }
    text
}

async fn count(world: &World) -> usize {
    let alive = "SELECT count(*)::text FROM customer WHERE deleted_at IS NULL";
    world.house.database.read(alive).await.parse().unwrap()
}

async fn named(ctx: &Ctx, name: &str, kind: CustomerKind) -> Customer {
    let hits = query::suggest(ctx, name, Some(kind)).await.unwrap();
    query::get(ctx, hits[0].id).await.unwrap()
}

/// A server that takes up what waits and dies once something is written.
async fn die_in_the_middle(world: &World) {
    let worker = Worker::new(&world.house.service);
    let some = eventually("the first rows", std::time::Duration::from_secs(20), async || {
        count(world).await > 0
    });
    tokio::select! {
        () = worker.work() => unreachable!("it works for ever"),
        () = some => {}
    }
    world.house.clock.advance(TimeDelta::seconds(16));
}

#[tokio::test]
async fn a_header_without_rows_is_no_file_to_import() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let refused = import::customers(&anna, "x.csv", None, "Name,City\n").await;
    let AppError::Invalid { fields } = told(refused) else {
        panic!("refused on the file")
    };
    assert!(fields.get("file").unwrap().contains("no rows"), "{fields:?}");
    assert!(import::list(&anna, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn five_hundred_columns_are_read() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let columns: Vec<_> = (1..500).map(|column| format!("Property {column}")).collect();
    let text = format!("Name,{}\nAda{}\n", columns.join(","), ",x".repeat(499));
    let report = bring(&world, &anna, &text, Rules::default()).await;
    assert_eq!((report.created_people, report.ignored_columns.len()), (1, 499));
}

#[tokio::test]
async fn an_import_that_is_stopped_in_the_middle_keeps_what_it_wrote_or_takes_it_back() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    for take_back in [true, false] {
        let id = staged(&anna, &people(20_000)).await;
        import::run(&anna, id).await.unwrap();
        let worker = Worker::new(&world.house.service);
        let stop = async {
            eventually("the first rows", std::time::Duration::from_secs(20), async || {
                count(&world).await > 0
            })
            .await;
            import::cancel(&anna, id, take_back).await.unwrap();
        };
        let (done, ()) = tokio::join!(worker.work_off(), stop);
        done.unwrap();

        let view = import::get(&anna, id).await.unwrap();
        let rows = usize::try_from(view.report.unwrap().rows).unwrap();
        assert_eq!((view.state, view.undone), (ImportState::Cancelled, take_back));
        assert!((1_000..20_000).contains(&rows), "{rows}");
        assert_eq!(count(&world).await, if take_back { 0 } else { rows });
    }
}

#[tokio::test]
async fn a_company_named_by_an_id_must_be_one_that_the_actor_sees() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let far = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let mine = world
        .customer(&anna, &[("name", "Engines"), ("kind", "company")])
        .await;
    let person = world.customer(&anna, &[("name", "Ben")]).await;
    let gone = world
        .customer(&anna, &[("name", "Gone"), ("kind", "company")])
        .await;
    world
        .house
        .database
        .run(&format!(
            "UPDATE customer SET deleted_at = now() WHERE id = '{gone}'"
        ))
        .await;
    let theirs = world
        .customer(&far, &[("name", "Secretum"), ("kind", "company")])
        .await;
    let nobody: CustomerId = anna.clock().new_id();
    let mut text = String::from("Rapport ID,Kind,Name,Company Rapport ID\n");
    for (name, company) in [
        ("One", mine),
        ("Two", person),
        ("Three", gone),
        ("Four", theirs),
        ("Five", nobody),
    ] {
        let id: CustomerId = anna.clock().new_id();
        let _ = writeln!(text, "{id},person,{name},{company}");
    }

    let report = bring(&world, &anna, &text, Rules::default()).await;

    assert_eq!((report.created_people, report.problem_rows), (1, 4));
    let reasons: Vec<_> = report.problems.iter().map(|row| row.reason.as_str()).collect();
    assert!(reasons[0].contains("is no company"), "{reasons:?}");
    assert!(reasons[1].contains("lies in the trash"), "{reasons:?}");
    assert!(
        reasons[2..]
            .iter()
            .all(|reason| reason.contains("not here, or out of your reach"))
    );
    assert_eq!(query::get(&anna, mine).await.unwrap().people.len(), 1);
    assert!(query::suggest(&anna, "Secretum", None).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_company_beside_a_person_is_not_who_has_the_id_of_the_row() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    for then in [OnMatch::Update, OnMatch::FillEmpty] {
        let ben = world.customer(&anna, &[("name", "Ben Okri")]).await;
        let name = format!("Engines {then:?}");
        let text =
            format!("Rapport ID,Kind,Name,Company,Company Rapport ID\n{ben},person,Ben Okri,{name},\n");
        let report = bring(&world, &anna, &text, rules(MatchBy::Id, then)).await;
        assert_eq!(report.problem_rows, 0, "{report:?}");
        let company = named(&anna, &name, CustomerKind::Company).await;
        let person = query::get(&anna, ben).await.unwrap();
        assert_eq!(person.name, "Ben Okri");
        assert_eq!(person.company, Some(Related::Seen(company.id, name)));
    }
}

#[tokio::test]
async fn an_export_of_another_installation_brings_its_companies_along() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let (company, person): (CustomerId, CustomerId) = (anna.clock().new_id(), anna.clock().new_id());
    let text = format!(
        "Rapport ID,Kind,Name,Company Rapport ID\n{company},company,Engines,\n{person},person,Ada,{company}\n"
    );
    let state = async || {
        let report = bring(&world, &anna, &text, Rules::default()).await;
        assert_eq!(report.problem_rows, 0, "{report:?}");
        world.state().await
    };
    let first = state().await;
    assert_eq!(
        named(&anna, "Engines", CustomerKind::Company).await.people.len(),
        1
    );
    assert_eq!(state().await, first, "it is known again");
}

#[tokio::test]
async fn rights_that_are_lost_in_the_middle_end_the_import_and_it_can_still_be_taken_back() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id = staged(&anna, &people(5_000)).await;
    import::run(&anna, id).await.unwrap();
    die_in_the_middle(&world).await;
    let written = count(&world).await;
    let demote = "UPDATE app_user SET role_id = (SELECT id FROM role WHERE key = 'read_only') WHERE id = ";
    world
        .house
        .database
        .run(&format!("{demote}'{}'", anna.actor().user))
        .await;

    Worker::new(&world.house.service).work_off().await.unwrap();

    let view = import::get(&admin, id).await.unwrap();
    assert_eq!((view.state, count(&world).await), (ImportState::Failed, written));
    let report = view.report.unwrap();
    assert_eq!(usize::try_from(report.created_people).unwrap(), written);
    let undone = journal::undo(&admin, view.batch.unwrap()).await.unwrap();
    assert_eq!(undone.in_background, 2 * written > 1_000, "as large as it is");
    Worker::new(&world.house.service).work_off().await.unwrap();
    assert_eq!(count(&world).await, 0);
}

#[tokio::test]
async fn several_people_of_one_company_are_told_apart_however_far_apart_they_stand() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let mut text = String::from("Customer ID,Company name,Contact name\n7,Engines,Ada\n");
    for row in 0..1_100 {
        let _ = writeln!(text, "x{row},Other {row},Cleo {row}");
    }
    text.push_str("7,Engines,Ben\n");
    let by_reference = |then| rules(MatchBy::Reference, then);

    let report = bring(&world, &anna, &text, by_reference(OnMatch::Update)).await;

    assert_eq!((report.created_companies, report.created_people), (1_101, 1_102));
    let names = async || {
        let people = named(&anna, "Engines", CustomerKind::Company).await.people;
        people.into_iter().map(|person| person.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["Ada", "Ben"]);
    let again = bring(&world, &anna, &text, by_reference(OnMatch::Update)).await;
    assert_eq!((again.created_people, again.changed_records), (0, 0));
    assert_eq!(names().await, ["Ada", "Ben"]);
}

#[tokio::test]
async fn rows_that_are_mended_at_once_are_all_counted() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = staged(&anna, NORTHWIND).await;
    import::run(&anna, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let rows = import::problems(&anna, id, 0).await.unwrap();
    assert_eq!(rows.len(), 24);
    // The address had a comma: what it parted belongs together.
    let mend = rows.iter().map(|row| {
        let mut fields = row.fields.clone();
        let rest = fields.remove(5);
        fields[4] = format!("{},{rest}", fields[4]);
        import::mend(&anna, id, row.line, fields)
    });

    let mended: Vec<Result<_, _>> = futures::future::join_all(mend).await;

    assert!(mended.iter().all(Result::is_ok), "{mended:?}");
    let view = import::get(&anna, id).await.unwrap();
    let report = view.report.unwrap();
    assert_eq!(
        (
            report.rows,
            report.created_companies,
            report.problem_rows,
            view.problems
        ),
        (91, 91, 0, 0)
    );
    let again = bring(&world, &anna, NORTHWIND, Rules::default()).await;
    assert_eq!((again.unchanged_rows, again.created_companies), (67, 0));
    journal::undo(&anna, view.batch.unwrap()).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    assert_eq!(count(&world).await, 0, "one batch");
    let refused = import::mend(&anna, id, 8, Vec::new()).await;
    assert!(matches!(told(refused), AppError::Refused { .. }));
}

#[tokio::test]
async fn a_check_that_died_in_the_middle_is_begun_anew() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = staged(&anna, &people(5_000)).await;
    import::check(&anna, id).await.unwrap();
    {
        let worker = Worker::new(&world.house.service);
        let some = eventually("the first rows", std::time::Duration::from_secs(20), async || {
            world
                .house
                .database
                .read("SELECT count(*)::text FROM import_seen")
                .await
                != "0"
        });
        tokio::select! {
            () = worker.work() => unreachable!("it works for ever"),
            () = some => {}
        }
        world.house.clock.advance(TimeDelta::seconds(16));
    }

    // What the one that died was in the middle of may hold the job for a moment still.
    eventually(
        "the check is through",
        std::time::Duration::from_secs(20),
        async || {
            Worker::new(&world.house.service).work_off().await.unwrap();
            import::get(&anna, id).await.unwrap().forecast.is_some()
        },
    )
    .await;
    let forecast = import::get(&anna, id).await.unwrap().forecast.unwrap();
    assert_eq!((forecast.rows, forecast.created_people), (5_000, 5_000));
}

#[tokio::test]
async fn a_nul_far_into_the_file_leaves_its_row_and_no_other() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let mut text = people(60_000);
    assert!(text.len() > 1 << 20, "behind the first piece");
    text.push_str("B\0b,bob@example.org\nCleo,cleo@example.org\n");
    let id = staged(&anna, &text).await;
    import::check(&anna, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let forecast = import::get(&anna, id).await.unwrap().forecast.unwrap();
    assert_eq!((forecast.created_people, forecast.problem_rows), (60_001, 1));
    assert_eq!(forecast.problems[0].fields[0], "B\u{fffd}b");
}

#[tokio::test]
async fn who_is_brought_back_from_the_trash_is_updated_as_well_and_who_stays_there_has_no_people() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let (ada, _) = world
        .create(
            &anna,
            &[("name", "Ada"), ("emails", "ada@example.org"), ("city", "Bath")],
        )
        .await;
    command::trash(&anna, ada, Seen::Latest).await.unwrap();

    let text = "Name,E-mail,City\nAda,ada@example.org,York\n";
    let report = bring(&world, &anna, text, rules(MatchBy::Email, OnMatch::Update)).await;

    assert_eq!((report.restored_records, report.changed_records), (1, 1));
    let example = &report.examples[0];
    assert_eq!((example.line, example.name.as_str()), (2, "Ada"));
    let city = ("City".to_owned(), "Bath".to_owned(), "York".to_owned());
    assert!(example.fields.contains(&city), "{example:?}");
    let standing = query::get(&anna, ada).await.unwrap();
    assert_eq!(
        (standing.city.as_deref(), standing.deleted),
        (Some("York"), false)
    );

    let engines = world
        .customer(
            &anna,
            &[
                ("name", "Engines"),
                ("kind", "company"),
                ("emails", "e@engines.example"),
            ],
        )
        .await;
    command::trash(&anna, engines, Seen::Latest).await.unwrap();
    let text = "Company,Company e-mail,Contact name\nEngines,e@engines.example,Ben\n";
    let skip = Rules {
        trash: OnTrash::Skip,
        ..rules(MatchBy::Email, OnMatch::Skip)
    };
    let report = bring(&world, &anna, text, skip).await;
    assert_eq!((report.created_companies, report.created_people), (0, 1));
    assert_eq!(named(&anna, "Ben", CustomerKind::Person).await.company, None);
}

#[tokio::test]
async fn a_number_that_others_have_too_does_not_hide_my_own_customer() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let far = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    for name in ["One", "Two", "Three", "Four"] {
        world
            .customer(&far, &[("name", name), ("phones", "+49 30 1")])
            .await;
    }
    world
        .customer(&anna, &[("name", "Ada"), ("phones", "+49 30 1")])
        .await;
    let text = "Name,Phone\nAda Lovelace,+49 30 1\n";
    let report = bring(&world, &anna, text, rules(MatchBy::Phone, OnMatch::Skip)).await;
    assert_eq!((report.created_people, report.unchanged_rows), (0, 1));
}

#[tokio::test]
async fn words_that_no_database_keeps_are_refused_in_a_mapping() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = staged(&anna, &people(2)).await;
    let mut settings = import::get(&anna, id).await.unwrap().settings.unwrap();
    settings.mapping.nothing.push("a\0".to_owned());
    let refused = import::set(&anna, id, settings.mapping, settings.rules).await;
    assert!(matches!(told(refused), AppError::Invalid { .. }));
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_cleared_away() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let new = NewImport {
        id: anna.clock().new_id(),
        file: "list.csv".to_owned(),
        size: 9,
        stamp: 7,
    };
    import::begin(&anna, new).await.unwrap();
    let ready = staged(&anna, &people(1)).await;
    world.house.clock.advance(TimeDelta::hours(25));
    let worker = Worker::new(&world.house.service);
    let gone = eventually("it is gone", std::time::Duration::from_secs(20), async || {
        import::list(&anna, None).await.unwrap().len() == 1
    });
    tokio::select! {
        () = worker.work() => unreachable!("it works for ever"),
        () = gone => {}
    }
    assert_eq!(import::list(&anna, None).await.unwrap()[0].id, ready);
}
