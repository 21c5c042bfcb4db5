//! Programs with accounts of their own.

use std::net::{IpAddr, Ipv4Addr};

use rapport_domain::{
    access::BuiltInRole,
    api_key::{AllKeys, NewKey, NewProgram},
    error::AppError,
    form::Values,
    id::{ApiKeyId, UserId},
    journal::Via,
};
use rapport_service::{Ctx, api_key, journal, user};

use crate::support::{World, refused, sign_in, told};

fn fields(ctx: &Ctx, name: &str) -> Values {
    Values::default()
        .with("id", ctx.clock().new_id::<UserId>().to_string())
        .with("name", name)
        .with("role", "member")
        .with("team", "")
        .with("access", "write")
        .with("days", "30")
}

async fn program(ctx: &Ctx, name: &str) -> (UserId, String) {
    let new = NewProgram::parse(&fields(ctx, name)).unwrap();
    let id = new.id;
    // The form that came twice at once, and later again.
    let twice = (0..2).map(|_| api_key::new_program(ctx, new.clone()));
    for made in futures::future::join_all(twice).await {
        made.unwrap();
    }
    api_key::new_program(ctx, new).await.unwrap();
    let keys = api_key::all(ctx).await.unwrap();
    let made = keys
        .programs
        .into_iter()
        .find(|program| program.id == id)
        .unwrap();
    assert_eq!(made.keys.len(), 1);
    (id, made.keys[0].secret.clone().unwrap())
}

async fn works(world: &World, secret: &str) -> bool {
    api_key::resolve(&world.house.service, secret, "127.0.0.1")
        .await
        .is_ok()
}

#[tokio::test]
async fn a_program_acts_by_its_own_account_which_nobody_signs_in_by() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let (id, secret) = program(&admin, "Web shop").await;
    let caller = api_key::resolve(&world.house.service, &secret, "127.0.0.1")
        .await
        .unwrap();
    assert_eq!(caller.ctx.actor().user, id);
    assert_eq!(caller.ctx.actor().name, "Web shop");

    // It is nobody to choose, to invite, or to send a link to.
    let names = user::options(&admin).await.unwrap();
    assert!(names.iter().all(|(_, name)| name != "Web shop"));
    let people = user::people(&admin).await.unwrap().people;
    assert!(people.iter().all(|person| person.id != id));
    assert_eq!(told(user::reset_link(&admin, id).await), AppError::NotFound);
    let address = format!("{id}@program.invalid");
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    user::forgot(&world.house.service, &address, from).await.unwrap();
    let links = world
        .house
        .database
        .read("SELECT count(*)::text FROM password_reset")
        .await;
    assert_eq!(links, "0");

    // Nor does anybody sign in by it, whatever its password is.
    let hash = format!(
        "UPDATE app_user SET password_hash = (SELECT password_hash FROM app_user WHERE id = '{}') WHERE id = '{id}'",
        admin.actor().user
    );
    world.house.database.run(&hash).await;
    assert!(
        sign_in(&world.house, &address, rapport_testing::PASSWORD)
            .await
            .is_err()
    );
    let mine = user::me(&admin).await.unwrap().email;
    assert!(
        sign_in(&world.house, &mine, rapport_testing::PASSWORD)
            .await
            .is_ok()
    );

    // What keys are for is for people.
    let by_key = &caller.ctx;
    assert_eq!(by_key.via(), Via::Key);
    let more = NewProgram::parse(&fields(by_key, "More")).unwrap();
    assert_eq!(
        told(api_key::new_program(by_key, more).await),
        AppError::Forbidden
    );
    assert_eq!(
        told(api_key::close_program(by_key, id).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn keys_of_a_program_overlap_until_the_earlier_one_is_revoked() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let (id, first) = program(&admin, "Sync").await;
    let next = NewKey::parse(&fields(&admin, "Sync 2")).unwrap();
    api_key::new_program_key(&admin, id, next).await.unwrap();
    let AllKeys {
        programs, personal, ..
    } = api_key::all(&admin).await.unwrap();
    assert!(personal.is_empty());
    let keys = &programs[0].keys;
    let second = keys[0].secret.clone().unwrap();
    assert!(works(&world, &first).await && works(&world, &second).await);
    api_key::revoke_any(&admin, keys[1].id).await.unwrap();
    assert!(!works(&world, &first).await && works(&world, &second).await);
    assert_eq!(
        told(api_key::revoke_any(&admin, keys[1].id).await),
        AppError::NotFound
    );

    let closed = api_key::close_program(&admin, id).await.unwrap();
    assert!(!works(&world, &second).await);
    assert!(api_key::all(&admin).await.unwrap().programs.is_empty());
    let late = NewKey::parse(&fields(&admin, "Late")).unwrap();
    assert_eq!(
        told(api_key::new_program_key(&admin, id, late).await),
        AppError::NotFound
    );
    journal::undo(&admin, closed.batch.unwrap()).await.unwrap();
    assert!(works(&world, &second).await);
}

#[tokio::test]
async fn admins_see_whose_every_key_is_and_nobody_elses_secret() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let member = world.acting(BuiltInRole::Member).await;
    for ctx in [&admin, &member] {
        let key = NewKey::parse(&fields(ctx, "Mine")).unwrap();
        api_key::make(ctx, key).await.unwrap();
    }
    let personal = api_key::all(&admin).await.unwrap().personal;
    assert_eq!(personal.len(), 2);
    assert!(personal.iter().all(|owned| owned.key.secret.is_none()));
    let theirs: ApiKeyId = api_key::list(&member).await.unwrap()[0].id;
    api_key::revoke_any(&admin, theirs).await.unwrap();
    assert!(api_key::list(&member).await.unwrap().is_empty());
    assert_eq!(told(api_key::all(&member).await), AppError::Forbidden);
    assert_eq!(
        told(api_key::revoke_any(&member, theirs).await),
        AppError::Forbidden
    );
    let more = NewProgram::parse(&fields(&member, "More")).unwrap();
    assert_eq!(
        told(api_key::new_program(&member, more).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn a_program_is_not_the_admin_who_may_be_left_alone() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let second = world.acting(BuiltInRole::Admin).await;
    let robot = fields(&admin, "Robot").with("role", "admin");
    api_key::new_program(&admin, NewProgram::parse(&robot).unwrap())
        .await
        .unwrap();
    let first = admin.actor().user;
    user::deactivate(&second, first, rapport_domain::user::people::Heir::Nobody)
        .await
        .unwrap();
    let robots = "SELECT id::text FROM app_user WHERE program";
    let robot: UserId = world.house.database.read(robots).await.parse().unwrap();
    let robot = world.house.acting(robot).await;
    let last = user::deactivate(
        &robot,
        second.actor().user,
        rapport_domain::user::people::Heir::Nobody,
    )
    .await;
    assert!(refused(last.map(|(receipt, _)| receipt)).contains("admin"));
}
