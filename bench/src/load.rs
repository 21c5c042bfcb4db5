//! Loads a server by HTTP/1.1: as fast as it can, and then at a given rate whether it keeps up or not.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::sleep_until};

use crate::{Result, percentile};

/// A request, by its number.
pub type Ask = Arc<dyn Fn(u64) -> Result<Request<Full<Bytes>>> + Send + Sync>;

/// How it went.
#[derive(Debug, Clone)]
pub struct Went {
    /// Answers of the 200s and 300s.
    pub answered: u64,
    /// The first that was none, and how many.
    pub refused: Option<(u16, u64)>,
    /// How long all took.
    pub seconds: f64,
    /// How long each took, in milliseconds, sorted; from when it was due, where there was a rate.
    pub taken: Vec<f64>,
    /// Bytes of one answer's body.
    pub bytes: usize,
}

impl Went {
    /// Answers a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// The middle and the slowest but one of a hundred, in milliseconds.
    #[must_use]
    pub fn middle_and_slow(&self) -> (f64, f64) {
        (percentile(&self.taken, 50), percentile(&self.taken, 99))
    }
}

/// Asks on so many connections, each again as soon as it is answered.
///
/// # Errors
/// When a connection breaks.
pub async fn at_most(address: SocketAddr, ask: &Ask, connections: usize, time: Duration) -> Result<Went> {
    let end = Instant::now() + time;
    run(address, ask, connections, move |_| {
        (Instant::now() < end).then_some(None)
    })
    .await
}

/// Asks so many times.
///
/// # Errors
/// When a connection breaks.
pub async fn times(address: SocketAddr, ask: &Ask, connections: usize, many: u64) -> Result<Went> {
    run(address, ask, connections, move |number| {
        (number < many).then_some(None)
    })
    .await
}

/// Asks at a rate, in a second, whether the answers keep up or not: who waits in line waits for the server.
///
/// # Errors
/// When a connection breaks.
pub async fn at_rate(
    address: SocketAddr,
    ask: &Ask,
    connections: usize,
    rate: f64,
    time: Duration,
) -> Result<Went> {
    let began = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "nobody asks so often")]
    let due = move |number: u64| {
        let due = Duration::from_secs_f64(number as f64 / rate);
        (due < time).then_some(Some(began + due))
    };
    run(address, ask, connections, due).await
}

/// Asks one after another, each when it is due, until nothing is due any more.
async fn run(
    address: SocketAddr,
    ask: &Ask,
    connections: usize,
    due: impl Fn(u64) -> Option<Option<Instant>> + Clone + Send + 'static,
) -> Result<Went> {
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (ask, next, due) = (Arc::clone(ask), Arc::clone(&next), due.clone());
        let mut connection = connect(address).await?;
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(at) = due(number) else {
                    return Ok::<_, crate::Failure>(done);
                };
                if let Some(at) = at {
                    sleep_until(at.into()).await;
                }
                let began = at.unwrap_or_else(Instant::now);
                let (status, bytes) = answer(&mut connection, ask(number)?).await?;
                done.push((status, began.elapsed().as_secs_f64() * 1_000.0, bytes));
            }
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    Ok(went(all, began.elapsed().as_secs_f64()))
}

fn went(all: Vec<(u16, f64, usize)>, seconds: f64) -> Went {
    let is_good = |status: u16| (200..400).contains(&status);
    let refused = all.iter().filter(|(status, ..)| !is_good(*status));
    let many = refused.clone().count() as u64;
    let first = refused.map(|(status, ..)| *status).next();
    let bytes = all.first().map_or(0, |(_, _, bytes)| *bytes);
    let mut taken: Vec<f64> = all
        .into_iter()
        .filter(|(status, ..)| is_good(*status))
        .map(|(_, taken, _)| taken)
        .collect();
    taken.sort_by(f64::total_cmp);
    Went {
        answered: taken.len() as u64,
        refused: first.map(|first| (first, many)),
        seconds,
        taken,
        bytes,
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (connection, driver) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its end is seen by the next request.
        let _ = driver.await;
    });
    Ok(connection)
}

async fn answer(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(u16, usize)> {
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let status = answer.status().as_u16();
    Ok((status, answer.into_body().collect().await?.to_bytes().len()))
}

/// Asks once, and gives the whole answer.
///
/// # Errors
/// When the connection breaks.
pub async fn once(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<hyper::Response<Bytes>> {
    let mut connection = connect(address).await?;
    let (parts, body) = connection.send_request(request).await?.into_parts();
    Ok(hyper::Response::from_parts(
        parts,
        body.collect().await?.to_bytes(),
    ))
}
