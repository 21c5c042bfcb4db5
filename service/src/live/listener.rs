//! One stream: what its person may know.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    pin::pin,
    time::Duration,
};

use futures::future::{Either, select};
use rapport_domain::{
    access::{Ability, Actor, Kind, Scope},
    error::AppError,
    event::EventKind,
    id::{TeamId, UserId},
    live::{Looking, NAMED_MAX, News, Place, Touched},
    user::Me,
};
use sea_orm::FromQueryResult;
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep_until, timeout},
};
use uuid::Uuid;

use super::hub::{Changes, Hub, Seat, Signal};
use crate::{
    Ctx, Result, Service, event,
    session::{self, SignedIn},
    sql::sql,
    user::{self, MYSELF, MYSELF_FROM},
};

/// How often it is asked whether the session stands and what its person may see.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// How long a stream waits for the first look at the journal.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most changes that are told again.
const AGAIN_MAX: usize = 500;

/// News with the place to come back to behind it.
pub type Placed = (Option<i64>, News);

/// What its person may know of what others do.
pub struct Listener {
    service: Service,
    session: String,
    actor: Actor,
    signals: broadcast::Receiver<Signal>,
    over: watch::Receiver<bool>,
    waiting: VecDeque<Placed>,
    ask_at: Instant,
    looking: HashMap<Uuid, Vec<Looking>>,
    ended: bool,
    _seat: Seat,
}

#[derive(FromQueryResult)]
struct Stands {
    upto: i64,
    open: Option<i64>,
    #[sea_orm(nested)]
    by: user::Myself,
}

/// Where a page stands that is about to be read, and what it shows of the person who reads it: what every page begins
/// with, in one question.
///
/// # Errors
/// [`AppError::Unauthenticated`] when they are gone, and when the database does not answer.
pub async fn arrive(ctx: &Ctx) -> Result<(Place, Me)> {
    let text = format!(
        "SELECT coalesce((SELECT max(seq) FROM change), 0) AS upto, \
                CASE WHEN pg_snapshot_xmin(s.now) < pg_snapshot_xmax(s.now) \
                     THEN pg_snapshot_xmin(s.now)::text::bigint END AS open, {MYSELF} \
         FROM (SELECT pg_current_snapshot() AS now) AS s CROSS JOIN {MYSELF_FROM} WHERE u.id = $1"
    );
    let stands = Stands::find_by_statement(sql(&text, [ctx.actor().user.0.into()]));
    let stands = stands.one(ctx.db()).await?.ok_or(AppError::Unauthenticated)?;
    let place = Place {
        upto: stands.upto,
        open: stands.open,
    };
    Ok((place, stands.by.told(ctx)))
}

/// Begins a stream for the session of a cookie; `after` is the place behind which its browser comes back.
///
/// # Errors
/// [`AppError::TooManyRequests`] when the person has too many streams on this server; [`AppError::Unavailable`] when the
/// journal cannot be read.
pub async fn listen(
    service: &Service,
    hub: &Hub,
    actor: Actor,
    session: &str,
    after: Option<Place>,
) -> Result<Listener> {
    let seat = hub.seat(actor.user);
    let seat = seat.ok_or(AppError::TooManyRequests { retry_after: 30 })?;
    let inner = hub.inner();
    let signals = inner.signals.subscribe();
    let mut through = inner.through.subscribe();
    let awake = timeout(PATIENCE, async {
        through
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|through| *through)
    });
    let through = awake.await.ok().flatten().ok_or(AppError::Unavailable)?;
    let after = match after {
        Some(after) => after,
        None => Place {
            upto: event::moments_ago(service.db(), service.clock().now()).await?,
            open: None,
        },
    };
    let mut listener = Listener {
        service: service.clone(),
        session: session.to_owned(),
        actor,
        signals,
        over: inner.over.subscribe(),
        waiting: VecDeque::from([(Some(after.upto.min(through)), News::Begun)]),
        // Those that come together do not ask together.
        ask_at: Instant::now() + ASKED_EVERY.mul_f64(0.5 + rand::random::<f64>() / 2.0),
        looking: HashMap::new(),
        ended: false,
        _seat: seat,
    };
    listener.tell_again(after, through).await?;
    Ok(listener)
}

impl Listener {
    /// The next news; nothing once the stream is over.
    pub async fn next(&mut self) -> Option<Placed> {
        loop {
            if let Some(news) = self.waiting.pop_front() {
                return Some(news);
            }
            if self.ended || *self.over.borrow() {
                return None;
            }
            self.wait().await;
        }
    }

    /// Waits for a signal, for the time to ask for the rights again, or for the end of the server.
    async fn wait(&mut self) {
        let signal = {
            let over = pin!(self.over.changed());
            let due = pin!(sleep_until(self.ask_at));
            let signal = pin!(self.signals.recv());
            match select(select(signal, due), over).await {
                Either::Left((Either::Left((signal, _)), _)) => Some(signal),
                Either::Left((Either::Right(_), _)) => None,
                Either::Right(_) => return,
            }
        };
        match signal {
            None => self.ask().await,
            Some(Ok(Signal::Changes(changes))) => {
                if changes.users.contains(&self.actor.user.0) {
                    self.ask().await;
                }
                self.add_changes(&changes);
            }
            Some(Ok(Signal::Looking(seen))) => self.add_looking(&seen.people),
            Some(Ok(Signal::Paused)) => self.waiting.push_back((None, News::Paused)),
            Some(Ok(Signal::Back) | Err(broadcast::error::RecvError::Lagged(_))) => {
                self.waiting.push_back((None, News::Missed));
            }
            Some(Err(broadcast::error::RecvError::Closed)) => self.ended = true,
        }
    }

