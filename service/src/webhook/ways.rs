//! Where webhooks may lead, as who hosts says.

use std::{net::IpAddr, str::FromStr};

use reqwest::Url;

use crate::network::{Network, is_public};

const NOT_PUBLIC: &str =
    "This address is not a public one. The host of this installation can allow it (WEBHOOK_NETWORKS).";
const NOT_LISTED: &str = "Webhooks of this installation lead to listed hosts only, and this is none of them. Its host can add it \
     (WEBHOOK_HOSTS).";
const IN_CLEAR: &str = "Nothing leaves this installation in clear. Please give an address with https://.";

/// Where webhooks may lead: to every public address unless something is said.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// What they may lead to although it is not public.
    pub networks: Vec<Network>,
    /// The only hosts that they may lead to; every one where none is listed.
    pub hosts: Vec<Host>,
    /// Whether they are sent by https alone.
    pub encrypted: bool,
}

impl Ways {
    /// Why nothing is sent to an address, as far as it tells by itself: a name is looked up whenever something is sent.
    pub(super) fn refusal(&self, url: &Url) -> Option<&'static str> {
        if self.encrypted && url.scheme() != "https" {
            return Some(IN_CLEAR);
        }
        let host = url.host_str().unwrap_or_default();
        if !self.hosts.is_empty() && !self.hosts.iter().any(|listed| listed.is(host)) {
            return Some(NOT_LISTED);
        }
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        address
            .is_some_and(|address| !self.hold(address))
            .then_some(NOT_PUBLIC)
    }

    /// The addresses among these that something may be sent to.
    ///
    /// # Errors
    /// A sentence, when there is none.
    pub(super) fn among<T>(
        &self,
        found: impl Iterator<Item = T>,
        address: impl Fn(&T) -> IpAddr,
    ) -> Result<Vec<T>, &'static str> {
        let allowed: Vec<T> = found.filter(|one| self.hold(address(one))).collect();
        if allowed.is_empty() {
            return Err(NOT_PUBLIC);
        }
        Ok(allowed)
    }

    fn hold(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.holds(address))
    }
}

/// A host by its name, as `hooks.example.org`; or all below one, as `*.example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: String,
    below: bool,
}

impl Host {
    fn is(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        match self.below {
            true => host
                .strip_suffix(&self.name)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            false => host == self.name,
        }
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        // Written as a URL writes it: small letters, punycode.
        let url = Url::parse(&format!("https://{name}/")).ok();
        // Nothing but a name, that is.
        let bare = |url: &Url| url.as_str() == format!("https://{}/", url.host_str().unwrap_or_default());
        let host = url.filter(bare);
        match host.as_ref().and_then(Url::host_str) {
            Some(host) if !name.is_empty() && !host.contains('*') => Ok(Self {
                name: host.trim_end_matches('.').to_owned(),
                below,
            }),
            _ => Err(format!(
                "“{text}” is neither a host as hooks.example.org nor all below one as *.example.org"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(ways: &Ways, url: &str) -> Option<&'static str> {
        ways.refusal(&Url::parse(url).unwrap())
    }

    #[test]
    fn where_hosts_are_listed_nothing_leads_elsewhere() {
        let listed = [
            "hooks.example.org",
            "*.example.net",
            "Bücher.example",
            "192.0.2.7",
        ];
        let ways = Ways {
            hosts: listed.iter().map(|host| host.parse().unwrap()).collect(),
            networks: vec!["192.0.2.7".parse().unwrap()],
            ..Ways::default()
        };
        for there in [
            "https://hooks.example.org/a?b",
            "http://HOOKS.example.org.:8080/",
            "https://a.example.net/",
            "https://a.b.example.net/",
            "https://xn--bcher-kva.example/",
            "https://192.0.2.7/",
        ] {
            assert_eq!(refusal(&ways, there), None, "{there}");
        }
        for elsewhere in [
            "https://example.org/",
            "https://hooks.example.org.evil.example/",
            "https://evil-hooks.example.org/",
            "https://example.net/",
            "https://evilexample.net/",
            "https://hooks.example.org@evil.example/",
            "https://192.0.2.8/",
        ] {
            assert_eq!(refusal(&ways, elsewhere), Some(NOT_LISTED), "{elsewhere}");
        }
        for wrong in [
            "",
            "*",
            "*.",
            "a b",
            "https://a.example",
            "a.example/x",
            "a.example:8080",
            "a.*.example",
            "a.example?x",
            "a.example#x",
            ":p@a.example",
        ] {
            assert!(wrong.parse::<Host>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn where_nothing_leaves_in_clear_https_is_needed() {
        let ways = Ways {
            encrypted: true,
            ..Ways::default()
        };
        assert_eq!(refusal(&ways, "https://hooks.example.org/"), None);
        assert_eq!(refusal(&ways, "http://hooks.example.org/"), Some(IN_CLEAR));
        assert_eq!(refusal(&ways, "https://[::1]/"), Some(NOT_PUBLIC));
    }
}
