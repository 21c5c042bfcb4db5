//! A town of people who work here, customers, appointments and what was done, the same at every run.

use std::time::Instant;

use rapport_domain::{
    access::BuiltInRole,
    id::{CustomerId, UserId},
};
use rapport_testing::House;

use crate::{Result, process, say};

/// How many people work in it.
pub const PEOPLE: u64 = 200;

/// What is made, by `{n}` customers. Triggers and constraints are passed over: it would take hours otherwise.
const MADE: &[(&str, &str)] = &[
    (
        "people",
        "INSERT INTO team (id, name, created_at, updated_at) \
           SELECT md5('team' || n)::uuid, 'Team ' || n, now(), now() FROM generate_series(0, 19) AS n; \
         INSERT INTO app_user (id, name, email, email_key, password_hash, role_id, team_id, created_at, updated_at) \
           SELECT md5('user' || n)::uuid, 'User ' || n, 'u' || n || '@x.y', 'u' || n || '@x.y', '', role.id, \
                  md5('team' || n % 20)::uuid, now(), now() \
           FROM generate_series(0, 199) AS n JOIN role ON role.key = CASE WHEN n < 20 THEN 'manager' ELSE 'member' END",
    ),
    (
        "customers",
        "CREATE TABLE made_customer AS \
           SELECT n, md5('customer' || n)::uuid AS id, name, \
                  lower(replace(name, ' ', '.')) || n % 1000 || '@example.org' AS mail, \
                  '+44 20 ' || lpad((n::bigint * 7919 % 100000000)::text, 8, '0') AS phone \
           FROM generate_series(1, {n}) AS n, LATERAL (SELECT \
                  (ARRAY['Ada','Ben','Clara','David','Elena','Felix','Greta','Hugo','Ines','Jonas','Karla','Leo','Mara', \
                         'Noah','Olga','Paul','Rosa','Simon','Tilda','Viktor'])[1 + n % 20] || ' ' || \
                  (ARRAY['Ab','Ber','Cor','Dan','El','Fro','Gar','Hol','Ir','Jen','Kal','Lin','Mor','Nor','Os','Pet','Rim', \
                         'Sol','Tor','Wes'])[1 + n / 20 % 20] || \
                  (ARRAY['be','cha','di','fen','gra','hal','ka','li','mo','na','pe','ri','sa','ta','ve','wo'])[1 + n / 400 % 16] || \
                  (ARRAY['berg','dal','field','gaard','man','mann','nik','quist','rova','sen','son','stein','ton','vik','wald', \
                         'witz'])[1 + n / 6400 % 16] AS name) AS named; \
         INSERT INTO contact_point (id, customer_id, kind, value, normalised, position) \
           SELECT md5('mail' || n)::uuid, id, 'email', mail, mail, 0 FROM made_customer UNION ALL \
           SELECT md5('phone' || n)::uuid, id, 'phone', phone, replace(phone, ' ', ''), 0 FROM made_customer; \
         INSERT INTO customer (id, kind, stage, name, owner_id, team_id, city, tags, created_at, updated_at, name_plain, \
                               search) \
           SELECT id, CASE n % 2 WHEN 0 THEN 'person' ELSE 'company' END, \
                  (ARRAY['lead', 'prospect', 'customer', 'former'])[1 + n % 4], name, \
                  md5('user' || n % 200)::uuid, md5('team' || n % 20)::uuid, 'City ' || n % 4000, \
                  CASE WHEN n <= 50000 THEN ARRAY['first'] ELSE '{}' END, \
                  now() - n * interval '1 minute', now() - n * interval '40 seconds', lower(name), \
                  'n ' || lower(name) || E'\\ne ' || mail || E'\\np ' || regexp_replace(phone, '[^0-9]', '', 'g') \
           FROM made_customer; \
         DROP TABLE made_customer",
    ),
    (
        "appointments",
        // Each person has four a day, one behind the other, up to 60 days from now.
        "CREATE TEMPORARY TABLE made AS \
           SELECT n, md5('appointment' || n)::uuid AS id, md5('user' || n % 200)::uuid AS staff, \
                  md5('team' || n % 20)::uuid AS team, \
                  date_trunc('day', now()) + interval '60 days' - (n / 800) * interval '1 day' \
                    + (8 + n / 200 % 4 * 2) * interval '1 hour' AS start \
           FROM generate_series(1, {n}) AS n; \
         INSERT INTO appointment (id, customer_id, type_id, status, starts_at, ends_at, zone, local_start, staff, \
                                  created_at, updated_at) \
           SELECT id, md5('customer' || n)::uuid, '01900000-0000-7000-8000-000000000021', \
                  CASE WHEN start > now() THEN 'booked' WHEN n % 11 = 0 THEN 'no_show' ELSE 'done' END, \
                  start, start + interval '1 hour', 'UTC', start AT TIME ZONE 'UTC', ARRAY[staff], now(), now() FROM made; \
         INSERT INTO appointment_staff (appointment, staff, team, during, active) \
           SELECT id, staff, team, tstzrange(start, start + interval '1 hour'), true FROM made",
    ),
    (
        "commands",
        "INSERT INTO batch (id, actor, via, command, at, state, undoable) \
           SELECT md5('batch' || n)::uuid, md5('user' || n % 200)::uuid, 'page', \
                  (ARRAY['edit customer', 'create customer', 'note', 'book appointment'])[1 + n % 4], \
                  now() - n * interval '20 seconds', 'done', true FROM generate_series(1, {n} * 5 / 2) AS n",
    ),
    (
        "changes",
        "INSERT INTO change (batch, kind, record, subject, version, op, owner, team, at, before, after) \
           SELECT md5('batch' || n / 4)::uuid, 'customer', md5('customer' || n % {n} + 1)::uuid, \
                  md5('customer' || n % {n} + 1)::uuid, 2, 'update', md5('user' || n % 200)::uuid, \
                  md5('team' || n % 20)::uuid, now() - n / 4 * interval '20 seconds', '{\"city\": \"Hull\"}', \
                  '{\"city\": \"York\"}' FROM generate_series(4, {n} * 10) AS n",
    ),
];

