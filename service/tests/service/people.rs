//! Who works here: changed, closed and opened again with all that they had, and the admin who cannot be lost.

use rapport_domain::{
    access::{Ability, BuiltInRole, Kind, Reach},
    appointment::AppointmentPatch,
    error::AppError,
    form::Values,
    id::{BatchId, TeamId, UserId},
    journal::Receipt,
    user::people::{HandedOver, Heir, PersonPatch},
};
use rapport_service::{
    Ctx, Result, appointment, customer::query, job::Worker, journal, seen::Seen, session, user,
};
use rapport_testing::PASSWORD;

use crate::support::{World, book, refused, sign_in, told};

async fn save(ctx: &Ctx, id: UserId, fields: &[(&str, &str)]) -> Result<(Receipt, HandedOver)> {
    let seen = user::person(ctx, id).await?.person.version;
    save_seen(ctx, id, seen, fields).await
}

async fn save_seen(
    ctx: &Ctx,
    id: UserId,
    seen: i64,
    fields: &[(&str, &str)],
) -> Result<(Receipt, HandedOver)> {
    let values: Values = fields.iter().copied().collect();
    user::save_person(ctx, id, seen, PersonPatch::parse(&values, &values).unwrap()).await
}

#[tokio::test]
async fn the_last_admin_is_not_lost_to_themselves_to_others_at_once_or_to_an_undo() {
    let world = World::new().await;
    let ada = world.acting(BuiltInRole::Admin).await;
    let me = ada.actor().user;
    let alone = told(save(&ada, me, &[("role", "member")]).await);
    assert!(
        matches!(alone, AppError::Invalid { fields } if fields.get("role").unwrap().contains("has to be an admin"))
    );
    assert!(refused(user::deactivate(&ada, me, Heir::Nobody).await).contains("your own account"));

    for _ in 0..5 {
        let bob = world.acting(BuiltInRole::Admin).await;
        let other = bob.actor().user;
        let (one, two) = tokio::join!(
            save(&ada, other, &[("role", "member")]),
            save(&bob, me, &[("role", "member")])
        );
        assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
        assert_eq!(
            world
                .count("app_user u JOIN role r ON r.id = u.role_id WHERE r.key = 'admin' AND u.active")
                .await,
            1
        );
        let (winner, loser) = if one.is_ok() { (&ada, other) } else { (&bob, me) };
        // Both are admins again, and then one is left for the next round.
        save(winner, loser, &[("role", "admin")]).await.unwrap();
        user::deactivate(&ada, other, Heir::Nobody).await.unwrap();
    }

    let cid = world.acting(BuiltInRole::Member).await.actor().user;
    let made = save(&ada, cid, &[("role", "admin")])
        .await
        .unwrap()
        .0
        .batch
        .unwrap();
    let cid = world.house.acting(cid).await;
    save(&cid, me, &[("role", "member")]).await.unwrap();
    let report = journal::undo(&cid, made).await.unwrap();
    assert_eq!(
        (report.undone, report.kept[0].reason.as_str()),
        (0, "There has to be an admin.")
    );
}

#[tokio::test]
async fn what_somebody_may_do_changes_with_their_next_click_and_their_session_goes_on() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let session = sign_in(&world.house, "member1@example.org", PASSWORD)
        .await
        .unwrap();
    let rights = || async {
        let who = session::resolve(&world.house.service, &session.cookie)
            .await
            .unwrap();
        who.map(|who| who.actor.grants.reach(Kind::Customer, Ability::Create))
    };
    assert_eq!(rights().await, Some(Reach::Own));
    let (receipt, _) = save(&admin, member.actor().user, &[("role", "read_only")])
        .await
        .unwrap();
    assert_eq!(rights().await, Some(Reach::None));
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(rights().await, Some(Reach::Own));
    user::deactivate(&admin, member.actor().user, Heir::Nobody)
        .await
        .unwrap();
    assert_eq!(rights().await, None);
    assert!(matches!(
        told(sign_in(&world.house, "member1@example.org", PASSWORD).await),
        AppError::Invalid { .. }
    ));
    user::reactivate(&admin, member.actor().user).await.unwrap();
    assert_eq!(rights().await, None, "what was ended stays ended");
    sign_in(&world.house, "member1@example.org", PASSWORD)
        .await
        .unwrap();
    assert!(refused(user::reactivate(&admin, member.actor().user).await).contains("open already"));
}

