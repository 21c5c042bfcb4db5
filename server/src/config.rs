//! The settings, all from the environment. `.env.example` explains them to the one who hosts.

pub mod setting;

use std::{env, fmt, fs, net::SocketAddr, str::FromStr};

use rapport_service::{
    limit::KEY_RATE,
    network::Network,
    seal::Key,
    webhook::{Host, Ways},
    wire,
};

/// Where the server listens unless told otherwise.
const ADDRESS: &str = "127.0.0.1:3000";
/// The most connections to PostgreSQL unless told otherwise.
const CONNECTIONS: u32 = 10;
/// What makes the way to another machine sure.
pub const POSTGRESQL_TLS: &str = "say sslmode=verify-full in its URL";
/// The same for Redis.
pub const REDIS_TLS: &str = "say rediss:// in its URL";
/// The same for links.
const PUBLIC_TLS: &str = "let a proxy speak TLS, and say https:// in PUBLIC_URL";
/// The same for mail.
pub const SMTP_TLS: &str = "say smtps://, or ?tls=required behind smtp://";

/// A setting that is missing or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It has no default.
    #[error("{0} is not set. {1}")]
    Missing(&'static str, &'static str),
    /// It is not what it should be. Its value is not repeated: it may be a secret.
    #[error("{0} cannot be read: {1}")]
    Wrong(&'static str, String),
    /// It leads off this machine in clear.
    #[error("{0} leads to {1} in clear, and REQUIRE_TLS is set: {2}.")]
    Clear(&'static str, String, &'static str),
}

/// All that is missing or wrong, a line each.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<ConfigError>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

impl Mistakes {
    /// Keeps a value, or notes what is wrong with it.
    fn take<T>(&mut self, read: Result<T, ConfigError>) -> Option<T> {
        read.map_err(|wrong| self.0.push(wrong)).ok()
    }

    /// Notes that a setting leads to a host in clear, and what to say in its place.
    fn refuse_clear(&mut self, name: &'static str, host: Option<String>, remedy: &'static str) {
        self.0
            .extend(host.map(|host| ConfigError::Clear(name, host, remedy)));
    }

    /// What was read, if nothing is wrong.
    fn or<T>(self, read: Option<T>) -> Result<T, Self> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(self),
        }
    }
}

/// What every command needs: the way to the data. It prints nothing of itself, since both URLs may hold passwords.
#[derive(Clone)]
pub struct Stores {
    /// `DATABASE_URL`: PostgreSQL, as `postgres://user:password@host:port/database`.
    pub database_url: String,
    /// `REDIS_URL`: Redis, as `redis://user:password@host:port/number`.
    pub redis_url: String,
    /// `DATABASE_CONNECTIONS`: the most connections to PostgreSQL at once; 10.
    pub connections: u32,
    /// `SEAL_KEY`: what the journal is sealed with, 64 hexadecimal digits; not sealed unless set.
    pub key: Option<Key>,
}

impl Stores {
    /// Reads them from the environment.
    ///
    /// # Errors
    /// All that is missing or wrong.
    pub fn from_env() -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let read = Self::read(&mut mistakes);
        mistakes.or(read)
    }

    fn read(mistakes: &mut Mistakes) -> Option<Self> {
        let database = "It names the PostgreSQL to use, as postgres://user:password@host:5432/database";
        let redis = "It names the Redis to use, as redis://user:password@host:6379/0";
        let needed = |name, why| secret(name)?.ok_or(ConfigError::Missing(name, why));
        let database_url = mistakes.take(needed("DATABASE_URL", database));
        let redis_url = mistakes.take(needed("REDIS_URL", redis));
        let connections = mistakes.take(parsed("DATABASE_CONNECTIONS"));
        let key = mistakes.take(secret("SEAL_KEY").and_then(seal_key));
        if mistakes.take(tls_is_required()) == Some(true) {
            let host = database_url.as_deref().and_then(wire::postgresql);
            mistakes.refuse_clear("DATABASE_URL", host, POSTGRESQL_TLS);
            let host = redis_url.as_deref().and_then(wire::redis);
            mistakes.refuse_clear("REDIS_URL", host, REDIS_TLS);
        }
        Some(Self {
            database_url: database_url?,
            redis_url: redis_url?,
            connections: connections?.unwrap_or(CONNECTIONS),
            key: key?,
        })
    }
}

