//! Recorded exchanges: their form in a file, and how they answer requests in the place of a vendor.

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    redact::Redactor,
    request::{Body, Request},
};
use crate::{failure::Failure, secret::Secret};

/// A recorded exchange, as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// What is asked.
    pub request: RecordedRequest,
    /// What is answered.
    pub response: RecordedResponse,
    /// What of the request nobody may see.
    #[serde(skip)]
    pub secrets: Vec<Secret>,
}

/// The request of a recorded exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// `GET`.
    pub method: String,
    /// The path with its query; where it leads is the connection's to say. Without a query, any query fits.
    pub path: String,
    /// What is sent; when it is left out, anything fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// The answer of a recorded exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    /// The status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers by name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub headers: serde_json::Map<String, Value>,
    /// The body: JSON as it is, anything else as text.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

/// Exchanges that answer requests, each once.
#[derive(Default)]
pub(super) struct Replay {
    exchanges: Vec<(Recorded, bool)>,
    /// Whether any request of the same method is answered in order, and kept as it was made.
    rehearses: bool,
    made: Vec<Recorded>,
}

/// An answer that came over a wire other than the vendor's.
pub(super) struct Replayed {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Recorded {
    /// Reads the exchanges of a file: one, or a list of several.
    pub fn read(text: &[u8]) -> Result<Vec<Self>, String> {
        let value: Value =
            serde_json::from_slice(text).map_err(|problem| format!("it is no JSON: {problem}"))?;
        let list = match value {
            Value::Array(list) => list,
            one => vec![one],
        };
        let read = |(at, one): (usize, Value)| {
            Self::deserialize(one).map_err(|problem| format!("exchange {}: {problem}", at + 1))
        };
        list.into_iter().enumerate().map(read).collect()
    }
}

impl RecordedRequest {
    fn shown(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Returns whether this is about the same thing, whatever is sent with it.
    fn is_about(&self, method: &str, url: &Url) -> bool {
        let path = if self.path.contains('?') { path_of(url) } else { url.path().to_owned() };
        self.method.eq_ignore_ascii_case(method) && same_path(&self.path, &path)
    }
}

impl Replay {
    pub(super) fn new(exchanges: Vec<Recorded>, rehearses: bool) -> Self {
        let exchanges = exchanges.into_iter().map(|one| (one, false)).collect();
        Self { exchanges, rehearses, made: Vec::new() }
    }

    /// Returns the requests that were not made, such as `GET /people`.
    pub(super) fn unused(&self) -> Vec<String> {
        let unused = self.exchanges.iter().filter(|(_, used)| !used);
        unused.map(|(one, _)| one.request.shown()).collect()
    }

    /// Returns the exchanges of a rehearsal with the requests as they were made.
    pub(super) fn made(&self) -> &[Recorded] {
        &self.made
    }

    pub(super) fn answer(
        &mut self,
        request: &Request,
        url: &Url,
        doing: &str,
    ) -> Result<Replayed, Failure> {
        let sent = match &request.body {
            Body::Bytes { bytes, .. } => Some(as_value(bytes)),
            Body::Empty | Body::Multipart(_) => None,
        };
        self.find(request.method.as_str(), url, sent.as_ref(), doing)
    }

    pub(super) fn find(
        &mut self,
        method: &str,
        url: &Url,
        sent: Option<&Value>,
        doing: &str,
    ) -> Result<Replayed, Failure> {
        let about = |one: &&mut (Recorded, bool)| !one.1 && one.0.request.is_about(method, url);
        let fits = |one: &Recorded| one.request.body.as_ref().is_none_or(|body| Some(body) == sent);
        if self.rehearses {
            let same = |one: &(Recorded, bool)| {
                !one.1 && one.0.request.method.eq_ignore_ascii_case(method)
            };
            let at = self.exchanges.iter_mut().position(|one| about(&one));
            if let Some(at) = at.or_else(|| self.exchanges.iter().position(same)) {
                let (found, used) = &mut self.exchanges[at];
                *used = true;
                let (method, path, body) = (method.to_owned(), path_of(url), sent.cloned());
                self.made.push(Recorded {
                    request: RecordedRequest { method, path, body },
                    response: found.response.clone(),
                    secrets: Vec::new(),
                });
                return found.response.replayed();
            }
        }
        let mut candidates: Vec<_> = self.exchanges.iter_mut().filter(about).collect();
        if let Some((found, used)) =
            candidates.iter_mut().find(|(one, _)| fits(one)).map(|one| (&one.0, &mut one.1))
        {
            *used = true;
            return found.response.replayed();
        }
        let asked = format!("{method} {}", Redactor::default().url(url, false));
        let other = candidates.first().and_then(|(one, _)| one.request.body.clone());
        let failure = if let Some(expected) = other {
            let sent = sent.map_or_else(|| "nothing".into(), ToString::to_string);
            Failure::permanent(
                "recording_differs",
                format!("{doing}: `{asked}` carries {sent}, and the recording has {expected}"),
            )
        } else {
            let left = self.exchanges.iter().filter(|(_, used)| !used);
            let left: Vec<_> = left.map(|(one, _)| format!("`{}`", one.request.shown())).collect();
            let left = if left.is_empty() { "nothing".into() } else { left.join(", ") };
            Failure::permanent(
                "not_recorded",
                format!("{doing}: `{asked}` is not in the recording, which has {left} left"),
            )
        };
        Err(failure.hint("Correct the recording, or record it again with `test --record`."))
    }
}

impl RecordedResponse {
    fn replayed(&self) -> Result<Replayed, Failure> {
        let wrong = |what: &str| {
            Failure::permanent("wrong_recording", format!("the recording's {what} cannot be read"))
        };
        let mut headers = HeaderMap::new();
        let json = !matches!(self.body, Value::String(_) | Value::Null);
        if json {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        for (name, value) in &self.headers {
            let named = format!("header `{name}`");
            let value = value.as_str().ok_or_else(|| wrong(&named))?;
            headers.insert(
                name.parse::<HeaderName>().map_err(|_| wrong(&named))?,
                HeaderValue::from_str(value).map_err(|_| wrong(&named))?,
            );
        }
        Ok(Replayed {
            status: StatusCode::from_u16(self.status).map_err(|_| wrong("status"))?,
            headers,
            body: match &self.body {
                Value::Null => Bytes::new(),
                Value::String(text) => text.clone().into(),
                json => json.to_string().into(),
            },
        })
    }
}

pub(super) fn path_of(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// Compares two paths with their queries; how a letter is encoded and in what order the query stands makes no
/// difference.
fn same_path(one: &str, other: &str) -> bool {
    fn parts(path: &str) -> Option<(String, Vec<(String, String)>)> {
        let url = Url::parse("http://localhost").ok()?.join(path).ok()?;
        let mut query: Vec<_> = url.query_pairs().into_owned().collect();
        query.sort();
        Some((url.path().to_owned(), query))
    }
    one == other || (parts(one).is_some() && parts(one) == parts(other))
}

fn ok() -> u16 {
    200
}

pub(super) fn as_value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
