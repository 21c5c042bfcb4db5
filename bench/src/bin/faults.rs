//! Two servers behind HAProxy, while people work and parts are restarted, killed and frozen.
//!
//! `script/bench faults`
//!
//! Programs list customers and make new ones all the time, each under a key of its own, and ask again under the same key
//! until they are told that it was done. After each fault: whatever was acknowledged is there, once, and nothing else is;
//! nobody was told anything but "not now"; and all is as before soon. Ends with 1 when it is not.

use std::{
    collections::BTreeSet,
    fs,
    net::{SocketAddr, TcpListener},
    process::{Command, ExitCode},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::StatusCode;
use rapport_bench::{
    Result, ended, load, process, say,
    served::{Release, Served, request},
    town,
};
use rapport_service::seal;
use rapport_testing::House;
use tokio::{
    process::Child,
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many programs work at once.
const PROGRAMS: usize = 12;
/// How long a fault lasts.
const LASTS: Duration = Duration::from_secs(5);
/// All is as before within this time.
const BACK_WITHIN: Duration = Duration::from_secs(2);
/// The longest that anybody may wait for an answer, also a refusal: the deadline of a form, and the proxy's own retries.
const ANSWER_WITHIN: Duration = Duration::from_secs(7);
/// Answers one after another that make "as before".
const WELL: u64 = 20;

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure().await)
}

async fn measure() -> Result<bool> {
    let release = Release::named()?;
    let house = House::new().await;
    let (_, email) = town::admin(&house).await?;
    let mut scene = Scene::begin(&release, house, &email).await?;
    say(&format!(
        "{:<34} {:>7} {:>7} {:>7} {:>9} {:>9} {:>6} {:>6} {:>7}",
        "fault", "asked", "not now", "broken", "slowest s", "back s", "lost", "twice", "unasked"
    ));
    let mut good = true;
    for fault in Fault::ALL {
        good &= scene.endure(&release, fault).await?;
    }
    let report = seal::verify(&scene.house.service, None).await?;
    let sealed = report.broken.is_none();
    say(&format!(
        "the journal: {} commands are sealed, and {}",
        report.sealed.0,
        report.broken.unwrap_or_else(|| "all of it holds".to_owned())
    ));
    Ok(good && sealed)
}

/// What is done to the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    RestartBoth,
    KillOne,
    FreezeOne,
    CutPostgres,
    FreezePostgres,
    FreezeRedis,
    KillRedisConnections,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::RestartBoth,
        Self::KillOne,
        Self::FreezeOne,
        Self::CutPostgres,
        Self::FreezePostgres,
        Self::FreezeRedis,
        Self::KillRedisConnections,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::RestartBoth => "both servers, one after another",
            Self::KillOne => "one server killed, and back",
            Self::FreezeOne => "one server frozen",
            Self::CutPostgres => "all connections to PostgreSQL cut",
            Self::FreezePostgres => "PostgreSQL frozen",
            Self::FreezeRedis => "Redis frozen",
            Self::KillRedisConnections => "all connections to Redis cut",
        }
    }

    /// Whether nobody may notice it.
    fn is_silent(self) -> bool {
        matches!(self, Self::Nothing | Self::RestartBoth)
    }

    /// Whether requests that were under way may break off.
    fn may_break(self) -> bool {
        matches!(self, Self::KillOne | Self::FreezeOne)
    }
}

/// Two servers, a proxy in front of them, and what they stand on.
struct Scene {
    house: House,
    key: String,
    proxy: SocketAddr,
    servers: Vec<Served>,
    postgres: u32,
    redis: u32,
    /// The names of all customers that were ever acknowledged.
    acknowledged: BTreeSet<String>,
    /// Ends with the scene.
    _haproxy: Child,
}

impl Scene {
    async fn begin(release: &Release, house: House, email: &str) -> Result<Self> {
        let servers = vec![release.serve(&house, 0).await?, release.serve(&house, 0).await?];
        let proxy: SocketAddr = format!("127.0.0.1:{}", free_port()?).parse()?;
        let haproxy = start_proxy(proxy, &servers)?;
        let scene = Self {
            key: format!("Bearer {}", release.key(&house, email).await?),
            proxy,
            servers,
            postgres: town::postgres(&house).await?,
            redis: redis_process()?,
            house,
            acknowledged: BTreeSet::new(),
            _haproxy: haproxy,
        };
        sleep(BACK_WITHIN).await;
        Ok(scene)
    }

