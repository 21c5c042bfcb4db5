//! The one on each server who looks at the journal for all streams.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use rapport_domain::id::{BatchId, UserId};
use sea_orm::ConnectionTrait;
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};
use uuid::Uuid;

use super::looking::{self, Seen};
use crate::{
    Result, Service, event,
    journal::{Mark, Reach},
};

/// How often it looks at the journal.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks who looks.
const LOOK: Duration = Duration::from_millis(500);
/// Changes that are read in one go.
const CHANGES: usize = 5_000;
/// Changes beyond those that are decided that are remembered. Where a transaction stays open for so long that there are
/// more, all pages are read anew instead of waiting for it.
const REMEMBERED: usize = 50_000;
/// Signals that a stream may be behind before it has missed something: some seconds of a busy day.
const BEHIND: usize = 64;
/// The most streams of one person on one server.
const STREAMS_MAX: usize = 30;

/// What a hub tells all streams.
#[derive(Clone)]
pub(super) enum Signal {
    /// What was done, and by which commands; and whose rights may have changed.
    Changes(Arc<Changes>),
    /// Who looks at what.
    Looking(Arc<Seen>),
    /// A part of the installation is away.
    Paused,
    /// It is back; something may have been missed.
    Back,
}

/// What was found in the journal in one go.
pub(super) struct Changes {
    pub(super) told: BTreeMap<BatchId, Vec<event::Told>>,
    pub(super) users: HashSet<Uuid>,
    /// How far all is told, for a stream that comes back.
    pub(super) through: i64,
}

impl Changes {
    pub(super) async fn of(db: &impl ConnectionTrait, rows: &[event::Row], through: i64) -> Result<Self> {
        let mut events = event::events(rows)?;
        event::look_up_keepers(db, &mut events).await?;
        let mut told = BTreeMap::<BatchId, Vec<event::Told>>::new();
        for one in events {
            told.entry(one.batch).or_default().push(one);
        }
        Ok(Self {
            told,
            users: event::users(rows),
            through,
        })
    }
}

/// The one who looks for all streams of a server. Ends when nobody has it any more.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

pub(super) struct Inner {
    pub(super) signals: broadcast::Sender<Signal>,
    /// How far all is told; nothing while nobody listens.
    pub(super) through: watch::Sender<Option<i64>>,
    /// Set when the server stops: all streams end.
    pub(super) over: watch::Sender<bool>,
    streams: Mutex<HashMap<UserId, usize>>,
}

/// A seat among the streams of somebody, until it is dropped.
pub(super) struct Seat {
    inner: Arc<Inner>,
    user: UserId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut streams = self.inner.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(many) = streams.get_mut(&self.user) {
            *many -= 1;
            if *many == 0 {
                streams.remove(&self.user);
            }
        }
    }
}

