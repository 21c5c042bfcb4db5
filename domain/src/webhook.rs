//! Webhooks: where other programs are told of changes as they happen.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    access::words,
    error::FieldErrors,
    event::EventType,
    form::Values,
    id::{DeliveryId, WebhookId},
    query::{Filter, FilterError},
    text,
    timeline::Moment,
};

/// The longest address, in bytes.
pub const URL_MAX: usize = 2_000;
/// The most webhooks there are at once.
pub const WEBHOOKS_MAX: usize = 200;
/// What every secret begins with (Standard Webhooks): base64 of 32 bytes follows.
pub const SECRET_PREFIX: &str = "whsec_";

/// A checked webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookForm {
    /// What it is called.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// Of what, each once.
    pub events: Vec<EventType>,
    /// Of which customers.
    pub filter: Filter,
}

impl WebhookForm {
    /// Checks `name`, `url`, `events` (a type a line) and `filter` (in the language of lists).
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = text::required_line(values.get("name"), "Please say what it is for.");
        let name = errors.take("name", name);
        let url = errors.take("url", parse_url(values.get("url")));
        let events = errors.take("events", parse_events(values.get("events")));
        let filter = errors.take("filter", parse_filter(values.get("filter")));
        match (name, url, events, filter) {
            (Some(name), Some(url), Some(events), Some(filter)) => Ok(Self {
                name,
                url,
                events,
                filter,
            }),
            _ => Err(errors),
        }
    }
}

/// An address of the web without a name or password in it: those would be seen by everybody who sees the webhook.
fn parse_url(raw: &str) -> Result<String, &'static str> {
    let url = raw.trim();
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let host = rest
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .unwrap_or_default();
    if host.is_empty() || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Err("Please give an address such as https://example.org/hook.")
    } else if host.contains('@') {
        Err("Please give an address without a name or a password.")
    } else if url.contains('#') {
        Err("Please leave out what follows the #.")
    } else if url.len() > URL_MAX {
        Err("This address is too long.")
    } else {
        Ok(url.to_owned())
    }
}

fn parse_events(raw: &str) -> Result<Vec<EventType>, String> {
    let lines = raw.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut events = lines.map(str::parse).collect::<Result<Vec<EventType>, _>>()?;
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err("Please choose what it is told of.".to_owned());
    }
    Ok(events)
}

fn parse_filter(raw: &str) -> Result<Filter, String> {
    let filter: Filter = match raw.trim() {
        "" => Filter::default(),
        text => text.parse().map_err(|wrong: FilterError| wrong.to_string())?,
    };
    if filter.names_viewer() {
        return Err(
            "Nobody looks here: please name the person or the team instead of “me” and “mine”.".to_owned(),
        );
    }
    Ok(filter)
}

/// How a webhook fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookState {
    /// What was told last arrived, or nothing was told yet.
    Well,
    /// Nothing arrives, and it is tried again.
    Failing {
        /// Since when.
        since: Moment,
    },
    /// Nothing arrived for so long that it was paused.
    GivenUp,
    /// Somebody paused it.
    Paused,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Counts up with every change of what is set.
    pub version: i64,
    /// What it is called.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// The types of events that it is told.
    pub events: Vec<String>,
    /// Of which customers, in the language of lists; empty for all.
    pub filter: String,
    /// How it fares.
    pub state: WebhookState,
    /// When it was made.
    pub created: Moment,
    /// When something last arrived.
    pub arrived: Option<Moment>,
    /// What its messages are signed with, for ten minutes to the one who made it.
    pub secret: Option<String>,
}

impl Webhook {
    /// Whether it is told at all.
    #[must_use]
    pub fn active(&self) -> bool {
        matches!(self.state, WebhookState::Well | WebhookState::Failing { .. })
    }

    /// As the form of it stands.
    #[must_use]
    pub fn values(&self) -> Values {
        Values::default()
            .with("name", self.name.clone())
            .with("url", self.url.clone())
            .with("events", self.events.join("\n"))
            .with("filter", self.filter.clone())
    }
}

/// How a message fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was left out: whoever paused the webhook let it go on from the present.
    Skipped,
}
words!(DeliveryState: Waiting = "waiting", Delivered = "delivered", Skipped = "skipped");

/// A message to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id, which the receiver sees, too: the same however often it is sent.
    pub id: DeliveryId,
    /// Its place in the log.
    pub place: i64,
    /// The type of its event.
    pub event: String,
    /// When it was written.
    pub at: Moment,
    /// How it fares.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// When last.
    pub tried: Option<Moment>,
    /// What was answered last: the status.
    pub status: Option<u16>,
    /// How long the answer took, in milliseconds.
    pub millis: Option<u32>,
    /// What was answered, its beginning; or why there was no answer.
    pub said: Option<String>,
    /// What is sent.
    pub body: String,
}

/// A webhook with a page of its log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookPage {
    /// The webhook.
    pub webhook: Webhook,
    /// Messages to it.
    pub log: Vec<Delivery>,
    /// The place behind which the log continues, if it does.
    pub before: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Values {
        Values::default()
            .with("name", " Sync ")
            .with("url", " https://example.org/hook?a=1 ")
            .with("events", "note.created\ncustomer.created\nnote.created")
    }

    fn wrong(field: &str, text: &str) -> String {
        let errors = WebhookForm::parse(&good().with(field, text)).unwrap_err();
        errors.0.get(field).cloned().unwrap_or_default()
    }

    #[test]
    fn a_webhook_is_told_of_what_was_chosen_each_once() {
        let form = WebhookForm::parse(&good()).unwrap();
        assert_eq!(form.url, "https://example.org/hook?a=1");
        let events: Vec<String> = form.events.iter().map(ToString::to_string).collect();
        assert_eq!(events, ["customer.created", "note.created"]);
        assert!(form.filter.is_empty());
        assert!(wrong("events", "\n").contains("choose"));
        assert!(wrong("events", "user.created").contains("no event"));
    }

    #[test]
    fn an_address_is_one_of_the_web_without_secrets_in_it() {
        for url in [
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "https:///x",
            "https://a b.example",
        ] {
            assert!(wrong("url", url).contains("such as"), "{url:?}");
        }
        assert!(wrong("url", "https://me:word@example.org/").contains("password"));
        assert!(wrong("url", "https://example.org/#a").contains('#'));
        assert!(wrong("url", &format!("https://example.org/{}", "a".repeat(URL_MAX))).contains("long"));
    }

    #[test]
    fn a_filter_names_nobody_who_looks() {
        assert!(
            WebhookForm::parse(&good().with("filter", "1:stage.is(customer)")).is_ok(),
            "{}",
            wrong("filter", "1:stage.is(customer)")
        );
        assert!(wrong("filter", "1:not(owner.is(me))").contains("Nobody"));
        assert!(wrong("filter", "nonsense").contains("cannot be read"));
    }
}
