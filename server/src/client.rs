//! Who is at the other end: address, scheme and host, as far as trusted proxies tell.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, Uri, header::HOST, request::Parts};

use rapport_service::network::Network;

/// The other end of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The browser's address, or that of the nearest hop that is not trusted.
    pub address: IpAddr,
    /// Whether the browser speaks TLS.
    pub secure: bool,
    /// The host and port that the browser asked for.
    pub host: String,
    /// Whether both ends are this machine.
    pub loopback: bool,
}

impl Client {
    /// Reads it from a request. The headers of a peer that is not trusted count for nothing.
    #[must_use]
    pub fn of(parts: &Parts, trusted: &[Network]) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.0.ip().to_canonical()
        });
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
        let host =
            header(&parts.headers, HOST.as_str()).or_else(|| parts.uri.authority().map(|host| host.as_str()));
        let (address, secure, host) = if is_trusted(peer) {
            let hops = list(&parts.headers, "x-forwarded-for");
            // From the nearest hop outwards: the first that is not ours is the client. What cannot be read ends the walk.
            let hops = hops
                .iter()
                .rev()
                .map_while(|hop| hop.parse::<IpAddr>().ok())
                .map(|hop| hop.to_canonical());
            let mut address = peer;
            for hop in hops {
                address = hop;
                if !is_trusted(hop) {
                    break;
                }
            }
            let scheme = list(&parts.headers, "x-forwarded-proto").last() == Some(&"https");
            let forwarded = list(&parts.headers, "x-forwarded-host").last().copied();
            (address, scheme, forwarded.or(host))
        } else {
            (peer, false, host)
        };
        let host = host.unwrap_or_default().to_ascii_lowercase();
        let loopback = address.is_loopback() && is_loopback_name(&host);
        Self {
            address,
            secure,
            host,
            loopback,
        }
    }

    /// The origin that this site has for the browser.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host)
    }
}

fn is_loopback_name(host: &str) -> bool {
    let uri = Uri::builder()
        .scheme("http")
        .authority(host)
        .path_and_query("/")
        .build();
    let name = uri
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned))
        .unwrap_or_default();
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The items of a header that may come several times, each with several items.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let lines = headers
        .get_all(name)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&str, &str)], trusted: &str) -> Client {
        let mut request = http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let trusted: Vec<Network> = trusted
            .split_whitespace()
            .map(|part| part.parse().unwrap())
            .collect();
        Client::of(&parts, &trusted)
    }

    #[test]
    fn a_forged_address_scheme_and_host_count_for_nothing() {
        let forged = [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "localhost"),
            ("host", "crm.example"),
        ];
        let client = client("192.0.2.9", &forged, "10.0.0.1");
        assert_eq!(client.address.to_string(), "192.0.2.9");
        assert!(!client.secure && !client.loopback);
        assert_eq!(client.origin(), "http://crm.example");
    }

    #[test]
    fn behind_trusted_proxies_the_first_that_is_not_ours_is_the_client() {
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
            ("host", "CRM.example"),
        ];
        let client = client("10.0.0.1", &headers, "10.0.0.0/8");
        assert_eq!(client.address.to_string(), "192.0.2.9");
        assert_eq!(client.origin(), "https://crm.example");
    }

    #[test]
    fn a_hop_that_cannot_be_read_ends_the_walk() {
        let client = client(
            "10.0.0.1",
            &[("x-forwarded-for", "192.0.2.9, unknown, 10.0.0.2")],
            "10.0.0.0/8",
        );
        assert_eq!(client.address.to_string(), "10.0.0.2");
    }

    #[test]
    fn loopback_needs_both_the_address_and_the_name() {
        assert!(client("127.0.0.1", &[("host", "localhost:3000")], "").loopback);
        assert!(client("::1", &[("host", "[::1]:3000")], "").loopback);
        assert!(!client("127.0.0.1", &[("host", "crm.example")], "").loopback);
        assert!(!client("192.0.2.9", &[("host", "localhost")], "").loopback);
        assert!(!client("127.0.0.1", &[], "").loopback);
    }
}
