//! Undo and redo: the journal gives back what was.

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    customer::{CustomerPatch, NewCustomer},
    error::AppError,
    form::Values,
    id::{ActivityId, BatchId, CustomerId},
};
use rapport_service::{Ctx, Error, activity, customer, journal};

use crate::support::{World, told};

/// One command of a random history; numbers pick among what there is by then.
#[derive(Debug, Clone)]
enum Step {
    Create(String),
    Edit(usize, &'static str, String),
    Trash(usize),
    Restore(usize),
    Note(usize, String),
    EditNote(usize, String),
    RemoveNote(usize),
}

fn step() -> impl Strategy<Value = (bool, Step)> {
    let text = "[A-Za-zåé ]{1,12}";
    let word = text.prop_map(|text| format!("x{text}"));
    let fields = prop_oneof![
        (Just("name"), word.clone()),
        (Just("city"), prop_oneof![Just(String::new()), word.clone()]),
        (
            Just("stage"),
            prop_oneof![Just("lead".to_owned()), Just("customer".to_owned())]
        ),
        (
            Just("tags"),
            prop_oneof![Just(String::new()), Just("a, b".to_owned()), Just("b".to_owned())]
        ),
        (
            Just("emails"),
            prop_oneof![
                Just(String::new()),
                Just("a@b.c\nd@e.f".to_owned()),
                Just("d@e.f\na@b.c".to_owned())
            ]
        ),
        (
            Just("phones"),
            prop_oneof![Just("030 123".to_owned()), Just("040 123\n030-123".to_owned())]
        ),
    ];
    let action = prop_oneof![
        2 => word.clone().prop_map(Step::Create),
        6 => (any::<usize>(), fields).prop_map(|(which, (field, value))| Step::Edit(which, field, value)),
        1 => any::<usize>().prop_map(Step::Trash),
        1 => any::<usize>().prop_map(Step::Restore),
        2 => (any::<usize>(), word.clone()).prop_map(|(which, body)| Step::Note(which, body)),
        1 => (any::<usize>(), word).prop_map(|(which, body)| Step::EditNote(which, body)),
        1 => any::<usize>().prop_map(Step::RemoveNote),
    ];
    (any::<bool>(), action)
}

/// What a history made so far.
#[derive(Default)]
struct Made {
    customers: Vec<CustomerId>,
    notes: Vec<ActivityId>,
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[which % from.len()])
}

async fn run(ctx: &Ctx, made: &mut Made, step: Step) -> Result<Option<BatchId>, Error> {
    let receipt = match step {
        Step::Create(name) => {
            let id: CustomerId = ctx.clock().new_id();
            made.customers.push(id);
            let values = Values::default()
                .with("id", id.to_string())
                .with("name", name)
                .with("emails", "first@x.y");
            customer::command::create(ctx, NewCustomer::parse(&values).unwrap()).await?
        }
        Step::Edit(which, field, value) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            let seen = customer::query::get(ctx, id).await?.version;
            let patch = CustomerPatch::parse(&Values::default().with(field, value)).unwrap();
            customer::command::save(ctx, id, seen, patch).await?
        }
        Step::Trash(which) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            customer::command::trash(ctx, id).await?
        }
        Step::Restore(which) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            customer::command::restore(ctx, id).await?
        }
        Step::Note(which, body) => {
            let Some(customer) = pick(&made.customers, which) else {
                return Ok(None);
            };
            let id: ActivityId = ctx.clock().new_id();
            made.notes.push(id);
            activity::write_note(ctx, customer, NewNote { id, body }).await?
        }
        Step::EditNote(which, body) => {
            let Some(id) = pick(&made.notes, which) else {
                return Ok(None);
            };
            activity::edit_note(ctx, id, body).await?
        }
        Step::RemoveNote(which) => {
            let Some(id) = pick(&made.notes, which) else {
                return Ok(None);
            };
            activity::remove_note(ctx, id).await?
        }
    };
    Ok(receipt.batch)
}

/// Runs a random history, takes it back step by step, and brings it forth again.
async fn there_and_back(world: &World, steps: Vec<(bool, Step)>) -> Result<(), TestCaseError> {
    let admin = world.acting(BuiltInRole::Admin).await;
    let manager = world.acting(BuiltInRole::Admin).await;
    let mut made = Made::default();
    let mut history = Vec::new();
    for (first, step) in steps {
        let before = world.state().await;
        let shown = format!("{step:?}");
        match run(if first { &admin } else { &manager }, &mut made, step).await {
            Ok(Some(batch)) => history.push((batch, before, shown)),
            // Editing what is in the trash, or what was never made, is refused and changes nothing.
            Ok(None) | Err(Error::Told(AppError::Refused { .. } | AppError::NotFound)) => {
                prop_assert_eq!(
                    world.state().await,
                    before,
                    "{} changed something without a batch",
                    shown
                );
            }
            Err(error) => return Err(TestCaseError::fail(format!("{shown}: {error}"))),
        }
    }
    let mut undone = Vec::new();
    for (batch, before, shown) in history.into_iter().rev() {
        let after = world.state().await;
        let report = journal::undo(&admin, batch)
            .await
            .map_err(|error| TestCaseError::fail(format!("undo of {shown}: {error}")))?;
        prop_assert_eq!(
            report.left,
            0,
            "undo of {} left something: {:?}",
            shown,
            report.kept
        );
        prop_assert_eq!(world.state().await, before, "undo of {}", shown);
        undone.push((report.batch.unwrap(), after, shown));
    }
    for (batch, after, shown) in undone.into_iter().rev() {
        let report = journal::undo(&manager, batch)
            .await
            .map_err(|error| TestCaseError::fail(format!("redo of {shown}: {error}")))?;
        prop_assert_eq!(
            report.left,
            0,
            "redo of {} left something: {:?}",
            shown,
            report.kept
        );
        prop_assert_eq!(world.state().await, after, "redo of {}", shown);
    }
    Ok(())
}