/// All that a server needs.
///
/// # Errors
/// All that is missing or wrong.
pub fn of_server() -> Result<(Stores, Config), Mistakes> {
    let mut mistakes = Mistakes::default();
    let (stores, config) = (Stores::read(&mut mistakes), Config::read(&mut mistakes));
    mistakes.or(stores.zip(config))
}

/// Where people reach it: `PUBLIC_URL`, or where the server listens.
///
/// # Errors
/// What is wrong with the two.
pub fn public_address() -> Result<String, Mistakes> {
    let mut mistakes = Mistakes::default();
    let (url, address) = (public_url(variable("PUBLIC_URL")), listens());
    let read = mistakes.take(url).zip(mistakes.take(address));
    if tls_is_required().unwrap_or_default() {
        let links = read
            .clone()
            .and_then(|(url, address)| links_in_clear(url, address));
        mistakes.refuse_clear("PUBLIC_URL", links, PUBLIC_TLS);
    }
    mistakes.or(read.map(|(url, address)| reached(url, address)))
}

/// Where people reach a server that listens there.
#[must_use]
pub fn reached(public_url: Option<String>, listens: SocketAddr) -> String {
    public_url.unwrap_or_else(|| format!("http://{listens}"))
}

/// Where links in mails lead, if they are followed from elsewhere and in clear: they hold what lets somebody in.
fn links_in_clear(public_url: Option<String>, listens: SocketAddr) -> Option<String> {
    let here = public_url.is_none() && listens.ip().is_loopback();
    Some(reached(public_url, listens)).filter(|link| !here && !link.starts_with("https://"))
}

/// `RAPPORT_ADDRESS`.
fn listens() -> Result<SocketAddr, ConfigError> {
    let text = variable("RAPPORT_ADDRESS");
    address("RAPPORT_ADDRESS", text.as_deref().unwrap_or(ADDRESS))
}

fn seal_key(text: Option<String>) -> Result<Option<Key>, ConfigError> {
    let Some(text) = text else { return Ok(None) };
    let why = "it is 64 hexadecimal digits, as “openssl rand -hex 32” makes them";
    let key = Key::parse(&text).ok_or_else(|| ConfigError::Wrong("SEAL_KEY", why.to_owned()))?;
    Ok(Some(key))
}

/// What the server needs besides.
#[derive(Debug, Clone)]
pub struct Config {
    /// `RAPPORT_ADDRESS`: address and port to listen on; `127.0.0.1:3000`.
    pub address: SocketAddr,
    /// `TRUSTED_PROXIES`: addresses or networks, separated by commas, whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// `PUBLIC_URL`: where people reach it, as `https://crm.example.org`; the address above unless set. Links in mails
    /// lead there, so it is never taken from what a request says.
    pub public_url: Option<String>,
    /// `SMTP_URL` and `MAIL_FROM`: the server that takes mail, and from whom it comes. Without them mail stays here.
    pub smtp: Option<Smtp>,
    /// `HSTS_SUBDOMAINS`: whether browsers are told to use TLS also for all names below that of Rapport; no.
    pub hsts_subdomains: bool,
    /// `WEBHOOK_HOSTS`: the only hosts that webhooks may lead to, separated by commas; all unless set.
    /// `WEBHOOK_NETWORKS`: addresses or networks that they may lead to although they are not public.
    /// `REQUIRE_TLS`: whether they are sent by https alone.
    pub webhooks: Ways,
    /// `METRICS_ADDRESS`: where figures are shown to Prometheus; nowhere unless set.
    pub metrics: Option<SocketAddr>,
    /// `API_RATE`: how often one key of the API may ask in a minute; 600.
    pub api_rate: u32,
    /// `LOG_FORMAT`: `text` or `json`. What is logged is for `RUST_LOG` to say; `info`.
    pub log: LogFormat,
}

