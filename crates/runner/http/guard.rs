//! What holds for every answer: by which names the service may be asked, whom a request is from, and what a browser may
//! do with what it gets.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Site, permission::is_api, problem::Problem};
use crate::{code::Code, serve::Peer};

/// Nothing from elsewhere, no script but our file, no frame, no form to elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The names the service is asked by.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// The host, with its port if it has one, of `public_url`.
    pub public: Option<String>,
    /// Whether `public_url` is https: then cookies are for https alone.
    pub is_https: bool,
    /// The address that it listens at, when that is not loopback.
    pub listens_at: Option<String>,
    /// Whether a proxy in front says whom a request is from.
    pub behind_proxy: bool,
}

impl Hosts {
    /// Returns the names of a service with that public address.
    pub fn of(public_url: &str, listens_at: Option<String>, behind_proxy: bool) -> Self {
        let (scheme, rest) = public_url.split_once("://").unwrap_or(("http", public_url));
        let host = rest.split('/').next().filter(|host| !host.is_empty());
        Self {
            public: host.map(str::to_ascii_lowercase),
            is_https: scheme == "https",
            listens_at,
            behind_proxy,
        }
    }

    /// Returns whether the service may be asked by that name. A page of somebody else whose name is made to resolve to
    /// this machine may not.
    pub fn know(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        is_loopback(&host)
            || [&self.public, &self.listens_at].into_iter().flatten().any(|one| *one == host)
    }
}

/// Refuses foreign names and marks every answer.
pub async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let api = is_api(request.uri().path());
    let mut response = if host.is_some_and(|host| site.hosts.know(host)) {
        next.run(request).await
    } else {
        let problem = Problem::new(Code::WrongHost, "this service is not asked by that name")
            .hint("use the address that `recipe-runner status` prints, or set `public_url` in runner.yaml");
        told(problem, api)
    };
    if api && response.status() == StatusCode::GATEWAY_TIMEOUT {
        response = Problem::new(Code::TimeOut, "the answer took too long").into_response();
    }
    mark(response.headers_mut());
    response
}

/// Returns a problem for whoever asked: a program, or a person.
pub fn told(problem: Problem, api: bool) -> Response {
    if api {
        return problem.into_response();
    }
    let words: Vec<&str> = [problem.detail.as_str()]
        .into_iter()
        .chain(problem.hints.iter().map(String::as_str))
        .collect();
    (problem.status(), format!("{}\n", words.join("\n"))).into_response()
}

fn mark(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Returns the address that a request is from, as far as it is known.
pub fn from(parts: &Parts, hosts: &Hosts) -> Option<IpAddr> {
    let peer = match parts.extensions.get::<Peer>() {
        Some(Peer::Address(address)) => Some(*address),
        Some(Peer::Owner) | None => None,
    };
    if !hosts.behind_proxy {
        return peer;
    }
    // The last one is what our own proxy saw; those before it anybody can write. Without one it is the proxy itself.
    let said = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let last = said.and_then(|said| said.to_str().ok()).and_then(|said| said.rsplit(',').next());
    last.and_then(|one| one.trim().parse().ok()).or(peer)
}

/// Returns whether a browser came over https: by the public address, or as the proxy in front says.
pub fn by_https(parts: &Parts, hosts: &Hosts) -> bool {
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = header(header::HOST).map(str::to_ascii_lowercase);
    let said = header(HeaderName::from_static("x-forwarded-proto"));
    let by_proxy =
        hosts.behind_proxy && said.is_some_and(|said| said.eq_ignore_ascii_case("https"));
    by_proxy || hosts.is_https && host.is_some() && host == hosts.public
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let name = name.map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn parts(peer: Option<Peer>, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        request.into_parts().0
    }

    #[test]
    fn an_address_is_believed_from_our_proxy_alone_and_only_the_last() {
        let peer = Some(Peer::Address([192, 0, 2, 1].into()));
        let direct = Hosts::default();
        let behind = Hosts { behind_proxy: true, ..Hosts::default() };
        let from = |hosts: &Hosts, headers: &[(&str, &str)]| {
            super::from(&parts(peer, headers), hosts).map(|one| one.to_string())
        };
        let forged = [("x-forwarded-for", "203.0.113.9, 198.51.100.7")];
        assert_eq!(from(&direct, &forged).as_deref(), Some("192.0.2.1"), "nobody is believed");
        assert_eq!(from(&behind, &forged).as_deref(), Some("198.51.100.7"));
        let twice = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.7")];
        assert_eq!(from(&behind, &twice).as_deref(), Some("198.51.100.7"));
        let other = [("forwarded", "for=203.0.113.9"), ("x-real-ip", "203.0.113.9")];
        assert_eq!(from(&behind, &other).as_deref(), Some("192.0.2.1"), "another header");
        assert_eq!(from(&behind, &[]).as_deref(), Some("192.0.2.1"), "the proxy itself");
        let nonsense = [("x-forwarded-for", "unknown")];
        assert_eq!(from(&behind, &nonsense).as_deref(), Some("192.0.2.1"));
        assert_eq!(super::from(&parts(Some(Peer::Owner), &[]), &direct), None);
    }

    #[test]
    fn https_is_believed_of_the_public_address_and_of_our_proxy() {
        let direct = Hosts::of("https://hooks.acme.example", None, false);
        let behind = Hosts::of("https://hooks.acme.example", None, true);
        let by = |hosts: &Hosts, headers: &[(&str, &str)]| by_https(&parts(None, headers), hosts);
        assert!(by(&direct, &[("host", "Hooks.acme.example")]));
        assert!(!by(&direct, &[("host", "localhost")]));
        let said = [("host", "localhost"), ("x-forwarded-proto", "https")];
        assert!(!by(&direct, &said) && by(&behind, &said));
        assert!(!by(&behind, &[("host", "localhost"), ("x-forwarded-proto", "http")]));
        assert!(!by(&Hosts::default(), &[]));
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let hosts = Hosts::of("https://Hooks.acme.example/", Some("10.0.0.1:7117".into()), true);
        for host in
            ["127.0.0.1:7117", "localhost", "[::1]:7117", "hooks.acme.example", "10.0.0.1:7117"]
        {
            assert!(hosts.know(host), "{host}");
        }
        for host in
            ["acme.example", "127.0.0.1.acme.example", "10.0.0.2:7117", "hooks.acme.example:81", ""]
        {
            assert!(!hosts.know(host), "{host}");
        }
        assert!(hosts.is_https);
    }
}
