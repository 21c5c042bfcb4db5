//! Undo and redo: the journal gives back what was.

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    customer::{CustomerKind, CustomerPatch, NewCustomer},
    error::AppError,
    form::Values,
    id::{ActivityId, BatchId, CustomerId, UserId},
    journal::Receipt,
};
use rapport_service::{Ctx, Error, activity, customer, journal, seen::Seen};

use crate::support::{World, told};

/// One command of a random history; numbers pick among what there is by then.
#[derive(Debug, Clone)]
enum Step {
    Create(String, CustomerKind),
    Edit(usize, &'static str, String),
    /// Into a company, or out of any.
    Join(usize, Option<usize>),
    /// To one of those who own customers, or to nobody.
    Give(usize, Option<usize>),
    Trash(usize),
    Restore(usize),
    Note(usize, String),
    EditNote(usize, String),
    RemoveNote(usize),
}

fn step() -> impl Strategy<Value = (bool, Step)> {
    let text = "[A-Za-zåé ]{1,12}";
    let word = text.prop_map(|text| format!("x{text}"));
    let kind = prop_oneof![Just(CustomerKind::Person), Just(CustomerKind::Company)];
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
        (
            Just("links"),
            prop_oneof![
                Just(String::new()),
                Just("https://a.example".to_owned()),
                Just("https://b.example\nhttps://a.example".to_owned())
            ]
        ),
        (Just("job_title"), prop_oneof![Just(String::new()), word.clone()]),
        (
            Just("kind"),
            prop_oneof![Just("person".to_owned()), Just("company".to_owned())]
        ),
    ];
    let action = prop_oneof![
        1 => (word.clone(), kind).prop_map(|(name, kind)| Step::Create(name, kind)),
        6 => (any::<usize>(), fields).prop_map(|(which, (field, value))| Step::Edit(which, field, value)),
        4 => (any::<usize>(), any::<Option<usize>>()).prop_map(|(which, company)| Step::Join(which, company)),
        2 => (any::<usize>(), any::<Option<usize>>()).prop_map(|(which, owner)| Step::Give(which, owner)),
        1 => any::<usize>().prop_map(Step::Trash),
        1 => any::<usize>().prop_map(Step::Restore),
        2 => (any::<usize>(), word.clone()).prop_map(|(which, body)| Step::Note(which, body)),
        1 => (any::<usize>(), word).prop_map(|(which, body)| Step::EditNote(which, body)),
        1 => any::<usize>().prop_map(Step::RemoveNote),
    ];
    (any::<bool>(), action)
}

/// A step that ties customers together or moves what stands in lists: where undos get in each other's way.
fn knot() -> impl Strategy<Value = (bool, Step)> {
    let kind = select(vec!["person", "company"]).prop_map(|kind| ("kind", kind));
    let name = select(vec!["One", "Två"]).prop_map(|name| ("name", name));
    let emails = select(vec!["", "a@b.c", "a@b.c\nd@e.f", "d@e.f\na@b.c", "d@e.f\ng@h.i"]);
    let emails = emails.prop_map(|emails| ("emails", emails));
    let edit = prop_oneof![2 => kind, 1 => name, 3 => emails];
    let action = prop_oneof![
        6 => (0..3_usize, edit).prop_map(|(which, (field, value))| Step::Edit(which, field, value.to_owned())),
        4 => (0..3_usize, prop::option::of(0..3_usize)).prop_map(|(which, company)| Step::Join(which, company)),
        2 => (0..3_usize, prop::option::of(0..3_usize)).prop_map(|(which, owner)| Step::Give(which, owner)),
        1 => (0..3_usize).prop_map(Step::Trash),
        1 => (0..3_usize).prop_map(Step::Restore),
    ];
    (any::<bool>(), action)
}

/// What a history made so far, and who may own it.
#[derive(Default)]
struct Made {
    owners: Vec<UserId>,
    customers: Vec<CustomerId>,
    notes: Vec<ActivityId>,
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[which % from.len()])
}

/// Saves a field as seen now.
async fn save(ctx: &Ctx, id: CustomerId, field: &str, value: String) -> Result<Receipt, Error> {
    let seen = customer::query::get(ctx, id).await?.version;
    let patch = CustomerPatch::parse(&Values::default().with(field, value)).unwrap();
    customer::command::save(ctx, id, seen, patch).await
}

