//! Customers: saving, conflicts, scope.

use rapport_domain::{
    access::BuiltInRole,
    customer::{ContactKind, CustomerPatch, NewCustomer, Related},
    error::AppError,
    form::Values,
    id::CustomerId,
};
use rapport_service::{
    customer::{
        command,
        many::{self, Outcome, Step},
        query,
    },
    seen::Seen,
};

use crate::support::{World, told};

#[tokio::test]
async fn a_customer_reads_back_as_it_was_made() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let company = world
        .customer(&anna, &[("name", "Berglunds snabbköp"), ("kind", "company")])
        .await;
    let person = world
        .customer(
            &anna,
            &[
                ("name", "Christina Berglund"),
                ("company_id", &company.to_string()),
                ("job_title", "Order Administrator"),
                ("emails", "c@berglunds.se\nchristina@home.se"),
                ("phones", "0921-12 34 65"),
                ("tags", "wholesale, nordics"),
                ("city", "Luleå"),
            ],
        )
        .await;

    let read = query::get(&anna, person).await.unwrap();
    assert_eq!(
        read.company,
        Some(Related::Seen(company, "Berglunds snabbköp".to_owned()))
    );
    assert_eq!(read.owner.map(|(id, _)| id), Some(anna.actor().user));
    assert_eq!(read.team.map(|(id, _)| id), anna.actor().team);
    assert_eq!(read.tags, ["wholesale", "nordics"]);
    let emails: Vec<_> = read
        .contact_points
        .iter()
        .filter(|p| p.kind == ContactKind::Email)
        .map(|p| &p.value)
        .collect();
    assert_eq!(emails, ["c@berglunds.se", "christina@home.se"]);
    assert_eq!(
        query::get(&anna, company).await.unwrap().people[0].name,
        "Christina Berglund"
    );
}

#[tokio::test]
async fn the_same_form_twice_even_at_once_makes_one_customer() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id: CustomerId = anna.clock().new_id();
    let values = Values::default().with("id", id.to_string()).with("name", "Once");
    let new = NewCustomer::parse(&values).unwrap();

    let (one, two) = tokio::join!(
        command::create(&anna, new.clone()),
        command::create(&anna, new.clone())
    );
    let three = command::create(&anna, new.clone()).await.unwrap();

    assert_eq!(one.unwrap(), three);
    assert_eq!(two.unwrap(), three);
    assert_eq!(world.list(&anna, "").await.rows.len(), 1);
}

#[tokio::test]
async fn the_id_of_somebody_elses_customer_makes_none_and_tells_nothing() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let taken = world.customer(&anna, &[("name", "Secret Ltd")]).await;
    let values = Values::default()
        .with("id", taken.to_string())
        .with("name", "Mine");
    let new = NewCustomer::parse(&values).unwrap();
    for other in [
        world.acting(BuiltInRole::Member).await,
        world.acting_in(BuiltInRole::Member, "Elsewhere").await,
    ] {
        let before = world.state().await;
        let error = told(command::create(&other, new.clone()).await);
        assert!(
            matches!(&error, AppError::Invalid { fields } if fields.get("form").is_some()),
            "{error:?}"
        );
        assert_eq!(world.state().await, before);
    }
}

