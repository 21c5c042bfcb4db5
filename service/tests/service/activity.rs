//! Notes: changing them, conflicts.

use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    error::{AppError, FieldConflict},
    id::{ActivityId, CustomerId},
    timeline::Story,
};
use rapport_service::{Ctx, activity, customer::query};

use crate::support::{World, told};

/// A customer with one note.
async fn noted(world: &World, ctx: &Ctx, body: &str) -> (CustomerId, ActivityId) {
    let customer = world.customer(ctx, &[("name", "Weingut")]).await;
    let id: ActivityId = ctx.clock().new_id();
    let body = body.to_owned();
    activity::write_note(ctx, customer, NewNote { id, body })
        .await
        .unwrap();
    (customer, id)
}

/// The note as the timeline tells it: version and text.
async fn read(ctx: &Ctx, customer: CustomerId) -> Option<(i64, String)> {
    let timeline = query::timeline(ctx, customer, None).await.unwrap();
    timeline.entries.into_iter().find_map(|entry| match entry.story {
        Story::Note { version, body, .. } => Some((version, body)),
        _ => None,
    })
}

#[tokio::test]
async fn a_note_that_nobody_else_changed_is_changed_and_tells_its_version() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let (customer, id) = noted(&world, &anna, "Ten crates.").await;
    assert_eq!(read(&anna, customer).await, Some((1, "Ten crates.".to_owned())));
    let edit = |seen, body: &str| activity::edit_note(&anna, id, seen, body.to_owned());
    assert_eq!(edit(1, "Twelve crates.").await.unwrap().version, 2);
    // What one wrote oneself is no conflict, even from an older page.
    assert_eq!(edit(1, "Thirteen crates.").await.unwrap().version, 3);
    assert_eq!(
        read(&anna, customer).await,
        Some((3, "Thirteen crates.".to_owned()))
    );
    let same = edit(3, "Thirteen crates.").await.unwrap();
    assert_eq!((same.version, same.batch), (3, None));
}

#[tokio::test]
async fn a_note_that_somebody_else_changed_is_refused_with_both_texts() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let (customer, id) = noted(&world, &anna, "Ten crates.").await;
    let edit = |ctx: &Ctx, seen, body: &str| {
        let (ctx, body) = (ctx.clone(), body.to_owned());
        async move { activity::edit_note(&ctx, id, seen, body).await }
    };
    edit(&ben, 1, "Eleven crates.").await.unwrap();
    let conflict = told(edit(&anna, 1, "Twelve crates.").await);
    let AppError::Conflict { version, fields } = conflict else {
        panic!("{conflict:?}");
    };
    let [
        FieldConflict {
            field,
            mine,
            theirs,
            by,
        },
    ] = fields.as_slice()
    else {
        panic!("{fields:?}");
    };
    assert_eq!(version, 2);
    assert_eq!(
        (field.as_str(), mine.as_str(), theirs.as_str()),
        ("body", "Twelve crates.", "Eleven crates.")
    );
    assert!(by.is_some());
    // Who has seen both decides.
    edit(&anna, version, "Twelve crates.").await.unwrap();
    assert_eq!(
        read(&anna, customer).await,
        Some((3, "Twelve crates.".to_owned()))
    );
}

#[tokio::test]
async fn a_note_seen_at_a_version_that_there_never_was_is_left_alone() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let (customer, id) = noted(&world, &anna, "Ten crates.").await;
    for seen in [0, -1, 2, i64::MAX] {
        let error = told(activity::edit_note(&ben, id, seen, "Gone.".to_owned()).await);
        assert!(
            matches!(&error, AppError::Invalid { fields } if fields.get("form").is_some()),
            "{seen}: {error:?}"
        );
    }
    assert_eq!(read(&anna, customer).await, Some((1, "Ten crates.".to_owned())));
}

#[tokio::test]
async fn the_same_note_sent_twice_even_at_once_is_written_once() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let customer = world.customer(&anna, &[("name", "Weingut")]).await;
    let note = NewNote {
        id: anna.clock().new_id(),
        body: "Called.".to_owned(),
    };
    let write = || activity::write_note(&anna, customer, note.clone());

    let (one, two) = tokio::join!(write(), write());
    let three = write().await.unwrap();

    assert_eq!(one.unwrap(), three);
    assert_eq!(two.unwrap(), three);
    let timeline = query::timeline(&anna, customer, None).await.unwrap();
    assert_eq!(timeline.entries.len(), 2, "the note and the customer");
}

#[tokio::test]
async fn the_id_of_another_note_writes_none_and_tells_nothing() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let ben = world.acting(BuiltInRole::Admin).await;
    let (customer, id) = noted(&world, &anna, "Ten crates.").await;
    let elsewhere = world.customer(&anna, &[("name", "Elsewhere")]).await;
    // Somebody else's note; and one's own, about another customer.
    for (ctx, about) in [(&ben, customer), (&ben, elsewhere), (&anna, elsewhere)] {
        let body = "Another.".to_owned();
        let error = told(activity::write_note(ctx, about, NewNote { id, body }).await);
        assert!(
            matches!(&error, AppError::Invalid { fields } if fields.get("form").is_some()),
            "{error:?}"
        );
    }
    assert_eq!(read(&anna, customer).await, Some((1, "Ten crates.".to_owned())));
    assert_eq!(read(&anna, elsewhere).await, None);
}
