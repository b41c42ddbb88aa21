//! Which addresses may be reached: public ones over https; private ones when the connection allows them; those of a
//! cloud's metadata service never.
//!
//! A name is judged by what it resolves to at the moment of connecting (the resolver is part of the client, so there is
//! no second look-up between check and use), a literal address by the URL, and both again at each redirect.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::failure::Failure;

/// Refuses a URL that must not be reached, before anything is resolved.
pub(super) fn check_url(url: &Url, allow_private: bool) -> Result<(), Failure> {
    let refused = |why: String| Err(Failure::permanent("address_refused", why));
    let Some(host) = url.host() else {
        return refused("expected a URL with a host".into());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refused(format!(
            "the URL of `{host}` has credentials in it, which would be shown; give them apart"
        ));
    }
    let (loopback, reach) = match &host {
        Host::Domain(name) => (is_localhost(name), None),
        Host::Ipv4(ip) => (ip.is_loopback(), Some(reach(IpAddr::V4(*ip)))),
        Host::Ipv6(ip) => (ip.to_canonical().is_loopback(), Some(reach(IpAddr::V6(*ip)))),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback && allow_private => {}
        "http" => {
            return refused(format!("`{host}` would be reached over http; only https is used"));
        }
        scheme => {
            return refused(format!("`{host}` would be reached over {scheme}; only https is used"));
        }
    }
    match reach {
        Some(reach) if !reach.allowed(allow_private) => Err(refusal(&host.to_string(), reach)),
        _ => Ok(()),
    }
}

/// How far away an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anybody's.
    Public,
    /// This machine's or this network's.
    Private,
    /// Nobody's business: link-local (metadata services live there), multicast, reserved.
    Never,
}

impl Reach {
    fn allowed(self, allow_private: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Private => allow_private,
            Self::Never => false,
        }
    }
}

/// Returns how far away an address is; addresses that wrap an IPv4 address are judged by it.
pub(super) fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [10 | 127, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if (16..32).contains(&second) => Reach::Private,
        // Shared by carriers and by private overlays.
        [100, second, ..] if (64..128).contains(&second) => Reach::Private,
        // This network; link-local; protocol assignments; documentation; benchmarks; relays; multicast and beyond.
        [0 | 224.., ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let wrapped = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Mapped, translated (NAT64) and tunnelled (6to4) IPv4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => wrapped(high, low),
        // The metadata service of one cloud has a private address.
        [0xfd00, 0xec2, ..] => Reach::Never,
        [first, ..] if first & 0xfe00 == 0xfc00 => Reach::Private,
        // Teredo and other protocol assignments; documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => Reach::Never,
        [0x3fff, second, ..] if second < 0x1000 => Reach::Never,
        [first, ..] if first & 0xe000 == 0x2000 => Reach::Public,
        _ => Reach::Never,
    }
}

/// The resolver of a client: gives only addresses that may be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    pub(super) allow_private: bool,
}

/// A name that resolves to nothing that may be reached.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` is not a public address")]
pub(super) struct NothingAllowed {
    pub(super) host: String,
    pub(super) reach: Reach,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed(name.as_str(), found, allow_private)?;
            Ok::<Addrs, _>(Box::new(allowed.into_iter()))
        })
    }
}

