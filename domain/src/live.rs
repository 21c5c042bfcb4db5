//! What a browser hears of what others do while somebody looks. News name records and fields, never values: the page
//! reads those anew, with the rights that its viewer has then.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    event::EventKind,
    id::{BatchId, UserId},
};

/// The most records that one piece of news names.
pub const NAMED_MAX: usize = 100;

/// What one command did to one record in sight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// What kind of record it is.
    pub kind: EventKind,
    /// The record; nothing of an appointment that the viewer may know to be there and no more.
    pub record: Option<Uuid>,
    /// The customer that it is about, or is.
    pub customer: Option<Uuid>,
    /// The version that it got by that.
    pub version: i64,
    /// The fields that changed, as the REST API calls them.
    pub fields: Vec<String>,
    /// Whether it went out of the viewer's sight by that.
    pub gone: bool,
}

/// Somebody who looks at a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Looking {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// The field that they are changing, if they are.
    pub field: Option<String>,
}

/// A piece of news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The stream has begun: what happens from now on is told.
    Begun,
    /// A command, or a part of a large one, as far as it is in sight.
    Changed {
        /// The command.
        batch: BatchId,
        /// The number of its last change that this tells of: each piece of a large command has another one.
        upto: i64,
        /// What it did; nothing where it touched too much to be named.
        touched: Vec<Touched>,
    },
    /// Who else looks at a record that the viewer looks at.
    Looking {
        /// The record.
        record: Uuid,
        /// Who.
        people: Vec<Looking>,
    },
    /// Nothing happened; the stream is there still.
    Still,
    /// Something was missed: whatever is shown may be old.
    Missed,
    /// Nothing is told for now: a part of the installation is away.
    Paused,
    /// The session is over.
    Over,
}

/// Where a page stands in the journal, read before the page was: `upto`, or `upto.open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The highest number of a change that was there.
    pub upto: i64,
    /// The oldest transaction that was under way: what it wrote may bear a lower number.
    pub open: Option<i64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.open {
            Some(open) => write!(f, "{}.{open}", self.upto),
            None => write!(f, "{}", self.upto),
        }
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (upto, open) = text
            .split_once('.')
            .map_or((text, None), |(upto, open)| (upto, Some(open)));
        // A browser sends it back, and whoever else likes to: PostgreSQL knows no transaction below zero.
        let number = |text: &str| {
            text.parse()
                .ok()
                .filter(|number: &i64| *number >= 0)
                .ok_or("no place")
        };
        Ok(Self {
            upto: number(upto)?,
            open: open.map(number).transpose()?,
        })
    }
}

/// What a browser says of where its person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// The tab, by an id of its own.
    pub tab: Uuid,
    /// The record that it shows, if it shows one.
    pub record: Option<Uuid>,
    /// The field that is being changed.
    pub field: Option<String>,
    /// Counts up with what the tab says: what arrives late says nothing any more.
    pub turn: u64,
    /// Whether the person did something in the tab lately, or it is only left open.
    pub active: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_what_it_prints() {
        for text in ["7", "7.42"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "x",
            "7.",
            ".7",
            "7.x",
            "7.4.2",
            "-1",
            "7.-5",
            "99999999999999999999",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn news_read_back_what_they_are() {
        let news = News::Changed {
            batch: BatchId(Uuid::nil()),
            upto: 7,
            touched: vec![Touched {
                kind: EventKind::Customer,
                record: Some(Uuid::nil()),
                customer: Some(Uuid::nil()),
                version: 2,
                fields: vec!["city".to_owned()],
                gone: false,
            }],
        };
        let text = serde_json::to_string(&news).unwrap();
        assert!(text.starts_with(r#"{"changed":{"batch":"#), "{text}");
        assert_eq!(serde_json::from_str::<News>(&text).unwrap(), news);
    }
}
