//! Asks what people ask all day of a large installation: a calendar, the dashboard, what was done, the audit log.
//!
//! `script/bench scale 1000000`
//!
//! makes so many customers, as many appointments and ten times as many changes, of 200 people in 20 teams, by SQL. Of
//! several sizes, the smallest first, it says how much longer the slowest page of a list takes with the largest. Ends with
//! 1 when a budget is passed or a large table is read as a whole.

use std::{process::ExitCode, time::Instant};

use chrono::{DateTime, Utc};
use rapport_bench::{
    Result, ended, percentile, say,
    town::{self, customer, person},
};

use rapport_domain::{
    access::BuiltInRole,
    appointment::{CalendarQuery, Day, FreeQuery},
    audit::AuditQuery,
    dashboard::{DashboardQuery, Period},
    error::AppError,
    id::{CustomerId, UserId},
    journal::Via,
    query::{Cursor, ListQuery, Sort, SortBy},
    tag::Retag,
};
use rapport_service::{
    Ctx, Hold, analytics, appointment, audit,
    customer::query,
    dashboard, feed,
    job::Worker,
    seal::{self, Key, Sealer},
    tag, user,
};
use rapport_testing::{House, SEAL_KEY};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often each question is asked, each time of somebody or something else.
const ASKED: u64 = 40;
/// How many pages of each list are asked for, and how many fragments of names, addresses and numbers.
const PAGES: u64 = 100;
const FRAGMENTS: u64 = 400;
/// What has so many milliseconds or more is about figures of months.
const FIGURES: f64 = 300.0;
/// With fewer customers a whole table is read as fast as a part of it.
const SMALL: u64 = 100_000;
/// How much longer a page of a list may take with the most customers than with the fewest.
const GROWTH: f64 = 2.0;

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure().await)
}

async fn measure() -> Result<bool> {
    let sizes: std::result::Result<Vec<u64>, _> = std::env::args().skip(1).map(|many| many.parse()).collect();
    let mut sizes = sizes.map_err(|_| "please say how many customers, such as 1000000")?;
    if sizes.is_empty() {
        sizes.push(1_000_000);
    }
    let mut good = true;
    let mut pages = Vec::new();
    for many in sizes {
        let house = House::new().await;
        town::build(&house, many).await?;
        let mut sheet = Sheet::new(&house, many).await?;
        say(&format!(
            "{:<44} {:>9} {:>9} {:>9} {:>8}",
            format!("{many} customers: milliseconds"),
            "median",
            "p95",
            "slowest",
            "budget"
        ));
        sheet.ask_lists(many).await?;
        sheet.ask_search(many).await?;
        sheet.ask_all(many).await?;
        sheet.edit_many().await?;
        sheet.seal().await?;
        good &= sheet.good;
        pages.push((many, sheet.page));
    }
    if let (Some((few, fast)), Some((many, slow))) = (pages.first(), pages.last())
        && few != many
    {
        let growth = slow / fast;
        let said = if growth > GROWTH { "TOO SLOW" } else { "" };
        good &= growth <= GROWTH;
        say(&format!(
            "the slowest page of a list (p99), {many} / {few}: {growth:.2} (budget {GROWTH}) {said}"
        ));
    }
    Ok(good)
}

/// The questions, and how they went.
struct Sheet<'a> {
    house: &'a House,
    _hold: Hold,
    good: bool,
    admin: Ctx,
    manager: Ctx,
    member: Ctx,
    /// What 99 of 100 pages of the slowest list take at most, in milliseconds.
    page: f64,
    /// Whether its tables are so small that PostgreSQL may well read one as a whole.
    small: bool,
}

impl<'a> Sheet<'a> {
    async fn new(house: &'a House, many: u64) -> Result<Self> {
        let admin = house.user(BuiltInRole::Admin, None).await;
        // Asked as a request asks.
        let (service, hold) = house.service.for_request();
        let acting = async |id: UserId| -> Result<Ctx> {
            Ok(service.acting(user::actor(&service, id).await?, Via::Page))
        };
        Ok(Self {
            house,
            good: true,
            _hold: hold,
            admin: acting(admin).await?,
            manager: acting(person(house, 3).await?).await?,
            member: acting(person(house, 123).await?).await?,
            page: 0.0,
            small: many < SMALL,
        })
    }

    /// Pages of every list that is offered, wherever in it.
    async fn ask_lists(&mut self, many: u64) -> Result<()> {
        let mut rows = Vec::new();
        for turn in 0..PAGES {
            rows.push(place(self.house, 1 + turn * (many / PAGES)).await?);
        }
        for (name, who) in [
            ("admin", self.admin.clone()),
            ("manager", self.manager.clone()),
            ("member", self.member.clone()),
        ] {
            for by in [SortBy::Name, SortBy::Created, SortBy::Updated] {
                let queries: Vec<ListQuery> = rows
                    .iter()
                    .enumerate()
                    .map(|(turn, place)| place.page(by, turn))
                    .collect();
                let reads = self.whole_reads().await;
                // Once for what is not in memory yet. How much longer a page takes among many is seen in the second round:
                // a small town is all in memory from the start.
                let first = asked(&who, &queries).await?;
                let again = asked(&who, &queries).await?;
                self.page = self.page.max(percentile(&again, 99));
                self.judge(
                    &format!("list by {by}, anywhere in it, {name}"),
                    50.0,
                    first,
                    &reads,
                )
                .await;
            }
        }
        Ok(())
    }