#[tokio::test]
async fn what_two_admins_change_of_somebody_merges_or_is_told_with_both_values() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let id = world.acting(BuiltInRole::Member).await.actor().user;
    save_seen(&ada, id, 1, &[("name", "Mia"), ("role", "manager")])
        .await
        .unwrap();
    save_seen(&bob, id, 1, &[("email", "mia@x.example")])
        .await
        .unwrap();
    let conflict = told(save_seen(&bob, id, 1, &[("role", "read_only")]).await);
    assert!(
        matches!(conflict, AppError::Conflict { fields, .. } if fields.len() == 1 && fields[0].field == "role")
    );
    let person = user::person(&ada, id).await.unwrap().person;
    assert_eq!(
        (person.name.as_str(), person.email.as_str()),
        ("Mia", "mia@x.example")
    );
    let taken = told(save(&ada, id, &[("email", "Admin0@example.org")]).await);
    assert!(matches!(taken, AppError::Invalid { fields } if fields.get("email").is_some()));
    assert_eq!(
        told(save_seen(&ada, ada.clock().new_id(), 1, &[("name", "x")]).await),
        AppError::NotFound
    );
}

#[tokio::test]
async fn customers_follow_to_another_team_only_when_asked_and_come_back_with_undo() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = member.actor().user;
    let customer = world.customer(&member, &[("name", "Ada")]).await;
    let (north, south) = (world.house.team("North").await, world.house.team("South").await);
    let team_of = || world.house.database.read("SELECT team_id::text FROM customer");
    let before = team_of().await;
    let (_, handed) = save(&admin, id, &[("team", &north.to_string())]).await.unwrap();
    assert_eq!((handed.customers, team_of().await), (0, before.clone()));
    let fields = [("team", &*south.to_string()), ("follow", "on")];
    let (receipt, handed) = save(&admin, id, &fields).await.unwrap();
    assert_eq!((handed.customers, team_of().await), (1, south.to_string()));
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(team_of().await, before);
    assert_eq!(user::person(&admin, id).await.unwrap().person.team, Some(north));
    assert!(query::get(&admin, customer).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn appointments_follow_who_keeps_them_into_another_team_also_what_is_booked_meanwhile() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = member.actor().user;
    let (north, south) = (world.house.team("North").await, world.house.team("South").await);
    let of_team = async |team: TeamId| {
        world
            .count(&format!("appointment_staff WHERE team = '{team}'"))
            .await
    };
    book(&admin, &[id], "08:00").await;
    let (receipt, _) = save(&admin, id, &[("team", &north.to_string())]).await.unwrap();
    assert_eq!(of_team(north).await, 1);
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(of_team(north).await, 0);

    let second = world.house.another_server().await;
    let second = second.acting(admin.actor().clone(), admin.via());
    let bookings = async {
        for half_hour in 18..46 {
            let time = format!("{:02}:{:02}", half_hour / 2, half_hour % 2 * 30);
            book(&second, &[id], &time).await;
        }
    };
    let moves = async {
        for number in 0..15 {
            let team = if number % 2 == 0 { north } else { south };
            save(&admin, id, &[("team", &team.to_string())]).await.unwrap();
        }
    };
    futures::join!(bookings, moves);
    assert_eq!(
        (of_team(north).await, world.count("appointment_staff").await),
        (29, 29)
    );
}

