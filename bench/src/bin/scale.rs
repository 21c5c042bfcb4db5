//! Asks what people ask all day of a large installation: a calendar, the dashboard, what was done, the audit log.
//!
//! `script/with-services cargo run --release -p rapport-bench --bin scale -- 1000000`
//!
//! makes so many customers, as many appointments and ten times as many changes, of 200 people in 20 teams, by SQL. Ends
//! with 1 when a budget is passed or a large table is read as a whole.

use std::{
    error::Error,
    io::{Write, stdout},
    process::ExitCode,
    time::Instant,
};

use rapport_domain::{
    access::BuiltInRole,
    appointment::{CalendarQuery, Day, FreeQuery},
    audit::AuditQuery,
    dashboard::{DashboardQuery, Period},
    error::AppError,
    id::{CustomerId, UserId},
    journal::Via,
};
use rapport_service::{
    Ctx, analytics, appointment, audit,
    customer::query,
    dashboard, feed,
    seal::{self, Key, Sealer},
    user,
};
use rapport_testing::{House, SEAL_KEY};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How often each question is asked, each time of somebody or something else.
const ASKED: u64 = 40;

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("It could not be measured: {error}"));
            ExitCode::FAILURE
        }
    }
}

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
        "INSERT INTO customer (id, kind, stage, name, owner_id, team_id, city, created_at, updated_at) \
           SELECT md5('customer' || n)::uuid, CASE n % 2 WHEN 0 THEN 'person' ELSE 'company' END, \
                  (ARRAY['lead', 'prospect', 'customer', 'former'])[1 + n % 4], md5('name' || n), \
                  md5('user' || n % 200)::uuid, md5('team' || n % 20)::uuid, 'City ' || n % 4000, \
                  now() - n * interval '1 minute', now() - n * interval '40 seconds' \
           FROM generate_series(1, {n}) AS n",
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

async fn measure() -> Result<bool> {
    let many: u64 = match std::env::args().nth(1) {
        Some(many) => many
            .parse()
            .map_err(|_| "please say how many customers, such as 1000000")?,
        None => 1_000_000,
    };
    let house = House::new().await;
    for (what, statement) in MADE {
        let began = Instant::now();
        let statement = statement.replace("{n}", &many.to_string());
        let all =
            format!("SET session_replication_role = replica; SET synchronous_commit = off; {statement}");
        house.database.run(&all).await;
        say(&format!("{what}: made in {:.0} s", began.elapsed().as_secs_f64()));
    }
    house.database.run("VACUUM ANALYZE").await;
    let size = "SELECT pg_size_pretty(pg_database_size(current_database()))";
    say(&format!("the database: {}", house.database.read(size).await));
    let mut sheet = Sheet::new(&house).await?;
    say(&format!(
        "{:<44} {:>9} {:>9} {:>8}",
        "milliseconds", "median", "slowest", "budget"
    ));
    sheet.ask_all(many).await?;
    sheet.seal().await?;
    Ok(sheet.good)
}

/// The questions, and how they went.
struct Sheet<'a> {
    house: &'a House,
    good: bool,
    admin: Ctx,
    manager: Ctx,
    member: Ctx,
}

impl<'a> Sheet<'a> {
    async fn new(house: &'a House) -> Result<Self> {
        let admin = house.user(BuiltInRole::Admin, None).await;
        let acting = async |number: u64| -> Result<Ctx> {
            let id = person(house, number).await?;
            Ok(house
                .service
                .acting(user::actor(&house.service, id).await?, Via::Page))
        };
        Ok(Self {
            house,
            good: true,
            admin: house.acting(admin).await,
            manager: acting(3).await?,
            member: acting(123).await?,
        })
    }

