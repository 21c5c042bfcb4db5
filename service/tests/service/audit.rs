//! The audit log: what was done, with old and new values, found by person, record, action and time.

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    appointment::Day,
    audit::{AuditPage, AuditQuery},
    error::AppError,
};
use rapport_service::{Ctx, audit, clock::Clock, journal, user};
use rapport_testing::House;

use crate::support::{World, told};

async fn look(ctx: &Ctx, pairs: &[(&str, &str)]) -> AuditPage {
    audit::page(ctx, AuditQuery::parse(pairs.iter().copied()))
        .await
        .unwrap()
}

fn actions(page: &AuditPage) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.action.as_str()).collect()
}

#[tokio::test]
async fn old_and_new_values_are_told_by_name_and_a_record_by_all_that_happened_to_it() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = world
        .customer(&member, &[("name", "Ada"), ("city", "Hull")])
        .await;
    let other = world.customer(&admin, &[("name", "Ben")]).await;
    let owner = admin.actor().user.to_string();
    let saved = world
        .save(&admin, id, &[("city", "York"), ("owner_id", &owner)])
        .await
        .unwrap();
    journal::undo(&admin, saved.batch.unwrap()).await.unwrap();

    let all = look(&admin, &[("record", &id.to_string())]).await;
    assert_eq!(actions(&all), ["undo", "edit customer", "create customer"]);
    assert!(all.entries[0].is_undo);
    let change = &all.entries[1].changes[0];
    assert_eq!(
        (change.op.as_str(), change.kind.as_str(), change.name.as_deref()),
        ("changed", "customer", Some("Ada"))
    );
    let fields: Vec<_> = change
        .fields
        .iter()
        .map(|field| (field.field.as_str(), field.old.as_deref(), field.new.as_deref()))
        .collect();
    let (member_name, admin_name) = (member.actor().name.as_str(), admin.actor().name.as_str());
    assert_eq!(
        fields,
        [
            ("city", Some("Hull"), Some("York")),
            ("owner", Some(member_name), Some(admin_name))
        ]
    );
    let about_other = look(&admin, &[("record", &other.to_string())]).await;
    assert_eq!(actions(&about_other), ["create customer"]);
    for (pairs, expected) in [
        (
            vec![("who", member.actor().user.to_string())],
            vec!["create customer"],
        ),
        (
            vec![("action", "edit customer".to_owned())],
            vec!["edit customer"],
        ),
        (vec![("action", "no such thing".to_owned())], vec![]),
    ] {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(actions(&look(&admin, &pairs).await), expected, "{pairs:?}");
    }
    assert!(all.actions.contains(&"undo".to_owned()));
    for role in [BuiltInRole::Manager, BuiltInRole::Member, BuiltInRole::ReadOnly] {
        let ctx = world.acting(role).await;
        assert_eq!(
            told(audit::page(&ctx, AuditQuery::default()).await),
            AppError::Forbidden
        );
    }
}

#[tokio::test]
async fn days_are_those_of_the_viewer_and_pages_follow_one_another_without_a_gap() {
    let house = House::with_clock(Clock::stopped()).await;
    let admin = house.acting(house.user(BuiltInRole::Admin, None).await).await;
    let world = World::of(house);
    let first_day = Day::of(admin.clock().now().date_naive());
    for number in 0..120 {
        world.customer(&admin, &[("name", &format!("C {number}"))]).await;
        // Some of them at the same instant.
        if number % 3 == 0 {
            world.house.clock.advance(TimeDelta::hours(1));
        }
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let query = AuditQuery {
            action: Some("create customer".to_owned()),
            before,
            ..AuditQuery::default()
        };
        let page = audit::page(&admin, query).await.unwrap();
        assert!(page.entries.len() <= 50);
        seen.extend(page.entries.iter().map(|entry| entry.changes[0].record));
        before = page.before;
        if before.is_none() {
            break;
        }
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((count, seen.len()), (120, 120));
    let day = first_day.plus(1);
    let text = day.to_string();
    let page = look(
        &admin,
        &[("from", &text), ("to", &text), ("action", "create customer")],
    )
    .await;
    assert!(!page.entries.is_empty());
    assert!(page.entries.iter().all(|entry| entry.exact.starts_with(&text)));
    let missing = AuditQuery {
        before: Some(admin.clock().new_id()),
        ..AuditQuery::default()
    };
    assert_eq!(told(audit::page(&admin, missing).await), AppError::NotFound);
}

#[tokio::test]
async fn a_command_that_changes_no_record_says_whom_it_was_about() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    user::end_sessions(&admin, member.actor().user).await.unwrap();
    let page = look(&admin, &[("action", "end sessions")]).await;
    assert_eq!(page.entries[0].about.as_deref(), Some(&*member.actor().name));
    assert!(page.entries[0].changes.is_empty());
}
