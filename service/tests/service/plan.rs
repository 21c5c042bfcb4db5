//! How PostgreSQL goes about what people ask most, where there are many: by an index, never through the whole table.

use std::time::Duration;

use rapport_domain::{
    access::BuiltInRole,
    appointment::{CalendarQuery, FreeQuery},
    audit::AuditQuery,
    customer::Total,
    dashboard::DashboardQuery,
    id::{CustomerId, UserId},
    query::ListQuery,
};
use rapport_service::{Ctx, Result, appointment, audit, customer::query, dashboard, feed, journal, user};
use rapport_testing::eventually;

use crate::support::World;

/// The tables that grow with the customers.
const LARGE: &str = "'customer', 'contact_point', 'batch', 'change', 'appointment', 'appointment_staff'";

/// 20,000 customers of twenty owners in twenty teams, with what belongs to them; gives the first.
async fn town(world: &World) -> CustomerId {
    let people = "INSERT INTO team (id, name, created_at, updated_at) \
           SELECT md5('team' || n)::uuid, 'Team ' || n, now(), now() FROM generate_series(0, 19) AS n; \
         INSERT INTO app_user (id, name, email, email_key, password_hash, role_id, team_id, created_at, updated_at) \
           SELECT md5('user' || n)::uuid, 'User ' || n, 'u' || n || '@x.y', 'u' || n || '@x.y', '', role.id, \
                  md5('team' || n)::uuid, now(), now() \
           FROM generate_series(0, 19) AS n JOIN role ON role.key = 'member'";
    // Contact points first, as everywhere: the customer derives its search text from them.
    let customers = "INSERT INTO contact_point (id, customer_id, kind, value, normalised, position) \
           SELECT md5(kind || n)::uuid, md5('customer' || n)::uuid, kind, value || n || after, value || n || after, 0 \
           FROM generate_series(1, 20000) AS n, \
                (VALUES ('email', 'mail', '@x.y'), ('phone', '030 1', '')) AS point (kind, value, after); \
         INSERT INTO customer (id, kind, stage, name, owner_id, team_id, city, created_at, updated_at) \
           SELECT md5('customer' || n)::uuid, CASE n % 2 WHEN 0 THEN 'person' ELSE 'company' END, 'lead', \
                  md5('name' || n), md5('user' || n % 20)::uuid, md5('team' || n % 20)::uuid, 'City ' || n % 400, \
                  now() - n * interval '1 minute', now() - n * interval '1 second' \
           FROM generate_series(1, 20000) AS n";
    let journal = "INSERT INTO batch (id, via, command, at, state, undoable) \
           SELECT md5('batch' || n)::uuid, 'page', 'create customer', now(), 'done', true FROM generate_series(1, 20000) AS n; \
         INSERT INTO change (batch, kind, record, subject, version, op, at, after) \
           SELECT md5('batch' || n)::uuid, 'customer', md5('customer' || n)::uuid, md5('customer' || n)::uuid, 1, \
                  'create', now(), '{\"name\": \"x\"}' FROM generate_series(1, 20000) AS n";
    let appointments = "INSERT INTO appointment (id, customer_id, type_id, status, starts_at, ends_at, zone, local_start, \
             staff, created_at, updated_at) \
           SELECT md5('appointment' || n)::uuid, md5('customer' || n)::uuid, '01900000-0000-7000-8000-000000000021', \
                  'booked', start, start + interval '30 minutes', 'UTC', start AT TIME ZONE 'UTC', \
                  ARRAY[md5('user' || n % 20)::uuid], now(), now() \
           FROM generate_series(1, 20000) AS n, \
                LATERAL (SELECT date_trunc('hour', now()) + (n / 20 - 500) * interval '1 hour') AS t (start); \
         UPDATE customer SET deleted_at = now() - n * interval '1 minute' \
           FROM generate_series(1, 500) AS n WHERE id = md5('customer' || n * 40)::uuid";
    // What is read for this is counted at once, and not while something is asked.
    let counted = "SELECT pg_stat_force_next_flush()";
    for arrange in [people, customers, journal, appointments] {
        world.house.database.run(&format!("{arrange}; {counted}")).await;
    }
    world.house.database.run("VACUUM ANALYZE").await;
    let first = "SELECT md5('customer1')::uuid::text";
    world.house.database.read(first).await.parse().unwrap()
}

