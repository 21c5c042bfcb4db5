//! Bytes of a file into UTF-8, as they come, and back: how many bytes of the file a piece of the text was.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// How much is read at once. Even, so that it never parts a unit of UTF-16 by itself.
pub(super) const CHUNK: usize = 1 << 16;

/// Stands in the decoded text for a unit that the encoding does not have. It is no UTF-8 either, so that the row it is
/// in becomes unreadable instead of silently wrong.
const BROKEN_UNIT: u8 = 0xFF;
/// The same for half a unit of UTF-16, at the end of a file of an odd number of bytes.
const BROKEN_HALF: u8 = 0xFE;

/// How the file writes its characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with a byte order mark or without.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the low byte first: what Excel calls “Unicode text”.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows' code page of western Europe: what Excel calls “CSV” there.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// The bytes 0x80 to 0x9F of Windows-1252 (<https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT>).
/// NUL where it has nothing; elsewhere a byte is the character of its number.
const HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

impl Encoding {
    /// Every encoding, in the order in which a page offers them.
    pub const EVERY: [Self; 4] = [Self::Utf8, Self::Windows1252, Self::Utf16Le, Self::Utf16Be];

    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        }
    }

    /// The byte order mark in this encoding.
    pub(super) fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 => b"\xEF\xBB\xBF",
            Self::Utf16Le => b"\xFF\xFE",
            Self::Utf16Be => b"\xFE\xFF",
            Self::Windows1252 => b"",
        }
    }

    /// How many bytes of the file a piece of the decoded text was.
    pub(super) fn raw_len(self, decoded: &[u8]) -> u64 {
        let sum = |bytes: fn(u8) -> u64| decoded.iter().map(|&byte| bytes(byte)).sum();
        match self {
            Self::Utf8 => decoded.len() as u64,
            Self::Windows1252 => sum(|byte| u64::from(byte & 0xC0 != 0x80)),
            Self::Utf16Le | Self::Utf16Be => sum(|byte| match byte {
                0x80..0xC0 => 0,
                BROKEN_HALF => 1,
                0xF0..BROKEN_HALF => 4,
                _ => 2,
            }),
        }
    }
}

/// Reads a source in its encoding, gives UTF-8. What is UTF-8 already is passed on unchecked.
#[derive(Debug)]
pub(super) struct Decoder<R> {
    source: R,
    encoding: Encoding,
    chunk: Vec<u8>,
    /// How much of the chunk's beginning is left from before: an odd byte, a half of a surrogate pair.
    left: usize,
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(source: R, encoding: Encoding) -> Self {
        Self {
            source,
            encoding,
            chunk: vec![0; CHUNK],
            left: 0,
        }
    }

    /// Appends some more text. Gives how many bytes of the file were read; zero at the end, when all has been given.
    pub(super) fn fill(&mut self, text: &mut Vec<u8>) -> io::Result<usize> {
        let target = self.chunk.get_mut(self.left..).unwrap_or_default();
        let count = loop {
            match self.source.read(target) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let ended = count == 0;
        let bytes = self.chunk.get(..self.left + count).unwrap_or_default();
        let used = match self.encoding {
            Encoding::Utf8 => {
                text.extend_from_slice(bytes);
                bytes.len()
            }
            Encoding::Windows1252 => {
                decode_1252(bytes, text);
                bytes.len()
            }
            Encoding::Utf16Le => decode_16(bytes, text, u16::from_le_bytes, ended),
            Encoding::Utf16Be => decode_16(bytes, text, u16::from_be_bytes, ended),
        };
        self.left = bytes.len() - used;
        let end = used + self.left;
        self.chunk.copy_within(used..end, 0);
        Ok(count)
    }
}

fn decode_1252(bytes: &[u8], text: &mut Vec<u8>) {
    text.reserve(bytes.len());
    for part in bytes.chunk_by(|one, other| one.is_ascii() == other.is_ascii()) {
        if part.is_ascii() {
            text.extend_from_slice(part);
            continue;
        }
        for &byte in part {
            match HIGH.get(usize::from(byte.wrapping_sub(0x80))) {
                Some('\0') => text.push(BROKEN_UNIT),
                Some(&high) => push(text, high),
                None => push(text, char::from(byte)),
            }
        }
    }
}

/// Decodes as much as is whole, and at the end of the file all. Gives how many bytes that were.
fn decode_16(bytes: &[u8], text: &mut Vec<u8>, unit: fn([u8; 2]) -> u16, ended: bool) -> usize {
    text.reserve(bytes.len());
    let (units, odd) = bytes.as_chunks::<2>();
    let mut at = 0;
    while let Some(&first) = units.get(at) {
        let first = unit(first);
        at += 1;
        match first {
            0xD800..0xDC00 => match units.get(at).map(|&second| unit(second)) {
                Some(second @ 0xDC00..0xE000) => {
                    at += 1;
                    let code = 0x10000 + (u32::from(first - 0xD800) << 10) + u32::from(second - 0xDC00);
                    push_code(text, code);
                }
                None if !ended => return (at - 1) * 2,
                _ => text.push(BROKEN_UNIT),
            },
            code => push_code(text, u32::from(code)),
        }
    }
    if ended && !odd.is_empty() {
        text.push(BROKEN_HALF);
        return bytes.len();
    }
    at * 2
}

/// A surrogate by itself is no character.
fn push_code(text: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) => push(text, c),
        None => text.push(BROKEN_UNIT),
    }
}

fn push(text: &mut Vec<u8>, c: char) {
    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// A beginning of a file as text, for a look at it. What is broken is U+FFFD, what the cut parted is left out.
pub(super) fn decode_head(head: &[u8], encoding: Encoding) -> String {
    let mut text = Vec::new();
    let head = head.strip_prefix(encoding.mark()).unwrap_or(head);
    match encoding {
        Encoding::Utf8 => {
            let half = head.utf8_chunks().last().map_or(0, |part| part.invalid().len());
            text.extend_from_slice(head.get(..head.len() - half).unwrap_or_default());
        }
        Encoding::Windows1252 => decode_1252(head, &mut text),
        Encoding::Utf16Le => drop(decode_16(head, &mut text, u16::from_le_bytes, false)),
        Encoding::Utf16Be => drop(decode_16(head, &mut text, u16::from_be_bytes, false)),
    }
    String::from_utf8_lossy(&text).into_owned()
}