    /// Lets programs work, does harm, and looks at what became of it.
    async fn endure(&mut self, release: &Release, fault: Fault) -> Result<bool> {
        let log = Arc::new(Log::default());
        let work: Vec<JoinHandle<()>> = (0..PROGRAMS)
            .map(|number| tokio::spawn(work(self.proxy, self.key.clone(), number, Arc::clone(&log))))
            .collect();
        sleep(Duration::from_secs(1)).await;
        self.harm(release, fault).await?;
        let over = Instant::now();
        let back = log.well_again(over).await;
        log.over.store(true, Ordering::SeqCst);
        for one in work {
            one.await?;
        }
        self.judge(fault, &log, back).await
    }

    async fn harm(&mut self, release: &Release, fault: Fault) -> Result<()> {
        match fault {
            Fault::Nothing => sleep(LASTS).await,
            Fault::RestartBoth => {
                for place in 0..self.servers.len() {
                    self.end(place, "TERM").await?;
                    self.start_again(release, place).await?;
                    sleep(Duration::from_secs(1)).await;
                }
            }
            Fault::KillOne => {
                self.end(0, "KILL").await?;
                sleep(LASTS).await;
                self.start_again(release, 0).await?;
            }
            Fault::FreezeOne => freeze(&[self.server(0)?]).await?,
            Fault::CutPostgres => {
                let cut = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
                self.house.database.read(cut).await;
            }
            Fault::FreezePostgres => {
                let mut all = process::children(self.postgres)?;
                all.push(self.postgres);
                freeze(&all).await?;
            }
            Fault::FreezeRedis => freeze(&[self.redis]).await?,
            Fault::KillRedisConnections => redis(&["CLIENT", "KILL", "TYPE", "normal"]).map(drop)?,
        }
        Ok(())
    }

    fn server(&self, place: usize) -> Result<u32> {
        Ok(self.servers.get(place).ok_or("no such server")?.process)
    }

    async fn end(&mut self, place: usize, how: &str) -> Result<()> {
        let server = self.servers.get_mut(place).ok_or("no such server")?;
        signal(server.process, how)?;
        server.gone().await
    }

    async fn start_again(&mut self, release: &Release, place: usize) -> Result<()> {
        let server = self.servers.get_mut(place).ok_or("no such server")?;
        *server = release.serve(&self.house, server.address.port()).await?;
        Ok(())
    }

    /// What was acknowledged, against what is there.
    async fn judge(&mut self, fault: Fault, log: &Log, back: Option<Duration>) -> Result<bool> {
        let made = log.made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let there = "SELECT coalesce(string_agg(name, ' '), '') FROM customer WHERE name LIKE 'Made-%'";
        let there = self.house.database.read(there).await;
        let names: Vec<&str> = there.split_whitespace().collect();
        let once: BTreeSet<&str> = names.iter().copied().collect();
        let lost = made.iter().filter(|name| !once.contains(name.as_str())).count();
        self.acknowledged.extend(made);
        let unasked = once
            .iter()
            .filter(|name| !self.acknowledged.contains(**name))
            .count();
        let twice = names.len() - once.len();
        let (asked, refused, broken) = log.counts();
        let slowest = Duration::from_millis(log.slowest.load(Ordering::SeqCst));
        let silent = !fault.is_silent() || refused + broken == 0;
        let whole = fault.may_break() || broken == 0;
        let soon = back.is_some_and(|back| back <= BACK_WITHIN);
        let good = lost + twice + unasked == 0 && silent && whole && soon && slowest <= ANSWER_WITHIN;
        let missed = if good { "" } else { "  MISSED" };
        say(&format!(
            "{:<34} {asked:>7} {refused:>7} {broken:>7} {:>9.2} {:>9.2} {lost:>6} {twice:>6} {unasked:>7}{missed}",
            fault.name(),
            slowest.as_secs_f64(),
            back.unwrap_or(Duration::MAX).as_secs_f64().min(999.0)
        ));
        if let Some(first) = &*log.first.lock().unwrap_or_else(PoisonError::into_inner) {
            say(&format!("  the first that broke: {first}"));
        }
        Ok(good)
    }
}

/// What the programs were told.
#[derive(Default)]
struct Log {
    over: AtomicBool,
    asked: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    /// Good answers since the last bad one.
    well: AtomicU64,
    /// In milliseconds.
    slowest: AtomicU64,
    first: Mutex<Option<String>>,
    /// The names of customers that were acknowledged.
    made: Mutex<BTreeSet<String>>,
}

impl Log {
    fn counts(&self) -> (u64, u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (count(&self.asked), count(&self.refused), count(&self.broken))
    }