impl Config {
    fn read(mistakes: &mut Mistakes) -> Option<Self> {
        let metrics = variable("METRICS_ADDRESS").map(|text| address("METRICS_ADDRESS", &text));
        let metrics = mistakes.take(metrics.transpose());
        let address = mistakes.take(listens());
        let trusted_proxies = mistakes.take(list("TRUSTED_PROXIES"));
        let hsts_subdomains = mistakes.take(switch("HSTS_SUBDOMAINS"));
        let webhooks = webhooks(mistakes);
        let public_url = mistakes.take(public_url(variable("PUBLIC_URL")));
        let smtp = mistakes.take(secret("SMTP_URL").and_then(|url| smtp(url, variable("MAIL_FROM"))));
        if webhooks.as_ref().is_some_and(|ways| ways.encrypted) {
            let mail = smtp.as_ref().and_then(Option::as_ref);
            mistakes.refuse_clear("SMTP_URL", mail.and_then(|mail| wire::smtp(&mail.url)), SMTP_TLS);
            let links = public_url.clone().zip(address);
            let links = links.and_then(|(url, address)| links_in_clear(url, address));
            mistakes.refuse_clear("PUBLIC_URL", links, PUBLIC_TLS);
            let clear = metrics.flatten().filter(|address| !address.ip().is_loopback());
            let clear = clear.map(|address| address.to_string());
            mistakes.refuse_clear("METRICS_ADDRESS", clear, "keep it on loopback");
        }
        let api_rate = mistakes.take(parsed("API_RATE").and_then(api_rate));
        let log = mistakes.take(parsed("LOG_FORMAT"));
        Some(Self {
            address: address?,
            metrics: metrics?,
            trusted_proxies: trusted_proxies?,
            hsts_subdomains: hsts_subdomains?,
            webhooks: webhooks?,
            public_url: public_url?,
            smtp: smtp?,
            api_rate: api_rate?,
            log: log?.unwrap_or_default(),
        })
    }
}

fn address(name: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    let why = "it is an address and a port, as 127.0.0.1:3000";
    text.trim()
        .parse()
        .map_err(|_| ConfigError::Wrong(name, why.to_owned()))
}

fn list<T: FromStr<Err = String>>(name: &'static str) -> Result<Vec<T>, ConfigError> {
    let given = variable(name).unwrap_or_default();
    let parts = given.split(',').map(str::trim).filter(|part| !part.is_empty());
    let list = parts.map(str::parse).collect::<Result<_, _>>();
    list.map_err(|why| ConfigError::Wrong(name, why))
}

fn webhooks(mistakes: &mut Mistakes) -> Option<Ways> {
    let networks: Option<Vec<Network>> = mistakes.take(list("WEBHOOK_NETWORKS"));
    let hosts: Option<Vec<Host>> = mistakes.take(list("WEBHOOK_HOSTS").and_then(|hosts| {
        // A list that lets something through never lets all through because it is written wrong.
        let names_none = hosts.is_empty() && variable("WEBHOOK_HOSTS").is_some();
        let wrong = || ConfigError::Wrong("WEBHOOK_HOSTS", "it names no host".to_owned());
        if names_none { Err(wrong()) } else { Ok(hosts) }
    }));
    // What is wrong with it is said once, with the URLs of the databases.
    let encrypted = tls_is_required().unwrap_or_default();
    Some(Ways {
        networks: networks?,
        hosts: hosts?,
        encrypted,
    })
}

/// `REQUIRE_TLS`: whether nothing may leave this machine in clear; no.
fn tls_is_required() -> Result<bool, ConfigError> {
    switch("REQUIRE_TLS")
}

fn switch(name: &'static str) -> Result<bool, ConfigError> {
    match variable(name).as_deref().map(str::trim) {
        None | Some("no") => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => Err(ConfigError::Wrong(name, "it is yes or no".to_owned())),
    }
}

fn api_rate(rate: Option<u32>) -> Result<u32, ConfigError> {
    let why = "it is how often one key may ask in a minute, 1 or more";
    match rate.unwrap_or(KEY_RATE) {
        0 => Err(ConfigError::Wrong("API_RATE", why.to_owned())),
        rate => Ok(rate),
    }
}