#[tokio::test]
async fn a_receipt_is_given_again_for_the_same_command_only() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let file = b"Name\nAda\n";
    rapport_service::import::customers(&anna, "list.csv", None, file)
        .await
        .unwrap();
    let imported = world.list(&anna, "").await.rows[0].id;
    let values = Values::default()
        .with("id", imported.to_string())
        .with("name", "Ada");

    // The receipt's batch would be the whole import, and the message's Undo would take it back.
    let error = told(command::create(&anna, NewCustomer::parse(&values).unwrap()).await);
    assert!(matches!(error, AppError::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn a_company_that_people_belong_to_stays_one() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let company = world.customer(&anna, &[("name", "C"), ("kind", "company")]).await;
    let person = world
        .customer(&anna, &[("name", "P"), ("company_id", &company.to_string())])
        .await;
    let wrong = async |id, fields: &[(&str, &str)]| {
        let error = told(world.save(&anna, id, fields).await);
        let AppError::Invalid { fields } = error else {
            panic!("{error:?}")
        };
        fields.0.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(wrong(company, &[("kind", "person")]).await, ["kind"]);
    assert_eq!(wrong(person, &[("kind", "company")]).await, ["kind"]);
    // Who lies in the trash may come back.
    command::trash(&anna, person, Seen::Latest).await.unwrap();
    assert_eq!(wrong(company, &[("kind", "person")]).await, ["kind"]);
    command::restore(&anna, person, Seen::Latest).await.unwrap();
    world.save(&anna, person, &[("company_id", "")]).await.unwrap();
    world.save(&anna, company, &[("kind", "person")]).await.unwrap();
}

/// What was refused of many, by place.
fn places(outcome: &Outcome) -> Vec<usize> {
    match outcome {
        Outcome::Refused(wrong) => wrong.iter().map(|(place, _)| *place).collect(),
        Outcome::Done(..) => Vec::new(),
    }
}

#[tokio::test]
async fn of_many_at_once_none_makes_somebody_belong_to_what_is_no_company_then() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let acme = world
        .customer(&ctx, &[("name", "Acme"), ("kind", "company")])
        .await;
    let member = || {
        let values = Values::default()
            .with("id", ctx.clock().new_id::<CustomerId>().to_string())
            .with("name", "Ada")
            .with("company_id", acme.to_string());
        Step::Create(NewCustomer::parse(&values).unwrap())
    };
    let person: Values = [("kind", "person")].into_iter().collect();
    let no_company = || Step::Save(acme, Seen::Latest, CustomerPatch::parse(&person).unwrap());
    let gone = || Step::Trash(acme, Seen::Latest);
    for (steps, wrong) in [
        (vec![no_company(), member()], 1),
        (vec![member(), no_company()], 0),
        (vec![gone(), member()], 1),
    ] {
        let outcome = many::all(&ctx, ctx.clock().new_id(), steps).await.unwrap();
        assert_eq!(places(&outcome), [wrong], "{outcome:?}");
        assert_eq!(world.count("customer").await, 1, "none of it is done");
    }
    let ada = member();
    let id = ada.id();
    let outcome = many::all(&ctx, ctx.clock().new_id(), vec![ada]).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(Some(_), _)), "{outcome:?}");

    // Who was there before stays, also where all of it is sent again.
    command::trash(&ctx, acme, Seen::Latest).await.unwrap();
    let company = acme.to_string();
    let whole: Values = [("company_id", company.as_str()), ("city", "Bath")]
        .into_iter()
        .collect();
    let step = Step::Save(id, Seen::Latest, CustomerPatch::parse(&whole).unwrap());
    let outcome = many::all(&ctx, ctx.clock().new_id(), vec![step]).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(Some(_), _)), "{outcome:?}");
}

#[tokio::test]
async fn a_company_is_not_made_a_person_while_somebody_comes_to_it() {
    let world = World::new().await;
    let (ctx, other) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    for round in 0..12 {
        let acme = world
            .customer(&ctx, &[("name", "Acme"), ("kind", "company")])
            .await;
        let values = Values::default()
            .with("id", other.clock().new_id::<CustomerId>().to_string())
            .with("name", "Ada")
            .with("company_id", acme.to_string());
        let comes = command::create(&other, NewCustomer::parse(&values).unwrap());
        let turns = world.save_seen(&ctx, acme, 1, &[("kind", "person")]);
        let (comes, turns) = futures::join!(comes, turns);
        assert!(
            comes.is_ok() != turns.is_ok(),
            "round {round}: {comes:?}, {turns:?}"
        );
    }
}

#[tokio::test]
async fn a_save_is_not_refused_for_a_company_that_it_does_not_name() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let company = world.customer(&anna, &[("name", "C"), ("kind", "company")]).await;
    let person = world
        .customer(&anna, &[("name", "P"), ("company_id", &company.to_string())])
        .await;
    // No command makes that; what once did must not lock every other field.
    let turn = format!("UPDATE customer SET kind = 'company' WHERE id = '{person}'");
    world.house.database.run(&turn).await;

    world.save(&anna, person, &[("city", "Bern")]).await.unwrap();
    world.save(&anna, person, &[("kind", "person")]).await.unwrap();
}

