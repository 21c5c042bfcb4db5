//! Demo data: a small firm with two teams, on real customers. Everything goes through the service, as people would do
//! it, and twice is the same as once.

use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    customer::{CustomerPatch, CustomerRow, Field, FieldValue, Stage},
    error::AppError,
    id::{ActivityId, CustomerId, UserId},
    query::ListQuery,
    user::{NewUser, SetUp},
};
use rapport_service::{Ctx, Service, activity, customer, import, user};

use crate::cli::{Failure, acting, say, tell};

/// A real export; 24 of its 91 rows carry a comma too many and are left out, by line and reason.
const CUSTOMERS: &str = include_str!("demo/northwind-customers.csv");
const FILE: &str = "northwind-customers.csv";
const ORGANISATION: &str = "Nordlicht Handel";
const SECOND_TEAM: &str = "Service";
/// Everybody knows it: it is for accounts that exist in demo data only.
const PASSWORD: &str = "demo-demo-demo-42";

/// Name, address, role, and whether in the second team.
const PEOPLE: [(&str, &str, BuiltInRole, bool); 6] = [
    ("Ada Brandt", "admin@demo.example", BuiltInRole::Admin, false),
    (
        "Mats Lindqvist",
        "manager@demo.example",
        BuiltInRole::Manager,
        false,
    ),
    ("Mina Okafor", "member@demo.example", BuiltInRole::Member, false),
    ("Jonas Weber", "jonas@demo.example", BuiltInRole::Member, false),
    ("Lena Rossi", "lena@demo.example", BuiltInRole::Member, true),
    (
        "Rosa Diaz",
        "read-only@demo.example",
        BuiltInRole::ReadOnly,
        false,
    ),
];

const TAGS: [&[&str]; 6] = [
    &["wholesale"],
    &["retail", "priority"],
    &["restaurant"],
    &[],
    &["wholesale", "newsletter"],
    &["retail"],
];

const NOTES: [&str; 8] = [
    "Called about the spring order. They want the same mix as last year, delivery in week 14.",
    "Prefers e-mail before noon. On the phone ask for the purchasing desk.",
    "Sent the new price list. Wants to compare with the current supplier until Friday.",
    "Visited the shop: two new shelves for our goods, the window is free from March.",
    "Invoice 4711 was paid twice; credit note agreed.",
    "Interested in the organic range, but only with smaller boxes.",
    "New contact in the kitchen starts next month; introduce ourselves.",
    "Complained about a late delivery. Apologised, next freight is on us.",
];

/// Fills an installation with demo data and prints the demo sign-ins.
///
/// # Errors
/// When somebody who is not of the demo works here already.
pub async fn seed(service: &Service) -> Result<(), Failure> {
    let people = admit_people(service).await?;
    let [ada, ..] = people;
    let ctx = acting(service, ada).await?;
    let report = import::customers(&ctx, FILE, None, CUSTOMERS.as_bytes())
        .await
        .map_err(tell)?;
    if report.batch.is_some() {
        let rows = everybody(&ctx).await?;
        for (place, row) in rows.iter().enumerate() {
            spread(service, &ctx, &people, place, row).await?;
        }
    }
    say(&format!(
        "{report}\n\nDemo sign-ins, all with the password {PASSWORD}"
    ))?;
    for (name, email, role, _) in PEOPLE {
        say(&format!("  {email:<24} {name} ({role})"))?;
    }
    Ok(())
}

/// The people of the demo: the admin by the set-up, the others by the console.
async fn admit_people(service: &Service) -> Result<[UserId; PEOPLE.len()], Failure> {
    let mut ids = [UserId(uuid::Uuid::nil()); PEOPLE.len()];
    let mut second_team = None;
    for ((name, email, role, second), id) in PEOPLE.into_iter().zip(&mut ids) {
        if let Some(found) = user::find_by_email(service, email).await.map_err(tell)? {
            *id = found;
            continue;
        }
        let new = NewUser {
            name: name.to_owned(),
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            role,
        };
        *id = if role == BuiltInRole::Admin {
            let token = user::issue_setup_token(service).await.map_err(tell)?;
            let token =
                token.ok_or("People work here already; demo data is for an empty installation only.")?;
            let set_up = SetUp {
                token,
                organisation: ORGANISATION.to_owned(),
                admin: new,
            };
            user::set_up(service, set_up, std::net::Ipv4Addr::LOCALHOST.into())
                .await
                .map_err(tell)?
        } else {
            if second && second_team.is_none() {
                second_team = Some(
                    user::create_team(service, SECOND_TEAM.to_owned())
                        .await
                        .map_err(tell)?,
                );
            }
            user::create(service, new, second_team.filter(|_| second))
                .await
                .map_err(tell)?
        };
    }
    Ok(ids)
}

/// All customers, page by page.
async fn everybody(ctx: &Ctx) -> Result<Vec<CustomerRow>, Failure> {
    let mut query = ListQuery::default().with_size(rapport_domain::query::SIZE_MAX);
    let mut rows = Vec::new();
    loop {
        let page = customer::query::list(ctx, &query).await.map_err(tell)?;
        rows.extend(page.rows);
        let Some(next) = page.next else { return Ok(rows) };
        query =
            ListQuery::from_query_string(&query.after(&next).to_query_string()).map_err(AppError::from)?;
    }
}

/// Gives a customer an owner, a stage and tags, and every third one a note by its owner.
async fn spread(
    service: &Service,
    ctx: &Ctx,
    people: &[UserId],
    place: usize,
    row: &CustomerRow,
) -> Result<(), Failure> {
    let pick = |count: usize| place % count.max(1);
    // The admin and the one who only looks own nothing.
    let owners = people.get(1..people.len().saturating_sub(1)).unwrap_or_default();
    let owner = owners
        .get(pick(owners.len()))
        .copied()
        .unwrap_or(ctx.actor().user);
    let stage = Stage::EVERY
        .get((place * 7 / 3) % Stage::EVERY.len())
        .copied()
        .unwrap_or(Stage::Customer);
    let tags = TAGS
        .get(pick(TAGS.len()))
        .map(|tags| tags.iter().map(|tag| (*tag).to_owned()).collect())
        .unwrap_or_default();
    let patch = [
        (Field::Owner, FieldValue::Id(owner.0)),
        (Field::Stage, FieldValue::Text(stage.word().to_owned())),
        (Field::Tags, FieldValue::List(tags)),
    ];
    customer::command::save(
        ctx,
        row.id,
        row.version,
        CustomerPatch(patch.into_iter().collect()),
    )
    .await
    .map_err(tell)?;
    match NOTES.get(pick(NOTES.len())) {
        Some(note) if place.is_multiple_of(3) => write(service, owner, row.id, note).await,
        _ => Ok(()),
    }
}

async fn write(service: &Service, by: UserId, about: CustomerId, body: &str) -> Result<(), Failure> {
    let by = acting(service, by).await?;
    let note = NewNote {
        id: by.clock().new_id::<ActivityId>(),
        body: body.to_owned(),
    };
    activity::write_note(&by, about, note).await.map_err(tell)?;
    Ok(())
}