#[tokio::test]
async fn who_leaves_hands_over_and_gets_all_of_it_back_when_it_is_taken_back() {
    let world = World::new().await;
    let (admin, leaver, heir) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
        world.acting_in(BuiltInRole::Member, "South").await,
    );
    let (from, to) = (leaver.actor().user, heir.actor().user);
    world.customer(&leaver, &[("name", "Ada")]).await;
    world.customer(&leaver, &[("name", "Ben")]).await;
    book(&admin, &[from], "10:00").await;
    book(&admin, &[from, to], "11:00").await;
    book(&admin, &[from], "12:00").await;
    book(&admin, &[to], "12:15").await;
    let stands = || {
        world.house.database.read(
            "SELECT jsonb_build_array((SELECT jsonb_agg(jsonb_build_array(name, owner_id, team_id) ORDER BY name) FROM customer), \
                    (SELECT jsonb_agg(jsonb_build_array(starts_at, staff) ORDER BY starts_at) FROM appointment), \
                    (SELECT jsonb_agg(jsonb_build_array(s.appointment, s.staff, s.team) ORDER BY s.appointment, s.staff) FROM appointment_staff s))::text",
        )
    };
    let before = stands().await;
    let page = user::person(&admin, from).await.unwrap();
    assert_eq!((page.customers, page.appointments), (2, 3));

    let (receipt, handed) = user::deactivate(&admin, from, Heir::User(to)).await.unwrap();
    let expected = HandedOver {
        customers: 2,
        appointments: 2,
        stayed: 1,
        in_background: false,
    };
    assert_eq!(handed, expected);
    assert_eq!(world.count(&format!("customer c JOIN app_user u ON u.id = '{to}' WHERE c.owner_id = u.id AND c.team_id = u.team_id")).await, 2);
    assert_eq!(
        world
            .count(&format!("appointment_staff WHERE staff = '{from}'"))
            .await,
        1
    );
    assert_eq!(
        world
            .count(&format!("appointment_staff WHERE staff = '{to}'"))
            .await,
        3
    );
    assert!(refused(user::deactivate(&admin, from, Heir::Nobody).await).contains("closed already"));

    let report = journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!((report.left, stands().await), (0, before));
    assert!(user::person(&admin, from).await.unwrap().person.active);
    let again = journal::undo(&admin, report.batch.unwrap()).await.unwrap();
    assert_eq!(again.left, 0, "and forth again");
    assert!(!user::person(&admin, from).await.unwrap().person.active);
}

#[tokio::test]
async fn an_appointment_that_was_handed_on_is_told_of_its_customer_and_stays_where_it_was_given_since() {
    let world = World::new().await;
    let (admin, colleague) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let (leaver, heir, third) = (
        world.acting(BuiltInRole::Member).await.actor().user,
        world.acting(BuiltInRole::Member).await.actor().user,
        world.acting(BuiltInRole::Member).await.actor().user,
    );
    let ada = world.customer(&admin, &[("name", "Ada")]).await;
    let id = book(&admin, &[leaver], "10:00").await;
    world
        .house
        .database
        .run(&format!(
            "UPDATE appointment SET customer_id = '{ada}' WHERE id = '{id}'"
        ))
        .await;
    let seen = appointment::get(&admin, id).await.unwrap().version;
    let (receipt, _) = user::deactivate(&admin, leaver, Heir::User(heir)).await.unwrap();
    let of_customer = format!("change WHERE record = '{id}' AND op = 'update' AND subject = '{ada}'");
    assert_eq!(world.count(&of_customer).await, 1);

    let to_third = |values: Values| AppointmentPatch::parse(&values, &values).unwrap();
    let wanted = to_third(Values::default().with("staff", third.to_string()));
    let stale = told(appointment::save(&colleague, id, seen, wanted.clone()).await);
    assert!(matches!(stale, AppError::Conflict { .. }), "{stale:?}");
    appointment::save(&colleague, id, Seen::Latest, wanted)
        .await
        .unwrap();
    let report = journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(report.left, 1, "{report:?}");
    let keeps = format!("appointment WHERE id = '{id}' AND staff = ARRAY['{third}'::uuid]");
    assert_eq!(world.count(&keeps).await, 1, "the later hand counts");
}

#[tokio::test]
async fn who_cannot_take_over_is_refused_and_customers_can_be_left_to_nobody() {
    let world = World::new().await;
    let (admin, leaver, gone) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let (from, gone) = (leaver.actor().user, gone.actor().user);
    world.customer(&leaver, &[("name", "Ada")]).await;
    user::deactivate(&admin, gone, Heir::Nobody).await.unwrap();
    for heir in [gone, from, admin.clock().new_id()] {
        let error = told(user::deactivate(&admin, from, Heir::User(heir)).await);
        assert!(matches!(error, AppError::Invalid { fields } if fields.get("heir").is_some()));
    }
    let (receipt, handed) = user::deactivate(&admin, from, Heir::Unowned).await.unwrap();
    assert_eq!(
        (
            handed.customers,
            world
                .count("customer WHERE owner_id IS NULL AND team_id IS NULL")
                .await
        ),
        (1, 1)
    );
    // Whoever may not open the account gives nothing back to it.
    let manager = world.acting(BuiltInRole::Manager).await;
    let report = journal::undo(&manager, receipt.batch.unwrap()).await;
    assert!(report.is_ok_and(|report| report.undone == 0));
    assert_eq!(world.count("customer WHERE owner_id IS NULL").await, 1);
}

