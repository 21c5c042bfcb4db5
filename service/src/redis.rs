//! Redis: the only module that knows its client library.
//!
//! The client by itself never times out, queues without bound and stays disconnected. So it is used without its own
//! reconnecting: one task here opens a connection, watches over it, and opens a new one when it is no good any more.
//! Until then every command fails at once, and nothing waits in a queue.

use std::{future::Future, sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::ErrorKind,
    interfaces::{ClientLike, KeysInterface, LuaInterface},
    types::{Builder, ConnectHandle, Expiration, FromValue, SetOptions, config::Config},
};
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{sleep, timeout},
};

/// How long opening a connection, or a command, may take.
const PATIENCE: Duration = Duration::from_millis(700);
/// The pause before a new connection is tried. With the patience above, service is back within 2 s of Redis' return.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How often an open connection is tried out, so that its loss is noticed without a request.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The most commands that may be under way at once.
const IN_FLIGHT_MAX: usize = 1_000;
/// The client's own queue: above [`IN_FLIGHT_MAX`], so that only ours is ever full.
const CLIENT_QUEUE: usize = 2 * IN_FLIGHT_MAX;

/// Why Redis did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// The address cannot be understood. Its text is left out: it may hold a password.
    #[error("REDIS_URL is not a valid address: {0}")]
    Address(String),
    /// There is no connection at the moment.
    #[error("there is no connection")]
    Away,
    /// It did not answer in time.
    #[error("no answer in time")]
    Slow,
    /// Too many commands are under way.
    #[error("more than {IN_FLIGHT_MAX} commands are under way")]
    Busy,
    /// It answered, but not with what was asked for.
    #[error("refused: {0}")]
    Refused(String),
}

/// A connection to Redis that heals by itself. Cheap to clone; all clones share it.
#[derive(Clone)]
pub struct Redis {
    link: watch::Receiver<Link>,
    in_flight: Arc<Semaphore>,
    patience: Duration,
    prefix: Arc<str>,
}

/// What Redis says of itself: its server, how it keeps what it has, its memory.
pub(crate) struct Info(String);

impl Info {
    /// What it says under a name; empty where it says nothing.
    pub(crate) fn value(&self, name: &str) -> &str {
        let mut lines = self.0.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim()
    }
}

/// What the task that keeps the connection has at the moment.
#[derive(Clone)]
enum Link {
    /// The first attempt is still under way.
    Starting,
    Up(Open),
    Down,
}

/// An open connection.
#[derive(Clone)]
struct Open {
    client: Client,
    /// Told when a command met trouble, so that the connection is replaced.
    trouble: Arc<Notify>,
}

impl Redis {
    /// Begins to connect in the background and returns at once, also when Redis is away. Every key gets the prefix.
    ///
    /// Belongs into a tokio runtime.
    ///
    /// # Errors
    /// [`RedisError::Address`] when the URL is wrong.
    pub fn connect(url: &str, prefix: &str) -> Result<Self, RedisError> {
        Self::connect_with(url, prefix, PATIENCE)
    }

