//! The key, and what it signs.

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Result, secret};

/// A signature: HMAC-SHA-256.
pub(super) type Signature = [u8; 32];

/// The key of the seal. It comes from the environment and is never in PostgreSQL.
#[derive(Clone)]
pub struct Key(Arc<Parts>);

struct Parts {
    mac: Hmac<Sha256>,
    fingerprint: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(the key {})", self.0.fingerprint)
    }
}

impl Key {
    /// Reads 64 hexadecimal digits: 256 random bits. Nothing when they are anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let secret = secret::unhex(text.trim()).filter(|secret| secret.len() == 32)?;
        let mac = Hmac::new_from_slice(&secret).ok()?;
        let fingerprint = mac.clone().chain_update(b"fingerprint").finalize().into_bytes();
        let fingerprint = secret::hex(fingerprint.get(..8).unwrap_or_default());
        Some(Self(Arc::new(Parts { mac, fingerprint })))
    }

    /// What tells this key from others and says nothing of it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// Signs what the content says in JSON, whose order is that of its fields.
    pub(super) fn sign(&self, salt: &[u8], content: &impl Serialize) -> Result<Signature> {
        let bytes = serde_json::to_vec(content)?;
        let length = u64::try_from(salt.len()).unwrap_or_default().to_be_bytes();
        let mac = self.0.mac.clone();
        let mac = mac.chain_update(length).chain_update(salt).chain_update(bytes);
        Ok(mac.finalize().into_bytes().into())
    }
}

/// Puts digests together, in the order in which they come.
#[derive(Default)]
pub(super) struct Roll(Sha256);

impl Roll {
    pub(super) fn add(&mut self, place: i64, digest: &[u8]) {
        self.0.update(place.to_be_bytes());
        self.0
            .update(u64::try_from(digest.len()).unwrap_or_default().to_be_bytes());
        self.0.update(digest);
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// Compares two digests in a time that says nothing about where they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn a_key_is_64_digits_and_does_not_print_itself() {
        let key = Key::parse(&format!(" {DIGITS}\n")).unwrap();
        assert_eq!(key.fingerprint().len(), 16);
        assert!(!format!("{key:?}").contains(&DIGITS[..8]));
        for wrong in [
            "",
            "abc",
            &DIGITS[2..],
            &DIGITS.replace('0', "g"),
            &"é".repeat(32),
        ] {
            assert!(Key::parse(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn a_signature_needs_the_key_the_salt_and_every_byte() {
        let key = Key::parse(DIGITS).unwrap();
        let other = Key::parse(&DIGITS.replace('0', "1")).unwrap();
        let signed = key.sign(b"salt", &("a", 1)).unwrap();
        assert_eq!(key.sign(b"salt", &("a", 1)).unwrap(), signed);
        assert_ne!(key.sign(b"salt", &("a", 2)).unwrap(), signed);
        assert_ne!(key.sign(b"sal", &("a", 1)).unwrap(), signed);
        assert_ne!(other.sign(b"salt", &("a", 1)).unwrap(), signed);
    }
}
