//! What an undo leaves alone, what it counts, and what the journal refuses to record.

use std::collections::HashSet;

use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    customer::{ContactKind, CustomerKind},
    error::AppError,
    id::{BatchId, CustomerId},
    journal::Receipt,
    timeline::Undo,
};
use rapport_service::{
    Ctx, activity,
    customer::{command, query},
    import, journal,
    seen::Seen,
};

use crate::support::{World, told};

/// Two people who may do everything.
async fn two(world: &World) -> (Ctx, Ctx) {
    (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    )
}

async fn edit(world: &World, ctx: &Ctx, id: CustomerId, fields: &[(&str, &str)]) -> BatchId {
    let receipt = world.save(ctx, id, fields).await.unwrap();
    receipt.batch.unwrap()
}

async fn owner(ctx: &Ctx, id: CustomerId) -> Option<String> {
    let owner = query::get(ctx, id).await.unwrap().owner;
    owner.map(|(id, _)| id.to_string())
}

async fn emails(ctx: &Ctx, id: CustomerId) -> Vec<String> {
    let customer = query::get(ctx, id).await.unwrap();
    let points = customer.contacts(ContactKind::Email);
    points.map(|point| point.value.clone()).collect()
}

/// Whether the timeline offers to take a batch back.
async fn offered(ctx: &Ctx, id: CustomerId, batch: BatchId) -> bool {
    let timeline = query::timeline(ctx, id, None).await.unwrap();
    let entry = timeline.entries.into_iter().find(|entry| entry.batch == batch);
    entry.unwrap().undo == Undo::Offered
}

/// The fields that an undo left, with the reasons.
async fn left(ctx: &Ctx, batch: BatchId) -> Vec<(Option<String>, String)> {
    let report = journal::undo(ctx, batch).await.unwrap();
    assert_eq!(report.left, report.kept.len() as u64);
    let kept = report.kept.into_iter();
    kept.map(|kept| (kept.field, kept.reason)).collect()
}

#[tokio::test]
async fn a_customer_goes_back_to_its_owner_only_by_who_may_give_it_to_them() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let manager = world.acting(BuiltInRole::Manager).await;
    let member = world.acting(BuiltInRole::Member).await;
    let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let (ours, theirs) = (member.actor().user.to_string(), stranger.actor().user.to_string());
    let id = world
        .customer(&admin, &[("name", "Moved"), ("owner_id", &theirs)])
        .await;
    let moved = edit(&world, &admin, id, &[("owner_id", &ours), ("city", "Bern")]).await;

    for (who, reason) in [(&manager, "to who owned it"), (&member, "change the owner")] {
        assert!(!offered(who, id, moved).await);
        let redo = journal::undo(who, moved).await.unwrap();
        assert_eq!(redo.kept.len(), 1, "{redo:?}");
        assert_eq!(redo.kept[0].field.as_deref(), Some("Owner"));
        assert!(redo.kept[0].reason.contains(reason), "{redo:?}");
        assert_eq!(owner(&admin, id).await.as_ref(), Some(&ours));
        // The rest went back; it is brought forth again for the next.
        assert_eq!(query::get(&admin, id).await.unwrap().city, None);
        journal::undo(who, redo.batch.unwrap()).await.unwrap();
    }

    assert!(offered(&admin, id, moved).await);
    assert_eq!(left(&admin, moved).await, []);
    assert_eq!(owner(&admin, id).await, Some(theirs));
    assert_eq!(
        query::get(&admin, id).await.unwrap().team.map(|(id, _)| id),
        stranger.actor().team
    );
}

#[tokio::test]
async fn a_customer_does_not_go_back_to_who_left() {
    let world = World::new().await;
    let (admin, leaver) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = world.customer(&leaver, &[("name", "Left behind")]).await;
    let mine = admin.actor().user.to_string();
    let moved = edit(&world, &admin, id, &[("owner_id", &mine)]).await;
    let leave = format!(
        "UPDATE app_user SET active = false WHERE id = '{}'",
        leaver.actor().user
    );
    world.house.database.run(&leave).await;

    assert!(!offered(&admin, id, moved).await);
    let left = left(&admin, moved).await;
    assert_eq!(left.len(), 1);
    assert!(left[0].1.contains("does not work here"), "{left:?}");
    assert_eq!(owner(&admin, id).await, Some(mine));
}

