//! Lists: paging, sorting, filters, search.

use std::collections::HashSet;

use rapport_domain::{access::BuiltInRole, customer::Total, error::AppError, query::ListQuery};
use rapport_service::{
    Ctx,
    customer::{command, query},
    seen::Seen,
};

use crate::support::{World, told};

#[tokio::test]
async fn a_filter_finds_what_differs_in_small_and_large_letters_only() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let fields = [
        ("name", "Ada"),
        ("tags", "VIP"),
        ("city", "İzmir"),
        ("country", "TÜRKİYE"),
    ];
    world.customer(&anna, &fields).await;
    world
        .customer(&anna, &[("name", "Ben"), ("tags", "vip, x")])
        .await;
    for (asked, found) in [
        ("tag=vip", 2),
        ("tag=Vip", 2),
        ("tag=vi", 0),
        ("city=İzmir", 1),
        ("country=Türkİye", 1),
        ("filter=1:city.is(İzmir)", 1),
    ] {
        assert_eq!(world.list(&anna, asked).await.rows.len(), found, "{asked}");
    }
}

#[tokio::test]
async fn a_day_of_a_filter_is_a_day_of_who_asks() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = world.customer(&anna, &[("name", "Ada")]).await;
    // The last evening of May in Los Angeles is June already by the clock of others.
    let made = format!("UPDATE customer SET created_at = '2026-06-01 01:00Z' WHERE id = '{id}'");
    world.house.database.run(&made).await;
    let found = async |ctx: &Ctx, condition: &str| {
        let list = world.list(ctx, &format!("filter=1:created.{condition}")).await;
        list.rows.len()
    };
    assert_eq!(found(&anna, "from(2026-06-01)").await, 1);
    let zone = format!(
        "UPDATE app_user SET zone = 'America/Los_Angeles' WHERE id = '{}'",
        anna.actor().user
    );
    world.house.database.run(&zone).await;
    let anna = world.house.acting(anna.actor().user).await;
    assert_eq!(found(&anna, "from(2026-06-01)").await, 0);
    assert_eq!(found(&anna, "from(2026-05-31)").await, 1);
    assert_eq!(found(&anna, "before(2026-06-01)").await, 1);
    assert_eq!(found(&anna, "before(9999-12-31)").await, 1);
    assert_eq!(found(&anna, "from(0001-01-01)").await, 1);
}

#[tokio::test]
async fn pages_by_keyset_show_every_row_once_in_every_order_and_both_directions() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let ben = world.acting(BuiltInRole::Member).await;
    for n in 0..23 {
        // Names repeat, so that the id has to break ties; owners alternate within one team.
        let name = format!("Name {}", n % 4);
        world
            .customer(if n % 2 == 0 { &anna } else { &ben }, &[("name", &name)])
            .await;
    }
    for sort in ["name", "-name", "created", "-created", "updated", "-updated"] {
        let whole = world.list(&anna, &format!("sort={sort}&size=200")).await;
        let whole: Vec<_> = whole.rows.iter().map(|row| row.id).collect();
        assert_eq!(whole.len(), 23);

        let mut page = world.list(&anna, &format!("sort={sort}&size=5")).await;
        assert_eq!((page.previous.as_ref(), page.total), (None, Total::Exactly(23)));
        let mut pages = vec![page.rows.clone()];
        while let Some(next) = page.next.clone() {
            page = world
                .list(&anna, &format!("sort={sort}&size=5&after={next}"))
                .await;
            pages.push(page.rows.clone());
        }
        let forth: Vec<_> = pages.iter().flatten().map(|row| row.id).collect();
        assert_eq!(forth, whole, "{sort}");

        let mut back = Vec::new();
        while let Some(previous) = page.previous.clone() {
            page = world
                .list(&anna, &format!("sort={sort}&size=5&before={previous}"))
                .await;
            back.splice(0..0, page.rows.iter().map(|row| row.id));
        }
        assert_eq!(back, whole[..20], "{sort}, backwards");
    }
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    world
        .customer(
            &anna,
            &[
                ("name", "Alfreds"),
                ("kind", "company"),
                ("stage", "customer"),
                ("city", "Berlin"),
                ("tags", "vip"),
            ],
        )
        .await;
    world
        .customer(
            &anna,
            &[
                ("name", "Bólido"),
                ("kind", "company"),
                ("stage", "lead"),
                ("city", "Madrid"),
                ("owner_id", ""),
            ],
        )
        .await;
    world
        .customer(
            &anna,
            &[("name", "Maria"), ("stage", "lead"), ("tags", "vip, nordics")],
        )
        .await;
    for (filter, names) in [
        ("stage=lead", vec!["Bólido", "Maria"]),
        ("kind=company&stage=lead", vec!["Bólido"]),
        ("owner=me", vec!["Alfreds", "Maria"]),
        ("tag=vip", vec!["Alfreds", "Maria"]),
        ("city=berlin", vec!["Alfreds"]),
        ("filter=1:not(city.is(Berlin))", vec!["Bólido", "Maria"]),
        ("filter=1:city.not(Berlin)", vec!["Bólido", "Maria"]),
        (
            "filter=1:or(city.is(Madrid),tag.is(nordics))",
            vec!["Bólido", "Maria"],
        ),
        ("filter=1:name.has(bolido)", vec!["Bólido"]),
        ("filter=1:name.has(\"％\")", vec![]),
        ("filter=1:owner.empty()", vec!["Bólido"]),
        (
            "filter=1:created.from(2000-01-01)",
            vec!["Alfreds", "Bólido", "Maria"],
        ),
        ("filter=1:created.before(2000-01-01)", vec![]),
    ] {
        let page = world.list(&anna, filter).await;
        let found: Vec<_> = page.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(found, names, "{filter}");
        assert_eq!(page.total, Total::Exactly(names.len() as u64), "{filter}");
    }
}