/// Builds the town of so many customers, as many appointments and ten times as many changes.
///
/// # Errors
/// When PostgreSQL gives no size.
pub async fn build(house: &House, customers: u64) -> Result<()> {
    for (what, statement) in MADE {
        let began = Instant::now();
        let statement = statement.replace("{n}", &customers.to_string());
        let all =
            format!("SET session_replication_role = replica; SET synchronous_commit = off; {statement}");
        house.database.run(&all).await;
        say(&format!("{what}: made in {:.0} s", began.elapsed().as_secs_f64()));
    }
    // What PostgreSQL would do by itself in the middle of what is measured.
    house.database.run("VACUUM ANALYZE").await;
    house.database.run("CHECKPOINT").await;
    let size = "SELECT pg_size_pretty(pg_database_size(current_database()))";
    say(&format!("the database: {}", house.database.read(size).await));
    Ok(())
}

/// One of those who work in it, by number.
///
/// # Errors
/// When there is none.
pub async fn person(house: &House, number: u64) -> Result<UserId> {
    let id = format!("SELECT md5('user{number}')::uuid::text");
    Ok(house.database.read(&id).await.parse()?)
}

/// One of the customers, by number from 1.
///
/// # Errors
/// When there is none.
pub async fn customer(house: &House, number: u64) -> Result<CustomerId> {
    let id = format!("SELECT md5('customer{number}')::uuid::text");
    Ok(house.database.read(&id).await.parse()?)
}

/// Somebody who may do everything, and the address they sign in with.
///
/// # Errors
/// When there is none.
pub async fn admin(house: &House) -> Result<(UserId, String)> {
    let id = house.user(BuiltInRole::Admin, None).await;
    let email = format!("SELECT email FROM app_user WHERE id = '{}'", id.0);
    Ok((id, house.database.read(&email).await))
}

/// The first process of PostgreSQL, which runs on this machine.
///
/// # Errors
/// When it does not.
pub async fn postgres(house: &House) -> Result<u32> {
    let checkpointer = "SELECT pid::text FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    process::parent(house.database.read(checkpointer).await.parse()?)
}