async fn run(ctx: &Ctx, made: &mut Made, step: Step) -> Result<Option<BatchId>, Error> {
    let receipt = match step {
        Step::Create(name, kind) => {
            let id: CustomerId = ctx.clock().new_id();
            made.customers.push(id);
            let values = Values::default()
                .with("id", id.to_string())
                .with("name", name)
                .with("kind", kind.word())
                .with("emails", "first@x.y");
            customer::command::create(ctx, NewCustomer::parse(&values).unwrap()).await?
        }
        Step::Edit(which, field, value) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            save(ctx, id, field, value).await?
        }
        Step::Join(which, company) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            let company = company.and_then(|which| pick(&made.customers, which));
            let company = company.map(|id| id.to_string()).unwrap_or_default();
            save(ctx, id, "company_id", company).await?
        }
        Step::Give(which, owner) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            let owner = owner.and_then(|which| pick(&made.owners, which));
            let owner = owner.map(|id| id.to_string()).unwrap_or_default();
            save(ctx, id, "owner_id", owner).await?
        }
        Step::Trash(which) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            customer::command::trash(ctx, id, Seen::Latest).await?
        }
        Step::Restore(which) => {
            let Some(id) = pick(&made.customers, which) else {
                return Ok(None);
            };
            customer::command::restore(ctx, id, Seen::Latest).await?
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
            let edit = |seen, body| activity::edit_note(ctx, id, seen, body);
            match edit(1, body.clone()).await {
                // The other one wrote it last; having seen that, this one decides.
                Err(Error::Told(AppError::Conflict { version, .. })) => edit(version, body).await?,
                receipt => receipt?,
            }
        }
        Step::RemoveNote(which) => {
            let Some(id) = pick(&made.notes, which) else {
                return Ok(None);
            };
            activity::remove_note(ctx, id, Seen::Latest).await?
        }
    };
    Ok(receipt.batch)
}

/// Those who act in random histories: an admin, and a manager who reaches one team.
struct Cast {
    admin: Ctx,
    manager: Ctx,
    /// Who may own customers: these two, and somebody of another team.
    owners: Vec<UserId>,
}

impl Cast {
    async fn new(world: &World) -> Self {
        let admin = world.acting(BuiltInRole::Admin).await;
        let manager = world.acting(BuiltInRole::Manager).await;
        let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
        let owners = [&admin, &manager, &stranger].map(|ctx| ctx.actor().user).to_vec();
        Self {
            admin,
            manager,
            owners,
        }
    }

    fn acting(&self, first: bool) -> &Ctx {
        if first { &self.admin } else { &self.manager }
    }
}

/// A batch of a history, the state before it, and the step that made it.
type Happened = (BatchId, String, String);

