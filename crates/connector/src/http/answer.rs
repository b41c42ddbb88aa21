//! What a vendor answered.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use recipe::Payload;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{fault::Fault, paging::next_link, told::Told};
use crate::{failure::Failure, typed::decode};

/// An answer with an accepted status (2xx unless [`accept`](super::Request::accept) added others).
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: Url,
    pub(super) told: Arc<Told>,
}

impl fmt::Debug for Answer {
    /// Shows neither headers nor body: they may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.body.len();
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("len", &len)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Returns the value of a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as JSON; an empty body is null. A body that is no JSON (a login page, a proxy) is a failure:
    /// permanent after a read, unknown after a write.
    pub fn value(&self) -> Result<Value, Failure> {
        self.read(|body| serde_json::from_slice(body))
    }

    /// Returns the body like [`value`](Self::value), to be looked into: a long list costs a part of what its tree does.
    pub fn payload(&self) -> Result<Payload, Failure> {
        self.read(Payload::read)
    }

    fn read<T: Default>(
        &self,
        read: impl Fn(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T, Failure> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        read(&self.body).map_err(|problem| {
            let kind = self
                .headers
                .get(CONTENT_TYPE)
                .and_then(|kind| kind.to_str().ok())
                .unwrap_or_default();
            if kind.contains("html") || self.body.trim_ascii_start().starts_with(b"<") {
                return self.unreadable("an HTML page instead of JSON: a login page or a proxy?");
            }
            self.unreadable(&format!(
                "what is no JSON (line {}, column {})",
                problem.line(),
                problem.column()
            ))
        })
    }

    /// Returns the body read as `T`; the failure names the field that is not as expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        decode(&self.value()?, "the answer")
            .map_err(|problem| self.unreadable(&format!("an unexpected answer: {problem}")))
    }

    /// Returns the URL of the next page named by the `Link` header, made absolute. [`Client::get`](super::Client::get)
    /// takes it as it is, and refuses it when it leaves the origin or the base path.
    pub fn next_link(&self) -> Option<String> {
        let links = self.headers.get_all("link").iter().filter_map(|link| link.to_str().ok());
        links.filter_map(next_link).find_map(|link| self.url.join(link).ok()).map(Into::into)
    }

    /// Returns the failure of an answer that succeeded but does not say what was expected, such as a list without a
    /// list: permanent after a read, unknown after a write. `found` says what it said instead.
    pub fn unreadable(&self, found: &str) -> Failure {
        self.told.quiet_fault(Fault::Unreadable, &format!("answered {} with {found}", self.status))
    }
}
