//! How a file is written: its encoding and what stands between its values, told from its first bytes.

use serde::{Deserialize, Serialize};

use super::{
    FileError,
    encoding::{Encoding, decode_head},
};

/// How much of a file is enough to tell its dialect.
pub const HEAD_BYTES: usize = 1 << 16;

/// What stands between two values of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// Every delimiter; the ones that text itself seldom has come first.
    pub const EVERY: [Self; 4] = [Self::Tab, Self::Semicolon, Self::Pipe, Self::Comma];

    /// The byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    /// Its name inside a sentence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "vertical bar",
        }
    }
}

/// How the file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dialect {
    /// How it writes its characters.
    pub encoding: Encoding,
    /// What stands between two values.
    pub delimiter: Delimiter,
}

impl Dialect {
    /// Tells the dialect from the beginning of a file, at best its first [`HEAD_BYTES`].
    ///
    /// # Errors
    /// [`FileError::Empty`], [`FileError::Workbook`] or [`FileError::NotText`].
    pub fn detect(head: &[u8]) -> Result<Self, FileError> {
        if let Some(refusal) = known_format(head) {
            return Err(refusal);
        }
        let encoding = encoding(head)?;
        let text = decode_head(head, encoding);
        if text.trim().is_empty() {
            return Err(FileError::Empty);
        }
        if !is_text(&text) {
            return Err(FileError::NotText);
        }
        Ok(Self {
            encoding,
            delimiter: delimiter(&text),
        })
    }
}

/// Refuses what is certainly another kind of file.
fn known_format(head: &[u8]) -> Option<FileError> {
    // Zip (and so .xlsx, .ods, .numbers), and the older Excel.
    const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0"];
    const OTHERS: [&[u8]; 9] = [
        b"\x89PNG",
        b"\xFF\xD8\xFF",
        b"GIF8",
        b"%PDF",
        b"RIFF",
        b"\x1F\x8B",
        b"7z\xBC\xAF",
        b"Rar!",
        b"SQLite format",
    ];
    let begins = |with: &&[u8]| head.starts_with(with);
    if WORKBOOKS.iter().any(begins) {
        Some(FileError::Workbook)
    } else if OTHERS.iter().any(begins) || head.starts_with(b"\xFF\xFE\0\0") {
        Some(FileError::NotText)
    } else {
        None
    }
}

/// A beginning of at least so many bytes is taken for a cut one.
const CUT_MIN: usize = 1 << 12;

fn encoding(head: &[u8]) -> Result<Encoding, FileError> {
    for marked in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
        if head.starts_with(marked.mark()) {
            return Ok(marked);
        }
    }
    if head.contains(&0) {
        // Text of any language has blanks, line ends and digits, which are half zero in UTF-16.
        let zeros = |first: usize| {
            head.iter()
                .skip(first)
                .step_by(2)
                .filter(|byte| **byte == 0)
                .count()
        };
        let guess = if zeros(0) > zeros(1) {
            Encoding::Utf16Be
        } else {
            Encoding::Utf16Le
        };
        let text = decode_head(head, guess);
        let sound = is_text(&text) && text.contains(['\n', '\r', ',', ';', '\t', '|']);
        return if sound { Ok(guess) } else { Err(FileError::NotText) };
    }
    // A few broken rows do not make UTF-8 something else: what counts is whether its sequences are the rule.
    let (mut sound, mut broken) = (0_usize, 0_usize);
    for part in head.utf8_chunks() {
        sound += part.valid().chars().filter(|c| !c.is_ascii()).count();
        // At the end it may be the half of a character that the cut parted; a single byte only where there was a cut.
        let last = part.invalid().as_ptr_range().end == head.as_ptr_range().end;
        let cut = last && (part.invalid().len() > 1 || head.len() >= CUT_MIN);
        broken += usize::from(!part.invalid().is_empty() && !cut);
    }
    Ok(if broken > sound {
        Encoding::Windows1252
    } else {
        Encoding::Utf8
    })
}

