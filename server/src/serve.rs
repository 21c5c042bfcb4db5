//! Runs the server: from the first connection to the last answer.

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use metrics_exporter_prometheus::PrometheusHandle;
use rapport_domain::error::AppError;
use rapport_service::{
    Service, Setup,
    clock::Clock,
    database,
    job::Worker,
    mail::{self, Post},
    redis::Redis,
    seal::{self, Sealer},
    user,
    webhook::Teller,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    assets::Site,
    cli::{Failure, say, tell},
    config::{self, Config, Stores},
    connection::{self, Patience},
    log, metrics, router,
    state::{Deadlines, State},
};

/// How long the server waits for a PostgreSQL that is not there yet when it starts.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many jobs one server works on at once.
const WORKERS: usize = 2;
/// How often a server looks for mail to send.
const MAIL_IDLE: Duration = Duration::from_secs(2);
/// How often a server looks for what to seal. What is written is in its block within twice that time.
const SEAL_IDLE: Duration = Duration::from_secs(2);
/// How long answers under way may still take after the signal to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves until it is told to stop.
///
/// # Errors
/// When the address is taken, PostgreSQL stays away or the schema is not that of this program.
pub async fn serve(stores: Stores, config: Config) -> Result<(), Failure> {
    log::start(config.log);
    let db = database::connect(&stores.database_url, stores.connections)
        .await
        .map_err(tell)?;
    wait_for_schema(async || database::check_schema(&db).await).await?;
    let redis = Redis::connect(&stores.redis_url, crate::REDIS_PREFIX)?;
    let setup = Setup {
        post: post(&config)?,
        key: stores.key,
        key_rate: config.api_rate,
        webhooks: config.webhooks.clone(),
    };
    let service = Service::new(db, redis, Clock::default(), setup);
    seal::check(&service).await.map_err(tell)?;
    let listener = TcpListener::bind(config.address)
        .await
        .map_err(|why| format!("{}: {why}", config.address))?;
    greet(&service, listener.local_addr()?).await?;

    let workers = Workers::start(&service);
    let postman = tokio::spawn(carry_mail(service.clone()));
    let sealer = tokio::spawn(seal_on(service.clone()));
    let teller = Telling::start(&service).map_err(tell)?;
    let mut state = State::new(service, Site::own(), config.trusted_proxies, Deadlines::default());
    if config.hsts_subdomains {
        state = state.with_subdomains();
    }
    let live = state.live().clone();
    let figures = match config.metrics {
        Some(address) => Some(tokio::spawn(show_figures(
            address,
            metrics::begin()?,
            state.clone(),
        ))),
        None => None,
    };
    let (stop, stopping) = watch::channel(false);
    let asked_to_stop = async move {
        wait_for_signal().await;
        // Streams have no end of their own.
        live.end();
        let _ = stop.send(true);
    };
    let overdue = async move {
        let mut stopping = stopping;
        let _ = stopping.wait_for(|stop| *stop).await;
        sleep(FAREWELL).await;
    };
    tokio::select! {
        () = connection::serve(listener, router(state), Patience::default(), asked_to_stop) => {}
        () = overdue => tracing::warn!("some answers were still under way"),
    }
    if let Some(figures) = figures {
        figures.abort();
    }
    postman.abort();
    sealer.abort();
    teller.stop().await;
    workers.stop().await;
    Ok(())
}

fn post(config: &Config) -> Result<Post, Failure> {
    let post = Post::at(&config::reached(config.public_url.clone(), config.address));
    match &config.smtp {
        Some(smtp) => Ok(post.by(&smtp.url, &smtp.from)?),
        None => Ok(post),
    }
}

/// Sends mail for as long as it is polled.
async fn carry_mail(service: Service) {
    loop {
        match mail::send_next(&service).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                // Logs it.
                let _ = error.tell();
            }
        }
        sleep(MAIL_IDLE).await;
    }
}

/// Shows figures to whoever watches, for as long as it is polled.
async fn show_figures(address: SocketAddr, figures: PrometheusHandle, state: State) {
    if let Err(error) = metrics::serve(address, figures, state).await {
        tracing::error!(%address, %error, "METRICS_ADDRESS cannot be listened on");
    }
}

/// Seals the journal for as long as it is polled; nothing without a key.
async fn seal_on(service: Service) {
    let Some(key) = service.key().cloned() else {
        return;
    };
    let mut sealer = Sealer::new(&service, key);
    loop {
        // A row that cannot even be read must not end it.
        match AssertUnwindSafe(sealer.step()).catch_unwind().await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                // Logs it.
                let _ = error.tell();
            }
            // The panic hook has logged it.
            Err(_) => {}
        }
        sleep(SEAL_IDLE).await;
    }
}

/// Those who do the work in the background.
struct Workers(Vec<(Arc<Worker>, JoinHandle<()>)>);

impl Workers {
    fn start(service: &Service) -> Self {
        let start = |_| {
            let worker = Arc::new(Worker::new(service));
            let at_work = Arc::clone(&worker);
            (worker, tokio::spawn(async move { at_work.work().await }))
        };
        Self((0..WORKERS).map(start).collect())
    }

    /// Lets go of the work: what was not committed is done again, by whoever takes it next.
    async fn stop(self) {
        for (worker, task) in self.0 {
            task.abort();
            // It is over when it was dropped; how it ended is of no interest.
            let _ = task.await;
            if let Err(error) = worker.let_go().await {
                // Logs it. The lease runs out by itself.
                let _ = error.tell();
            }
        }
    }
}

/// The one who tells webhooks.
struct Telling(Arc<Teller>, JoinHandle<()>);

impl Telling {
    fn start(service: &Service) -> rapport_service::Result<Self> {
        let teller = Arc::new(Teller::new(service)?);
        let at_work = Arc::clone(&teller);
        Ok(Self(teller, tokio::spawn(async move { at_work.work().await })))
    }

    /// Lets go of those that are being told, so that another server goes on at once.
    async fn stop(self) {
        self.1.abort();
        // It is over when it was dropped; how it ended is of no interest.
        let _ = self.1.await;
        if let Err(error) = self.0.let_go().await {
            // Logs it. The leases run out by themselves.
            let _ = error.tell();
        }
    }
}

/// Waits for PostgreSQL a while, so that both may be started at once; a wrong schema is said at once.
async fn wait_for_schema(check: impl AsyncFn() -> rapport_service::Result<()>) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        match check().await {
            Ok(()) => return Ok(()),
            Err(error) if began.elapsed() < PATIENCE => match error.tell() {
                AppError::Unavailable => sleep(Duration::from_millis(500)).await,
                error => return Err(error.into()),
            },
            Err(error) => return Err(tell(error)),
        }
    }
}

/// Says where the server is and, while nobody works here, the token for the set-up page.
async fn greet(service: &Service, address: SocketAddr) -> Result<(), Failure> {
    say(&format!("Rapport listens on http://{address}"))?;
    let token = timeout(PATIENCE, user::issue_setup_token(service)).await;
    if let Some(token) = token.map_err(|_| "PostgreSQL does not answer.")?.map_err(tell)? {
        say(&format!(
            "Nobody works here yet. Open http://{address}/setup and give this token, which is good once: {token}"
        ))?;
    }
    Ok(())
}

/// Waits for Ctrl-C, or for what `kill`, systemd and Docker send.
async fn wait_for_signal() {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => {
            tracing::error!("signals cannot be heard; the server has to be killed");
            std::future::pending::<()>().await;
        }
    }
}
