//! The one on each server who looks at the journal for all streams.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use rapport_domain::id::{BatchId, UserId};
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
    pub(super) fn of(rows: &[event::Row], through: i64) -> Result<Self> {
        let mut told = BTreeMap::<BatchId, Vec<event::Told>>::new();
        for one in event::events(rows)? {
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

/// A place among the streams of somebody, until it is dropped.
pub(super) struct Place {
    inner: Arc<Inner>,
    user: UserId,
}

impl Drop for Place {
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

    /// A place for a stream, unless somebody has too many.
    pub(super) fn place(&self, user: UserId) -> Option<Place> {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let many = streams.entry(user).or_default();
        if *many >= STREAMS_MAX {
            return None;
        }
        *many += 1;
        Some(Place {
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
    /// What was told already beyond that.
    told: HashSet<i64>,
    mark: Option<Mark>,
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
            looker = None;
            inner.through.send_replace(None);
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
    async fn awake(service: &Service) -> Result<Self> {
        let reach = Reach::read(service.db()).await?;
        Ok(Self {
            service: service.clone(),
            decided: reach.change,
            told: HashSet::new(),
            mark: None,
            looked: None,
            seen: Seen::default(),
            away: false,
        })
    }

    async fn step(&mut self, inner: &Inner) -> Result<()> {
        self.follow(inner).await?;
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.looked = Some(Instant::now());
            if let Some(seen) = looking::look(&self.service, &self.seen).await? {
                self.seen = seen.clone();
                send(inner, Signal::Looking(Arc::new(seen)));
            }
        }
        Ok(())
    }

    /// Tells what is new: at once, and again from behind those writers that are not through, so that nothing is missed.
    async fn follow(&mut self, inner: &Inner) -> Result<()> {
        let db = self.service.db();
        let mut rows = event::changes(db, self.decided, i64::MAX, CHANGES).await?;
        let highest = rows.last().map_or(self.decided, |row| row.seq);
        rows.retain(|row| self.told.insert(row.seq));
        if !rows.is_empty() {
            let changes = Changes::of(&rows, self.decided)?;
            send(inner, Signal::Changes(Arc::new(changes)));
        }
        if self.mark.is_none() && highest > self.decided {
            let reach = Reach {
                change: highest,
                batch: 0,
            };
            self.mark = Some(reach.mark(db).await?);
        }
        if let Some(mark) = &self.mark
            && mark.is_decided(db).await?
        {
            // What became visible between the look and the mark is told by the next look: it is not yet in `told`.
            let missing = event::changes(db, self.decided, mark.change, CHANGES).await?;
            if missing.iter().all(|row| self.told.contains(&row.seq)) {
                self.decided = mark.change;
                self.told.retain(|seq| *seq > mark.change);
                self.mark = None;
                inner.through.send_replace(Some(self.decided));
            }
        }
        Ok(())
    }
}