#[tokio::test]
async fn changes_of_different_fields_merge() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = world.customer(&anna, &[("name", "A"), ("emails", "a@b.c")]).await;
    let seen = query::get(&anna, id).await.unwrap().version;

    world
        .save_seen(&anna, id, seen, &[("city", "Bern")])
        .await
        .unwrap();
    world
        .save_seen(&ben, id, seen, &[("country", "Switzerland")])
        .await
        .unwrap();
    world
        .save_seen(&anna, id, seen, &[("phones", "030 1234")])
        .await
        .unwrap();
    world
        .save_seen(&ben, id, seen, &[("emails", "a@b.c\nd@e.f")])
        .await
        .unwrap();

    let stands = query::get(&anna, id).await.unwrap();
    assert_eq!(
        (stands.city.as_deref(), stands.country.as_deref()),
        (Some("Bern"), Some("Switzerland"))
    );
    assert_eq!(stands.contact_points.len(), 3);
}

#[tokio::test]
async fn the_same_field_conflicts_and_shows_both_values() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = world
        .customer(&anna, &[("name", "A"), ("stage", "lead"), ("emails", "a@b.c")])
        .await;
    let seen = query::get(&anna, id).await.unwrap().version;
    world
        .save_seen(&anna, id, seen, &[("stage", "customer"), ("emails", "anna@b.c")])
        .await
        .unwrap();

    let error = told(
        world
            .save_seen(
                &ben,
                id,
                seen,
                &[("stage", "former"), ("emails", "ben@b.c"), ("city", "X")],
            )
            .await,
    );

    let AppError::Conflict { version, fields } = error else {
        panic!("{error:?}")
    };
    assert_eq!(version, seen + 1);
    let said: Vec<_> = fields
        .iter()
        .map(|f| (f.field.as_str(), f.mine.as_str(), f.theirs.as_str()))
        .collect();
    assert_eq!(
        said,
        [("stage", "Former", "Customer"), ("emails", "ben@b.c", "anna@b.c")]
    );
    assert_eq!(fields[0].by.as_deref(), Some(anna.actor().name.as_str()));
    // Nothing of a refused save is written.
    assert_eq!(query::get(&anna, id).await.unwrap().city, None);
    // Having seen both, a person's own choice goes through.
    world
        .save_seen(&ben, id, version, &[("stage", "former")])
        .await
        .unwrap();
}

#[tokio::test]
async fn ones_own_earlier_change_is_no_conflict_and_an_equal_value_changes_nothing() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = world.customer(&anna, &[("name", "A")]).await;
    world.save_seen(&anna, id, 1, &[("city", "Bern")]).await.unwrap();
    world.save_seen(&anna, id, 1, &[("city", "Basel")]).await.unwrap();
    let same = world.save_seen(&anna, id, 1, &[("city", "Basel")]).await.unwrap();
    assert_eq!((same.version, same.batch), (3, None));
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_refused() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = world.customer(&anna, &[("name", "A")]).await;
    for seen in [0, -1, 2, i64::MAX] {
        let error = told(world.save_seen(&anna, id, seen, &[("city", "Bern")]).await);
        assert!(matches!(error, AppError::Invalid { .. }), "{seen}: {error:?}");
    }
}

#[tokio::test]
async fn a_wrong_owner_or_company_is_an_error_on_its_field() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Manager).await;
    let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let person = world.customer(&anna, &[("name", "P")]).await.to_string();
    let nobody = anna.clock().new_id::<CustomerId>().to_string();
    let company = world
        .customer(&anna, &[("name", "C"), ("kind", "company")])
        .await
        .to_string();
    let abroad = stranger.actor().user.to_string();
    for (field, fields) in [
        (
            "company_id",
            [("company_id", person.as_str()), ("kind", "person")],
        ),
        (
            "company_id",
            [("company_id", nobody.as_str()), ("kind", "person")],
        ),
        (
            "company_id",
            [("company_id", company.as_str()), ("kind", "company")],
        ),
        ("owner_id", [("owner_id", nobody.as_str()), ("kind", "person")]),
        // A manager's assigning reaches the own team only.
        ("owner_id", [("owner_id", abroad.as_str()), ("kind", "person")]),
    ] {
        let id: CustomerId = anna.clock().new_id();
        let values = fields.into_iter().fold(
            Values::default().with("id", id.to_string()).with("name", "N"),
            |v, (k, t)| v.with(k, t),
        );
        let error = told(command::create(&anna, NewCustomer::parse(&values).unwrap()).await);
        let AppError::Invalid { fields: errors } = error else {
            panic!("{error:?}")
        };
        assert!(errors.get(field).is_some(), "{fields:?}: {errors:?}");
    }
}