/// How often each large table was read as a whole so far.
async fn whole_reads(world: &World) -> String {
    let reads = format!(
        "SELECT string_agg(relname || ' ' || seq_scan, ', ' ORDER BY relname) \
         FROM pg_stat_user_tables WHERE relname IN ({LARGE})"
    );
    world.house.database.read(&reads).await
}

async fn connections(world: &World) -> String {
    let ours = "SELECT count(*)::text FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'rapport'";
    world.house.database.read(ours).await
}

/// How often something is asked: after five times PostgreSQL may plan once for all values, without knowing them.
const ASKED: usize = 8;

/// Asks on connections of its own, again and again, and fails when a large table was read as a whole for it.
async fn by_index<T>(world: &World, who: &Ctx, what: &str, ask: impl AsyncFn(&Ctx) -> Result<T>) -> T {
    let (reads, open) = (whole_reads(world).await, connections(world).await);
    let server = world.house.another_server().await;
    let ctx = server.acting(who.actor().clone(), who.via());
    let mut answer = ask(&ctx).await.unwrap();
    for _ in 1..ASKED {
        answer = ask(&ctx).await.unwrap();
    }
    drop((ctx, server));
    // What a connection read is counted at the latest when it ends.
    eventually("its connections end", Duration::from_secs(10), || async {
        connections(world).await == open
    })
    .await;
    assert_eq!(whole_reads(world).await, reads, "{what}, as {}", who.actor().name);
    answer
}

#[tokio::test]
async fn a_list_of_a_member_who_owns_nothing_elsewhere_fetches_what_it_shows() {
    let world = World::new().await;
    town(&world).await;
    let member = "SELECT md5('user3')::uuid::text";
    let member = world.house.database.read(member).await.parse().unwrap();
    let member = world.house.acting(member).await;
    let fetched = async || {
        let fetched = "SELECT idx_tup_fetch::text FROM pg_stat_user_tables WHERE relname = 'customer'";
        let fetched = world.house.database.read(fetched).await;
        fetched.parse::<u64>().unwrap()
    };
    let before = fetched().await;
    for sort in ["name", "-updated"] {
        let query = ListQuery::from_query_string(&format!("sort={sort}")).unwrap();
        let page = by_index(&world, &member, sort, async |ctx| query::list(ctx, &query).await).await;
        assert_eq!(page.total, Total::Exactly(1_000));
    }
    // Twice a row of the page: to find it and to show it. A thousand are the member's own.
    let fetched = fetched().await - before;
    let (asked, shown) = (2 * ASKED as u64, 50);
    let fits = asked * shown..asked * shown * 3;
    assert!(fits.contains(&fetched), "{fetched} rows for {asked} pages");
    // One of them in another team, or in none, is found among them.
    let first = "SELECT md5('customer3')::uuid::text";
    let first: CustomerId = world.house.database.read(first).await.parse().unwrap();
    for team in ["md5('team4')::uuid", "md5('team2')::uuid", "NULL"] {
        let moved = format!("UPDATE customer SET team_id = {team} WHERE id = '{first}'");
        world.house.database.run(&moved).await;
        let query = ListQuery::from_query_string("sort=-updated").unwrap();
        let page = query::list(&member, &query).await.unwrap();
        assert_eq!(page.total, Total::Exactly(1_000), "{team}");
        assert_eq!(page.rows.first().unwrap().id, first, "{team}");
    }
}