impl Guard {
    /// Returns the guard in the form that the client takes.
    pub(super) fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

fn allowed(
    host: &str,
    found: impl Iterator<Item = SocketAddr>,
    allow_private: bool,
) -> Result<Vec<SocketAddr>, NothingAllowed> {
    let (mut allowed, mut refused) = (Vec::new(), None);
    for address in found {
        let reach = reach(address.ip());
        // http is permitted to this name because it is this machine, so it must be.
        let elsewhere = is_localhost(host) && !address.ip().to_canonical().is_loopback();
        if reach.allowed(allow_private) && !elsewhere {
            allowed.push(address);
        } else {
            refused = Some(reach);
        }
    }
    match refused {
        Some(reach) if allowed.is_empty() => Err(NothingAllowed { host: host.into(), reach }),
        _ => Ok(allowed),
    }
}

/// Returns the failure of a request to an address that may not be reached.
pub(super) fn refusal(host: &str, reach: Reach) -> Failure {
    let failure =
        Failure::permanent("address_refused", format!("`{host}` is not a public address"));
    match reach {
        Reach::Never => failure.hint("Use an address that belongs to the service."),
        _ => failure
            .hint("If that is meant, write `allow_private_addresses: true` in the connection."),
    }
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn addresses_are_public_private_or_never_reached() {
        let table = [
            (
                Reach::Public,
                "8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 192.0.1.1 2606:4700::1111 ::ffff:8.8.8.8",
            ),
            (Reach::Public, "64:ff9b::808:808 2002:808:808::1 2001:4860:4860::8888"),
            (
                Reach::Private,
                "127.0.0.1 127.9.9.9 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1",
            ),
            (
                Reach::Private,
                "::1 fc00::1 fd12:3456::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:7f00:1::",
            ),
            (
                Reach::Never,
                "0.0.0.0 0.1.2.3 169.254.169.254 224.0.0.1 255.255.255.255 192.0.2.1 198.51.100.1",
            ),
            (
                Reach::Never,
                ":: fe80::1 fec0::1 ff02::1 fd00:ec2::254 2001:db8::1 2001::1 ::ffff:169.254.169.254",
            ),
            (
                Reach::Never,
                "::127.0.0.1 64:ff9b:1::1 198.18.0.1 203.0.113.9 240.0.0.1 192.88.99.1 3fff::1 100::1",
            ),
        ];
        for (expected, addresses) in table {
            for address in addresses.split(' ') {
                assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn urls_are_refused_by_scheme_literal_address_and_credentials() {
        // The URL, and whether it is allowed without and with private addresses.
        let table = [
            ("https://api.example.com/v1", true, true),
            ("https://8.8.8.8/", true, true),
            ("http://api.example.com/", false, false),
            ("http://8.8.8.8/", false, false),
            ("ftp://example.com/", false, false),
            ("file:///etc/passwd", false, false),
            ("https://user:word@example.com/", false, false),
            ("https://127.0.0.1/", false, true),
            ("https://2130706433/", false, true),
            ("https://0x7f.1/", false, true),
            ("https://[::1]/", false, true),
            ("https://[::ffff:127.0.0.1]/", false, true),
            ("https://10.0.0.1/", false, true),
            ("http://127.0.0.1:8080/", false, true),
            ("http://[::1]:8080/", false, true),
            ("http://localhost:8080/", false, true),
            ("http://10.0.0.1/", false, false),
            ("https://169.254.169.254/latest", false, false),
            ("https://[fd00:ec2::254]/", false, false),
            ("http://0.0.0.0/", false, false),
        ];
        for (url, strict, lenient) in table {
            let parsed = Url::parse(url).unwrap();
            assert_eq!(check_url(&parsed, false).is_ok(), strict, "{url}");
            assert_eq!(check_url(&parsed, true).is_ok(), lenient, "{url} with private addresses");
        }
    }

    #[test]
    fn a_name_gives_only_the_addresses_that_may_be_reached() {
        let given = |host, list: &[&str], allow| {
            let found = list.iter().map(|one| SocketAddr::new(one.parse().unwrap(), 0));
            allowed(host, found, allow).map(|found| found.len()).map_err(|refused| refused.reach)
        };
        assert_eq!(given("a.example", &["8.8.8.8", "10.0.0.1", "::1"], false), Ok(1));
        assert_eq!(given("a.example", &["8.8.8.8", "10.0.0.1", "::1"], true), Ok(3));
        assert_eq!(given("a.example", &["10.0.0.1"], false), Err(Reach::Private));
        assert_eq!(given("a.example", &["169.254.169.254"], true), Err(Reach::Never));
        assert_eq!(given("localhost", &["127.0.0.1", "10.0.0.1"], true), Ok(1));
        assert_eq!(given("localhost", &["8.8.8.8"], true), Err(Reach::Public));
        assert_eq!(given("a.example", &[], true), Ok(0));
    }
}
