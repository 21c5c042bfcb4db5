//! The ways off this machine: which of them are encrypted for sure, and lead to the very host that was meant.
//!
//! Each of these gives the host to which a URL leads in clear, or may; nothing where the way is guarded, stays on this
//! machine, or the URL is none: then whoever connects by it says so.

use std::net::IpAddr;

use reqwest::Url;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};

/// As PostgreSQL's own programs read it: TLS is certain, and the certificate that of the host, only by
/// `sslmode=verify-full`.
#[must_use]
pub fn postgresql(url: &str) -> Option<String> {
    let options: PgConnectOptions = url.parse().ok()?;
    let guarded = options.get_socket().is_some() || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
    away(options.get_host()).filter(|_| !guarded)
}

/// `rediss://` is TLS, and the certificate is looked at.
#[must_use]
pub fn redis(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    away(url.host_str()?).filter(|_| url.scheme() != "rediss")
}

/// `smtps://` is TLS; `smtp://` turns to it for sure only by `tls=required`.
#[must_use]
pub fn smtp(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let turns = || {
        url.query_pairs()
            .any(|(name, value)| name == "tls" && value == "required")
    };
    away(url.host_str()?).filter(|_| url.scheme() != "smtps" && !turns())
}

/// The host, unless it is this machine: a socket, or loopback.
fn away(host: &str) -> Option<String> {
    let host = host.trim_matches(['[', ']']);
    let loopback = |address: IpAddr| address.to_canonical().is_loopback();
    let here = host == "localhost" || host.starts_with('/') || host.parse().is_ok_and(loopback);
    (!here).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_leave_in_clear_is_told_apart_from_what_does_not() {
        for guarded in [
            "postgres://rapport:p@127.0.0.1:5432/rapport",
            "postgres://rapport:p@[::1]:5432/rapport",
            "postgres://rapport:p@localhost/rapport",
            "postgres:///rapport?host=/var/run/postgresql",
            "postgres://rapport:p@db.example.org/rapport?sslmode=verify-full",
            "postgres://rapport:p@db.example.org/rapport?application_name=x&ssl-mode=verify-full",
        ] {
            assert_eq!(postgresql(guarded), None, "{guarded}");
        }
        for (told, host) in [
            ("postgres://rapport:p@db.example.org/rapport", "db.example.org"),
            (
                "postgres://rapport:p@db.example.org/rapport?sslmode=require",
                "db.example.org",
            ),
            (
                "postgres://rapport:p@db.example.org/rapport?sslmode=verify-ca",
                "db.example.org",
            ),
            ("postgres://rapport:p@10.0.0.7/rapport", "10.0.0.7"),
            ("postgres://rapport:p@10.0.0.7/sslmode=verify-full", "10.0.0.7"),
            (
                "postgres://rapport:p@localhost/rapport?host=db.example.org",
                "db.example.org",
            ),
        ] {
            assert_eq!(postgresql(told).as_deref(), Some(host), "{told}");
        }
        assert_eq!(
            redis("redis://default:p@r.example.org:6379/0").as_deref(),
            Some("r.example.org")
        );
        assert_eq!(redis("rediss://default:p@r.example.org:6379/0"), None);
        assert_eq!(redis("redis://default:p@[::1]:6379/0"), None);
        for (url, host) in [
            ("smtps://user:p@mail.example.org", None),
            ("smtp://user:p@mail.example.org:587?tls=required", None),
            ("smtp://localhost:25", None),
            (
                "smtp://user:p@mail.example.org:587?tls=opportunistic",
                Some("mail.example.org"),
            ),
            ("smtp://mail.example.org", Some("mail.example.org")),
        ] {
            assert_eq!(smtp(url).as_deref(), host, "{url}");
        }
    }
}