/// Runs a random history on an empty world.
async fn happen(
    world: &World,
    cast: &Cast,
    steps: Vec<(bool, Step)>,
) -> Result<Vec<Happened>, TestCaseError> {
    let empty = "TRUNCATE customer, contact_point, external_ref, activity, change, batch CASCADE";
    world.house.database.run(empty).await;
    let mut made = Made {
        owners: cast.owners.clone(),
        ..Made::default()
    };
    let mut history = Vec::new();
    for (first, step) in steps {
        let before = world.state().await;
        let shown = format!("{step:?}");
        match run(cast.acting(first), &mut made, step).await {
            Ok(Some(batch)) => history.push((batch, before, shown)),
            // What the rules or the rights forbid is refused and changes nothing.
            Ok(None)
            | Err(Error::Told(
                AppError::Refused { .. }
                | AppError::NotFound
                | AppError::Forbidden
                | AppError::Invalid { .. },
            )) => {
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
    Ok(history)
}

/// Runs a random history, takes it back step by step, and brings it forth again.
async fn there_and_back(world: &World, cast: &Cast, steps: Vec<(bool, Step)>) -> Result<(), TestCaseError> {
    let history = happen(world, cast, steps).await?;
    let admin = &cast.admin;
    let mut undone = Vec::new();
    for (batch, before, shown) in history.into_iter().rev() {
        let after = world.state().await;
        let report = journal::undo(admin, batch)
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
        let report = journal::undo(admin, batch)
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

/// What holds of all customers, whatever was done and taken back: each as a query of those that break it.
const RULES: [(&str, &str); 4] = [
    (
        "only a person belongs to a company, and that is one",
        "customer c JOIN customer k ON k.id = c.company_id WHERE c.kind <> 'person' OR k.kind <> 'company'",
    ),
    (
        "no two contact points of a kind stand in one place",
        "(SELECT 1 FROM contact_point GROUP BY customer_id, kind, position HAVING count(*) > 1) AS twice",
    ),
    (
        "the team is the one of the owner",
        "customer c LEFT JOIN app_user u ON u.id = c.owner_id WHERE c.team_id IS DISTINCT FROM u.team_id",
    ),
    (
        "what is searched is what the fields say",
        "customer c JOIN derived d ON d.id = c.id WHERE (c.search, c.name_plain) <> (d.search, d.name_plain)",
    ),
];

/// Checks the rules; the last one by having the database derive everything anew.
async fn rules_hold(world: &World, after: &str) -> Result<(), TestCaseError> {
    let derive = "CREATE TABLE IF NOT EXISTS derived (id uuid, search text, name_plain text); TRUNCATE derived; \
        INSERT INTO derived SELECT id, search, name_plain FROM customer; UPDATE customer SET version = version";
    world.house.database.run(derive).await;
    let broken =
        RULES.map(|(rule, broken)| format!("CASE WHEN EXISTS (SELECT FROM {broken}) THEN '{rule}' END"));
    let broken = format!("SELECT concat_ws('; ', {})", broken.join(", "));
    prop_assert_eq!(
        world.house.database.read(&broken).await,
        "",
        "broken after {}",
        after
    );
    Ok(())
}

/// Runs a random history, and takes batches back in any order, those of undos too; numbers pick among what there is.
async fn back_and_forth(
    world: &World,
    cast: &Cast,
    steps: Vec<(bool, Step)>,
    undos: Vec<(bool, usize)>,
) -> Result<(), TestCaseError> {
    let here = [CustomerKind::Company, CustomerKind::Person, CustomerKind::Person];
    let creations = here.map(|kind| (true, Step::Create(format!("A {kind}"), kind)));
    let steps = creations.into_iter().chain(steps).collect();
    let history = happen(world, cast, steps).await?;
    rules_hold(world, "the history").await?;
    let mut batches: Vec<(BatchId, String)> = history
        .into_iter()
        .map(|(batch, _, shown)| (batch, shown))
        .collect();
    for (first, which) in undos {
        if batches.is_empty() {
            break;
        }
        let (batch, shown) = batches[which % batches.len()].clone();
        let before = world.state().await;
        match journal::undo(cast.acting(first), batch).await {
            Ok(report) => batches.extend(report.batch.map(|undo| (undo, format!("undo of {shown}")))),
            // It was taken back already, or is out of sight.
            Err(Error::Told(AppError::Refused { .. } | AppError::NotFound)) => {
                prop_assert_eq!(world.state().await, before, "a refused undo of {}", shown);
            }
            Err(error) => return Err(TestCaseError::fail(format!("undo of {shown}: {error}"))),
        }
        rules_hold(world, &format!("undo of {shown}")).await?;
    }
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    })
}

#[test]
fn random_commands_then_their_undos_then_their_redos_give_back_each_state() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let cast = runtime.block_on(Cast::new(&world));
    runner(24)
        .run(&proptest::collection::vec(step(), 1..14), |steps| {
            runtime.block_on(there_and_back(&world, &cast, steps))
        })
        .unwrap();
}

#[test]
fn undos_in_any_order_by_anybody_leave_no_customer_that_breaks_a_rule() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let cast = runtime.block_on(Cast::new(&world));
    let histories = (
        proptest::collection::vec(knot(), 4..16),
        proptest::collection::vec(any::<(bool, usize)>(), 2..10),
    );
    runner(20)
        .run(&histories, |(steps, undos)| {
            runtime.block_on(back_and_forth(&world, &cast, steps, undos))
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
