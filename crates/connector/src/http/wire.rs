//! How the requests of a call leave the process, or do not: sent, sent and recorded, answered from a recording,
//! planned, refused.
//!
//! Every request of a connector goes with its [`Call`](crate::Call), and so does its wire. A program that must not
//! write gives its calls a wire that does not let writes out; nothing a connector does gets past it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    redact::Redactor,
    request::{Body, Part, Request},
};
use crate::{failure::Failure, secret::Secret};

/// The code of a failure that means "this write was planned, and not sent".
pub const PLANNED: &str = "planned";

/// The headers of an answer that mean something to a connector.
const KEPT_HEADERS: [&str; 4] = ["content-type", "link", "location", "retry-after"];

/// How the requests of a call leave.
#[derive(Clone, Default)]
pub struct Wire {
    to: To,
}

#[derive(Clone, Default)]
enum To {
    #[default]
    Vendor,
    Nowhere,
    VendorRecorded(Arc<Mutex<Vec<Recorded>>>),
    Recording(Arc<Mutex<Replay>>),
    Plan(Arc<Mutex<Plan>>),
}

#[derive(Default)]
struct Replay {
    exchanges: Vec<(Recorded, bool)>,
}

#[derive(Default)]
struct Plan {
    /// Reads with one of these texts are planned too: what they ask depends on a write that was not sent.
    marks: Vec<String>,
    requests: Vec<Planned>,
}

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

/// A request that was not sent, with everything secret cut out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// `POST`.
    pub method: String,
    /// Where it would go.
    pub url: String,
    /// What it would carry: JSON, or a text that says what.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

/// An answer that came over a wire other than the vendor's.
pub(super) struct Replayed {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Wire {
    /// Returns a wire that lets nothing out.
    pub fn closed() -> Self {
        Self { to: To::Nowhere }
    }

    /// Returns a wire that lets everything out and keeps what was said.
    pub fn recording() -> Self {
        Self { to: To::VendorRecorded(Arc::default()) }
    }

    /// Returns a wire that answers with these exchanges, each once, and lets nothing out.
    pub fn replaying(exchanges: Vec<Recorded>) -> Self {
        let exchanges = exchanges.into_iter().map(|one| (one, false)).collect();
        Self { to: To::Recording(Arc::new(Mutex::new(Replay { exchanges }))) }
    }

    /// Returns a wire that lets reads out, and keeps writes instead of sending them; so it does with a read that
    /// holds one of the marks.
    pub fn planning(marks: &[&str]) -> Self {
        let marks = marks.iter().map(|mark| (*mark).to_owned()).collect();
        Self { to: To::Plan(Arc::new(Mutex::new(Plan { marks, requests: Vec::new() }))) }
    }

    /// Returns what a [`recording`](Self::recording) wire kept, secrets included.
    pub fn recorded(&self) -> Vec<Recorded> {
        match &self.to {
            To::VendorRecorded(kept) => lock(kept).clone(),
            _ => Vec::new(),
        }
    }

    /// Returns the requests that a [`planning`](Self::planning) wire did not send.
    pub fn planned(&self) -> Vec<Planned> {
        match &self.to {
            To::Plan(plan) => lock(plan).requests.clone(),
            _ => Vec::new(),
        }
    }

    /// Returns the requests that a [`replaying`](Self::replaying) wire was not asked for, such as `GET /people`.
    pub fn unused(&self) -> Vec<String> {
        let To::Recording(replay) = &self.to else { return Vec::new() };
        let replay = lock(replay);
        let unused = replay.exchanges.iter().filter(|(_, used)| !used);
        unused.map(|(one, _)| one.request.shown()).collect()
    }

    /// Returns the answer to a request that does not go to the vendor; `None` when it is to be sent.
    pub(super) fn instead(
        &self,
        request: &Request,
        url: &Url,
        doing: &str,
    ) -> Option<Result<Replayed, Failure>> {
        match &self.to {
            To::Vendor | To::VendorRecorded(_) => None,
            To::Nowhere => Some(Err(refused(doing))),
            To::Recording(replay) => Some(lock(replay).answer(request, url, doing)),
            To::Plan(plan) => {
                let mut plan = lock(plan);
                let carried = match &request.body {
                    Body::Bytes { bytes, .. } => String::from_utf8_lossy(bytes),
                    Body::Empty | Body::Multipart(_) => "".into(),
                };
                let marked = plan.is_marked(url.as_str()) || plan.is_marked(&carried);
                if !request.writes && !marked {
                    return None;
                }
                plan.requests.push(planned(request, url));
                Some(Err(Failure::permanent(PLANNED, format!("{doing}: it was planned, not sent"))))
            }
        }
    }

    /// Returns whether a download may begin, and the failure when it may not.
    pub(super) fn downloads(&self, url: &Url) -> Result<(), Failure> {
        match &self.to {
            To::Vendor | To::VendorRecorded(_) => Ok(()),
            To::Plan(plan) if !lock(plan).is_marked(url.as_str()) => Ok(()),
            To::Plan(_) => {
                let message = "downloading a file: it was planned, not sent";
                Err(Failure::permanent(PLANNED, message))
            }
            To::Nowhere | To::Recording(_) => Err(refused("downloading a file")),
        }
    }

    /// Returns the recorded answer to the download of `url`, on a wire that has recordings.
    pub(super) fn download(&self, url: &Url) -> Option<Result<Replayed, Failure>> {
        let To::Recording(replay) = &self.to else { return None };
        Some(lock(replay).find("GET", url, None, "downloading a file"))
    }

