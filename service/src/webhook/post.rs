//! How a message leaves: by HTTP, to public addresses only, and never for long.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use rapport_domain::error::AppError;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, HeaderMap},
    redirect::Policy,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{net::lookup_host, time::timeout};

use super::ways::Ways;
use crate::{Error, Result, Service};

/// How long an answer may take, from the search for the address to its last byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes of an answer are looked at.
const LOOKED_AT: usize = 1_000;

/// Refuses what nothing is ever sent to: what is no address, and what [`Ways`] does not let through.
///
/// # Errors
/// [`AppError::Invalid`] on `url`.
pub(super) fn check(service: &Service, url: &str) -> Result<()> {
    let wrong = |sentence: &str| AppError::invalid("url", sentence);
    let url =
        Url::parse(url).map_err(|_| wrong("Please give an address such as https://example.org/hook."))?;
    match service.webhooks().refusal(&url) {
        Some(sentence) => Err(wrong(sentence).into()),
        None => Ok(()),
    }
}

/// What came of sending a message.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status of the answer, if there was one.
    pub(super) status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    pub(super) said: String,
    /// How long it took, in milliseconds.
    pub(super) millis: i32,
}

impl Answer {
    /// Whether the message arrived.
    pub(super) fn arrived(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver says that nothing is ever to be sent there again (410).
    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// The way out.
pub(super) struct Post {
    client: Client,
    ways: Arc<Ways>,
}

impl Post {
    /// Makes one.
    ///
    /// # Errors
    /// When this machine has no working TLS.
    pub(super) fn new(service: &Service) -> Result<Self> {
        let ways = Arc::new(service.webhooks().clone());
        let client = Client::builder()
            .user_agent(concat!("Rapport/", env!("CARGO_PKG_VERSION")))
            // Where an answer leads elsewhere, somebody has to say so in the settings.
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Public(Arc::clone(&ways)))
            .pool_max_idle_per_host(1)
            .tls_backend_preconfigured(tls()?)
            .build()
            .map_err(|error| Error::Stored(format!("no way out: {error}")))?;
        Ok(Self { client, ways })
    }

    /// Sends a message.
    pub(super) async fn send(&self, url: &str, headers: HeaderMap, body: String) -> Answer {
        let began = Instant::now();
        let sent = timeout(PATIENCE, self.try_to(url, headers, body)).await;
        let late = format!("There was no answer within {} seconds.", PATIENCE.as_secs());
        let (status, said) = match sent {
            Ok(Ok((status, said))) => (Some(status), said),
            Ok(Err(why)) => (None, why),
            Err(_) => (None, late),
        };
        Answer {
            status,
            // PostgreSQL takes no NUL in a text.
            said: said.replace(|c: char| c.is_control() && c != '\n', " "),
            millis: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
        }
    }

    async fn try_to(
        &self,
        url: &str,
        headers: HeaderMap,
        body: String,
    ) -> std::result::Result<(u16, String), String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if let Some(sentence) = self.ways.refusal(&url) {
            return Err(sentence.to_owned());
        }
        let request = self
            .client
            .post(url)
            .headers(headers)
            .header(CONTENT_TYPE, "application/json");
        let mut response = request.body(body).send().await.map_err(|error| cause(&error))?;
        let mut said = Vec::new();
        // What does not end is let go of.
        while said.len() < LOOKED_AT {
            match response.chunk().await {
                Ok(Some(chunk)) => said.extend_from_slice(&chunk),
                _ => break,
            }
        }
        said.truncate(LOOKED_AT);
        let mut said = String::from_utf8_lossy(&said).into_owned();
        if response.status().is_redirection() {
            said = "The answer leads to another address. Please set that one.".to_owned();
        }
        Ok((response.status().as_u16(), said))
    }
}

/// What was at the bottom of it: the rest repeats the address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

fn tls() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    // One that cannot be read is of no use to anybody.
    let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Stored(format!("no TLS: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Looks names up, and knows no addresses but those that may be sent to: what is connected to is what was looked at.
struct Public(Arc<Ways>);

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let ways = Arc::clone(&self.0);
        async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let allowed = ways.among(found, SocketAddr::ip)?;
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        }
        .boxed()
    }
}