/// The way for mail. It prints nothing of itself, since the URL may hold a password.
#[derive(Clone)]
pub struct Smtp {
    /// As `smtps://user:password@mail.example.org`.
    pub url: String,
    /// As `Rapport <crm@example.org>`.
    pub from: String,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a way for mail)")
    }
}

fn smtp(url: Option<String>, from: Option<String>) -> Result<Option<Smtp>, ConfigError> {
    match (url, from) {
        (Some(url), Some(from)) => Ok(Some(Smtp { url, from })),
        (Some(_), None) => Err(ConfigError::Missing(
            "MAIL_FROM",
            "It names the sender of mails, as Rapport <crm@example.org>",
        )),
        (None, _) => Ok(None),
    }
}

fn public_url(url: Option<String>) -> Result<Option<String>, ConfigError> {
    let wrong = || {
        let why = "it is an address without a path, as https://crm.example.org";
        ConfigError::Wrong("PUBLIC_URL", why.to_owned())
    };
    let Some(url) = url else { return Ok(None) };
    let read: http::Uri = url.trim().trim_end_matches('/').parse().map_err(|_| wrong())?;
    let web = matches!(read.scheme_str(), Some("http" | "https"));
    if web && read.host().is_some() && read.path() == "/" && read.query().is_none() {
        Ok(Some(url.trim().trim_end_matches('/').to_owned()))
    } else {
        Err(wrong())
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs, one object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is text or json".to_owned()),
        }
    }
}

/// The value of a setting, as the program reads it.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The file that a secret may be read from, by the name of a variable.
#[must_use]
pub fn file_of(name: &str) -> String {
    format!("{name}_FILE")
}

/// The value of a setting that is a secret: its own, or what stands in the file that another variable names, as containers
/// and service managers hand secrets over.
fn secret(name: &'static str) -> Result<Option<String>, ConfigError> {
    let wrong = |why: String| Err(ConfigError::Wrong(name, why));
    let (value, file) = (variable(name), variable(&file_of(name)));
    match (value, file) {
        (Some(_), Some(_)) => wrong(format!("{} is set, too; set one of the two", file_of(name))),
        (value, None) => Ok(value),
        (None, Some(file)) => match fs::read_to_string(file.trim()) {
            Ok(text) if text.trim().is_empty() => wrong(format!("{file} is empty")),
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(why) => wrong(format!("{file}: {why}")),
        },
    }
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(name: &'static str) -> Result<Option<T>, ConfigError> {
    let value = variable(name).map(|value| value.trim().parse::<T>());
    value
        .transpose()
        .map_err(|why| ConfigError::Wrong(name, why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_ask_at_least_once_a_minute() {
        assert_eq!(api_rate(None).unwrap(), KEY_RATE);
        assert_eq!(api_rate(Some(1)).unwrap(), 1);
        assert!(api_rate(Some(0)).is_err());
    }

    #[test]
    fn the_public_address_is_one_without_a_path() {
        let read = |text: &str| public_url(Some(text.to_owned()));
        let good = read(" https://crm.example.org:8443/ ").unwrap();
        assert_eq!(good.as_deref(), Some("https://crm.example.org:8443"));
        for wrong in [
            "crm.example.org",
            "ftp://x.example",
            "https://x.example/crm",
            "https://",
            "https://x.example/?a",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(smtp(Some("smtp://x".to_owned()), None).is_err());
        assert!(smtp(None, Some("a@x.example".to_owned())).is_ok_and(|way| way.is_none()));
    }

    #[test]
    fn a_wrong_key_is_refused_without_being_repeated() {
        assert!(seal_key(None).is_ok_and(|key| key.is_none()));
        assert!(seal_key(Some("5e".repeat(32))).is_ok_and(|key| key.is_some()));
        let error = seal_key(Some("hunter2".to_owned())).unwrap_err().to_string();
        assert!(error.starts_with("SEAL_KEY cannot be read") && !error.contains("hunter2"));
    }
}
