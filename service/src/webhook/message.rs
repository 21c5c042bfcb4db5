//! What a webhook is sent, and how it is signed (Standard Webhooks 1.0).

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use rapport_domain::{event::EventKind, webhook::SECRET_PREFIX};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{Error, Result, Service, event::Told};

/// The type of the message by which somebody tries a webhook out.
pub(super) const PING: &str = "ping";

/// A new secret: `whsec_` and 32 random bytes in base64.
pub(super) fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(rand::random::<[u8; 32]>()))
}

/// What is sent about an event.
pub(super) fn body(service: &Service, told: &Told) -> String {
    let event = &told.event;
    let records = match event.what.kind {
        EventKind::Customer => "customers",
        EventKind::Note => "notes",
        EventKind::Appointment => "appointments",
    };
    let data = json!({
        "id": event.record,
        "customer_id": event.customer,
        "version": event.version,
        "fields": event.fields,
        "command": told.batch,
        "user_id": told.actor,
        "via": told.via,
        "url": service.post().link(&format!("/api/v1/{records}/{}", event.record)),
    });
    enveloped(&event.what.to_string(), told.at, &data)
}

/// What is sent to try a webhook out.
pub(super) fn ping(at: chrono::DateTime<Utc>) -> String {
    enveloped(PING, at, &json!({}))
}

fn enveloped(kind: &str, at: chrono::DateTime<Utc>, data: &Value) -> String {
    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({ "type": kind, "timestamp": at, "data": data }).to_string()
}

/// The signature of a message: `v1,` and the HMAC-SHA256 of id, second and body in base64.
///
/// # Errors
/// [`Error::Stored`] when the secret is none.
pub(super) fn sign(secret: &str, id: &str, second: i64, body: &str) -> Result<String> {
    let wrong = || Error::Stored("a webhook's secret".to_owned());
    let key = secret.strip_prefix(SECRET_PREFIX).ok_or_else(wrong)?;
    let key = STANDARD.decode(key).map_err(|_| wrong())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| wrong())?;
    mac.update(format!("{id}.{second}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        // The example of the reference libraries of Standard Webhooks.
        let signed = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_new_secret_signs_and_anything_else_does_not() {
        assert!(sign(&new_secret(), "a", 1, "{}").is_ok());
        for wrong in ["", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(sign(wrong, "a", 1, "{}").is_err(), "{wrong:?}");
        }
    }
}
