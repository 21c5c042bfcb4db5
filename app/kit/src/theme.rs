//! Light or dark, by the system or by choice. The choice is a cookie, so that the first paint is right.

use std::str::FromStr;

/// Which colours the person wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// What the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The word for the cookie, the form and the `data-theme` attribute.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What `<html data-theme>` says; nothing when the system decides.
    #[must_use]
    pub fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.word())
    }
}

impl FromStr for Theme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "system" => Ok(Self::System),
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            _ => Err("Please pick one of the list.".to_owned()),
        }
    }
}