    /// As [`Redis::connect`], with so much patience for opening a connection and for each command.
    ///
    /// # Errors
    /// As [`Redis::connect`].
    pub fn connect_with(url: &str, prefix: &str, patience: Duration) -> Result<Self, RedisError> {
        if !["redis://", "rediss://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(RedisError::Address(
                "it begins with redis:// or rediss://".to_owned(),
            ));
        }
        let config =
            Config::from_url(url).map_err(|error| RedisError::Address(error.details().to_owned()))?;
        let (sender, link) = watch::channel(Link::Starting);
        tokio::spawn(keep_connected(config, patience, sender));
        Ok(Self {
            link,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            patience,
            prefix: prefix.into(),
        })
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.run(async |client| client.ping(None).await).await
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(crate) async fn info(&self) -> Result<Info, RedisError> {
        const INFO: &str = "return redis.call('INFO', 'server') .. redis.call('INFO', 'persistence') .. redis.call('INFO', 'memory')";
        Ok(Info(self.script(INFO, &[], Vec::new()).await?))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn get(&self, key: &str) -> Result<Option<String>, RedisError> {
        let key = self.key(key);
        self.run(async |client| client.get(key).await).await
    }

    /// Writes a text that goes away after a time.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn set(&self, key: &str, value: &str, expires: Duration) -> Result<(), RedisError> {
        let key = self.key(key);
        self.run(async |client| {
            client
                .set(key, value, Some(expiration(expires)), None, false)
                .await
        })
        .await
    }

    /// Like [`Redis::set`], but only over a value that is still there; says whether it was.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn replace(&self, key: &str, value: &str, expires: Duration) -> Result<bool, RedisError> {
        let key = self.key(key);
        let done: Option<String> = self
            .run(async |client| {
                client
                    .set(key, value, Some(expiration(expires)), Some(SetOptions::XX), false)
                    .await
            })
            .await?;
        Ok(done.is_some())
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn del(&self, key: &str) -> Result<(), RedisError> {
        let key = self.key(key);
        self.run(async |client| client.del(key).await).await
    }

    /// Runs a Lua script, which nothing else interrupts. It may name further keys after `ARGV[#ARGV]`, the prefix.
    ///
    /// # Errors
    /// When Redis does not answer, or the script fails.
    pub(crate) async fn script<T: FromValue>(
        &self,
        script: &'static str,
        keys: &[String],
        mut arguments: Vec<String>,
    ) -> Result<T, RedisError> {
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        arguments.push(self.prefix.to_string());
        self.run(async |client| client.eval(script, keys, arguments).await)
            .await
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn run<T, F>(&self, command: impl FnOnce(Client) -> F) -> Result<T, RedisError>
    where
        F: Future<Output = Result<T, fred::error::Error>>,
    {
        let _permit = self.in_flight.try_acquire().map_err(|_| RedisError::Busy)?;
        let open = self.open().await?;
        let error = match timeout(self.patience, command(open.client)).await {
            Ok(Ok(answer)) => return Ok(answer),
            // Whatever it says of itself: without its connection it is away.
            Ok(Err(_)) if !matches!(*self.link.borrow(), Link::Up(_)) => RedisError::Away,
            Ok(Err(error)) => name(&error),
            Err(_) => RedisError::Slow,
        };
        if matches!(error, RedisError::Away | RedisError::Slow) {
            open.trouble.notify_one();
        }
        Err(error)
    }

    /// The open connection. Only the very first attempt to connect is waited for.
    async fn open(&self) -> Result<Open, RedisError> {
        let mut link = self.link.clone();
        let started = link.wait_for(|link| !matches!(link, Link::Starting));
        match timeout(self.patience, started).await {
            Ok(Ok(link)) => match &*link {
                Link::Up(open) => Ok(open.clone()),
                Link::Starting | Link::Down => Err(RedisError::Away),
            },
            _ => Err(RedisError::Away),
        }
    }
}

fn expiration(expires: Duration) -> Expiration {
    // Redis refuses an expiry of zero.
    Expiration::PX(i64::try_from(expires.as_millis()).unwrap_or(i64::MAX).max(1))
}

fn name(error: &fred::error::Error) -> RedisError {
    match error.kind() {
        ErrorKind::Timeout => RedisError::Slow,
        ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing | ErrorKind::Tls => RedisError::Away,
        ErrorKind::Backpressure => RedisError::Busy,
        _ => RedisError::Refused(error.to_string()),
    }
}

/// Keeps a connection open until nobody has a [`Redis`] any more.
async fn keep_connected(config: Config, patience: Duration, link: watch::Sender<Link>) {
    tokio::select! {
        () = link.closed() => {}
        () = reconnect_for_ever(config, patience, &link) => {}
    }
}

async fn reconnect_for_ever(config: Config, patience: Duration, link: &watch::Sender<Link>) {
    let mut complained = false;
    loop {
        match open(&config, patience).await {
            Ok((open, connection)) => {
                tracing::info!("connected to Redis");
                complained = false;
                link.send_replace(Link::Up(open.clone()));
                watch_over(&open, connection).await;
                link.send_replace(Link::Down);
                tracing::warn!("lost the connection to Redis; trying again until it is back");
            }
            Err(error) => {
                link.send_replace(Link::Down);
                if !complained {
                    tracing::warn!(%error, "cannot connect to Redis; trying again until it is there");
                    complained = true;
                }
            }
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// The task that drives a connection; ends with its handle.
struct Connection(ConnectHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn open(config: &Config, patience: Duration) -> Result<(Open, Connection), fred::error::Error> {
    let mut builder = Builder::from_config(config.clone());
    builder
        .with_config(|config| config.fail_fast = true)
        .with_connection_config(|connection| {
            connection.connection_timeout = patience;
            connection.internal_command_timeout = patience;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = CLIENT_QUEUE;
        })
        .with_performance_config(|performance| performance.default_command_timeout = patience);
    // No reconnect policy is set: what is lost stays lost, and this module opens a new one.
    let client = builder.build()?;
    let connection = Connection(client.init().await?);
    Ok((
        Open {
            client,
            trouble: Arc::default(),
        },
        connection,
    ))
}

/// Returns when the connection is no good any more.
async fn watch_over(open: &Open, mut connection: Connection) {
    loop {
        tokio::select! {
            _ = &mut connection.0 => return,
            () = open.trouble.notified() => return,
            () = sleep(HEARTBEAT) => {
                // A server that answers with an error, as one that is still loading, is there all the same.
                let answer = open.client.ping::<()>(None).await.map_err(|error| name(&error));
                if matches!(answer, Err(RedisError::Away | RedisError::Slow)) {
                    return;
                }
            }
        }
    }
}
