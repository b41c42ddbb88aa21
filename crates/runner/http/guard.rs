//! What holds for every answer: by which names the service may be asked, whom a request is from, and what a browser may
//! do with what it gets.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Site;
use crate::serve::Peer;

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
    let mut response = if host.is_some_and(|host| site.hosts.know(host)) {
        next.run(request).await
    } else {
        let words = "this service is not asked by that name: use the address that `recipe-runner status` prints, or \
                     set `public_url` in runner.yaml\n";
        (StatusCode::MISDIRECTED_REQUEST, words).into_response()
    };
    mark(response.headers_mut());
    response
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
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    if !hosts.behind_proxy {
        return peer;
    }
    // The last one is what our own proxy saw; those before it anybody can write.
    let said = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    said.rsplit(',').next().and_then(|one| one.trim().parse().ok()).or(peer)
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let name = name.map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

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