    fn note(&self, answer: std::result::Result<StatusCode, String>, took: Duration) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.slowest.fetch_max(took, Ordering::SeqCst);
        match answer {
            Ok(status) if status.is_success() => {
                self.well.fetch_add(1, Ordering::SeqCst);
                return true;
            }
            Ok(StatusCode::SERVICE_UNAVAILABLE) => {
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
            other => {
                self.broken.fetch_add(1, Ordering::SeqCst);
                let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| format!("{other:?}"));
            }
        }
        self.well.store(0, Ordering::SeqCst);
        false
    }

    /// How long it took until all was well again.
    async fn well_again(&self, since: Instant) -> Option<Duration> {
        self.well.store(0, Ordering::SeqCst);
        while since.elapsed() < Duration::from_secs(30) {
            if self.well.load(Ordering::SeqCst) >= WELL {
                return Some(since.elapsed());
            }
            sleep(Duration::from_millis(5)).await;
        }
        None
    }
}

/// Lists customers and makes new ones, each until it is told that it was done.
async fn work(proxy: SocketAddr, key: String, number: usize, log: Arc<Log>) {
    let mut turn = 0_u64;
    while !log.over.load(Ordering::SeqCst) {
        turn += 1;
        if !turn.is_multiple_of(3) {
            ask(
                proxy,
                &log,
                "GET",
                "/api/v1/customers?size=20",
                &key,
                None,
                String::new(),
            )
            .await;
            continue;
        }
        let id = Uuid::new_v4();
        let name = format!("Made-{number}-{}", id.simple());
        let body = format!(r#"{{"name": "{name}"}}"#);
        let mut tries = 0;
        while !ask(
            proxy,
            &log,
            "POST",
            "/api/v1/customers",
            &key,
            Some(id),
            body.clone(),
        )
        .await
        {
            tries += 1;
            if tries > 100 {
                log.note(Err(format!("{name} was never made")), Duration::ZERO);
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
        log.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name);
    }
}

async fn ask(
    proxy: SocketAddr,
    log: &Log,
    method: &str,
    path: &str,
    key: &str,
    once: Option<Uuid>,
    body: String,
) -> bool {
    let once = once.map(|id| id.to_string());
    let mut headers = vec![
        ("authorization", key),
        ("x-forwarded-proto", "https"),
        ("content-type", "application/json"),
    ];
    headers.extend(once.as_deref().map(|id| ("idempotency-key", id)));
    let began = Instant::now();
    let answer = match request(proxy, method, path, &headers, body) {
        Ok(request) => match timeout(Duration::from_secs(20), load::once(proxy, request)).await {
            Ok(Ok(answer)) => Ok(answer.status()),
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err("no answer".to_owned()),
        },
        Err(why) => Err(why.to_string()),
    };
    log.note(answer, began.elapsed())
}

/// Keeps processes from running for a while.
async fn freeze(processes: &[u32]) -> Result<()> {
    let _frozen = Frozen(processes);
    for id in processes {
        signal(*id, "STOP")?;
    }
    sleep(LASTS).await;
    Ok(())
}

/// Processes that stand still until this is dropped, whatever happens.
struct Frozen<'a>(&'a [u32]);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        for id in self.0 {
            // One that is gone needs nothing.
            let _ = signal(*id, "CONT");
        }
    }
}

fn signal(process: u32, name: &str) -> Result<()> {
    Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .status()?;
    Ok(())
}

/// Asks the Redis of the tests.
fn redis(order: &[&str]) -> Result<String> {
    let url = std::env::var("TEST_REDIS_URL").map_err(|_| "TEST_REDIS_URL is not set")?;
    let output = Command::new("redis-cli")
        .args(["-u", &url, "--no-auth-warning"])
        .args(order)
        .output()?;
    Ok(String::from_utf8(output.stdout)?)
}

fn redis_process() -> Result<u32> {
    let info = redis(&["INFO", "server"])?;
    let line = info.lines().find_map(|line| line.strip_prefix("process_id:"));
    Ok(line.ok_or("Redis does not say its process")?.trim().parse()?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// HAProxy as docs/OPERATING.md has it.
fn start_proxy(address: SocketAddr, servers: &[Served]) -> Result<Child> {
    let guide = include_str!("../../../docs/OPERATING.md");
    let sample = guide
        .split("```haproxy\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let mut config = sample
        .ok_or("no sample for HAProxy in the guide")?
        .replace(":443 ssl crt /etc/haproxy/crm.pem", &address.to_string());
    for (place, server) in servers.iter().enumerate() {
        config = config.replace(&format!("10.0.0.{}:3000", place + 1), &server.address.to_string());
    }
    let file = std::env::temp_dir().join(format!("rapport-bench-{}.cfg", std::process::id()));
    fs::write(&file, config)?;
    let child = tokio::process::Command::new("haproxy")
        .arg("-db")
        .arg("-q")
        .arg("-f")
        .arg(&file)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}