#[tokio::test]
async fn search_finds_by_name_company_e_mail_and_phone_without_accents_and_best_first() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let company = world
        .customer(
            &anna,
            &[
                ("name", "Blondesddsl père et fils"),
                ("kind", "company"),
                ("phones", "88.60.15.31"),
            ],
        )
        .await;
    world
        .customer(
            &anna,
            &[
                ("name", "Frédérique Citeaux"),
                ("company_id", &company.to_string()),
                ("emails", "fred@blonde.fr"),
            ],
        )
        .await;
    for name in ["Père Noël 100%_x", "Li Wu", "Jo Smith", "24/7 Fitness"] {
        world.customer(&anna, &[("name", name)]).await;
    }
    for (typed, names) in [
        ("frederique", vec!["Frédérique Citeaux"]),
        ("FRÉD", vec!["Frédérique Citeaux"]),
        ("fr", vec!["Frédérique Citeaux"]),
        (
            "pere",
            vec![
                "Père Noël 100%_x",
                "Blondesddsl père et fils",
                "Frédérique Citeaux",
            ],
        ),
        (
            "pere fils",
            vec!["Blondesddsl père et fils", "Frédérique Citeaux"],
        ),
        ("8860 15", vec!["Blondesddsl père et fils"]),
        // However short its words are, and however much it looks like a number.
        ("Li Wu", vec!["Li Wu"]),
        ("li w", vec!["Li Wu"]),
        ("Jo  S", vec!["Jo Smith"]),
        ("jo x", vec![]),
        ("24/7", vec!["24/7 Fitness"]),
        ("24/7 f", vec!["24/7 Fitness"]),
        ("fred@blonde", vec!["Frédérique Citeaux"]),
        ("100%_", vec!["Père Noël 100%_x"]),
        ("%%%", vec![]),
        ("___", vec![]),
        ("\\\\\\", vec![]),
        // In plain form these are wildcards too.
        ("％％％", vec![]),
        ("＿＿＿", vec![]),
        ("＼＼＼", vec![]),
        ("％", vec![]),
        ("100％＿", vec!["Père Noël 100%_x"]),
    ] {
        let query = ListQuery {
            search: typed.to_owned(),
            ..ListQuery::default()
        };
        let page = rapport_service::customer::query::list(&anna, &query)
            .await
            .unwrap();
        let found: Vec<_> = page.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(found, names, "{typed}");
    }
}

