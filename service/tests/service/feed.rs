//! What was done, told to each by their right; the trash; one's own last change taken back.

use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    feed::{Deed, Feed, Preview},
    timeline::Undo,
};
use rapport_service::{Ctx, customer::command, feed, journal, seen::Seen};

use crate::support::{World, told};

async fn read(ctx: &Ctx) -> Feed {
    feed::feed(ctx, false, None).await.unwrap()
}

/// "did: names", of those who are named.
fn said(deed: &Deed) -> String {
    let names: Vec<&str> = deed.about.iter().map(|(_, name)| name.as_str()).collect();
    format!("{}: {}", deed.did, names.join(", "))
}

#[tokio::test]
async fn what_was_done_is_told_newest_first_with_its_undo() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let (ada, made) = world.create(&ctx, &[("name", "Ada")]).await;
    world
        .save(&ctx, ada, &[("city", "Bath"), ("stage", "customer")])
        .await
        .unwrap();
    let feed = read(&ctx).await;
    let told: Vec<String> = feed.deeds.iter().map(said).collect();
    assert_eq!(told, ["changed city and stage of: Ada", "created: Ada"]);
    assert!(
        feed.deeds
            .iter()
            .all(|deed| deed.undo == Undo::Offered && deed.by == ctx.actor().name)
    );

    journal::undo(&ctx, made).await.unwrap();
    let feed = read(&ctx).await;
    assert_eq!(said(&feed.deeds[0]), "took back: created: Ada");
    assert_eq!((feed.deeds[0].is_undo, feed.deeds[2].undo), (true, Undo::Done));

    let bob = world.customer(&ctx, &[("name", "Bob")]).await;
    world.save(&ctx, bob, &[("phones", "030 1234")]).await.unwrap();
    assert_eq!(said(&read(&ctx).await.deeds[0]), "changed ways to reach of: Bob");
}

#[tokio::test]
async fn what_is_out_of_sight_is_not_told_and_its_name_is_not_either() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    world.customer(&ctx, &[("name", "Ada")]).await;
    let far = world.acting_in(BuiltInRole::Member, "South").await;
    assert!(read(&far).await.deeds.is_empty());
    let near = world.acting(BuiltInRole::Member).await;
    assert_eq!(read(&near).await.deeds.len(), 1);
    assert_eq!(feed::feed(&near, true, None).await.unwrap().deeds.len(), 0);
    let admin = world.acting(BuiltInRole::Admin).await;
    let told: Vec<String> = read(&admin)
        .await
        .deeds
        .iter()
        .map(|deed| deed.did.clone())
        .collect();
    assert!(told.contains(&"let somebody in".to_owned()), "{told:?}");
}

#[tokio::test]
async fn every_command_is_told_once_over_the_pages() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    for number in 0..95 {
        world
            .customer(&ctx, &[("name", &format!("Customer {number}"))])
            .await;
    }
    let mut before = None;
    let mut told = Vec::new();
    loop {
        let page = feed::feed(&ctx, false, before).await.unwrap();
        told.extend(page.deeds.iter().map(said));
        before = page.before;
        if before.is_none() {
            break;
        }
    }
    let wanted: Vec<String> = (0..95)
        .rev()
        .map(|number| format!("created: Customer {number}"))
        .collect();
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn ones_own_last_change_is_taken_back_then_the_one_before_then_nothing() {
    let world = World::new().await;
    let (ctx, other) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let ada = world.customer(&ctx, &[("name", "Ada")]).await;
    world.save(&ctx, ada, &[("city", "Bath")]).await.unwrap();
    let bob = world.customer(&other, &[("name", "Bob")]).await;
    assert_eq!(journal::undo_last(&ctx).await.unwrap().undone, 1);
    let city = || async { rapport_service::customer::query::get(&ctx, ada).await.unwrap() };
    assert_eq!((city().await.city, city().await.deleted), (None, false));
    assert_eq!(journal::undo_last(&ctx).await.unwrap().undone, 1);
    assert!(city().await.deleted);
    let nothing = told(journal::undo_last(&ctx).await);
    assert_eq!(
        nothing,
        AppError::refused("There is nothing of yours to take back.")
    );
    assert!(
        !rapport_service::customer::query::get(&ctx, bob)
            .await
            .unwrap()
            .deleted
    );
    // What is older than a day is taken back where it is told.
    world.house.clock.advance(chrono::TimeDelta::hours(25));
    assert_eq!(told(journal::undo_last(&other).await), nothing);
}

