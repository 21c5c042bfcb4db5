//! Two servers behind HAProxy, while people work and parts are restarted, killed, frozen, slowed, filled and parted.
//!
//! `script/bench faults`
//!
//! After each fault: whatever was acknowledged is there, once, and nothing else is; no appointments overlap; nobody was
//! told anything but "not now"; and all is as before soon. Ends with 1 when it is not.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use rapport_bench::{
    Result, ended, process,
    programs::{Log, Work},
    say,
    scene::Scene,
    served::Release,
};
use rapport_service::seal;
use tokio::time::sleep;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a fault lasts.
const LASTS: Duration = Duration::from_secs(5);
/// All is as before within this time.
const BACK_WITHIN: Duration = Duration::from_secs(2);
/// The longest that anybody may wait for an answer, also a refusal: the deadline of a form, and the proxy's own retries.
const ANSWER_WITHIN: Duration = Duration::from_secs(7);
/// The memory that a server may hold after a fault, in MB.
const MEMORY: u64 = 150;
/// The connections to PostgreSQL that two servers may have: their pools, and one each that listens for news.
const CONNECTIONS: u64 = 22;

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure().await)
}

async fn measure() -> Result<bool> {
    let mut stage = Stage {
        scene: Scene::begin(Release::named()?).await?,
        redis: redis_process()?,
        disk: std::env::var_os("BENCH_DISK").map(PathBuf::from),
        acknowledged: BTreeSet::new(),
    };
    say(&format!(
        "{:<36} {:>6} {:>7} {:>7} {:>9} {:>6} {:>5} {:>6} {:>7} {:>8} {:>5} {:>4}",
        "fault",
        "asked",
        "not now",
        "broken",
        "slowest s",
        "back s",
        "lost",
        "twice",
        "unasked",
        "overlaps",
        "conn",
        "MB"
    ));
    let mut good = true;
    for fault in Fault::ALL {
        match stage.why_not(fault) {
            Some(why) => say(&format!("{:<36} not tried: {why}", fault.name())),
            None => good &= stage.endure(fault).await?,
        }
    }
    let report = seal::verify(&stage.scene.house.service, None).await?;
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
    SlowOne,
    PartOne,
    CutPostgres,
    FreezePostgres,
    SlowPostgres,
    LockTable,
    FillDisk,
    FreezeRedis,
    SlowRedis,
    CutRedis,
}

impl Fault {
    const ALL: [Self; 14] = [
        Self::Nothing,
        Self::RestartBoth,
        Self::KillOne,
        Self::FreezeOne,
        Self::SlowOne,
        Self::PartOne,
        Self::CutPostgres,
        Self::FreezePostgres,
        Self::SlowPostgres,
        Self::LockTable,
        Self::FillDisk,
        Self::FreezeRedis,
        Self::SlowRedis,
        Self::CutRedis,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::RestartBoth => "both servers, one after another",
            Self::KillOne => "one server killed, and back",
            Self::FreezeOne => "one server frozen",
            Self::SlowOne => "one server slowed ten times",
            Self::PartOne => "one server parted from all others",
            Self::CutPostgres => "all connections to PostgreSQL cut",
            Self::FreezePostgres => "PostgreSQL frozen",
            Self::SlowPostgres => "PostgreSQL slowed ten times",
            Self::LockTable => "a table locked, all connections busy",
            Self::FillDisk => "the disk of PostgreSQL full",
            Self::FreezeRedis => "Redis frozen",
            Self::SlowRedis => "Redis slowed ten times",
            Self::CutRedis => "all connections to Redis cut",
        }
    }

    /// Whether nobody may notice it.
    fn is_silent(self) -> bool {
        matches!(self, Self::Nothing | Self::RestartBoth)
    }

    /// Whether requests that were under way may break off.
    fn may_break(self) -> bool {
        matches!(self, Self::KillOne | Self::FreezeOne | Self::PartOne)
    }
}

struct Stage {
    scene: Scene,
    redis: u32,
    /// The disk that PostgreSQL has to itself, if it has.
    disk: Option<PathBuf>,
    /// The names of all that was ever acknowledged.
    acknowledged: BTreeSet<String>,
}

