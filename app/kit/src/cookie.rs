//! Cookies: their names, their attributes, and how one is read. Server only.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::COOKIE};
use rapport_domain::id::BatchId;

use crate::{
    door::{Flash, local_path},
    theme::Theme,
};

/// How long the message of a form waits for its page, in seconds.
const FLASH_AGE: u64 = 60;
/// The longest message, in bytes. A browser drops a cookie above 4 KB without a word; what a list was filtered by is
/// left out of the way back before that.
const FLASH_MAX: usize = 3_500;
const YEAR: u64 = 60 * 60 * 24 * 365;

/// The session's cookie. Over TLS its name makes the browser hold it to this host and to TLS; over plain HTTP, which
/// is for loopback only, it is another one, so that neither can stand in for the other.
#[must_use]
pub fn session_name(secure: bool) -> &'static str {
    if secure {
        "__Host-rapport"
    } else {
        "rapport-loopback"
    }
}

fn flash_name(secure: bool) -> &'static str {
    if secure {
        "__Host-rapport-flash"
    } else {
        "rapport-flash"
    }
}

/// The value of a cookie that came with the request.
#[must_use]
pub fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Sets the session. The browser may forget it after `age`; when it really ends is for Redis to say.
#[must_use]
pub fn session(secure: bool, secret: &str, age: Duration) -> HeaderValue {
    set(session_name(secure), secret, age.as_secs(), secure, true)
}

/// Forgets the session.
#[must_use]
pub fn no_session(secure: bool) -> HeaderValue {
    set(session_name(secure), "", 0, secure, true)
}

fn theme_name(secure: bool) -> &'static str {
    if secure {
        "__Host-rapport-theme"
    } else {
        "rapport-theme"
    }
}

/// Keeps the chosen colours.
#[must_use]
pub fn theme(secure: bool, theme: Theme) -> HeaderValue {
    match theme {
        // Told, not forgotten: else a choice under the name of before would come back.
        Theme::System if secure => set(theme_name(secure), theme.word(), YEAR, secure, false),
        Theme::System => set(theme_name(secure), "", 0, secure, false),
        chosen => set(theme_name(secure), chosen.word(), YEAR, secure, false),
    }
}

/// The colours that were chosen. Over TLS a choice counts, too, that was kept when the name did not yet bind it to this
/// host.
#[must_use]
pub fn read_theme(headers: &HeaderMap, secure: bool) -> Theme {
    let kept = read(headers, theme_name(secure)).or_else(|| read(headers, theme_name(false)));
    kept.and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Keeps a message for the next page.
#[must_use]
pub fn flash(secure: bool, flash: &Flash) -> HeaderValue {
    let path = flash.back.split('?').next().unwrap_or_default();
    let fits = [&flash.back, path]
        .into_iter()
        .map(|back| flash_text(flash, back))
        .find(|text| text.len() <= FLASH_MAX);
    let text = fits.unwrap_or_else(|| flash_text(flash, "/customers"));
    set(flash_name(secure), &text, FLASH_AGE, secure, true)
}

fn flash_text(flash: &Flash, back: &str) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.append_pair("said", &flash.said).append_pair("back", back);
    if let Some(batch) = flash.undo {
        text.append_pair("undo", &batch.to_string());
    }
    text.finish()
}

/// Forgets the message.
#[must_use]
pub fn no_flash(secure: bool) -> HeaderValue {
    set(flash_name(secure), "", 0, secure, true)
}

/// The message that waits for this page. It is shown as text and what it offers is checked again, so that a forged one
/// can do nothing.
#[must_use]
pub fn read_flash(headers: &HeaderMap, secure: bool) -> Option<Flash> {
    let text = read(headers, flash_name(secure))?;
    let mut flash = Flash {
        said: String::new(),
        undo: None,
        back: "/customers".to_owned(),
    };
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        match key.as_ref() {
            "said" => flash.said = value.chars().take(500).collect(),
            "undo" => flash.undo = value.parse::<BatchId>().ok(),
            "back" => flash.back = local_path(&value).unwrap_or("/customers").to_owned(),
            _ => {}
        }
    }
    (!flash.said.is_empty()).then_some(flash)
}

fn set(name: &str, value: &str, age: u64, secure: bool, hidden: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let hidden = if hidden { "; HttpOnly" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={age}; SameSite=Lax{hidden}{secure}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(format!("a=b; {pair}")).unwrap())])
    }

    #[test]
    fn a_session_over_tls_has_the_host_prefix_and_all_its_attributes() {
        let cookie = session(true, "s", Duration::from_secs(2_592_000));
        assert_eq!(
            cookie,
            "__Host-rapport=s; Path=/; Max-Age=2592000; SameSite=Lax; HttpOnly; Secure"
        );
        assert_eq!(read(&sent(&cookie), session_name(true)), Some("s"));
        assert_eq!(read(&sent(&cookie), session_name(false)), None);
    }

    #[test]
    fn the_colours_are_bound_to_the_host_over_tls_and_an_earlier_choice_counts_until_there_is_one() {
        let dark = theme(true, Theme::Dark);
        let said = "__Host-rapport-theme=dark; Path=/; Max-Age=31536000; SameSite=Lax; Secure";
        assert_eq!(dark, said);
        assert_eq!(read_theme(&sent(&dark), true), Theme::Dark);
        assert_eq!(read_theme(&sent(&dark), false), Theme::System);

        let mut headers = sent(&theme(false, Theme::Light));
        assert_eq!(read_theme(&headers, true), Theme::Light);
        headers.extend(sent(&theme(true, Theme::System)));
        assert_eq!(read_theme(&headers, true), Theme::System);
    }

    #[test]
    fn a_message_reads_back_with_its_undo() {
        let undo = "01933d3e-0000-7000-8000-000000000001".parse().ok();
        let flash = Flash {
            said: "Saved; “ü” = ok, yes.".to_owned(),
            undo,
            back: "/customers?a=b&c=d".to_owned(),
        };
        assert_eq!(
            read_flash(&sent(&super::flash(false, &flash)), false),
            Some(flash)
        );
    }

    #[test]
    fn a_message_with_a_long_way_back_still_fits_a_cookie() {
        let flash = Flash {
            said: "Moved to the trash.".to_owned(),
            undo: "01933d3e-0000-7000-8000-000000000001".parse().ok(),
            back: format!("/customers?filter={}", "%3D".repeat(900)),
        };
        let cookie = super::flash(true, &flash);
        assert!(cookie.len() < 4_000, "{}", cookie.len());
        let shorter = Flash {
            back: "/customers".to_owned(),
            ..flash
        };
        assert_eq!(read_flash(&sent(&cookie), true), Some(shorter));
    }

    #[test]
    fn a_message_cannot_lead_off_the_site() {
        let forged = set("rapport-flash", "said=x&back=%2F%2Fevil.example", 60, false, true);
        assert_eq!(
            read_flash(&sent(&forged), false).map(|flash| flash.back),
            Some("/customers".to_owned())
        );
    }
}