#[test]
fn random_commands_then_their_undos_then_their_redos_give_back_each_state() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&proptest::collection::vec(step(), 1..14), |steps| {
            runtime.block_on(there_and_back(&world, steps))
        })
        .unwrap();
}

#[tokio::test]
async fn what_somebody_changed_since_stays_and_is_reported() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let id = world
        .customer(
            &anna,
            &[("name", "Bon app'"), ("city", "Paris"), ("country", "France")],
        )
        .await;
    let first = world
        .save(&anna, id, &[("city", "Lyon"), ("country", "FR")])
        .await
        .unwrap();
    world.save(&ben, id, &[("city", "Marseille")]).await.unwrap();

    let report = journal::undo(&anna, first.batch.unwrap()).await.unwrap();

    let stands = customer::query::get(&anna, id).await.unwrap();
    assert_eq!(stands.city.as_deref(), Some("Marseille"));
    assert_eq!(stands.country.as_deref(), Some("France"));
    assert_eq!((report.undone, report.left), (1, 1));
    assert_eq!(report.kept[0].field.as_deref(), Some("City"));
    assert_eq!(report.kept[0].name, "Bon app'");
}

#[tokio::test]
async fn a_later_change_counts_even_if_it_left_the_same_value() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let id = world.customer(&anna, &[("name", "A"), ("city", "Paris")]).await;
    let first = world.save(&anna, id, &[("city", "Lyon")]).await.unwrap();
    world.save(&ben, id, &[("city", "Nice")]).await.unwrap();
    world.save(&ben, id, &[("city", "Lyon")]).await.unwrap();

    let report = journal::undo(&anna, first.batch.unwrap()).await.unwrap();

    assert_eq!((report.undone, report.left, report.batch), (0, 1, None));
    assert_eq!(
        customer::query::get(&anna, id).await.unwrap().city.as_deref(),
        Some("Lyon")
    );
}

#[tokio::test]
async fn a_creation_that_others_added_to_stays() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let (id, made) = world.create(&anna, &[("name", "Bólido")]).await;
    let note = NewNote {
        id: ben.clock().new_id(),
        body: "Called.".to_owned(),
    };
    let note = activity::write_note(&ben, id, note).await.unwrap();

    let report = journal::undo(&anna, made).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    assert!(!customer::query::get(&anna, id).await.unwrap().deleted);

    journal::undo(&ben, note.batch.unwrap()).await.unwrap();
    journal::undo(&anna, made).await.unwrap();
    assert!(customer::query::get(&anna, id).await.unwrap().deleted);
}

#[tokio::test]
async fn a_batch_is_taken_back_once_also_when_two_try_at_once() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let (id, _) = world.create(&anna, &[("name", "Twice")]).await;
    let edit = world
        .save(&anna, id, &[("city", "Bern")])
        .await
        .unwrap()
        .batch
        .unwrap();

    let (one, two) = tokio::join!(journal::undo(&anna, edit), journal::undo(&anna, edit));

    let refused = [&one, &two].into_iter().filter(|result| result.is_err()).count();
    assert_eq!(refused, 1, "{one:?} {two:?}");
    assert_eq!(customer::query::get(&anna, id).await.unwrap().city, None);
}

#[tokio::test]
async fn undo_needs_the_right_to_do_the_inverse_now() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let reader = world.acting(BuiltInRole::ReadOnly).await;
    let (id, _) = world.create(&admin, &[("name", "Kept")]).await;
    let edit = world
        .save(&admin, id, &[("city", "Bern")])
        .await
        .unwrap()
        .batch
        .unwrap();

    let report = journal::undo(&reader, edit).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    assert_eq!(
        customer::query::get(&admin, id).await.unwrap().city.as_deref(),
        Some("Bern")
    );

    let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    assert_eq!(told(journal::undo(&stranger, edit).await), AppError::NotFound);
    let nowhere: BatchId = admin.clock().new_id();
    assert_eq!(told(journal::undo(&admin, nowhere).await), AppError::NotFound);
}