impl Hub {
    /// Begins to look, in the background, whenever somebody listens.
    ///
    /// Belongs into a tokio runtime.
    #[must_use]
    pub fn start(service: &Service) -> Self {
        let inner = Arc::new(Inner {
            signals: broadcast::Sender::new(BEHIND),
            through: watch::Sender::new(None),
            over: watch::Sender::new(false),
            streams: Mutex::default(),
        });
        tokio::spawn(look_on(service.clone(), Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Ends all streams: their browsers come back to whichever server is there.
    pub fn end(&self) {
        self.0.over.send_replace(true);
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        let streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.values().sum()
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// A seat for a stream, unless somebody has too many.
    pub(super) fn seat(&self, user: UserId) -> Option<Seat> {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let many = streams.entry(user).or_default();
        if *many >= STREAMS_MAX {
            return None;
        }
        *many += 1;
        Some(Seat {
            inner: Arc::clone(&self.0),
            user,
        })
    }
}

/// How far somebody who looks is.
struct Looker {
    service: Service,
    /// Up to here all is decided and told.
    decided: i64,
    /// Up to here all that was seen is told.
    highest: i64,
    /// What was told already beyond that.
    told: HashSet<i64>,
    mark: Option<Mark>,
    /// Where a transaction stayed open for so long that it was not waited for: all pages are read anew once it is through.
    owed: Option<Mark>,
    looked: Option<Instant>,
    seen: Seen,
    away: bool,
}

async fn look_on(service: Service, inner: Weak<Inner>) {
    let mut looker: Option<Looker> = None;
    loop {
        let Some(inner) = inner.upgrade() else {
            return;
        };
        if inner.signals.receiver_count() == 0 {
            let place = inner.through.send_replace(None);
            // One that came in between goes by the place that stood.
            if inner.signals.receiver_count() == 0 {
                looker = None;
            } else {
                inner.through.send_replace(place);
            }
        } else {
            look(&service, &inner, &mut looker).await;
        }
        drop(inner);
        sleep(TICK).await;
    }
}

/// Looks once; says when a part is away, and when it is back.
async fn look(service: &Service, inner: &Inner, looker: &mut Option<Looker>) {
    let Some(there) = looker else {
        match Looker::awake(service).await {
            Ok(awake) => {
                inner.through.send_replace(Some(awake.decided));
                *looker = Some(awake);
            }
            Err(error) => {
                // Logs it. Whoever listens waits until it is back.
                let _ = error.tell();
            }
        }
        return;
    };
    match there.step(inner).await {
        Ok(()) if there.away => {
            there.away = false;
            send(inner, Signal::Back);
        }
        Ok(()) => {}
        Err(error) => {
            if !there.away {
                // Logs it.
                let _ = error.tell();
                send(inner, Signal::Paused);
            }
            there.away = true;
        }
    }
}

fn send(inner: &Inner, signal: Signal) {
    // Nobody may be listening any more.
    let _ = inner.signals.send(signal);
}

impl Looker {
    /// One that begins some moments ago: what was being written then may end now.
    async fn awake(service: &Service) -> Result<Self> {
        let db = service.db();
        let decided = event::moments_ago(db, service.clock().now()).await?;
        let seen = event::numbers(db, decided, i64::MAX, REMEMBERED).await?;
        Ok(Self {
            service: service.clone(),
            decided,
            highest: seen.last().copied().unwrap_or(decided),
            told: seen.into_iter().collect(),
            mark: None,
            owed: None,
            looked: None,
            seen: Seen::default(),
            away: false,
        })
    }

    async fn step(&mut self, inner: &Inner) -> Result<()> {
        // What is away is back once it answers, not once it is not asked.
        if self.away || self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            if let Some(seen) = looking::look(&self.service, &self.seen).await? {
                self.seen = seen.clone();
                send(inner, Signal::Looking(Arc::new(seen)));
            }
            self.looked = Some(Instant::now());
        }
        self.follow(inner).await
    }

    /// Tells what is new: at once, and again from behind those writers that are not through, so that nothing is missed.
    async fn follow(&mut self, inner: &Inner) -> Result<()> {
        let db = self.service.db().clone();
        let new = event::changes(&db, self.highest, i64::MAX, CHANGES).await?;
        self.tell(inner, &new).await?;
        self.highest = new.last().map_or(self.highest, |row| row.seq);
        if self.mark.is_none() && self.highest > self.decided {
            let reach = Reach {
                change: self.highest,
                batch: 0,
            };
            self.mark = Some(reach.mark(&db).await?);
        }
        if self.highest > self.decided {
            let beyond = event::numbers(&db, self.decided, self.highest, REMEMBERED).await?;
            let late: Vec<i64> = beyond
                .into_iter()
                .filter(|seq| !self.told.contains(seq))
                .collect();
            if !late.is_empty() {
                let late = event::numbered(&db, late).await?;
                self.tell(inner, &late).await?;
                // The mark is asked for again by the next look: what ends in between is looked for first.
                return Ok(());
            }
        }
        if let Some(mark) = &self.mark
            && mark.is_decided(&db).await?
        {
            self.settle(inner, mark.change).await?;
        } else if self.told.len() > REMEMBERED {
            self.owed = self.mark.take();
            self.pass(inner, self.highest);
        }
        if let Some(owed) = &self.owed
            && owed.is_decided(&db).await?
        {
            self.owed = None;
            send(inner, Signal::Back);
        }
        Ok(())
    }

    async fn tell(&mut self, inner: &Inner, rows: &[event::Row]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let changes = Changes::of(self.service.db(), rows, self.decided).await?;
        self.told.extend(rows.iter().map(|row| row.seq));
        send(inner, Signal::Changes(Arc::new(changes)));
        Ok(())
    }

    /// Moves the place on that all is told up to, unless something ended between the last look and the mark's decision.
    async fn settle(&mut self, inner: &Inner, upto: i64) -> Result<()> {
        let there = event::numbers(self.service.db(), self.decided, upto, REMEMBERED).await?;
        if there.iter().all(|seq| self.told.contains(seq)) {
            self.pass(inner, upto);
        }
        Ok(())
    }

    fn pass(&mut self, inner: &Inner, upto: i64) {
        self.decided = upto;
        self.told.retain(|seq| *seq > upto);
        self.mark = None;
        inner.through.send_replace(Some(upto));
    }
}