#[tokio::test]
async fn the_team_stays_with_an_owner_who_came_since() {
    let world = World::new().await;
    let (anna, ben) = two(&world).await;
    let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let of = |ctx: &Ctx| ctx.actor().user.to_string();
    let id = world
        .customer(&anna, &[("name", "Moved"), ("owner_id", &of(&stranger))])
        .await;
    let moved = edit(&world, &anna, id, &[("owner_id", &of(&anna))]).await;
    // Within the team: only the owner changes.
    edit(&world, &ben, id, &[("owner_id", &of(&ben))]).await;

    let left = left(&anna, moved).await;
    assert_eq!(left.len(), 1, "{left:?}");
    let stands = query::get(&anna, id).await.unwrap();
    assert_eq!(stands.owner.map(|(id, _)| id), Some(ben.actor().user));
    assert_eq!(stands.team.map(|(id, _)| id), ben.actor().team);
}

#[tokio::test]
async fn an_undo_leaves_no_company_inside_a_company() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let company = world.customer(&anna, &[("name", "C"), ("kind", "company")]).await;
    let person = world
        .customer(&anna, &[("name", "P"), ("company_id", &company.to_string())])
        .await;
    let cleared = edit(&world, &anna, person, &[("company_id", ""), ("city", "Bern")]).await;
    let turned = edit(&world, &anna, person, &[("kind", "company")]).await;

    let kept = left(&anna, cleared).await;
    assert_eq!(kept[0].0.as_deref(), Some("Company"));
    assert_eq!(kept.len(), 1);
    let stands = query::get(&anna, person).await.unwrap();
    assert_eq!((stands.kind, stands.company), (CustomerKind::Company, None));
    assert_eq!(stands.city, None, "the rest went back");

    // Once it is a person again, it can belong there again.
    journal::undo(&anna, turned).await.unwrap();
    assert_eq!(left(&anna, cleared).await, []);
    assert!(query::get(&anna, person).await.unwrap().company.is_some());
}

#[tokio::test]
async fn an_undo_makes_no_person_of_a_company_with_people_and_links_to_none_but_companies() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let company = world.customer(&anna, &[("name", "C")]).await;
    let founded = edit(&world, &anna, company, &[("kind", "company")]).await;
    let person = world
        .customer(&anna, &[("name", "P"), ("company_id", &company.to_string())])
        .await;
    let kept = left(&anna, founded).await;
    assert_eq!(kept[0].0.as_deref(), Some("Kind"), "{kept:?}");
    assert_eq!(
        query::get(&anna, company).await.unwrap().kind,
        CustomerKind::Company
    );

    let cleared = edit(&world, &anna, person, &[("company_id", "")]).await;
    journal::undo(&anna, founded).await.unwrap();
    let kept = left(&anna, cleared).await;
    assert!(kept[0].1.contains("no company any more"), "{kept:?}");
    assert_eq!(query::get(&anna, person).await.unwrap().company, None);
}

#[tokio::test]
async fn what_lies_in_the_trash_is_not_changed_by_an_undo() {
    let world = World::new().await;
    let (anna, ben) = two(&world).await;
    let id = world.customer(&anna, &[("name", "A"), ("emails", "a@b.c")]).await;
    let changed = edit(&world, &anna, id, &[("city", "Bern"), ("emails", "d@e.f")]).await;
    let note = NewNote {
        id: anna.clock().new_id(),
        body: "Called.".to_owned(),
    };
    let noted = activity::write_note(&anna, id, note)
        .await
        .unwrap()
        .batch
        .unwrap();
    let gone = command::trash(&ben, id, Seen::Latest)
        .await
        .unwrap()
        .batch
        .unwrap();

    for batch in [changed, noted] {
        assert!(!offered(&anna, id, batch).await);
        assert_eq!(
            left(&anna, batch).await,
            [(None, "It lies in the trash.".to_owned())]
        );
    }
    assert_eq!(query::get(&anna, id).await.unwrap().city.as_deref(), Some("Bern"));

    journal::undo(&anna, gone).await.unwrap();
    assert!(offered(&anna, id, changed).await);
    assert_eq!(left(&anna, changed).await, []);
    assert_eq!(emails(&anna, id).await, ["a@b.c"]);
}

#[tokio::test]
async fn what_an_undo_moved_to_the_trash_with_its_changes_comes_back_with_them() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let file = "Name,E-mail,City\nAda,ada@x.y,\nAda,ada@x.y,Bern\n";
    let report = bring(&world, &anna, file).await;
    let after = world.state().await;
    let id = world.list(&anna, "").await.rows[0].id;
    let undone = journal::undo(&anna, report).await.unwrap();
    assert_eq!(undone.undone, 1, "one customer, whatever was done to it");

    let undo = undone.batch.unwrap();
    assert!(offered(&anna, id, undo).await);
    assert_eq!(left(&anna, undo).await, []);
    assert_eq!(world.state().await, after);
}