impl Stage {
    fn why_not(&self, fault: Fault) -> Option<&'static str> {
        match fault {
            Fault::PartOne if self.scene.far.is_none() => Some("only root can make a host of its own"),
            Fault::FillDisk if self.disk.is_none() => Some("only root can make a disk of its own"),
            _ => None,
        }
    }

    /// Lets programs work, does harm, and looks at what became of it.
    async fn endure(&mut self, fault: Fault) -> Result<bool> {
        let work = Work::begin(&self.scene.employer, Duration::ZERO);
        sleep(Duration::from_secs(1)).await;
        self.harm(fault).await?;
        let back = work.log.well_again(Instant::now()).await;
        let log = work.end().await?;
        self.judge(fault, &log, back).await
    }

    async fn harm(&mut self, fault: Fault) -> Result<()> {
        let scene = &mut self.scene;
        match fault {
            Fault::Nothing => sleep(LASTS).await,
            Fault::RestartBoth => {
                for place in 0..scene.servers.len() {
                    scene.end(place, "TERM").await?;
                    scene.start_again(place).await?;
                    sleep(Duration::from_secs(1)).await;
                }
            }
            Fault::KillOne => {
                scene.end(0, "KILL").await?;
                sleep(LASTS).await;
                scene.start_again(0).await?;
            }
            Fault::FreezeOne => process::freeze(&[scene.server(0)?], LASTS).await?,
            Fault::SlowOne => process::slow(&[scene.server(0)?], LASTS).await?,
            Fault::PartOne => {
                let far = scene.far.as_ref().ok_or("no other host")?;
                far.pull()?;
                sleep(LASTS).await;
                far.plug()?;
            }
            Fault::CutPostgres => {
                let cut = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
                scene.house.database.read(cut).await;
            }
            Fault::FreezePostgres => process::freeze(&family(scene.postgres.process)?, LASTS).await?,
            Fault::SlowPostgres => process::slow(&family(scene.postgres.process)?, LASTS).await?,
            Fault::LockTable => {
                let lock = format!(
                    "BEGIN; LOCK TABLE customer; SELECT pg_sleep({}); COMMIT",
                    LASTS.as_secs()
                );
                scene.house.database.run(&lock).await;
            }
            Fault::FillDisk => {
                let _ballast = Ballast::fill(self.disk.as_deref().ok_or("no disk")?)?;
                sleep(LASTS).await;
            }
            Fault::FreezeRedis => process::freeze(&[self.redis], LASTS).await?,
            Fault::SlowRedis => process::slow(&[self.redis], LASTS).await?,
            Fault::CutRedis => redis(&["CLIENT", "KILL", "TYPE", "normal"]).map(drop)?,
        }
        // One that could not write its log ends itself.
        scene.postgres.keep_running()
    }

    async fn judge(&mut self, fault: Fault, log: &Log, back: Option<Duration>) -> Result<bool> {
        self.acknowledged.extend(log.made());
        let kept = self.scene.kept(&self.acknowledged).await?;
        let (connections, memory) = (self.scene.connections().await?, self.scene.memory()?);
        let (asked, refused, broken) = log.counts();
        let silent = !fault.is_silent() || refused + broken == 0;
        let whole = fault.may_break() || broken == 0;
        let soon = back.is_some_and(|back| back <= BACK_WITHIN) && log.slowest() <= ANSWER_WITHIN;
        let true_to_it = kept.lost + kept.twice + kept.unasked == 0 && kept.overlaps == 0;
        let slim = connections <= CONNECTIONS && memory <= MEMORY;
        let good = silent && whole && soon && true_to_it && slim;
        let missed = if good { "" } else { "  MISSED" };
        say(&format!(
            "{:<36} {asked:>6} {refused:>7} {broken:>7} {:>9.2} {:>6.2} {:>5} {:>6} {:>7} {:>8} {connections:>5} {memory:>4}{missed}",
            fault.name(),
            log.slowest().as_secs_f64(),
            back.unwrap_or(Duration::MAX).as_secs_f64().min(999.0),
            kept.lost,
            kept.twice,
            kept.unasked,
            kept.overlaps,
        ));
        if let Some(first) = log.first_broken() {
            say(&format!("  the first that broke: {first}"));
        }
        Ok(good)
    }
}

/// A process and all that it has started.
fn family(process: u32) -> Result<Vec<u32>> {
    let mut all = process::children(process)?;
    all.push(process);
    Ok(all)
}

/// A file that fills a disk until it is dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn fill(disk: &Path) -> Result<Self> {
        let ballast = Self(disk.join("ballast"));
        let mut file = File::create(&ballast.0)?;
        let block = vec![0; 1 << 20];
        loop {
            match file.write(&block) {
                Ok(1..) => {}
                Ok(0) => return Ok(ballast),
                Err(full) if full.kind() == ErrorKind::StorageFull => return Ok(ballast),
                Err(other) => return Err(other.into()),
            }
        }
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        // What stays goes with the disk.
        let _ = fs::remove_file(&self.0);
    }
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
