//! How the requests of a call leave the process, or do not: sent, sent and recorded, answered from a recording,
//! planned, refused.
//!
//! Every request of a connector goes with its [`Call`](crate::Call), and so does its wire. A program that must not
//! write gives its calls a wire that does not let writes out; nothing a connector does gets past it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use reqwest::header::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    recording::{Recorded, RecordedRequest, RecordedResponse, Replay, Replayed, as_value, path_of},
    redact::Redactor,
    request::{Body, Part, Request},
};
use crate::failure::Failure;

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
struct Plan {
    /// Reads with one of these texts are planned too: what they ask depends on a write that was not sent.
    marks: Vec<String>,
    requests: Vec<Planned>,
}

/// A request that was not sent, with everything secret cut out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// `POST`.
    pub method: String,
    /// Where it would go.
    pub url: String,
    /// The headers that the connector gives it, in small letters; of credentials only the scheme is shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What it would carry: JSON, or a text that says what.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
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
        Self { to: To::Recording(Arc::new(Mutex::new(Replay::new(exchanges, false)))) }
    }

    /// Returns a wire that answers with these exchanges in order, whatever is asked by the same method, and keeps them
    /// with the requests as they were made. It lets nothing out.
    pub fn rehearsing(exchanges: Vec<Recorded>) -> Self {
        Self { to: To::Recording(Arc::new(Mutex::new(Replay::new(exchanges, true)))) }
    }

    /// Returns a wire that lets reads out, and keeps writes instead of sending them; so it does with a read that
    /// holds one of the marks.
    pub fn planning(marks: &[&str]) -> Self {
        let marks = marks.iter().map(|mark| (*mark).to_owned()).collect();
        Self { to: To::Plan(Arc::new(Mutex::new(Plan { marks, requests: Vec::new() }))) }
    }

    /// Returns what a [`recording`](Self::recording) wire kept, secrets included; and what a
    /// [`rehearsing`](Self::rehearsing) wire did.
    pub fn recorded(&self) -> Vec<Recorded> {
        match &self.to {
            To::VendorRecorded(kept) => lock(kept).clone(),
            To::Recording(replay) => lock(replay).made().to_vec(),
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
        lock(replay).unused()
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

impl Plan {
    fn is_marked(&self, text: &str) -> bool {
        self.marks.iter().any(|mark| text.contains(mark))
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
    Planned {
        method: request.method.to_string(),
        url: text(shown.as_str()),
        headers: headers(request, &redactor),
        body,
    }
}

/// Returns the headers of a request as they would be sent, without credentials. Of two of the same name the later is sent.
fn headers(request: &Request, redactor: &Redactor) -> BTreeMap<String, String> {
    let content_type = match &request.body {
        Body::Empty => None,
        Body::Bytes { content_type, .. } => Some(content_type.clone()),
        Body::Multipart(_) => Some("multipart/form-data".into()),
    };
    let mut headers: BTreeMap<String, String> =
        content_type.map(|kind| ("content-type".into(), kind)).into_iter().collect();
    for (name, value) in &request.headers {
        let value = value.expose();
        let shown = match value.split_once(' ') {
            Some((scheme @ ("Basic" | "Bearer"), _)) => format!("{scheme} {CUT}"),
            _ if is_credential(name) || name.eq_ignore_ascii_case("cookie") => CUT.into(),
            _ => redactor.without_secrets(value),
        };
        headers.insert(name.to_ascii_lowercase(), shown);
    }
    headers
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while the lock is held")
}
