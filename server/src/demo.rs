//! Demo data: a small firm with two teams, on real customers. Everything goes through the service, as people would do
//! it, and twice is the same as once.

use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    appointment::{NewAppointment, Status, clock},
    customer::{CustomerPatch, CustomerRow, Field, FieldValue, Stage},
    error::AppError,
    form::Values,
    id::{ActivityId, AppointmentId, CustomerId, UserId},
    query::ListQuery,
    user::{NewUser, SetUp},
};
use rapport_service::{Ctx, Service, activity, appointment, customer, import, seen::Seen, user};

use crate::cli::{Failure, acting, say, tell};

/// A real export; 24 of its 91 rows carry a comma too many and are left out, by line and reason.
const CUSTOMERS: &str = include_str!("demo/northwind-customers.csv");
const FILE: &str = "northwind-customers.csv";
const ORGANISATION: &str = "Nordlicht Handel";
const ZONE: &str = "Europe/Berlin";
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

/// When appointments begin, in minutes of the day, and what they are about.
const HOURS: [(u16, &str); 4] = [
    (9 * 60, "Tasting, winter range"),
    (11 * 60, "Prices for next year"),
    (13 * 60 + 30, "Contract"),
    (15 * 60 + 15, "Kitchen visit"),
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
        book(service, &people).await?;
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
                zone: Some(ZONE.to_owned()),
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

/// What is booked in these two weeks: for each of those who own customers some of theirs, at times that differ.
async fn book(service: &Service, people: &[UserId]) -> Result<(), Failure> {
    let owners = people.get(1..people.len().saturating_sub(1)).unwrap_or_default();
    for (who, owner) in owners.iter().enumerate() {
        let ctx = acting(service, *owner).await?;
        let options = appointment::booking_options(&ctx, None).await.map_err(tell)?;
        let mine = format!("owner={owner}");
        let customers = customer::query::list(
            &ctx,
            &ListQuery::from_query_string(&mine).map_err(AppError::from)?,
        )
        .await
        .map_err(tell)?
        .rows;
        let days = (0..14)
            .map(|days| options.today.plus(days))
            .filter(|day| day.weekday() < 5);
        for (number, day) in days.enumerate() {
            for (slot, (minute, about)) in HOURS.iter().enumerate() {
                let place = who * 5 + number * 3 + slot * 7;
                let Some(customer) = customers.get(place % customers.len().max(1)) else {
                    continue;
                };
                let Some(kind) = options.types.get(place % options.types.len().max(1)) else {
                    continue;
                };
                // Not every time of every day is taken.
                if place % 5 < 2 {
                    continue;
                }
                let values = Values::default()
                    .with("id", ctx.clock().new_id::<AppointmentId>().to_string())
                    .with("customer", customer.id.to_string())
                    .with("type", kind.id.to_string())
                    .with("title", *about)
                    .with("staff", owner.to_string())
                    .with("date", day.to_string())
                    .with(
                        "time",
                        clock(minute + 15 * (u16::try_from(place % 3).unwrap_or_default())),
                    )
                    .with("minutes", kind.minutes.to_string());
                let new = NewAppointment::parse(&values).map_err(AppError::from)?;
                let id = new.id;
                match appointment::book(&ctx, new).await.map_err(tell_app) {
                    Ok(_) if place.is_multiple_of(4) => {
                        let confirmed =
                            appointment::set_status(&ctx, id, Seen::Latest, Status::Confirmed).await;
                        confirmed.map_err(tell)?;
                    }
                    // What has passed this morning is left out.
                    Ok(_) | Err(AppError::Invalid { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(())
}

fn tell_app(error: rapport_service::Error) -> AppError {
    error.tell()
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