    /// Asks whether the session stands, and what its person may see by now.
    async fn ask(&mut self) {
        self.ask_at = Instant::now() + ASKED_EVERY;
        match session::peek(&self.service, &self.session).await {
            Ok(Some(SignedIn {
                actor,
                lacks_factor: false,
            })) => {
                if actor != self.actor {
                    // What came into sight, and what went out of it, no change tells of.
                    self.waiting.push_back((None, News::Missed));
                }
                self.actor = actor;
            }
            // Nobody is, or they have to bring a second factor first.
            Ok(_) => {
                self.waiting.push_back((None, News::Over));
                self.ended = true;
            }
            // The hub says, and logs, that a part is away; nobody is signed out for that.
            Err(_) => {}
        }
    }

    /// Tells again what happened while the browser was away, or while it read its page, up to what is there by now: this
    /// reads behind the beginning of the stream, so that nothing falls between the two.
    async fn tell_again(&mut self, after: Place, through: i64) -> Result<()> {
        let db = self.service.db().clone();
        let late = match after.open {
            Some(open) => event::late(&db, after.upto, open).await?,
            None => Vec::new(),
        };
        let mut rows = event::changes(&db, after.upto, i64::MAX, AGAIN_MAX).await?;
        let more = match rows.last() {
            Some(last) => !event::numbers(&db, last.seq, i64::MAX, 1).await?.is_empty(),
            None => false,
        };
        if more || late.len() > AGAIN_MAX {
            self.waiting.push_back((Some(through), News::Missed));
            return Ok(());
        }
        if !late.is_empty() {
            rows.extend(event::numbered(&db, late).await?);
        }
        if !rows.is_empty() {
            self.add_changes(&Changes::of(&db, &rows, through).await?);
        }
        Ok(())
    }

    fn add_changes(&mut self, changes: &Changes) {
        for (batch, told) in &changes.told {
            let seen = told.iter().filter_map(|told| as_seen(&self.actor, told));
            let mut touched: Vec<Touched> = seen.take(NAMED_MAX + 1).collect();
            if touched.is_empty() {
                continue;
            }
            if touched.len() > NAMED_MAX {
                touched.clear();
            }
            let news = News::Changed {
                batch: *batch,
                upto: told.last().map_or(changes.through, |told| told.seq),
                touched,
            };
            self.waiting.push_back((Some(changes.through), news));
        }
    }

    /// Tells who else looks at the records that the person looks at, where that changed.
    fn add_looking(&mut self, people: &BTreeMap<Uuid, Vec<Looking>>) {
        let me = self.actor.user;
        let mut now = HashMap::new();
        for (record, there) in people {
            if !there.iter().any(|one| one.user == me) {
                continue;
            }
            let others: Vec<Looking> = there.iter().filter(|one| one.user != me).cloned().collect();
            if self.looking.get(record).is_none_or(|before| *before != others) {
                let news = News::Looking {
                    record: *record,
                    people: others.clone(),
                };
                self.waiting.push_back((None, news));
            }
            now.insert(*record, others);
        }
        self.looking = now;
    }
}

/// An event as far as somebody may know of it.
fn as_seen(actor: &Actor, told: &event::Told) -> Option<Touched> {
    let event = &told.event;
    let customers = actor.scope(Kind::Customer, Ability::Read);
    let holds =
        |(owner, team): (Option<Uuid>, Option<Uuid>)| customers.holds(owner.map(UserId), team.map(TeamId));
    let is_booking = event.what.kind == EventKind::Appointment;
    let (sees, saw) = if is_booking {
        keeps(actor.scope(Kind::Appointment, Ability::Read), &told.keepers)
    } else {
        // What is about a customer is seen by who sees the customer.
        (holds(told.whose.now), holds(told.whose.before))
    };
    let busy = is_booking && actor.may(Kind::Appointment, Ability::Read);
    match (sees || saw, busy) {
        (false, false) => None,
        // Whoever sees calendars sees that a time is taken, and no more.
        (false, true) => Some(Touched {
            kind: event.what.kind,
            record: None,
            customer: None,
            version: event.version,
            fields: Vec::new(),
            gone: false,
        }),
        (true, _) => Some(Touched {
            kind: event.what.kind,
            record: Some(event.record),
            customer: event
                .customer
                .filter(|_| !is_booking || told.keepers.customer.is_some_and(holds)),
            version: event.version,
            fields: event.fields.clone(),
            gone: !sees,
        }),
    }
}

/// Whether an appointment is in a scope, and was: by who keeps it.
fn keeps(scope: Scope, keepers: &event::Keepers) -> (bool, bool) {
    let by = |user: Option<Uuid>, team: Option<Uuid>| scope.holds(user.map(UserId), team.map(TeamId));
    let all = by(None, None);
    let now = keepers.now.iter().any(|(staff, team)| by(Some(*staff), *team));
    let before = keepers.before.iter().any(|staff| by(Some(*staff), None));
    (all || now, all || before)
}