#[tokio::test]
async fn thousands_of_customers_are_handed_over_in_the_background_as_one_command() {
    let world = World::new().await;
    let (admin, leaver, heir) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let (from, to) = (leaver.actor().user, heir.actor().user);
    let many = format!(
        "INSERT INTO customer (id, kind, stage, name, owner_id, team_id, created_at, updated_at) \
         SELECT md5('c' || n)::uuid, 'person', 'lead', 'C ' || n, u.id, u.team_id, now(), now() \
         FROM generate_series(1, 2500) AS n, app_user u WHERE u.id = '{from}'"
    );
    world.house.database.run(&many).await;
    let (receipt, handed) = user::deactivate(&admin, from, Heir::User(to)).await.unwrap();
    let batch = receipt.batch.unwrap();
    assert!(handed.in_background);
    assert!(
        !user::person(&admin, from).await.unwrap().person.active,
        "the account is closed at once"
    );
    assert!(refused(journal::undo(&admin, batch).await).contains("still running"));
    work_off(&world).await;
    let owned = |user: UserId| world.count_of(user);
    assert_eq!((owned(from).await, owned(to).await), (0, 2500));
    assert_eq!(counted(&world, batch).await, "2501");
    assert!(journal::undo(&admin, batch).await.unwrap().in_background);
    work_off(&world).await;
    assert_eq!((owned(from).await, owned(to).await), (2500, 0));
    assert!(user::person(&admin, from).await.unwrap().person.active);
}

impl World {
    async fn count_of(&self, owner: UserId) -> u64 {
        self.count(&format!("customer WHERE owner_id = '{owner}'")).await
    }
}

async fn work_off(world: &World) {
    Worker::new(&world.house.service).work_off().await.unwrap();
}

async fn counted(world: &World, batch: BatchId) -> String {
    let counts = format!("SELECT counts ->> 'changes' FROM batch WHERE id = '{batch}' AND state = 'done'");
    world.house.database.read(&counts).await
}

#[tokio::test]
async fn teams_are_made_renamed_and_removed_while_nobody_belongs_to_them() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id: TeamId = admin.clock().new_id();
    let made = user::new_team(&admin, id, "West".to_owned()).await.unwrap();
    assert_eq!(user::new_team(&admin, id, "West".to_owned()).await.unwrap(), made);
    let renamed = user::rename_team(&admin, id, 1, "Far West".to_owned())
        .await
        .unwrap();
    journal::undo(&admin, renamed.batch.unwrap()).await.unwrap();
    let member = world.acting(BuiltInRole::Member).await.actor().user;
    save(&admin, member, &[("team", &id.to_string())]).await.unwrap();
    assert!(refused(user::remove_team(&admin, id, Seen::Latest).await).contains("so it stays"));
    save(&admin, member, &[("team", "")]).await.unwrap();
    let gone = user::remove_team(&admin, id, Seen::Latest).await.unwrap();
    assert_eq!(
        told(user::rename_team(&admin, id, 1, "x".to_owned()).await),
        AppError::NotFound
    );
    journal::undo(&admin, gone.batch.unwrap()).await.unwrap();
    let teams = user::people(&admin).await.unwrap().teams;
    assert!(teams.iter().any(|team| team.id == id && team.name == "West"));
    let manager = world.acting(BuiltInRole::Manager).await;
    assert_eq!(
        told(user::new_team(&manager, admin.clock().new_id(), "x".to_owned()).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn roles_are_told_with_what_they_grant() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    world.acting(BuiltInRole::Member).await;
    let roles = user::roles(&admin).await.unwrap();
    let told: Vec<_> = roles.iter().map(|role| (role.role, role.members)).collect();
    assert_eq!(
        told,
        [
            (BuiltInRole::Admin, 1),
            (BuiltInRole::Manager, 0),
            (BuiltInRole::Member, 1),
            (BuiltInRole::ReadOnly, 0)
        ]
    );
    let export = |place: usize| {
        let grants = roles[place].grants.iter();
        let mut of_kind =
            grants.filter(|grant| (grant.kind, grant.ability) == (Kind::Customer, Ability::Export));
        of_kind.next().map(|grant| grant.reach)
    };
    assert_eq!(
        (export(0), export(1), export(2)),
        (Some(Reach::All), Some(Reach::Team), None)
    );
}