#[tokio::test]
async fn lists_searches_and_records_read_no_large_table_as_a_whole() {
    let world = World::new().await;
    let first = town(&world).await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let member = "SELECT md5('user3')::uuid::text";
    let member = world.house.database.read(member).await.parse().unwrap();
    let member = world.house.acting(member).await;
    let list = async |who: &Ctx, what: &str| {
        let query = ListQuery::from_query_string(what).unwrap();
        let page = by_index(&world, who, what, async |ctx| query::list(ctx, &query).await).await;
        assert!(!page.rows.is_empty(), "{what}");
        page
    };
    for who in [&admin, &member] {
        for sort in ["name", "-name", "created", "-created", "updated", "-updated"] {
            let page = list(who, &format!("sort={sort}")).await;
            let next = page.next.unwrap();
            list(who, &format!("sort={sort}&after={next}")).await;
        }
        for narrowed in ["city=City+43", "city=City+43&sort=-updated"] {
            list(who, narrowed).await;
        }
        // A few letters of a name; of its start; an address; a number.
        let name = "SELECT left(md5('name3'), 6) || ' ' || left(md5('name3'), 2)";
        let name = world.house.database.read(name).await;
        let (six, two) = name.split_once(' ').unwrap();
        for typed in [six, two, "mail1003@", "030 11003"] {
            list(who, &format!("q={}", typed.replace(' ', "+"))).await;
            by_index(&world, who, typed, async |ctx| {
                query::suggest(ctx, typed, None).await
            })
            .await;
        }
    }
    by_index(&world, &admin, "a record", async |ctx| {
        query::get(ctx, first).await
    })
    .await;
    by_index(&world, &admin, "a timeline", async |ctx| {
        query::timeline(ctx, first, None).await
    })
    .await;
    list(&member, "owner=me").await;
    let keeper = member.actor().user;
    for who in [&admin, &member] {
        for view in ["week", "day", "month", "agenda"] {
            let query = CalendarQuery::parse(&format!("view={view}&staff={keeper}"));
            let seen = by_index(&world, who, view, async |ctx| {
                appointment::calendar(ctx, query.clone()).await
            })
            .await;
            assert!(!seen.slots.is_empty(), "{view}");
        }
        let asked = FreeQuery::parse(&keeper.to_string(), "2026-11-27", "30", "").unwrap();
        by_index(&world, who, "free times", async |ctx| {
            appointment::free_times(ctx, asked.clone()).await
        })
        .await;
        let feed = by_index(&world, who, "what was done", async |ctx| {
            feed::feed(ctx, false, None).await
        })
        .await;
        assert!(!feed.deeds.is_empty());
        by_index(&world, who, "what was done before", async |ctx| {
            feed::feed(ctx, false, feed.before).await
        })
        .await;
        by_index(&world, who, "one's own deeds", async |ctx| {
            feed::feed(ctx, true, None).await
        })
        .await;
        by_index(&world, who, "the trash", async |ctx| feed::trash(ctx, None).await).await;
        by_index(&world, who, "one's last change", async |ctx| {
            Ok(journal::undo_last(ctx).await.is_err())
        })
        .await;
    }
    by_index(&world, &admin, "a customer's appointments", async |ctx| {
        appointment::of_customer(ctx, first).await
    })
    .await;
    // Its people follow a new name.
    by_index(&world, &admin, "a new name of a company", async |ctx| {
        world.save(ctx, first, &[("name", "Renamed")]).await
    })
    .await;
}

#[tokio::test]
async fn the_dashboard_the_audit_log_and_a_user_read_no_large_table_as_a_whole() {
    let world = World::new().await;
    let first = town(&world).await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let keeper = "SELECT md5('user3')::uuid::text";
    let keeper: UserId = world.house.database.read(keeper).await.parse().unwrap();
    let member = world.house.acting(keeper).await;
    for search in ["", "whose=mine", "days=364", "days=7&whose=mine"] {
        let query = DashboardQuery::parse(search);
        let what = format!("the dashboard, {search}");
        let told = by_index(&world, &member, &what, async |ctx| {
            dashboard::get(ctx, query).await
        })
        .await;
        assert!(told.figures.stages.iter().any(|(_, many)| *many > 0));
    }
    let looks = [
        String::new(),
        format!("record={first}"),
        format!("who={keeper}"),
        "action=create customer".to_owned(),
        "action=nothing".to_owned(),
        "from=2020-01-01&to=2020-02-01".to_owned(),
    ];
    for look in looks {
        let pairs = look.split('&').filter_map(|pair| pair.split_once('='));
        let query = AuditQuery::parse(pairs);
        let what = format!("the audit log, {look}");
        by_index(&world, &admin, &what, async |ctx| {
            audit::page(ctx, query.clone()).await
        })
        .await;
    }
    by_index(&world, &admin, "a user", async |ctx| {
        user::person(ctx, keeper).await
    })
    .await;
}
