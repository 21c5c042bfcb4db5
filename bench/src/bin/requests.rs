//! What a request costs: CPU of the server and of PostgreSQL, the most that are answered in a second, and how long they
//! take at half of that, each beside the same SQL run by `pgbench`, as fast as it can.
//!
//! `script/bench requests 100000`
//!
//! asks the release, on so many customers, over loopback. Ends with 1 when a budget is passed.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use rapport_bench::{
    Result, ended,
    load::{self, Ask, Went},
    pgbench,
    process::{self, Spender},
    say,
    served::{Release, Served, request, sign_in, signed_in},
    town,
};
use rapport_domain::id::UserId;
use rapport_service::password::Hasher;
use rapport_testing::{House, PASSWORD};
use uuid::Uuid;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many ask at once, on as many connections; `pgbench` too.
const CONNECTIONS: usize = 8;
/// Connections for a given rate: enough that nobody waits for one.
const ENOUGH: usize = 64;
/// For how long each is asked,
const TIME: Duration = Duration::from_secs(8);
/// and how often, in turn with the others: what counts is the middle of each figure, as a machine has its moments.
const ROUNDS: usize = 3;
const WARM_UP: u64 = 2_000;
/// The most that the server may hold under load, in MB.
const RESIDENT: u64 = 150;
/// What a page may take at half of the most, by 99 of 100, in milliseconds.
const SLOW: f64 = 80.0;
/// What a sign-in may cost, in costs of its hash.
const SIGN_IN: f64 = 1.1;
const SIGN_INS: u64 = 100;

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure().await)
}

async fn measure() -> Result<bool> {
    let many = match std::env::args().nth(1) {
        Some(many) => many
            .parse()
            .map_err(|_| "please say how many customers, such as 100000")?,
        None => 100_000,
    };
    let release = Release::named()?;
    let house = House::new().await;
    town::build(&house, many).await?;
    let (admin, email) = town::admin(&house).await?;
    let served = release.serve(&house, 0).await?;
    let mut bench = Bench {
        key: format!("Bearer {}", release.key(&house, &email).await?),
        viewer: signed_in(served.address, &email).await?,
        postgres: Spender::Family(town::postgres(&house).await?),
        house,
        served,
        good: true,
    };
    say(&format!(
        "{:<34} {:>7} {:>7} {:>7} {:>9} {:>8} {:>8} {:>7}",
        format!("{many} customers"),
        "CPU ms",
        "budget",
        "its SQL",
        "at most/s",
        "half p50",
        "half p99",
        "KB"
    ));
    bench.reads().await?;
    bench.create(admin).await?;
    bench.sign_ins(&email).await?;
    let (now, most) = process::resident(bench.served.process)?;
    bench.say_if(
        &format!("memory of the server: {now} MB at the end, {most} MB at most (budget {RESIDENT})"),
        most <= RESIDENT,
    );
    Ok(bench.good)
}

/// What is asked, and what of the server's CPU it may cost, in milliseconds.
#[derive(Clone)]
struct Line {
    what: &'static str,
    budget: f64,
    ask: Ask,
}

/// What one round of a line came to.
#[derive(Clone, Copy)]
struct Figures {
    /// CPU of the server, in milliseconds.
    cost: f64,
    /// CPU of PostgreSQL, in milliseconds.
    sql: f64,
    /// The most that were answered in a second.
    rate: f64,
    /// What half of them took at half of that, in milliseconds,
    middle: f64,
    /// and 99 of 100,
    slow: f64,
    /// in the slowest round.
    slowest: f64,
    /// What an answer weighs.
    kb: f64,
}

impl Figures {
    /// The middle of each figure, and the slowest of all.
    fn middle_of(rounds: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        Self {
            cost: middle(|round| round.cost),
            sql: middle(|round| round.sql),
            rate: middle(|round| round.rate),
            middle: middle(|round| round.middle),
            slow: middle(|round| round.slow),
            slowest: rounds.iter().map(|round| round.slowest).fold(0.0, f64::max),
            kb: middle(|round| round.kb),
        }
    }
}

