//! Which passwords may be set. Source: OWASP ASVS 5.0, 6.2: length and a list of common ones, no composition rules.

/// The shortest password that may be set, in characters.
pub const CHARS_MIN: usize = 12;
/// The longest password, in bytes, so that hashing has a bound.
pub const BYTES_MAX: usize = 1024;

/// Checks a password that somebody wants to set; it is kept exactly as typed.
///
/// # Errors
/// A sentence for the field.
pub fn check(typed: &str) -> Result<String, String> {
    if typed.chars().count() < CHARS_MIN {
        return Err(format!("Please use at least {CHARS_MIN} characters."));
    }
    if typed.len() > BYTES_MAX {
        return Err(format!("Please use at most {BYTES_MAX} bytes."));
    }
    Ok(typed.to_owned())
}
