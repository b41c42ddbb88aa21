//! One request: where it goes, what it carries, what it is doing and whether it writes.

use std::{
    fmt::{self, Display},
    path::PathBuf,
    time::Duration,
};

use reqwest::Method;
use serde::Serialize;
use url::Url;

use super::{answer::Answer, client::Client, redact::Redactor, statuses::StatusClass};
use crate::{call::Call, failure::Failure, hmac::hex, secret::Secret};

/// A request in the making. GET and HEAD are reads, everything else is a write until said otherwise.
#[must_use = "a request does nothing until it is sent"]
#[derive(Clone)]
pub struct Request {
    pub(super) client: Client,
    pub(super) method: Method,
    pub(super) target: Result<Url, Failure>,
    pub(super) headers: Vec<(String, Secret)>,
    /// Texts that are cut out of everything that is kept or shown.
    pub(super) secrets: Vec<Secret>,
    pub(super) body: Body,
    pub(super) writes: bool,
    pub(super) doing: Option<String>,
    pub(super) accepted: Vec<u16>,
    pub(super) statuses: Vec<(u16, StatusClass)>,
    pub(super) timeout: Option<Duration>,
    pub(super) patience: Duration,
}

/// What a request carries.
#[derive(Clone)]
pub(super) enum Body {
    Empty,
    Bytes { content_type: String, bytes: Vec<u8> },
    Multipart(Multipart),
}

impl Request {
    /// Says what this is doing, for messages: `reading the candidate`.
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.doing = Some(doing.into());
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        if let Ok(url) = &mut self.target {
            url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Secret::new(value)));
        self
    }

    /// Adds a header whose value nobody may see.
    pub fn secret_header(mut self, name: &str, value: &Secret) -> Self {
        self.secrets.push(value.clone());
        self.headers.push((name.into(), value.clone()));
        self
    }

    /// Cuts this text out of everything that is kept or shown, wherever in the request it was put.
    pub fn hide(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// Sends `Authorization: Bearer`.
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.secrets.push(token.clone());
        self.header("authorization", format!("Bearer {}", token.expose()))
    }

    /// Sends `Authorization: Basic`.
    pub fn basic(mut self, user: &str, password: &Secret) -> Self {
        let pair = base64(format!("{user}:{}", password.expose()).as_bytes());
        // The user's name is often an API key or a client id, and some vendors repeat it in their errors.
        self.secrets.extend([password.clone(), Secret::new(user), Secret::new(&pair)]);
        self.header("authorization", format!("Basic {pair}"))
    }

    /// Carries JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Body::Bytes { content_type: "application/json".into(), bytes },
            Err(problem) => self.refuse(format!("the body cannot be written as JSON: {problem}")),
        }
        self
    }

    /// Carries a form.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let text =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = Body::Bytes {
            content_type: "application/x-www-form-urlencoded".into(),
            bytes: text.into_bytes(),
        };
        self
    }

    /// Carries bytes of that content type.
    pub fn bytes(mut self, content_type: &str, bytes: Vec<u8>) -> Self {
        self.body = Body::Bytes { content_type: content_type.into(), bytes };
        self
    }

    /// Carries a multipart form; files are streamed from where they lie.
    pub fn multipart(mut self, form: Multipart) -> Self {
        self.body = Body::Multipart(form);
        self
    }

    /// Says that a second request would do no harm (a search by POST, a token).
    pub fn read(mut self) -> Self {
        self.writes = false;
        self
    }

    /// Says that the request changes something.
    pub fn write(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Returns these statuses as answers, beside 2xx.
    pub fn accept(mut self, statuses: &[u16]) -> Self {
        self.accepted.extend_from_slice(statuses);
        self
    }

    /// Says what a status means for this request.
    pub fn status(mut self, status: u16, class: StatusClass) -> Self {
        self.statuses.push((status, class));
        self
    }

    /// Gives the whole exchange another time-out than the client's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for a permit that long before it fails as `rate_limited`: 5 s unless said otherwise. Later pages of a
    /// read may wait longer, so that a long list can be read to its end.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends it.
    pub async fn send(self, call: &Call) -> Result<Answer, Failure> {
        // Apart: an action that finds what it asks for at hand carries none of this about.
        Box::pin(self.client.clone().exchange(self, call)).await
    }

    /// Returns the request for another page: the same in everything but where it goes.
    pub(super) fn to_page(&self, url: &str) -> Self {
        let mut page = self.clone();
        page.target = self.client.target(url);
        page
    }

    fn refuse(&mut self, why: String) {
        self.target = Err(Failure::permanent("invalid_request", why));
    }
}

impl fmt::Debug for Request {
    /// Shows where it goes and nothing that it carries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redactor = Redactor::new(&self.secrets);
        let target = self.target.as_ref().map(|url| redactor.url(url, true));
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &target)
            .finish_non_exhaustive()
    }
}

/// A multipart form.
#[derive(Debug, Clone, Default)]
pub struct Multipart {
    pub(super) parts: Vec<Part>,
}

/// One part of a multipart form.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Text { name: String, text: String },
    File { name: String, file_name: String, content_type: Option<String>, path: PathBuf },
}

impl Multipart {
    /// Returns an empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text field.
    #[must_use]
    pub fn text(mut self, name: &str, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text { name: name.into(), text: text.into() });
        self
    }

    /// Adds a file, streamed from `path` when the request is sent.
    #[must_use]
    pub fn file(
        mut self,
        name: &str,
        file_name: impl Into<String>,
        content_type: Option<&str>,
        path: impl Into<PathBuf>,
    ) -> Self {
        self.parts.push(Part::File {
            name: name.into(),
            file_name: file_name.into(),
            content_type: content_type.map(Into::into),
            path: path.into(),
        });
        self
    }
}

/// Returns `text` as one segment of a path: everything but letters, digits, `-`, `.`, `_` and `~` is percent-encoded.
pub fn segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(byte.into());
        } else {
            segment.extend(["%", &hex(&[byte]).to_uppercase()]);
        }
    }
    segment
}

/// Returns `bytes` in base64.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let table = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (given, expected) in table {
            assert_eq!(base64(given.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("a b/../c?d#e%ü"), "a%20b%2F..%2Fc%3Fd%23e%25%C3%BC");
        assert_eq!(segment("Az09-._~"), "Az09-._~");
    }
}