/// Whether nearly all of it is what people read.
fn is_text(text: &str) -> bool {
    let (mut all, mut bad) = (0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        bad += usize::from((c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || c == '\u{FFFD}');
    }
    !text.contains('\0') && bad * 20 <= all
}

/// Counts the values of the first rows under each delimiter; the one under which rows are most like the header wins.
fn delimiter(text: &str) -> Delimiter {
    if let Some(told) = told_delimiter(text) {
        return told;
    }
    let score = |delimiter: Delimiter| {
        let counts = counts(text, delimiter);
        let columns = counts.first().copied().unwrap_or_default();
        let alike = counts.iter().filter(|count| **count == columns).count();
        // Times 1000, for a comparison without fractions.
        columns.saturating_sub(1) * alike * 1_000 / counts.len().max(1)
    };
    let mut best = (Delimiter::Comma, 0);
    for delimiter in Delimiter::EVERY {
        let score = score(delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// The delimiter that a first line `sep=;` names, as Excel writes it.
pub(super) fn told_delimiter(text: &str) -> Option<Delimiter> {
    let told = text.lines().next()?.trim_matches('"').strip_prefix("sep=")?;
    Delimiter::EVERY
        .into_iter()
        .find(|delimiter| told.as_bytes() == [delimiter.byte()])
}

/// How many values each of the first rows has. The last may be cut and does not count if there are others.
fn counts(text: &str, delimiter: Delimiter) -> Vec<usize> {
    const ROWS: usize = 100;
    let mut counts = Vec::new();
    let (mut count, mut quoted, mut fresh, mut blank) = (1, false, true, true);
    for &byte in text.as_bytes() {
        match byte {
            b'"' if quoted || fresh => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                if !blank {
                    counts.push(count);
                }
                (count, blank) = (1, true);
                if counts.len() >= ROWS {
                    return counts;
                }
            }
            byte if byte == delimiter.byte() && !quoted => (count, blank) = (count + 1, false),
            _ => blank = false,
        }
        fresh = byte == delimiter.byte() || byte == b'\n' || byte == b'\r' || (byte == b'"' && !quoted);
    }
    if counts.len() < 2 && !blank {
        counts.push(count);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(head: &[u8]) -> (Encoding, Delimiter) {
        let dialect = Dialect::detect(head).unwrap();
        (dialect.encoding, dialect.delimiter)
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_delimiter_is_told_from_the_rows() {
        for (text, delimiter) in [
            ("a,b\n1,2\n", Delimiter::Comma),
            ("a;b\n1,5;2,5\n", Delimiter::Semicolon),
            ("a\tb\n1, 2\t3\n", Delimiter::Tab),
            ("a|b|c\n1|2|3\n", Delimiter::Pipe),
            ("\"a;b\",c\n\"x;y\n;;\",d\n", Delimiter::Comma),
            ("Last, first\tPhone\nDoe, Jo\t1\n", Delimiter::Tab),
            ("sep=;\na,b;c\n", Delimiter::Semicolon),
            ("one\ntwo\n", Delimiter::Comma),
            ("name;street\nA;1, b, c\nB;2, d\n", Delimiter::Semicolon),
        ] {
            assert_eq!(detect(text.as_bytes()).1, delimiter, "{text:?}");
        }
    }

    #[test]
    fn an_encoding_is_told_with_its_mark_and_without() {
        let text = "Näme;Ort\nJürgen;Köln\nДмитрий;東京\n";
        assert_eq!(detect(text.as_bytes()).0, Encoding::Utf8);
        assert_eq!(detect(format!("\u{feff}{text}").as_bytes()).0, Encoding::Utf8);
        for marked in [text.to_owned(), format!("\u{feff}{text}")] {
            assert_eq!(
                detect(&utf16(&marked, u16::to_le_bytes)),
                (Encoding::Utf16Le, Delimiter::Semicolon)
            );
            assert_eq!(
                detect(&utf16(&marked, u16::to_be_bytes)),
                (Encoding::Utf16Be, Delimiter::Semicolon)
            );
        }
        assert_eq!(detect(b"Name;Ort\nJ\xFCrgen;K\xF6ln\n").0, Encoding::Windows1252);
        assert_eq!(detect(b"a,b\n\x80 5,\x93x\x94\n").0, Encoding::Windows1252);
    }

    #[test]
    fn one_broken_row_leaves_utf_8_what_it_is() {
        let mut file = "Ort\nKöln\nLübeck\nGießen\n".as_bytes().to_vec();
        file.extend(b"M\xFCnchen\n");
        assert_eq!(detect(&file).0, Encoding::Utf8);
    }

    #[test]
    fn a_head_that_parts_a_character_is_still_utf_8() {
        let text = "a,b\n1,東".as_bytes();
        assert_eq!(detect(&text[..text.len() - 1]).0, Encoding::Utf8);
    }

    #[test]
    fn what_is_no_text_is_refused_with_a_sentence() {
        let refusal = |head: &[u8]| Dialect::detect(head).unwrap_err().to_string();
        assert_eq!(refusal(b""), "The file is empty.");
        assert_eq!(refusal(b"\xEF\xBB\xBF\r\n  \n"), "The file is empty.");
        assert_eq!(refusal(b"\xFF\xFE"), "The file is empty.");
        assert!(refusal(b"PK\x03\x04\x14\0\x06\0").contains("workbook"));
        for picture in [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..],
            b"\xFF\xD8\xFF\xE0\0\x10JFIF",
            b"GIF89a",
            b"%PDF-1.7",
            b"a\0\0\0\0b",
        ] {
            assert!(
                refusal(picture).starts_with("This is not a text file."),
                "{picture:?}"
            );
        }
        let noise: Vec<u8> = (0..4_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 1)
            .collect();
        assert!(refusal(&noise).starts_with("This is not a text file."));
    }
}
