//! The text of a place in a sorted list: a token that a URL holds as it is.
//!
//! `1.<order>.<id>.<value>`; in the value everything but letters and digits of ASCII, `-` and `_` is `~` and two
//! hexadecimal digits a byte. Of a search it is `1.rank.<matches before>`. It is opaque to those who pass it on.

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::{Cursor, RANKED_MAX, Sort, SortBy};
use crate::{id::CustomerId, text};

const VERSION: &str = "1";
/// What a place in a search begins with.
const RANK: &str = "1.rank.";
const BROKEN: &str = "This place in the list cannot be read; please start from the first page.";

/// The token of the page of a search that comes after so many matches.
pub(super) fn rank_token(skip: u16) -> String {
    format!("{RANK}{skip}")
}

/// Reads the token of a place in a search; none for a token of another kind.
pub(super) fn rank(token: &str) -> Option<Result<u16, String>> {
    let skip = token.strip_prefix(RANK)?.parse().ok();
    let skip = skip.filter(|skip| *skip <= RANKED_MAX);
    Some(skip.ok_or_else(|| BROKEN.to_owned()))
}

impl Cursor {
    /// The place beside a row, in a list sorted by name.
    #[must_use]
    pub fn by_name(name: &str, id: CustomerId, backwards: bool) -> Self {
        Self {
            value: name.to_owned(),
            id,
            backwards,
        }
    }

    /// The place beside a row, in a list sorted by an instant. Microseconds are kept, as PostgreSQL does.
    #[must_use]
    pub fn by_instant(at: DateTime<Utc>, id: CustomerId, backwards: bool) -> Self {
        Self {
            value: at.timestamp_micros().to_string(),
            id,
            backwards,
        }
    }

    /// The sort value as an instant; none when the list is sorted by name.
    #[must_use]
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        instant(&self.value)
    }

    /// The token for `after=` or `before=`, good for this order only.
    #[must_use]
    pub fn token(&self, sort: Sort) -> String {
        let mut token = format!("{VERSION}.{sort}.{}.", self.id.0.simple());
        for byte in self.value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
                token.push(char::from(byte));
            } else {
                token.push_str(&format!("~{byte:02x}"));
            }
        }
        token
    }

    /// Reads a token for a list in this order.
    ///
    /// # Errors
    /// A sentence, when it is none, was tampered with, or belongs to another order.
    pub fn parse(token: &str, sort: Sort, backwards: bool) -> Result<Self, String> {
        let broken = || BROKEN.to_owned();
        let mut parts = token.splitn(4, '.');
        let (Some(VERSION), Some(order), Some(id), Some(value)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(broken());
        };
        if order.parse::<Sort>().map_err(|_| broken())? != sort {
            return Err(
                "This place belongs to a list in another order; please start from the first page.".to_owned(),
            );
        }
        let id = (id.len() == 32)
            .then(|| Uuid::try_parse(id).ok())
            .flatten()
            .ok_or_else(broken)?;
        let value = unescape(value).ok_or_else(broken)?;
        let sound = match sort.by {
            SortBy::Name => value.chars().count() <= text::LINE_MAX && !value.contains(char::is_control),
            SortBy::Created | SortBy::Updated => instant(&value).is_some(),
        };
        if sound {
            Ok(Self {
                value,
                id: CustomerId(id),
                backwards,
            })
        } else {
            Err(broken())
        }
    }
}

/// The instant that many microseconds after 1970 began, in a year of four digits: PostgreSQL does not know them all.
fn instant(micros: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    (1..=9999).contains(&at.year()).then_some(at)
}

fn unescape(text: &str) -> Option<String> {
    // Three bytes of the token for a byte of the value, four of those for a character at most.
    if text.len() > text::LINE_MAX * 12 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'~' => bytes.push(hex(rest.next()?)? << 4 | hex(rest.next()?)?),
            b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::uuid_v7;

    fn id() -> CustomerId {
        CustomerId(uuid_v7(1, [2; 10]))
    }

    #[test]
    fn a_token_needs_no_encoding_in_a_url() {
        let token = Cursor::by_name("São & Co. ~ 100%", id(), false).token(Sort::default());
        assert_eq!(
            token,
            "1.name.00000000000172028202020202020202.S~c3~a3o~20~26~20Co~2e~20~7e~20100~25"
        );
    }

    #[test]
    fn a_token_holds_for_its_order_only() {
        let sort = Sort {
            by: SortBy::Updated,
            descending: true,
        };
        let cursor = Cursor::by_instant("2026-11-22T10:00:00.123456Z".parse().unwrap(), id(), true);
        let token = cursor.token(sort);
        assert_eq!(Cursor::parse(&token, sort, true), Ok(cursor.clone()));
        assert_eq!(cursor.instant().unwrap().timestamp_subsec_micros(), 123_456);
        for other in [
            Sort::default(),
            Sort {
                descending: false,
                ..sort
            },
        ] {
            assert!(
                Cursor::parse(&token, other, true)
                    .unwrap_err()
                    .contains("another order")
            );
        }
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused() {
        let good = Cursor::by_name("Bon app'", id(), false).token(Sort::default());
        assert!(Cursor::parse(&good, Sort::default(), false).is_ok());
        for bad in [
            String::new(),
            "1".to_owned(),
            good.replacen('1', "2", 1),
            good.replace("00000000000172", "0000000000017g"),
            good.replace("~20", "~2g"),
            format!("{good}~2"),
            good.replace("~20", "~ff"),
            good.replace("~20", "~00"),
            good.replace("~20", " "),
            format!("{good}{}", "x".repeat(1 << 20)),
            good.replace(".name.", ".-updated."),
            good.replace(".name.", ".phone."),
        ] {
            assert!(
                Cursor::parse(&bad, Sort::default(), false)
                    .unwrap_err()
                    .ends_with("the first page."),
                "{bad:.80}"
            );
        }
        let updated = Sort {
            by: SortBy::Updated,
            descending: false,
        };
        assert!(Cursor::parse(&good.replace(".name.", ".updated."), updated, false).is_err());
    }

    proptest! {
        #[test]
        fn a_token_reads_back(name in r"[^\p{Cc}]{0,200}", seed in any::<[u8; 10]>(), backwards: bool) {
            let cursor = Cursor::by_name(&name, CustomerId(uuid_v7(7, seed)), backwards);
            prop_assert_eq!(Cursor::parse(&cursor.token(Sort::default()), Sort::default(), backwards), Ok(cursor));
        }

        #[test]
        fn any_token_is_read_or_refused(token in r"(1\.name\.)?\PC{0,60}") {
            let _ = Cursor::parse(&token, Sort::default(), false);
        }
    }
}