/// Imports a file whose later rows change what earlier ones made, by e-mail.
async fn bring(world: &World, ctx: &Ctx, text: &str) -> BatchId {
    use rapport_domain::import::OnMatch;
    let new = import::NewImport {
        id: ctx.clock().new_id(),
        file: "list.csv".to_owned(),
        size: text.len() as u64,
        stamp: 0,
    };
    let wishes = import::Wishes {
        then: Some(OnMatch::Update),
        ..import::Wishes::default()
    };
    let id = import::stage(ctx, new, text.as_bytes(), wishes).await.unwrap();
    import::run(ctx, id).await.unwrap();
    rapport_service::job::Worker::new(&world.house.service)
        .work_off()
        .await
        .unwrap();
    import::outcome(ctx, id).await.unwrap().batch.unwrap()
}

#[tokio::test]
async fn an_import_that_changed_a_field_twice_goes_back_to_what_was_first() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let fields = [("name", "Ada"), ("emails", "ada@x.y"), ("city", "Aarau")];
    world.customer(&anna, &fields).await;
    let before = world.state().await;
    let file = "Name,E-mail,City\nAda,ada@x.y,Bern\nAda,ada@x.y,Chur\n";
    let batch = bring(&world, &anna, file).await;
    let after = world.state().await;

    let undone = journal::undo(&anna, batch).await.unwrap();
    assert_eq!((undone.undone, undone.left), (1, 0));
    assert_eq!(world.state().await, before);
    journal::undo(&anna, undone.batch.unwrap()).await.unwrap();
    assert_eq!(world.state().await, after);
}

#[tokio::test]
async fn a_list_of_addresses_that_somebody_changed_since_stays_as_it_is() {
    let world = World::new().await;
    let (anna, ben) = two(&world).await;
    let id = world
        .customer(&anna, &[("name", "A"), ("emails", "a@x.y"), ("phones", "030 1")])
        .await;
    let first = edit(
        &world,
        &anna,
        id,
        &[("emails", "b@x.y"), ("phones", "030 1\n040 2")],
    )
    .await;
    let second = edit(&world, &ben, id, &[("emails", "c@x.y")]).await;

    let stays = "It was changed since; the later value stays.".to_owned();
    let report = journal::undo(&anna, first).await.unwrap();
    let kept: Vec<_> = report
        .kept
        .iter()
        .map(|kept| (kept.field.clone(), kept.reason.clone()))
        .collect();
    assert_eq!(kept, [(Some("E-mail".to_owned()), stays)]);
    assert_eq!((report.undone, report.left), (1, 1));
    assert_eq!(emails(&anna, id).await, ["c@x.y"]);
    assert_eq!(
        query::get(&anna, id)
            .await
            .unwrap()
            .contacts(ContactKind::Phone)
            .count(),
        1
    );

    // Once the later change is taken back, so can this one be.
    journal::undo(&ben, second).await.unwrap();
    assert_eq!(left(&anna, first).await, []);
    assert_eq!(emails(&anna, id).await, ["a@x.y"]);
}

#[tokio::test]
async fn a_list_of_addresses_goes_back_and_forth_in_its_order() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let id = world
        .customer(&anna, &[("name", "A"), ("emails", "a@x.y\nb@x.y\nc@x.y")])
        .await;
    let before = world.state().await;
    let changed = edit(&world, &anna, id, &[("emails", "d@x.y\nc@x.y\nA@x.y")]).await;
    let after = world.state().await;
    let mut batch = changed;
    for _ in 0..3 {
        batch = journal::undo(&anna, batch).await.unwrap().batch.unwrap();
        assert_eq!(world.state().await, before);
        batch = journal::undo(&anna, batch).await.unwrap().batch.unwrap();
        assert_eq!(world.state().await, after);
    }
    let positions = "SELECT string_agg(position::text, ' ' ORDER BY position) FROM contact_point";
    assert_eq!(world.house.database.read(positions).await, "0 1 2");
}

#[tokio::test]
async fn a_conflict_is_seen_in_a_list_whose_changed_entry_is_gone() {
    let world = World::new().await;
    let (anna, ben) = two(&world).await;
    let id = world
        .customer(&anna, &[("name", "A"), ("emails", "a@x.y\nb@x.y")])
        .await;
    let seen = query::get(&anna, id).await.unwrap().version;
    edit(&world, &ben, id, &[("emails", "b@x.y\na@x.y")]).await;
    let own = query::get(&anna, id).await.unwrap().version;
    world.save_seen(&anna, id, own, &[("emails", "")]).await.unwrap();

    let error = told(world.save_seen(&anna, id, seen, &[("emails", "c@x.y")]).await);
    assert!(matches!(error, AppError::Conflict { .. }), "{error:?}");
}