#[tokio::test]
async fn each_role_reaches_what_its_grants_say() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let mate = world.acting(BuiltInRole::Member).await;
    let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let reader = world.acting(BuiltInRole::ReadOnly).await;
    let ours = world.customer(&mate, &[("name", "Ours")]).await;
    let theirs = world.customer(&stranger, &[("name", "Theirs")]).await;
    let nobodys = world
        .customer(&admin, &[("name", "Nobody's"), ("owner_id", "")])
        .await;

    let names = async |ctx| {
        world
            .list(ctx, "")
            .await
            .rows
            .into_iter()
            .map(|row| row.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&admin).await, ["Nobody's", "Ours", "Theirs"]);
    assert_eq!(names(&reader).await, ["Nobody's", "Ours", "Theirs"]);
    assert_eq!(names(&mate).await, ["Ours"]);
    assert_eq!(names(&stranger).await, ["Theirs"]);

    for hidden in [theirs, nobodys] {
        assert_eq!(told(query::get(&mate, hidden).await), AppError::NotFound);
        assert_eq!(
            told(query::timeline(&mate, hidden, None).await),
            AppError::NotFound
        );
        assert_eq!(
            told(world.save_seen(&mate, hidden, 1, &[("city", "X")]).await),
            AppError::NotFound
        );
        assert_eq!(
            told(command::trash(&mate, hidden, Seen::Latest).await),
            AppError::NotFound
        );
    }
    assert_eq!(
        told(world.save_seen(&reader, ours, 1, &[("city", "X")]).await),
        AppError::Forbidden
    );
    assert_eq!(
        told(command::trash(&reader, ours, Seen::Latest).await),
        AppError::Forbidden
    );
    let id: CustomerId = reader.clock().new_id();
    let new = NewCustomer {
        id,
        fields: CustomerPatch::parse(
            &Values::default()
                .with("name", "N")
                .with("kind", "person")
                .with("stage", "lead"),
        )
        .unwrap(),
    };
    assert_eq!(told(command::create(&reader, new).await), AppError::Forbidden);
    assert_eq!(query::suggest(&mate, "theirs", None).await.unwrap(), []);
}

#[tokio::test]
async fn a_deleted_customer_is_hidden_from_lists_and_search_and_comes_back_whole() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = world
        .customer(&anna, &[("name", "Ernst Handel"), ("emails", "e@h.at")])
        .await;

    command::trash(&anna, id, Seen::Latest).await.unwrap();
    assert!(world.list(&anna, "").await.rows.is_empty());
    assert!(world.list(&anna, "q=ernst").await.rows.is_empty());
    assert!(query::suggest(&anna, "ernst", None).await.unwrap().is_empty());
    assert!(matches!(
        told(world.save_seen(&anna, id, 2, &[("city", "Graz")]).await),
        AppError::Refused { .. }
    ));
    assert!(query::get(&anna, id).await.unwrap().deleted);
    assert_eq!(command::trash(&anna, id, Seen::Latest).await.unwrap().batch, None);

    command::restore(&anna, id, Seen::Latest).await.unwrap();
    assert_eq!(world.list(&anna, "q=e@h.at").await.rows.len(), 1);
}

#[tokio::test]
async fn a_company_out_of_sight_shows_as_no_access_and_never_its_name() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let mate = world.acting(BuiltInRole::Member).await;
    let secret = world
        .customer(
            &admin,
            &[("name", "Secret Ltd"), ("kind", "company"), ("owner_id", "")],
        )
        .await;
    let person = world
        .customer(
            &admin,
            &[
                ("name", "Pat"),
                ("company_id", &secret.to_string()),
                ("owner_id", &mate.actor().user.to_string()),
            ],
        )
        .await;

    assert_eq!(
        query::get(&mate, person).await.unwrap().company,
        Some(Related::NoAccess)
    );
    assert_eq!(world.list(&mate, "").await.rows[0].contact, "");
    let told = format!("{:?}", query::timeline(&mate, person, None).await.unwrap());
    assert!(!told.contains("Secret"), "{told}");
}
