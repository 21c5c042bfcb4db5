//! Random secrets, and the hashes that are stored in their place.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits as 64 hexadecimal digits.
pub(crate) fn token() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Whether a text has the form of a [`token`].
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The digits and letters that nobody mixes up (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 150 random bits in six groups that a person can read off a console and type.
pub(crate) fn spoken_token() -> String {
    let letters = rand::random::<[u8; 30]>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    letters
        .chunks(5)
        .map(|group| group.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}

/// Whether what a person typed has the length of a [`spoken_token`].
pub(crate) fn is_spoken(typed: &str) -> bool {
    typed.chars().filter(char::is_ascii_alphanumeric).count() == 30
}

/// What a person typed for a [`spoken_token`], as it was printed: case, blanks and hyphens do not matter.
pub(crate) fn heard(typed: &str) -> String {
    let letters = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        });
    let letters: Vec<char> = letters.collect();
    letters
        .chunks(5)
        .map(|group| group.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}

/// The SHA-256 of a text, as hexadecimal digits.
pub(crate) fn digest(text: &str) -> String {
    digest_bytes(text.as_bytes())
}

/// The SHA-256 of bytes, as hexadecimal digits.
pub(crate) fn digest_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Compares two texts in a time that says nothing about where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| match pair {
        [b'+', _] => None,
        _ => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_sha_256_of_fips_180_4() {
        assert_eq!(
            digest("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn digits_are_read_back_and_nothing_else_is() {
        let bytes = [0, 15, 16, 255];
        assert_eq!(unhex(&hex(&bytes)), Some(bytes.to_vec()));
        for wrong in ["0", "0g", "+1", "é0"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_recognised_by_its_form() {
        assert!(is_token(&token()));
        for text in [
            "",
            "abc",
            &token().to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
            &"é".repeat(32),
        ] {
            assert!(!is_token(text), "{text:?}");
        }
    }

    #[test]
    fn a_spoken_token_is_heard_however_it_is_typed() {
        let token = spoken_token();
        assert_eq!(token.len(), 35);
        assert_eq!(heard(&token), token);
        assert_eq!(
            heard(&format!(" {} ", token.to_lowercase().replace('-', " "))),
            token
        );
        assert_eq!(heard("oil00-abc"), "01100-ABC");
    }
}
