//! Programs that use the REST API all the time, and remember what they were told: the client's side of the truth.
//!
//! They list customers, make new ones and book. Whatever is written goes under an `Idempotency-Key` and is asked for again
//! until it is acknowledged or refused for good.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use hyper::StatusCode;
use rapport_domain::id::UserId;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{Result, load, served::request};

/// What the names of all that the programs write begin with.
pub const MADE: &str = "Made-";
/// How many programs work at once.
const PROGRAMS: usize = 12;
/// Answers one after another that make "as before".
const WELL: u64 = 20;
/// How often something is asked for again before a program gives it up.
const TRIES: u32 = 150;
/// The half hours at which is booked: so few that many are taken.
const HALF_HOURS: i64 = 2_000;
/// The kind of appointment that every installation begins with.
const TYPE: &str = "01900000-0000-7000-8000-000000000021";

/// Whom the programs work for, and where.
#[derive(Debug, Clone)]
pub struct Employer {
    /// Where they ask.
    pub address: SocketAddr,
    /// What they show: `Bearer …`.
    pub key: String,
    /// Whose time they book.
    pub staff: UserId,
}

/// Programs at work.
pub struct Work {
    /// What they were told so far.
    pub log: Arc<Log>,
    programs: Vec<JoinHandle<()>>,
}

impl Work {
    /// Sends them to work; each rests for so long after each answer.
    #[must_use]
    pub fn begin(employer: &Employer, rest: Duration) -> Self {
        let log = Arc::new(Log::default());
        let programs = (0..PROGRAMS)
            .map(|number| {
                let program = Program {
                    employer: employer.clone(),
                    number,
                    rest,
                    log: Arc::clone(&log),
                };
                tokio::spawn(program.work())
            })
            .collect();
        Self { log, programs }
    }

    /// Lets each end what it is at.
    ///
    /// # Errors
    /// When one of them broke.
    pub async fn end(self) -> Result<Arc<Log>> {
        self.log.over.store(true, Ordering::SeqCst);
        for program in self.programs {
            program.await?;
        }
        Ok(self.log)
    }
}

/// What the programs were told.
#[derive(Default)]
pub struct Log {
    over: AtomicBool,
    asked: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    /// Good answers since the last bad one.
    well: AtomicU64,
    slowest_ms: AtomicU64,
    first: Mutex<Option<String>>,
    made: Mutex<BTreeSet<String>>,
}

impl Log {
    /// How often they asked, were told "not now", and got anything else that is no answer.
    pub fn counts(&self) -> (u64, u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (count(&self.asked), count(&self.refused), count(&self.broken))
    }

    /// The longest that one of them waited.
    pub fn slowest(&self) -> Duration {
        Duration::from_millis(self.slowest_ms.load(Ordering::SeqCst))
    }

    /// The first answer that was none.
    pub fn first_broken(&self) -> Option<String> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names of all that was acknowledged.
    pub fn made(&self) -> BTreeSet<String> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long it took until all was well again; none when it did not become so.
    pub async fn well_again(&self, since: Instant) -> Option<Duration> {
        self.well.store(0, Ordering::SeqCst);
        while since.elapsed() < Duration::from_secs(30) {
            if self.well.load(Ordering::SeqCst) >= WELL {
                return Some(since.elapsed());
            }
            sleep(Duration::from_millis(5)).await;
        }
        None
    }

    fn note(&self, answer: &Answer, took: Duration) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.slowest_ms.fetch_max(took, Ordering::SeqCst);
        match answer {
            Answer::Done | Answer::Refused => {
                self.well.fetch_add(1, Ordering::SeqCst);
                return;
            }
            Answer::NotNow => {
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
            Answer::Broken(why) => self.note_broken(why),
        }
        self.well.store(0, Ordering::SeqCst);
    }

    fn note_broken(&self, why: &str) {
        self.broken.fetch_add(1, Ordering::SeqCst);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| why.to_owned());
    }

    fn note_made(&self, name: String) {
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name);
    }
}

/// What an answer means to a program.
enum Answer {
    Done,
    /// What is asked for cannot be had, such as a time that is taken.
    Refused,
    NotNow,
    Broken(String),
}

impl Answer {
    fn of(status: StatusCode) -> Self {
        match status {
            status if status.is_success() => Self::Done,
            StatusCode::UNPROCESSABLE_ENTITY => Self::Refused,
            StatusCode::SERVICE_UNAVAILABLE => Self::NotNow,
            other => Self::Broken(other.to_string()),
        }
    }
}

struct Program {
    employer: Employer,
    number: usize,
    rest: Duration,
    log: Arc<Log>,
}

impl Program {
    async fn work(self) {
        let mut turn = 0_u64;
        while !self.log.over.load(Ordering::SeqCst) {
            turn += 1;
            match turn % 6 {
                2 | 4 => self.make().await,
                0 => self.book().await,
                _ => {
                    self.ask("GET", "/api/v1/customers?size=20", None, String::new())
                        .await;
                }
            }
            sleep(self.rest).await;
        }
    }

    async fn make(&self) {
        let (id, name) = self.new_name();
        let body = serde_json::json!({ "name": name });
        self.write("/api/v1/customers", id, name, body).await;
    }

    async fn book(&self) {
        let (id, title) = self.new_name();
        let half_hour = i64::from(id.as_fields().0) % HALF_HOURS;
        let starts_at = tomorrow() + TimeDelta::minutes(30 * half_hour);
        let body = serde_json::json!({
            "title": title, "starts_at": starts_at, "minutes": 45, "type_id": TYPE, "staff_ids": [self.employer.staff],
        });
        self.write("/api/v1/appointments", id, title, body).await;
    }

    fn new_name(&self) -> (Uuid, String) {
        let id = Uuid::new_v4();
        (id, format!("{MADE}{}-{}", self.number, id.simple()))
    }

    /// Asks until it is told that it was done, or that it cannot be.
    async fn write(&self, path: &str, id: Uuid, name: String, body: serde_json::Value) {
        for _ in 0..TRIES {
            match self.ask("POST", path, Some(id), body.to_string()).await {
                Answer::Done => return self.log.note_made(name),
                Answer::Refused => return,
                Answer::NotNow | Answer::Broken(_) => sleep(Duration::from_millis(200)).await,
            }
        }
        self.log.note_broken(&format!("{name} was never made"));
    }

    async fn ask(&self, method: &str, path: &str, once: Option<Uuid>, body: String) -> Answer {
        let once = once.map(|id| id.to_string());
        let mut headers = vec![
            ("authorization", self.employer.key.as_str()),
            ("x-forwarded-proto", "https"),
            ("content-type", "application/json"),
        ];
        headers.extend(once.as_deref().map(|id| ("idempotency-key", id)));
        let began = Instant::now();
        let asked = async {
            let request = request(self.employer.address, method, path, &headers, body)?;
            load::once(self.employer.address, request).await
        };
        let answer = match timeout(Duration::from_secs(20), asked).await {
            Ok(Ok(answer)) => Answer::of(answer.status()),
            Ok(Err(why)) => Answer::Broken(why.to_string()),
            Err(_) => Answer::Broken("no answer".to_owned()),
        };
        self.log.note(&answer, began.elapsed());
        answer
    }
}

/// The start of tomorrow, as the clock of this machine has it.
fn tomorrow() -> DateTime<Utc> {
    let now = DateTime::<Utc>::from(std::time::SystemTime::now());
    let day = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    day + TimeDelta::days(1)
}
