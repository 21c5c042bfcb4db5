//! The audit log: every command with all that it changed, for admins.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    appointment::Day,
    id::{BatchId, UserId},
    timeline::Moment,
};
use uuid::Uuid;

/// What is looked for. What is not understood in an address is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// Who did it.
    pub who: Option<UserId>,
    /// Which record it was about.
    pub record: Option<Uuid>,
    /// What was done: the command's name.
    pub action: Option<String>,
    /// From this day on, by the viewer's clock.
    pub from: Option<Day>,
    /// Up to this day, itself included.
    pub to: Option<Day>,
    /// Where the page continues.
    pub before: Option<BatchId>,
}

impl AuditQuery {
    /// Reads the fields of an address: `who`, `record`, `action`, `from`, `to`, `before`.
    #[must_use]
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut query = Self::default();
        for (key, value) in pairs {
            match key {
                "who" => query.who = value.parse().ok(),
                "record" => query.record = Uuid::try_parse(value.trim()).ok(),
                // PostgreSQL takes no NUL in a text, and no command has a control character in its name.
                "action" if !value.is_empty() && !value.contains(char::is_control) => {
                    query.action = Some(value.chars().take(60).collect());
                }
                "from" => query.from = value.parse().ok(),
                "to" => query.to = value.parse().ok(),
                "before" => query.before = value.parse().ok(),
                _ => {}
            }
        }
        query
    }

    /// The fields that say the same.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("who", self.who.map(|who| who.to_string())),
            ("record", self.record.map(|record| record.to_string())),
            ("action", self.action.clone()),
            ("from", self.from.map(|day| day.to_string())),
            ("to", self.to.map(|day| day.to_string())),
            ("before", self.before.map(|before| before.to_string())),
        ];
        let given = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
        given.collect()
    }
}

/// One field of a change, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditField {
    /// Which.
    pub field: String,
    /// What it was.
    pub old: Option<String>,
    /// What it became.
    pub new: Option<String>,
}

/// One change of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditChange {
    /// What happened to it: "created", "changed" ...
    pub op: String,
    /// What kind of record it is: "contact point".
    pub kind: String,
    /// Its name, if it has one still.
    pub name: Option<String>,
    /// The record by which its commands are found.
    pub record: Uuid,
    /// The fields that changed.
    pub fields: Vec<AuditField>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The command.
    pub batch: BatchId,
    /// When, as people say it.
    pub at: Moment,
    /// When, to the second, by the viewer's clock.
    pub exact: String,
    /// Who, by name.
    pub by: String,
    /// Through which door: "page", "import", "console".
    pub via: String,
    /// The command's name.
    pub action: String,
    /// Whom or what it was about as far as no change says it: a person, an address, a file.
    pub about: Option<String>,
    /// Whether it took another one back.
    pub is_undo: bool,
    /// The first of its changes.
    pub changes: Vec<AuditChange>,
    /// How many more there are, counted up to a thousand.
    pub more: u32,
}

/// A page of the audit log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// What was looked for.
    pub query: AuditQuery,
    /// What was found.
    pub entries: Vec<AuditEntry>,
    /// Where the next page continues, if there is one.
    pub before: Option<BatchId>,
    /// People to look for, also those who do not work here any more.
    pub people: Vec<(UserId, String)>,
    /// Commands to look for.
    pub actions: Vec<String>,
    /// How the seal stands.
    pub seal: Seal,
}

/// How the journal's seal stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seal {
    /// There is no key.
    Off,
    /// There is a key, and nothing is sealed yet.
    Begins,
    /// It is sealed up to a moment.
    On {
        /// When the newest block was sealed.
        at: Moment,
        /// How many blocks there are.
        blocks: u64,
        /// Commands in them.
        commands: u64,
        /// Changes in them.
        changes: u64,
        /// The newest block.
        head: SealHead,
    },
}

/// A block of the seal as it is kept somewhere else: `rapport-seal:<key>:<number>:<digest>`. Who has it can prove that
/// all that was sealed by then is there still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealHead {
    /// The fingerprint of the key, 16 hexadecimal digits.
    pub key: String,
    /// Which block, from 1.
    pub number: u64,
    /// Its signature, 64 hexadecimal digits.
    pub digest: String,
}

impl fmt::Display for SealHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rapport-seal:{}:{}:{}", self.key, self.number, self.digest)
    }
}

impl FromStr for SealHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a head reads as rapport-seal:KEY:NUMBER:DIGEST".to_owned();
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let parts: Vec<&str> = text.trim().split(':').collect();
        match *parts {
            ["rapport-seal", key, number, digest] if is_hex(key, 16) && is_hex(digest, 64) => Ok(Self {
                key: key.to_owned(),
                number: number.parse().map_err(|_| wrong())?,
                digest: digest.to_owned(),
            }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back_what_it_says() {
        let text = format!("rapport-seal:{}:17:{}", "0a".repeat(8), "f1".repeat(32));
        let head: SealHead = format!(" {text}\n").parse().unwrap();
        assert_eq!((head.number, head.to_string()), (17, text.clone()));
        for wrong in [
            "",
            "rapport-seal",
            &text[1..],
            &text.replace(":17:", ":-1:"),
            &text.replace("0a", "xy"),
        ] {
            assert!(wrong.parse::<SealHead>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_reads_back_what_it_says() {
        let id = "01933d3e-0000-7000-8000-000000000001";
        let all = [
            ("who", id),
            ("record", id),
            ("action", "edit customer"),
            ("from", "2026-11-01"),
            ("to", "2026-11-27"),
            ("before", id),
        ];
        let query = AuditQuery::parse(all);
        let pairs = query.pairs();
        let said: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(said, all);
        let nonsense = [
            ("who", "x"),
            ("record", "1"),
            ("action", ""),
            ("action", "a\0b"),
            ("from", "soon"),
            ("else", "y"),
        ];
        assert_eq!(AuditQuery::parse(nonsense), AuditQuery::default());
    }
}