    /// Keeps an exchange with the vendor, on a wire that records.
    pub(super) fn keep(
        &self,
        request: &Request,
        url: &Url,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
    ) {
        let To::VendorRecorded(kept) = &self.to else { return };
        lock(kept).push(Recorded {
            request: RecordedRequest {
                method: request.method.to_string(),
                path: path_of(url),
                body: match &request.body {
                    Body::Bytes { bytes, .. } => Some(as_value(bytes)),
                    Body::Empty | Body::Multipart(_) => None,
                },
            },
            response: RecordedResponse {
                status,
                headers: kept_headers(headers),
                body: if body.is_empty() { Value::Null } else { as_value(body) },
            },
            secrets: request.secrets.clone(),
        });
    }

    /// Keeps a download, on a wire that records. Its content is nobody's business: a short text stands for it.
    pub(super) fn keep_download(&self, url: &Url, headers: &HeaderMap) {
        let To::VendorRecorded(kept) = &self.to else { return };
        let path = url.path().to_owned();
        lock(kept).push(Recorded {
            request: RecordedRequest { method: "GET".into(), path, body: None },
            response: RecordedResponse {
                status: 200,
                headers: kept_headers(headers),
                body: "the content of the file".into(),
            },
            secrets: Vec::new(),
        });
    }
}

impl fmt::Debug for Wire {
    /// Shows which kind it is and nothing that went over it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.to {
            To::Vendor => "Wire(open)",
            To::Nowhere => "Wire(closed)",
            To::VendorRecorded(_) => "Wire(recording)",
            To::Recording(_) => "Wire(replaying)",
            To::Plan(_) => "Wire(planning)",
        })
    }
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

impl Plan {
    fn is_marked(&self, text: &str) -> bool {
        self.marks.iter().any(|mark| text.contains(mark))
    }
}

impl Replay {
    fn answer(&mut self, request: &Request, url: &Url, doing: &str) -> Result<Replayed, Failure> {
        let sent = match &request.body {
            Body::Bytes { bytes, .. } => Some(as_value(bytes)),
            Body::Empty | Body::Multipart(_) => None,
        };
        self.find(request.method.as_str(), url, sent.as_ref(), doing)
    }

    fn find(
        &mut self,
        method: &str,
        url: &Url,
        sent: Option<&Value>,
        doing: &str,
    ) -> Result<Replayed, Failure> {
        let about = |one: &&mut (Recorded, bool)| !one.1 && one.0.request.is_about(method, url);
        let fits = |one: &Recorded| one.request.body.as_ref().is_none_or(|body| Some(body) == sent);
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

fn refused(doing: &str) -> Failure {
    Failure::permanent("no_network", format!("{doing}: a test cannot reach a network"))
        .hint("Give the step a reply in the test file.")
}

/// Returns a request as it would be sent, without what is secret. Names and addresses of people are shown: whoever asks
/// for a plan asks what would be written.
fn planned(request: &Request, url: &Url) -> Planned {
    let redactor = Redactor::new(&request.secrets);
    let text = |text: &str| redactor.without_secrets(text);
    let body = match &request.body {
        Body::Empty => Value::Null,
        Body::Bytes { bytes, .. } => match std::str::from_utf8(bytes) {
            // What is cut out of the text leaves it JSON; if not, it is shown as text.
            Ok(body) => {
                let shown = text(body);
                without_credentials(serde_json::from_str(&shown).unwrap_or(Value::String(shown)))
            }
            Err(_) => Value::String(format!("{} bytes", bytes.len())),
        },
        Body::Multipart(form) => form
            .parts
            .iter()
            .map(|part| match part {
                Part::Text { name, text: value } => (name.clone(), Value::String(text(value))),
                Part::File { name, file_name, .. } => {
                    (name.clone(), Value::String(format!("the file `{file_name}`")))
                }
            })
            .collect(),
    };
    let mut shown = url.clone();
    shown.set_query(None);
    if url.query().is_some() {
        let mut query = shown.query_pairs_mut();
        for (name, value) in url.query_pairs() {
            query.append_pair(&name, if is_credential(&name) { CUT } else { &value });
        }
    }
    Planned { method: request.method.to_string(), url: text(shown.as_str()), body }
}

/// What stands for a secret.
const CUT: &str = "***";

/// Cuts values under the keys of credentials, and the signatures of links, whichever request they are in.
fn without_credentials(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let cut = is_credential(&key) && !value.is_null();
                let value = if cut { CUT.into() } else { without_credentials(value) };
                (key, value)
            })
            .collect(),
        Value::Array(list) => list.into_iter().map(without_credentials).collect(),
        Value::String(text) => match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_some() => {
                Redactor::default().url(&url, false).into()
            }
            _ => Value::String(text),
        },
        other => other,
    }
}

fn is_credential(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let key = key.to_ascii_lowercase();
    let words = ["password", "secret", "token", "apikey", "authorization", "credential"];
    words.iter().any(|word| key.contains(word))
}

fn kept_headers(headers: &HeaderMap) -> serde_json::Map<String, Value> {
    let kept = |name: &&str| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.into()));
    KEPT_HEADERS.iter().filter_map(kept).collect()
}

fn as_value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn path_of(url: &Url) -> String {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while the lock is held")
}