#[tokio::test]
async fn the_trash_is_told_by_right_newest_first_with_who_put_it_there() {
    let world = World::new().await;
    let (ctx, other) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    for name in ["Ada", "Bob"] {
        let id = world.customer(&ctx, &[("name", name)]).await;
        command::trash(&ctx, id, Seen::Latest).await.unwrap();
    }
    let trash = feed::trash(&ctx, None).await.unwrap();
    let names: Vec<&str> = trash.customers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Bob", "Ada"]);
    assert_eq!(trash.customers[0].by.as_deref(), Some(ctx.actor().name.as_str()));
    assert!(trash.customers[0].may_restore);
    // A member takes out only what is their own.
    assert!(!feed::trash(&other, None).await.unwrap().customers[0].may_restore);
    let far = world.acting_in(BuiltInRole::Member, "South").await;
    assert!(feed::trash(&far, None).await.unwrap().customers.is_empty());
}

#[tokio::test]
async fn the_trash_goes_on_behind_what_was_taken_out_of_it() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    for number in 0..53 {
        let name = format!("Ada {number}");
        let id = world.customer(&ctx, &[("name", &name)]).await;
        command::trash(&ctx, id, Seen::Latest).await.unwrap();
    }
    let first = feed::trash(&ctx, None).await.unwrap();
    assert_eq!(first.customers.len(), 50);
    for one in &first.customers {
        command::restore(&ctx, one.id, Seen::Latest).await.unwrap();
    }
    let rest = feed::trash(&ctx, first.before).await.unwrap();
    let names: Vec<&str> = rest.customers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        (&names[..], rest.before),
        (&["Ada 2", "Ada 1", "Ada 0"][..], None)
    );
    let far = world.acting_in(BuiltInRole::Member, "South").await;
    let hidden = told(feed::trash(&far, first.before).await);
    let nowhere = told(feed::trash(&ctx, Some(ctx.clock().new_id())).await);
    assert_eq!(hidden, nowhere, "out of sight it is no place");
    assert!(matches!(nowhere, AppError::Invalid { .. }), "{nowhere:?}");
}

/// Everything that an undo would touch, and the journal itself.
async fn stands(world: &World) -> (String, u64, u64) {
    (
        world.state().await,
        world.count("batch").await,
        world.count("change").await,
    )
}

#[tokio::test]
async fn what_taking_back_would_do_is_told_and_nothing_of_it_is_done() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let stranger = world.acting_in(BuiltInRole::Member, "South").await;
    let (id, made) = world.create(&member, &[("name", "Ada"), ("city", "Hull")]).await;
    let saved = world
        .save(&member, id, &[("city", "York"), ("job_title", "CTO")])
        .await
        .unwrap();
    let saved = saved.batch.unwrap();
    let before = stands(&world).await;
    let page = feed::deed(&member, saved).await.unwrap();
    assert_eq!((page.deed.batch, page.deed.undo), (saved, Undo::Offered));
    let Preview::Would(report) = page.preview else {
        unreachable!("it can be taken back: {:?}", page.preview);
    };
    assert_eq!((report.undone, report.left, report.batch), (1, 0, None));
    assert_eq!(stands(&world).await, before);

    // What somebody changed since would stay, and is named.
    world.save(&admin, id, &[("city", "Bath")]).await.unwrap();
    let Preview::Would(report) = feed::deed(&member, saved).await.unwrap().preview else {
        unreachable!("one field of it goes back");
    };
    assert_eq!((report.undone, report.left), (1, 1));
    assert_eq!(report.kept[0].field.as_deref(), Some("City"));
    let done = journal::undo(&member, saved).await.unwrap();
    assert_eq!(
        (done.undone, done.left, done.kept),
        (report.undone, report.left, report.kept)
    );
    let page = feed::deed(&member, saved).await.unwrap();
    assert_eq!(page.deed.undo, Undo::Done);
    assert!(matches!(page.preview, Preview::Not(_)));

    assert_eq!(told(feed::deed(&stranger, made).await), AppError::NotFound);
    assert_eq!(
        told(feed::deed(&admin, admin.clock().new_id()).await),
        AppError::NotFound
    );
}