/// The release on a town, and what is asked of it.
struct Bench {
    house: House,
    served: Served,
    postgres: Spender,
    key: String,
    /// What the browser of somebody who is signed in sends.
    viewer: [(&'static str, String); 3],
    good: bool,
}

impl Bench {
    /// Pages as they are drawn on the server, and the list as programs ask for it.
    async fn reads(&mut self) -> Result<()> {
        let customer = format!("/customers/{}", town::customer(&self.house, 4711).await?);
        let list = self.list();
        let lines = [
            self.page("page: the list", "/customers", "identity", 1.0),
            self.page("page: the list, compressed", "/customers", "br", 1.3),
            self.page("page: a customer", &customer, "identity", 0.8),
            self.page("page: a customer, compressed", &customer, "br", 1.1),
            list.clone(),
        ];
        let figures = self.ask(&lines).await?;
        let slow = figures.iter().map(|figures| figures.slowest).fold(0.0, f64::max);
        self.say_if(
            &format!("  99 of 100 of each at half of the most, in each round, within {SLOW} ms: {slow:.1}"),
            slow <= SLOW,
        );
        let Some(script) = self.statements(&list.ask).await? else {
            return Ok(());
        };
        let all = pgbench::rate(&self.house.database.url(), &script, CONNECTIONS, TIME).await?;
        let rate = figures.last().map_or(0.0, |figures| figures.rate);
        self.say_if(
            &format!(
                "  the same {} statements by pgbench: {all:.0}/s, of which the JSON list is {:.2} (budget 0.5)",
                script.matches(";\n").count(),
                rate / all
            ),
            rate >= all * 0.5,
        );
        Ok(())
    }

    fn page(&self, what: &'static str, path: &str, encoding: &'static str, budget: f64) -> Line {
        let (viewer, path, to) = (self.viewer.clone(), path.to_owned(), self.served.address);
        let ask: Ask = Arc::new(move |_| {
            let mut headers = vec![("accept", "text/html"), ("accept-encoding", encoding)];
            headers.extend(viewer.iter().map(|(name, value)| (*name, value.as_str())));
            request(to, "GET", &path, &headers, "")
        });
        Line { what, budget, ask }
    }

    fn list(&self) -> Line {
        let (key, to) = (self.key.clone(), self.served.address);
        let ask: Ask = Arc::new(move |_| {
            let headers = [("authorization", key.as_str())];
            request(to, "GET", "/api/v1/customers?size=50", &headers, "")
        });
        Line {
            what: "JSON: a list of 50",
            budget: 0.4,
            ask,
        }
    }

    /// A new customer, as programs make it: with its journal, and heard by those who listen.
    async fn create(&mut self, owner: UserId) -> Result<()> {
        let (key, to) = (self.key.clone(), self.served.address);
        let ask: Ask = Arc::new(move |number| {
            let id = Uuid::new_v4().to_string();
            let headers = [
                ("authorization", key.as_str()),
                ("content-type", "application/json"),
                ("idempotency-key", id.as_str()),
            ];
            let body =
                format!(r#"{{"name": "New {number}", "emails": ["n{number}@example.org"], "city": "Hull"}}"#);
            request(to, "POST", "/api/v1/customers", &headers, body)
        });
        let line = Line {
            what: "JSON: a new customer",
            budget: 0.6,
            ask: Arc::clone(&ask),
        };
        let rate = self
            .ask(&[line])
            .await?
            .last()
            .map_or(0.0, |figures| figures.rate);
        if let Some(script) = self.statements(&ask).await? {
            say(&format!("  it runs {} statements", script.matches(";\n").count()));
        }
        let bare = format!(
            "INSERT INTO customer (id, kind, stage, name, owner_id, city, created_at, updated_at) \
             VALUES (gen_random_uuid(), 'person', 'lead', 'New', '{}', 'Hull', now(), now());\n",
            owner.0
        );
        let all = pgbench::rate(&self.house.database.url(), &bare, CONNECTIONS, TIME).await?;
        self.say_if(
            &format!(
                "  a bare INSERT by pgbench: {all:.0}/s, of which a new customer is {:.2} (budget 0.33)",
                rate / all
            ),
            rate * 3.0 >= all,
        );
        Ok(())
    }

    /// Sign-ins, one after another, each of somebody else from somewhere else, beside the hash alone.
    async fn sign_ins(&mut self, email: &str) -> Result<()> {
        let own = Spender::One(std::process::id());
        let hasher = Hasher::default();
        let before = own.milliseconds()?;
        for _ in 0..SIGN_INS {
            hasher.hash(PASSWORD.to_owned()).await?;
        }
        let hash = (own.milliseconds()? - before) / number(SIGN_INS);
        let same = format!(
            "UPDATE app_user SET password_hash = (SELECT password_hash FROM app_user WHERE email = '{email}') \
             WHERE password_hash = ''"
        );
        self.house.database.run(&same).await;
        let to = self.served.address;
        let ask: Ask = Arc::new(move |turn| sign_in(to, &format!("u{}@x.y", turn % town::PEOPLE), 2 + turn));
        let server = Spender::One(self.served.process);
        let before = server.milliseconds()?;
        let went = good(load::times(to, &ask, 1, SIGN_INS).await?)?;
        let cost = (server.milliseconds()? - before) / number(went.answered);
        let (middle, slow) = went.middle_and_slow();
        self.say_if(
            &format!(
                "a sign-in: {cost:.1} ms of CPU, its hash alone {hash:.1}: {:.2} (budget {SIGN_IN}); p50 {middle:.0} ms, \
                 p99 {slow:.0} ms, {:.0}/s",
                cost / hash,
                went.rate()
            ),
            cost <= hash * SIGN_IN,
        );
        Ok(())
    }

    /// The statements that a request runs; nothing where the log of PostgreSQL is not at hand.
    async fn statements(&self, ask: &Ask) -> Result<Option<String>> {
        let Some(log) = std::env::var_os("BENCH_POSTGRES_LOG").map(PathBuf::from) else {
            say("  its statements: not known, since the log of this PostgreSQL is not at hand");
            return Ok(None);
        };
        let to = self.served.address;
        let mut turn = 1_000_000;
        let request = async || {
            turn += 1;
            load::once(to, ask(turn)?).await.map(drop)
        };
        pgbench::statements(&self.house.database, &log, request)
            .await
            .map(Some)
    }

    /// Asks each in turn, round by round, and says the middle of each figure.
    async fn ask(&mut self, lines: &[Line]) -> Result<Vec<Figures>> {
        let mut rounds = vec![Vec::new(); lines.len()];
        for _ in 0..ROUNDS {
            for (line, rounds) in lines.iter().zip(&mut rounds) {
                rounds.push(self.figures(line).await?);
            }
        }
        let mut middle = Vec::new();
        for (line, rounds) in lines.iter().zip(rounds) {
            let figures = Figures::middle_of(&rounds);
            let Figures {
                cost,
                sql,
                rate,
                middle: half,
                slow,
                kb,
                ..
            } = figures;
            let (what, budget) = (line.what, line.budget);
            self.say_if(
                &format!(
                    "{what:<34} {cost:>7.2} {budget:>7.2} {sql:>7.2} {rate:>9.0} {half:>8.1} {slow:>8.1} {kb:>7.1}"
                ),
                cost <= budget,
            );
            middle.push(figures);
        }
        Ok(middle)
    }

    /// Asks as often as it is answered, then half as often.
    async fn figures(&self, line: &Line) -> Result<Figures> {
        let (to, ask) = (self.served.address, &line.ask);
        let status = load::once(to, ask(0)?).await?.status();
        if !status.is_success() {
            return Err(format!("{}: {status}", line.what).into());
        }
        good(load::times(to, ask, CONNECTIONS, WARM_UP).await?)?;
        let server = Spender::One(self.served.process);
        let before = (server.milliseconds()?, self.postgres.milliseconds()?);
        let most = good(load::at_most(to, ask, CONNECTIONS, TIME).await?)?;
        let answered = number(most.answered);
        let cost = (server.milliseconds()? - before.0) / answered;
        let sql = (self.postgres.milliseconds()? - before.1) / answered;
        let half = good(load::at_rate(to, ask, ENOUGH, most.rate() / 2.0, TIME).await?)?;
        let (middle, slow) = half.middle_and_slow();
        Ok(Figures {
            cost,
            sql,
            rate: most.rate(),
            middle,
            slow,
            slowest: slow,
            kb: number(most.bytes as u64) / 1_024.0,
        })
    }

    /// Says a line, and whether it holds.
    fn say_if(&mut self, line: &str, holds: bool) {
        self.good &= holds;
        let missed = if holds { "" } else { "  MISSED" };
        say(&format!("{line}{missed}"));
    }
}

/// Only what was answered counts.
fn good(went: Went) -> Result<Went> {
    match went.refused {
        None if went.answered > 0 => Ok(went),
        None => Err("nothing was answered".into()),
        Some((status, many)) => Err(format!("{many} were refused, the first with {status}").into()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn number(many: u64) -> f64 {
    many as f64
}