    /// What somebody types in the palette, letter by letter.
    async fn ask_search(&mut self, many: u64) -> Result<()> {
        let mut typed = Vec::new();
        for turn in 0..FRAGMENTS {
            let number = 1 + turn * 7919 % many;
            let what = ["c.name", "p.value", "right(p.normalised, 6)"][usize::try_from(turn % 3)?];
            let kind = if turn % 3 == 2 { "phone" } else { "email" };
            let length = 2 + turn % 7;
            let fragment = format!(
                "SELECT left({what}, {length}) FROM customer c JOIN contact_point p ON p.customer_id = c.id \
                 WHERE p.kind = '{kind}' AND c.id = md5('customer{number}')::uuid"
            );
            typed.push(self.house.database.read(&fragment).await);
        }
        for (name, who) in [("admin", self.admin.clone()), ("member", self.member.clone())] {
            let mut taken = Vec::new();
            let reads = self.whole_reads().await;
            for fragment in &typed {
                let began = Instant::now();
                query::suggest(&who, fragment, None).await?;
                taken.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            self.judge(&format!("search as one types, {name}"), 50.0, taken, &reads)
                .await;
        }
        Ok(())
    }

    /// One change to 50,000 customers, as everybody does it, to its end.
    async fn edit_many(&mut self) -> Result<()> {
        let tagged = "SELECT count(*)::text FROM customer WHERE tags @> ARRAY['first']";
        let many = self.house.database.read(tagged).await;
        let began = Instant::now();
        let retag = Retag {
            from: "first".to_owned(),
            to: Some("other".to_owned()),
        };
        tag::change(&self.admin, retag).await?;
        Worker::new(&self.house.service).work_off().await?;
        let seconds = began.elapsed().as_secs_f64();
        let left = self.house.database.read(tagged).await;
        let slow = if seconds > 10.0 { "TOO SLOW" } else { "" };
        self.good &= seconds <= 10.0 && left == "0";
        say(&format!(
            "one change to {many} customers: {seconds:.1} s (budget 10) {slow}, {left} left"
        ));
        Ok(())
    }

    async fn ask_all(&mut self, many: u64) -> Result<()> {
        let mut people = Vec::new();
        let mut customers = Vec::new();
        for number in 0..ASKED {
            people.push(person(self.house, number * 5).await?);
            customers.push(customer(self.house, 1 + number * (many / ASKED)).await?);
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
        let (median, late, slowest) = (
            percentile(&taken, 50),
            percentile(&taken, 95),
            percentile(&taken, 100),
        );
        let whole = match self.read_whole(reads).await {
            tables if self.small || tables.is_empty() => String::new(),
            tables => format!("reads as a whole: {tables}"),
        };
        // Figures of a year are made of most of a table: how long that may take is all that is asked of them.
        self.good &= whole.is_empty() || budget >= FIGURES;
        let slow = if late > budget { "TOO SLOW" } else { "" };
        self.good &= slow.is_empty();
        say(&format!(
            "{what:<44} {median:>9.1} {late:>9.1} {slowest:>9.1} {budget:>8.0} {slow} {whole}"
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

    /// The large tables that were read as a whole since then.
    async fn read_whole(&self, then: &str) -> String {
        let now = self.whole_reads().await;
        let more = now
            .split(", ")
            .filter(|now| !then.split(", ").any(|then| then == *now));
        let tables: Vec<&str> = more.filter_map(|table| table.split(' ').next()).collect();
        tables.join(", ")
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

/// How long each page took, in milliseconds, sorted.
async fn asked(who: &Ctx, queries: &[ListQuery]) -> Result<Vec<f64>> {
    let mut taken = Vec::new();
    for query in queries {
        let began = Instant::now();
        query::list(who, query).await?;
        taken.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    taken.sort_by(f64::total_cmp);
    Ok(taken)
}

/// Where a customer stands in the lists: by name, by when it was made, and by when it was changed.
struct Place {
    id: CustomerId,
    name: String,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

impl Place {
    /// A page beside it, in a list of this order: up or down, before it or after it.
    fn page(&self, by: SortBy, turn: usize) -> ListQuery {
        let backwards = turn.is_multiple_of(3);
        ListQuery {
            sort: Sort {
                by,
                descending: turn.is_multiple_of(2),
            },
            cursor: Some(match by {
                SortBy::Name => Cursor::by_name(&self.name, self.id, backwards),
                SortBy::Created => Cursor::by_instant(self.created, self.id, backwards),
                SortBy::Updated => Cursor::by_instant(self.updated, self.id, backwards),
            }),
            ..ListQuery::default()
        }
    }
}

async fn place(house: &House, number: u64) -> Result<Place> {
    let row = format!(
        "SELECT concat_ws('|', id, name, (extract(epoch FROM created_at) * 1000000)::bigint, \
                (extract(epoch FROM updated_at) * 1000000)::bigint) \
         FROM customer WHERE id = md5('customer{number}')::uuid"
    );
    let row = house.database.read(&row).await;
    let parts: Vec<&str> = row.split('|').collect();
    let [id, name, created, updated] = parts.as_slice() else {
        return Err(format!("no customer {number}").into());
    };
    let instant = |micros: &str| -> Result<DateTime<Utc>> {
        Ok(DateTime::from_timestamp_micros(micros.parse()?).ok_or("no instant")?)
    };
    Ok(Place {
        id: id.parse()?,
        name: (*name).to_owned(),
        created: instant(created)?,
        updated: instant(updated)?,
    })
}