#[tokio::test]
async fn what_the_importer_did_by_hand_since_keeps_the_record() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let batch = bring(&world, &anna, "Name,E-mail\nAda,ada@x.y\nBen,ben@x.y\n").await;
    let ada = query::suggest(&anna, "ada", None).await.unwrap()[0].id;
    edit(&world, &anna, ada, &[("city", "Bern")]).await;

    let report = journal::undo(&anna, batch).await.unwrap();
    assert_eq!((report.undone, report.left), (1, 1));
    assert_eq!(report.kept[0].subject, ada.0);
    assert!(!query::get(&anna, ada).await.unwrap().deleted);
    assert_eq!(emails(&anna, ada).await, ["ada@x.y"]);

    // What one made by hand and went on with goes as a whole.
    let (id, made) = world.create(&anna, &[("name", "By hand")]).await;
    edit(&world, &anna, id, &[("city", "Bern")]).await;
    assert_eq!(left(&anna, made).await, []);
    assert!(query::get(&anna, id).await.unwrap().deleted);
}

#[tokio::test]
async fn a_customer_whose_changes_span_two_chunks_goes_back_through_both_and_is_counted_once() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let fields = [("name", "Ada"), ("emails", "ada@x.y"), ("city", "Aarau")];
    world.customer(&anna, &fields).await;
    let before = world.state().await;
    // A thousand changes are a chunk; Ada's first and last row are further apart than that.
    let mut file = "Name,E-mail,City\nAda,ada@x.y,Bern\n".to_owned();
    for n in 0..1_200 {
        file.push_str(&format!("P {n},p{n}@x.y,\n"));
    }
    file.push_str("Ada,ada@x.y,Chur\n");
    let batch = bring(&world, &anna, &file).await;

    assert!(journal::undo(&anna, batch).await.unwrap().in_background);
    rapport_service::job::Worker::new(&world.house.service)
        .work_off()
        .await
        .unwrap();

    assert_eq!(world.state().await, before, "through both");
    let counts = "SELECT counts::text FROM batch WHERE undo_of IS NOT NULL";
    assert_eq!(
        world.house.database.read(counts).await,
        r#"{"left": 0, "undone": 1201}"#
    );
}

#[tokio::test]
async fn the_timeline_tells_a_command_once_though_it_came_back_to_the_customer_later() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let id = world.customer(&ctx, &[("name", "Ada")]).await;
    let mut batches = Vec::new();
    for number in 0..40 {
        batches.push(edit(&world, &ctx, id, &[("city", &format!("Ely {number}"))]).await);
    }
    // As the later chunk of an import does.
    let again = format!(
        "INSERT INTO change (batch, kind, record, subject, version, op, at, before, after) \
         SELECT batch, kind, record, subject, 99, op, at, before, after FROM change WHERE batch = '{}'",
        batches[3]
    );
    world.house.database.run(&again).await;
    let mut told = Vec::new();
    let mut before = None;
    loop {
        let page = query::timeline(&ctx, id, before).await.unwrap();
        told.extend(page.entries.iter().map(|entry| entry.batch));
        before = page.before;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((told.len(), told[0]), (41, batches[3]));
    let once: HashSet<_> = told.iter().collect();
    assert_eq!(once.len(), told.len(), "no command twice");
}

#[tokio::test]
async fn a_change_that_finds_no_row_is_not_recorded() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let id = world.customer(&anna, &[("name", "A"), ("emails", "a@x.y")]).await;
    let note = NewNote {
        id: anna.clock().new_id(),
        body: "Called.".to_owned(),
    };
    let Receipt { record, .. } = activity::write_note(&anna, id, note).await.unwrap();
    // Nothing in the program loses a row between its lock and its change; here the database passes over it.
    let lose = "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
         CREATE TRIGGER lose BEFORE UPDATE OR DELETE ON activity FOR EACH ROW EXECUTE FUNCTION lose(); \
         CREATE TRIGGER lose BEFORE UPDATE OR DELETE ON contact_point FOR EACH ROW EXECUTE FUNCTION lose();";
    world.house.database.run(lose).await;
    let recorded = "SELECT count(*)::text FROM change";
    let before = world.house.database.read(recorded).await;

    let edited = activity::edit_note(&anna, record.into(), 1, "Wrote.".to_owned()).await;
    assert_eq!(told(edited), AppError::internal());
    let saved = world.save(&anna, id, &[("emails", "")]).await;
    assert_eq!(told(saved), AppError::internal());
    assert_eq!(world.house.database.read(recorded).await, before);
}
