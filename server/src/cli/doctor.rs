//! What the one who hosts asks first: what is set, and whether all is well.

use std::time::Duration;

use rapport_service::{
    clock::Clock,
    database,
    doctor::{self, Finding, Verdict},
    redis::Redis,
    wire,
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
            (None, Reader::ProgramAsSecret) if config::variable(&config::file_of(setting.name)).is_some() => {
                "(from a file)".to_owned()
            }
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
    let smtp = config.smtp.as_ref();
    let ways = [
        (
            "postgresql",
            wire::postgresql(&stores.database_url),
            config::POSTGRESQL_TLS,
        ),
        ("redis", wire::redis(&stores.redis_url), config::REDIS_TLS),
        (
            "mail",
            smtp.and_then(|smtp| wire::smtp(&smtp.url)),
            config::SMTP_TLS,
        ),
    ];
    found.extend(
        ways.into_iter()
            .filter_map(|(what, host, remedy)| Some(in_clear(what, &host?, remedy))),
    );
    found.push(address(config));
    found.push(mail(config));
    found.push(site());
    Ok(found)
}

/// What there is to say of a way off this machine that is not sure to be encrypted.
fn in_clear(what: &'static str, host: &str, remedy: &str) -> Finding {
    let said = format!(
        "{host} is another machine, and what goes there may be read on the way: {remedy}, unless the network is yours. \
         REQUIRE_TLS makes sure of it"
    );
    Finding::odd(what, said)
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
