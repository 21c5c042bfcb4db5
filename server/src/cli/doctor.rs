//! What the one who hosts asks first: what is set, and whether all is well.

use std::{net::IpAddr, time::Duration};

use http::Uri;
use rapport_service::{
    clock::Clock,
    database,
    doctor::{self, Finding, Verdict},
    redis::Redis,
};
use tokio::time::timeout;

use super::{COMPLETE, FAILED, Failure, say, tell};
use crate::{
    assets::Site,
    config::{
        self, Config, Stores,
        setting::{self, Reader, SETTINGS},
    },
};

/// How long all questions together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shows the settings, or the example of all of them.
pub(super) fn config(example: bool) -> Result<u8, Failure> {
    if example {
        say(setting::example().trim_end())?;
        return Ok(COMPLETE);
    }
    let settings = SETTINGS.iter().flat_map(|(_, settings)| settings.iter());
    for setting in
        settings.filter(|setting| !matches!(setting.reader, Reader::Compose | Reader::ComposeNeeds))
    {
        let value = match (config::variable(setting.name), setting.reader) {
            (None, _) => "(not set)".to_owned(),
            (Some(_), Reader::ProgramAsSecret) => "(set)".to_owned(),
            (Some(value), _) => value,
        };
        say(&format!("{:<21}{value}", setting.name))?;
    }
    match config::of_server() {
        Ok(_) => Ok(COMPLETE),
        Err(mistakes) => Err(mistakes.into()),
    }
}

/// Looks at everything, a line each; fails when something is wrong.
pub(super) async fn doctor() -> Result<u8, Failure> {
    let (stores, config) = config::of_server()?;
    let found = timeout(PATIENCE, look(&stores, &config)).await;
    let found = found.map_err(|_| "There was no answer within 30 seconds.")??;
    for finding in &found {
        let mark = match finding.verdict {
            Verdict::Well => "ok   ",
            Verdict::Odd => "note ",
            Verdict::Wrong => "WRONG",
        };
        say(&format!("{mark}  {:<12}{}", finding.what, finding.said))?;
    }
    let wrong = found
        .iter()
        .filter(|finding| finding.verdict == Verdict::Wrong)
        .count();
    if wrong > 0 {
        return Ok(FAILED);
    }
    say("All is well.")?;
    Ok(COMPLETE)
}

async fn look(stores: &Stores, config: &Config) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let db = database::connect(&stores.database_url, 1).await.map_err(tell)?;
    found.extend(doctor::postgresql(&db, &Clock::default(), stores.connections, stores.key.as_ref()).await);
    let redis = Redis::connect(&stores.redis_url, crate::REDIS_PREFIX)?;
    found.extend(doctor::redis(&redis).await);
    found.extend(wire(
        "postgresql",
        &stores.database_url,
        "sslmode=verify-full",
        checks_certificates,
    ));
    found.extend(wire("redis", &stores.redis_url, "rediss://", |url| {
        url.starts_with("rediss://")
    }));
    found.push(address(config));
    found.push(mail(config));
    found.push(site());
    Ok(found)
}

/// Whether a URL of PostgreSQL asks for TLS and for the certificate of the very host.
fn checks_certificates(url: &str) -> bool {
    let options = url.split_once('?').map_or("", |(_, options)| options);
    form_urlencoded::parse(options.as_bytes())
        .any(|(name, value)| matches!(&*name, "sslmode" | "ssl-mode") && value == "verify-full")
}

/// What there is to say of a way off this machine that is not sure to be encrypted.
fn wire(what: &'static str, url: &str, remedy: &str, is_encrypted: impl Fn(&str) -> bool) -> Option<Finding> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if is_here || is_encrypted(url) {
        return None;
    }
    let said = format!(
        "{host} is another machine, and what goes there may be read on the way: say {remedy} in its URL, unless the network \
         is yours"
    );
    Some(Finding::odd(what, said))
}

fn address(config: &Config) -> Finding {
    match config.public_url.as_deref() {
        Some(url) if url.starts_with("https://") => Finding::well("address", format!("people come by {url}")),
        Some(url) => Finding::odd(
            "address",
            format!("people come by {url}, in clear: put a proxy with TLS in front"),
        ),
        None => Finding::odd(
            "address",
            format!(
                "PUBLIC_URL is not set: links in mails lead to http://{}",
                config.address
            ),
        ),
    }
}

fn mail(config: &Config) -> Finding {
    match config.smtp {
        Some(_) => Finding::well("mail", "leaves by SMTP_URL"),
        None => Finding::odd(
            "mail",
            "SMTP_URL is not set: mail stays in the outbox of the panel",
        ),
    }
}

fn site() -> Finding {
    if Site::own().is_there() {
        Finding::well("site", "the browser's program is in this one")
    } else {
        Finding::wrong(
            "site",
            "the browser's program is not in this one, as in a debug build: take that of a release",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_this_machine_in_clear_is_told() {
        let postgres = |url: &str| wire("postgresql", url, "sslmode=verify-full", checks_certificates);
        for quiet in [
            "postgres://rapport:p@127.0.0.1:5432/rapport",
            "postgres://rapport:p@[::1]:5432/rapport",
            "postgres://rapport:p@localhost/rapport",
            "postgres://rapport:p@db.example.org/rapport?sslmode=verify-full",
            "postgres://rapport:p@db.example.org/rapport?application_name=x&ssl-mode=verify-full",
        ] {
            assert_eq!(postgres(quiet), None, "{quiet}");
        }
        for told in [
            "postgres://rapport:p@db.example.org/rapport",
            "postgres://rapport:p@db.example.org/rapport?sslmode=require",
            "postgres://rapport:p@10.0.0.7/rapport",
            "postgres://rapport:p@10.0.0.7/sslmode=verify-full",
        ] {
            let finding = postgres(told).unwrap();
            assert_eq!(finding.verdict, Verdict::Odd);
            assert!(
                finding.said.contains("sslmode=verify-full") && !finding.said.contains(":p@"),
                "{told}"
            );
        }
        let redis = |url: &str| wire("redis", url, "rediss://", |url| url.starts_with("rediss://"));
        assert!(redis("redis://r.example.org:6379").is_some());
        assert_eq!(redis("rediss://r.example.org:6379"), None);
    }
}
