//! One's calendar for other programs, by a link that can be taken away.

use rapport_domain::{access::BuiltInRole, error::AppError, user::people::Heir};
use rapport_service::{appointment, organisation, user};

use crate::support::{World, book, refused, told};

#[tokio::test]
async fn a_calendar_is_read_by_its_link_until_it_is_revoked_or_its_owner_leaves() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let me = member.actor().user;
    book(&admin, &[me], "10:00").await;
    book(&admin, &[admin.actor().user], "11:00").await;
    let profile = || async { organisation::profile(&member).await.unwrap() };
    let read = |link: String| {
        let service = world.house.service.clone();
        async move {
            let token = link
                .rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".ics")
                .to_owned();
            appointment::feed_ics(&service, &token).await
        }
    };
    assert_eq!(profile().await.feed_since, None);
    assert!(refused(appointment::revoke_feed(&member).await).contains("not open"));
    appointment::open_feed(&member).await.unwrap();
    let first = profile().await.feed_link.unwrap();
    assert_eq!(organisation::profile(&admin).await.unwrap().feed_link, None);
    let calendar = read(first.clone()).await.unwrap();
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 1, "{calendar}");
    assert!(calendar.contains("SUMMARY:Talk"));
    appointment::open_feed(&member).await.unwrap();
    let second = profile().await.feed_link.unwrap();
    assert_eq!(told(read(first).await), AppError::NotFound);
    read(second.clone()).await.unwrap();
    user::deactivate(&admin, me, Heir::Nobody).await.unwrap();
    assert_eq!(told(read(second.clone()).await), AppError::NotFound);
    user::reactivate(&admin, me).await.unwrap();
    read(second.clone()).await.unwrap();
    appointment::revoke_feed(&member).await.unwrap();
    assert_eq!(told(read(second).await), AppError::NotFound);
    // Of a full year nothing is missing.
    let many = format!(
        "INSERT INTO appointment (id, title, type_id, status, starts_at, ends_at, zone, local_start, staff, created_at, updated_at) \
         SELECT gen_random_uuid(), 'Talk', (SELECT id FROM appointment_type LIMIT 1), 'booked', d, d + interval '1 minute', \
                'UTC', d, ARRAY['{me}'::uuid], now(), now() \
         FROM generate_series(now() + interval '10 days', now() + interval '10 days 40 hours', interval '2 minutes') AS d"
    );
    world.house.database.run(&many).await;
    appointment::open_feed(&member).await.unwrap();
    let third = profile().await.feed_link.unwrap();
    let calendar = read(third).await.unwrap();
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 1_202);
    for forged in ["", "x", "'", &"0".repeat(64)] {
        let answer = appointment::feed_ics(&world.house.service, forged).await;
        assert_eq!(told(answer), AppError::NotFound);
    }
}
