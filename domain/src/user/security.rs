//! What guards an account besides its password: a second factor, and sight of the sessions that are open.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{error::FieldErrors, form::Values, password, text, timeline::Moment};

/// Whether everybody has to have a second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorRule {
    /// Each as they like.
    #[default]
    Offered,
    /// Nobody comes in without.
    Demanded,
}
crate::access::words!(FactorRule: Offered = "offered", Demanded = "demanded");

/// The second factor of somebody, as they see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// Since when it is on; none while it is off.
    pub since: Option<Moment>,
    /// How many recovery codes are left.
    pub codes_left: u32,
    /// The recovery codes, for who made them a moment ago.
    pub codes: Vec<String>,
    /// Whether everybody has to have one.
    pub rule: FactorRule,
    /// What an app has to be told to turn it on; none while it is on, and where that is not asked.
    pub offer: Option<Offer>,
}

/// What an authenticator app has to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The key, in base 32, in groups that a person can type.
    pub key: String,
    /// The same as an `otpauth:` address, for an app on the same machine.
    pub link: String,
    /// The same as a QR code.
    pub picture: Picture,
}

/// A QR code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// How many modules it is wide and high, without its margin.
    pub size: u32,
    /// The outline of its dark modules, as the data of an SVG path, a module being 1 wide.
    pub path: String,
}

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// By what it is ended.
    pub id: String,
    /// The browser and its system, in words.
    pub browser: String,
    /// The address that it began from.
    pub from: String,
    /// When it began.
    pub began: Moment,
    /// When it was last used, to the minute.
    pub used: Moment,
    /// Whether it is the one that looks.
    pub here: bool,
}

/// By what somebody shows that it is themselves before something is done about what guards their account. Both are taken
/// as typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// The password.
    pub current: String,
    /// A code of the second factor.
    pub code: String,
}

impl Proof {
    /// Checks that both are there.
    ///
    /// # Errors
    /// A sentence for each missing field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let current = errors.take("current", password::typed(values.get("current")));
        let code = text::required_line(values.get("code"), "Please give a code.");
        match (current, errors.take("code", code)) {
            (Some(current), Some(code)) => Ok(Self { current, code }),
            _ => Err(errors),
        }
    }
}

/// What guards an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// The second factor.
    pub factor: SecondFactor,
    /// The sessions that are open, that of the one who looks first.
    pub sessions: Vec<OpenSession>,
}

/// A browser and its system in words, from what it says of itself (`User-Agent`). It is told to people, never relied on.
#[must_use]
pub fn browser_in_words(agent: &str) -> String {
    // Each also calls itself what stands below it.
    const BROWSERS: [(&str, &str); 8] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let found = |names: &[(&str, &'static str)]| {
        let known = names.iter().find(|(mark, _)| agent.contains(mark));
        known.map(|(_, name)| *name)
    };
    match (found(&BROWSERS), found(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "A browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser_in_words;

    #[test]
    fn a_browser_is_told_by_its_own_name() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5.0", "A browser"),
            ("", "A browser"),
        ] {
            assert_eq!(browser_in_words(agent), words);
        }
    }
}