    async fn ask_all(&mut self, many: u64) -> Result<()> {
        let mut people = Vec::new();
        let mut customers = Vec::new();
        for number in 0..ASKED {
            people.push(person(self.house, number * 5).await?);
            let id = format!(
                "SELECT md5('customer{}')::uuid::text",
                1 + number * (many / ASKED)
            );
            customers.push(self.house.database.read(&id).await.parse::<CustomerId>()?);
        }
        let today = Day::of(self.house.clock.now().date_naive());
        let person = |turn: usize| people[turn % people.len()];
        for (name, who) in [
            ("admin", self.admin.clone()),
            ("manager", self.manager.clone()),
            ("member", self.member.clone()),
        ] {
            let week = format!("calendar week, five people, {name}");
            self.ask(&week, 20.0, async |turn| {
                let query = CalendarQuery {
                    day: Some(today.plus(-7 * turn as i32)),
                    staff: (0..5).map(|next| person(turn + next)).collect(),
                    ..CalendarQuery::default()
                };
                appointment::calendar(&who, query).await.map(drop)
            })
            .await?;
            self.ask(&format!("activity, {name}"), 50.0, async |_| {
                feed::feed(&who, false, None).await.map(drop)
            })
            .await?;
            self.ask(&format!("activity, one's own, {name}"), 50.0, async |_| {
                feed::feed(&who, true, None).await.map(drop)
            })
            .await?;
            self.ask_anew(&format!("dashboard, cold, {name}"), 2_000.0, async |turn| {
                let search = ["", "days=7", "days=91", "days=364", "whose=mine"];
                let query = DashboardQuery::parse(search[turn % search.len()]);
                dashboard::get(&who, query).await.map(drop)
            })
            .await?;
            self.ask(&format!("dashboard, warm, {name}"), 300.0, async |_| {
                dashboard::get(&who, DashboardQuery::default()).await.map(drop)
            })
            .await?;
        }
        let admin = self.admin.clone();
        self.ask("free times", 50.0, async |turn| {
            let asked = FreeQuery::parse(&person(turn).to_string(), &today.to_string(), "30", "");
            let asked = asked.map_err(AppError::from)?;
            appointment::free_times(&admin, asked).await.map(drop)
        })
        .await?;
        let audited = async |pairs: &[(&str, &str)]| {
            let query = AuditQuery::parse(pairs.iter().copied());
            audit::page(&admin, query).await.map(drop)
        };
        self.ask("audit log", 50.0, async |_| audited(&[]).await).await?;
        self.ask("audit log, of a person", 50.0, async |turn| {
            audited(&[("who", &person(turn).to_string())]).await
        })
        .await?;
        self.ask("audit log, of a record", 50.0, async |turn| {
            audited(&[("record", &customers[turn].to_string())]).await
        })
        .await?;
        self.ask("audit log, of an action, a month ago", 50.0, async |turn| {
            let day = today.plus(-30 - turn as i32).to_string();
            audited(&[("action", "note"), ("to", &day)]).await
        })
        .await?;
        self.ask("a customer", 50.0, async |turn| {
            query::get(&admin, customers[turn]).await.map(drop)
        })
        .await?;
        self.ask("analytics, four weeks", 2_000.0, async |_| {
            analytics::get(&admin, Period::default()).await.map(drop)
        })
        .await
    }

    /// Asks something many times, and says how long it took.
    async fn ask(
        &mut self,
        what: &str,
        budget: f64,
        ask: impl AsyncFn(usize) -> rapport_service::Result<()>,
    ) -> Result<()> {
        let mut taken = Vec::new();
        let reads = self.whole_reads().await;
        for turn in 0..ASKED as usize {
            let began = Instant::now();
            ask(turn).await?;
            taken.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        self.judge(what, budget, taken, &reads).await;
        Ok(())
    }

    /// The same with something written before each time, so that nothing that was kept counts.
    async fn ask_anew(
        &mut self,
        what: &str,
        budget: f64,
        ask: impl AsyncFn(usize) -> rapport_service::Result<()>,
    ) -> Result<()> {
        let write = "INSERT INTO batch (id, via, command, at, state, undoable) \
             VALUES (gen_random_uuid(), 'console', 'note', clock_timestamp(), 'done', true)";
        let mut taken = Vec::new();
        let reads = self.whole_reads().await;
        for turn in 0..ASKED as usize {
            self.house.database.run(write).await;
            let began = Instant::now();
            ask(turn).await?;
            taken.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        self.judge(what, budget, taken, &reads).await;
        Ok(())
    }

    async fn judge(&mut self, what: &str, budget: f64, mut taken: Vec<f64>, reads: &str) {
        taken.sort_by(f64::total_cmp);
        let (median, slowest) = (taken[taken.len() / 2], taken[taken.len() - 1]);
        let whole = if self.whole_reads().await == reads {
            ""
        } else {
            self.good = false;
            "READS A WHOLE TABLE"
        };
        let slow = if median > budget { "TOO SLOW" } else { "" };
        self.good &= slow.is_empty();
        say(&format!(
            "{what:<44} {median:>9.1} {slowest:>9.1} {budget:>8.0} {slow} {whole}"
        ));
    }

    /// How often each large table was read as a whole so far.
    async fn whole_reads(&self) -> String {
        let reads = "SELECT string_agg(relname || ' ' || seq_scan, ', ' ORDER BY relname) FROM pg_stat_user_tables \
             WHERE relname IN ('customer', 'batch', 'change', 'appointment', 'appointment_staff')";
        // A connection tells what it read some time after it did.
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        self.house.database.read(reads).await
    }

    /// What it takes to seal all of it at once, as when a key is set for the first time.
    async fn seal(&self) -> Result<()> {
        let key = Key::parse(SEAL_KEY).ok_or("a key")?;
        let began = Instant::now();
        Sealer::new(&self.house.service, key).catch_up().await?;
        let sealed = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let report = seal::verify(&self.house.service, None).await?;
        let verified = began.elapsed().as_secs_f64();
        let (commands, changes) = report.sealed;
        say(&format!(
            "sealed {commands} commands and {changes} changes in {sealed:.0} s, verified in {verified:.0} s: {}",
            report.broken.unwrap_or_else(|| "all of it holds".to_owned())
        ));
        Ok(())
    }
}

async fn person(house: &House, number: u64) -> Result<UserId> {
    let id = format!("SELECT md5('user{number}')::uuid::text");
    Ok(house.database.read(&id).await.parse()?)
}

fn say(line: &str) {
    // Nobody reads it: then there is nobody to tell that either.
    let _ = writeln!(stdout(), "{line}");
}