#[tokio::test]
async fn search_follows_a_change_of_name_also_of_the_company() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let company = world
        .customer(&anna, &[("name", "Oldname"), ("kind", "company")])
        .await;
    world
        .customer(&anna, &[("name", "Pat"), ("company_id", &company.to_string())])
        .await;

    let renamed = world
        .save(
            &anna,
            company,
            &[("name", "Freshname"), ("emails", "hello@fresh.example")],
        )
        .await
        .unwrap();
    assert_eq!(world.list(&anna, "q=freshname").await.rows.len(), 2);
    assert_eq!(world.list(&anna, "q=oldname").await.rows.len(), 0);
    assert_eq!(world.list(&anna, "q=hello@fresh").await.rows.len(), 1);

    rapport_service::journal::undo(&anna, renamed.batch.unwrap())
        .await
        .unwrap();
    assert_eq!(world.list(&anna, "q=oldname").await.rows.len(), 2);
    assert_eq!(world.list(&anna, "q=hello@fresh").await.rows.len(), 0);
}

/// Makes companies past the program, owned by nobody: `<name> 1`, `<name> 2` ...
async fn many(world: &World, name: &str, count: u32) {
    let make = format!(
        "INSERT INTO customer (id, kind, stage, name, created_at, updated_at) \
         SELECT gen_random_uuid(), 'company', 'lead', '{name} ' || n, now(), now() FROM generate_series(1, {count}) AS n"
    );
    world.house.database.run(&make).await;
}

#[tokio::test]
async fn a_search_is_paged_through_to_its_last_match_and_back() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    many(&world, "Weingut", 123).await;

    let mut page = world.list(&admin, "q=weingut").await;
    assert_eq!((page.previous.as_ref(), page.total), (None, Total::Exactly(123)));
    let first: Vec<_> = page.rows.iter().map(|row| row.id).collect();
    let mut seen: HashSet<_> = first.iter().copied().collect();
    let mut sizes = vec![page.rows.len()];
    while let Some(next) = page.next {
        page = world.list(&admin, &format!("q=weingut&after={next}")).await;
        seen.extend(page.rows.iter().map(|row| row.id));
        sizes.push(page.rows.len());
        assert_eq!((page.total, page.more_matches), (Total::Exactly(123), false));
    }
    assert_eq!((sizes, seen.len()), (vec![50, 50, 23], 123));

    while let Some(previous) = page.previous {
        page = world.list(&admin, &format!("q=weingut&before={previous}")).await;
    }
    let again: Vec<_> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!(again, first);
    // A page that is none any more shows the first one.
    let gone = world.list(&admin, "q=weingut&after=1.rank.150").await;
    assert_eq!(gone.rows.len(), 50);
}

#[tokio::test]
async fn a_search_with_more_matches_than_are_ranked_says_so_and_ends() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    many(&world, "Weingut", 2_010).await;

    let last = world.list(&admin, "q=weingut&size=200&after=1.rank.1900").await;

    assert_eq!((last.rows.len(), last.next), (100, None));
    assert_eq!((last.total, last.more_matches), (Total::AtLeast(2_000), true));
}

#[tokio::test]
async fn what_is_no_line_of_text_is_searched_by_nobody() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    for text in ["\0abc", "a\nb", &"x".repeat(1 << 20)] {
        let error = told(query::suggest(&anna, text, None).await);
        assert!(
            matches!(&error, AppError::Invalid { fields } if fields.get("text").is_some()),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn who_comes_back_from_the_trash_is_found_by_the_new_name_of_the_company() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let company = world
        .customer(&anna, &[("name", "Oldname"), ("kind", "company")])
        .await;
    let person = world
        .customer(&anna, &[("name", "Pat"), ("company_id", &company.to_string())])
        .await;
    command::trash(&anna, person, Seen::Latest).await.unwrap();
    world
        .save(&anna, company, &[("name", "Freshname")])
        .await
        .unwrap();
    command::restore(&anna, person, Seen::Latest).await.unwrap();
    assert_eq!(world.list(&anna, "q=freshname").await.rows.len(), 2);
    assert_eq!(world.list(&anna, "q=oldname").await.rows.len(), 0);
}
