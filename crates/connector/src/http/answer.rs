//! What a vendor answered.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::failure::Failure;

/// An answer with an accepted status (2xx unless [`accept`](super::Request::accept) added others).
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: Url,
}

impl Answer {
    /// Returns the value of a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as JSON; an empty body is null. A body that is no JSON (a login page, a proxy) is a failure:
    /// permanent after a read, unknown after a write.
    pub fn value(&self) -> Result<Value, Failure> {
        unimplemented!()
    }

    /// Returns the body read as `T`; the failure names the field that is not as expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        unimplemented!()
    }

    /// Returns the URL of the next page named by the `Link` header, made absolute. [`Client::get`](super::Client::get)
    /// takes it as it is, and refuses it when it leaves the origin or the base path.
    pub fn next_link(&self) -> Option<String> {
        unimplemented!()
    }
}
