//! What a text must hold to before it may enter a record.

/// The longest text of one line, in characters: a name, a street, an e-mail address.
pub const LINE_MAX: usize = 200;

/// The longest text of several lines, in characters: a note.
pub const PROSE_MAX: usize = 20_000;

/// Cleans a text of one line: NFC, no control characters, no blanks at the ends.
///
/// # Errors
/// A sentence, when it is longer than [`LINE_MAX`] or holds a character that no line holds.
pub fn line(raw: &str) -> Result<String, String> {
    clean(raw, LINE_MAX, |c| c.is_control())
}

/// Cleans a text of several lines: NFC, line ends as `\n`, no control characters but tab and line end.
///
/// # Errors
/// A sentence, when it is longer than [`PROSE_MAX`] or holds a control character.
pub fn prose(raw: &str) -> Result<String, String> {
    clean(&raw.replace("\r\n", "\n"), PROSE_MAX, |c| {
        c.is_control() && c != '\n' && c != '\t'
    })
}

/// Like [`line`], but nothing is an error: the sentence says that the field is needed.
///
/// # Errors
/// As [`line`], and when nothing is left.
pub fn required_line(raw: &str, needed: &str) -> Result<String, String> {
    let text = line(raw)?;
    if text.is_empty() {
        Err(needed.to_owned())
    } else {
        Ok(text)
    }
}

/// So many of something, in words: “1 row”, “2 rows”.
#[must_use]
pub fn many(count: u64, one: &str, more: &str) -> String {
    let what = if count == 1 { one } else { more };
    format!("{count} {what}")
}

/// Nothing, or the text.
#[must_use]
pub fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Whether a character turns the direction of the text around it, by which a name can pretend to be another.
#[must_use]
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn clean(raw: &str, max: usize, refused: impl Fn(char) -> bool) -> Result<String, String> {
    let too_long = || Err(format!("Please use at most {max} characters."));
    // Bytes first: a megabyte is refused without a walk through its characters.
    if raw.len() > max * 4 {
        return too_long();
    }
    let text = composed(raw.trim());
    // Counted when composed, which makes most texts shorter and a few longer: what is kept must read back.
    if text.chars().count() > max {
        return too_long();
    }
    if text.chars().any(refused) {
        return Err("Please remove the invisible control characters.".to_owned());
    }
    Ok(text)
}

/// The text in NFC.
pub(crate) fn composed(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    #[cfg(not(target_family = "wasm"))]
    return unicode_normalization::UnicodeNormalization::nfc(text).collect();
    // The browser brings its own tables.
    #[cfg(target_family = "wasm")]
    js_sys::JsString::from(text).normalize("NFC").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_accents_emoji_right_to_left_and_html_as_they_are() {
        for text in ["Luleå", "👩‍👩‍👧 Family", "مرحبا", "<b onclick=x>&amp;</b>"] {
            assert_eq!(line(text), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_line_is_stored_in_composed_form_without_outer_blanks() {
        assert_eq!(line("  Lulea\u{30a}\t"), Ok("Luleå".to_owned()));
    }

    #[test]
    fn nul_bytes_and_line_ends_are_refused_in_a_line() {
        assert!(line("a\0b").is_err());
        assert!(line("a\nb").is_err());
    }

    #[test]
    fn a_megabyte_is_refused_with_the_limit_in_the_sentence() {
        assert_eq!(
            line(&"x".repeat(1 << 20)),
            Err("Please use at most 200 characters.".to_owned())
        );
        assert!(prose(&"x".repeat(1 << 20)).is_err());
    }

    #[test]
    fn the_length_is_that_of_the_composed_form() {
        assert!(line(&"a\u{30a}".repeat(LINE_MAX)).is_ok());
        // U+FB2C is not composed but taken apart, into three.
        assert!(line(&"\u{fb2c}".repeat(LINE_MAX)).is_err());
    }

    #[test]
    fn prose_keeps_its_lines() {
        assert_eq!(prose("a\r\nb\tc"), Ok("a\nb\tc".to_owned()));
    }
}
