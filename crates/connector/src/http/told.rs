//! What is told of an exchange: the redacted record for the history, and failures in words for people.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use url::Url;

use super::{
    address::{NothingAllowed, refusal},
    client::Client,
    fault::{Fault, meaning},
    redact::Redactor,
    request::Request,
};
use crate::{
    call::Call,
    failure::{Exchange, Failure},
};

/// How much of an answer is kept.
const KEPT: usize = 2048;
/// How much of a vendor's words goes into a message.
const WORDS: usize = 300;

/// What is told of one exchange, growing as it goes on. Of most nobody asks: it is kept as it came, and put into words
/// and redacted when somebody does.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// What the request is doing.
    pub(super) doing: String,
    writes: bool,
    /// Whether the whole query is secret and the answer nobody's business, as with a download.
    discreet: bool,
    method: Method,
    /// Where it went last.
    url: Option<Url>,
    status: Option<StatusCode>,
    request_id: Option<String>,
    /// The beginning of the answer's body.
    begin: Bytes,
    redactor: Redactor,
    /// Knows where a vendor's words are in an error; a download has none.
    client: Option<Client>,
}

impl Told {
    pub(super) fn new(request: &Request, url: &Url) -> Self {
        let redactor = Redactor::new(&request.secrets);
        let doing = request.doing.clone().unwrap_or_else(|| {
            let mut path = url.clone();
            path.set_query(None);
            let shown = redactor.url(&path, true);
            let path = shown.splitn(4, '/').nth(3).unwrap_or_default();
            format!("`{} /{path}`", request.method)
        });
        Self {
            doing,
            writes: request.writes,
            discreet: false,
            method: request.method.clone(),
            url: None,
            status: None,
            request_id: None,
            begin: Bytes::new(),
            redactor,
            client: Some(request.client.clone()),
        }
    }

    /// Returns what is told of a download.
    pub(super) fn discreet(doing: &str) -> Self {
        Self {
            doing: doing.into(),
            writes: false,
            discreet: true,
            method: Method::GET,
            url: None,
            status: None,
            request_id: None,
            begin: Bytes::new(),
            redactor: Redactor::default(),
            client: None,
        }
    }

    /// Notes where the request goes.
    pub(super) fn went_to(&mut self, url: &Url) {
        self.url = Some(url.clone());
    }

    /// Notes the head of the answer.
    pub(super) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        const NAMES: [&str; 6] = [
            "x-request-id",
            "request-id",
            "x-amzn-requestid",
            "x-amz-request-id",
            "x-correlation-id",
            "cf-ray",
        ];
        self.status = Some(status);
        let id = NAMES.iter().find_map(|name| headers.get(*name)?.to_str().ok());
        self.request_id = id.map(|id| id.chars().take(100).collect());
    }

    /// Notes the body of the answer.
    pub(super) fn body(&mut self, body: &Bytes) {
        if !self.discreet {
            let begin = ..body.len().min(4 * KEPT);
            // A part of a large body would keep the whole of it.
            let large = body.len() > 16 * KEPT;
            self.begin =
                if large { Bytes::copy_from_slice(&body[begin]) } else { body.slice(begin) };
        }
    }

    /// Returns the record, redacted.
    fn exchange(&self) -> Exchange {
        let begin = String::from_utf8_lossy(&self.begin);
        let url = self.url.as_ref().map(|url| self.redactor.url(url, self.discreet));
        Exchange {
            method: self.method.as_str().into(),
            url: url.unwrap_or_default(),
            status: self.status.map(|status| status.as_u16()),
            request_id: self.request_id.clone(),
            answer: (!begin.is_empty()).then(|| self.redactor.text(&begin, KEPT)),
        }
    }

    /// Leaves the record with the call.
    pub(super) fn keep(self: &Arc<Self>, call: &Call) {
        let told = self.clone();
        call.keep_exchange(move || told.exchange());
    }

    /// Returns the failure of a request that got no whole answer.
    pub(super) fn not_answered(
        &self,
        problem: &reqwest::Error,
        timeout: std::time::Duration,
        call: &Call,
    ) -> Failure {
        if let Some(refused) = source::<NothingAllowed>(problem) {
            let failure = refusal(&refused.host, refused.reach);
            return Failure { message: format!("{}: {}", self.doing, failure.message), ..failure };
        }
        let why = innermost(problem);
        if problem.is_builder() {
            return Failure::permanent("invalid_request", format!("{}: {why}", self.doing));
        }
        if problem.is_connect() {
            return self.fault(Fault::NotSent, &format!("cannot be reached: {why}"), call);
        }
        if problem.is_timeout() {
            return self.fault(
                Fault::TimedOut,
                &format!("did not answer within {timeout:?}"),
                call,
            );
        }
        self.fault(
            Fault::CutOff,
            &format!("broke the connection off before its answer was complete: {why}"),
            call,
        )
    }

    /// Returns the failure of an answer whose status is no success, with the vendor's words.
    pub(super) fn status(&self, fault: Fault, body: &[u8], call: &Call) -> Failure {
        let status = self.status.unwrap_or_default();
        let reason =
            status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
        let words = serde_json::from_slice(body).ok().and_then(|body| self.vendors_words(&body));
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        let said = format!("answered {}{reason}{words}", status.as_u16());
        self.fault(fault, &said, call)
    }

    /// Returns a failure, and leaves the record with the call and in the failure.
    pub(super) fn fault(&self, fault: Fault, said: &str, call: &Call) -> Failure {
        Arc::new(self.clone()).keep(call);
        self.quiet_fault(fault, said)
    }

    /// Returns a failure without a call at hand.
    pub(super) fn quiet_fault(&self, fault: Fault, said: &str) -> Failure {
        let meaning = meaning(fault, self.writes);
        Failure {
            kind: meaning.kind,
            code: meaning.code.into(),
            message: format!(
                "{}: `{}` {}",
                self.doing,
                self.url.as_ref().and_then(Url::host_str).unwrap_or_default(),
                self.redactor.text(said, WORDS + 100)
            ),
            hint: meaning.hint.map(Into::into),
            exchange: Some(Box::new(self.exchange())),
        }
    }

    fn vendors_words(&self, body: &Value) -> Option<String> {
        let words = self.client.as_ref()?.settings().error_pointers.iter().find_map(|pointer| {
            let mut words = Vec::new();
            collect_words(body.pointer(pointer)?, None, &mut words);
            (!words.is_empty()).then(|| words.join("; "))
        })?;
        Some(self.redactor.text(words.trim(), WORDS))
    }
}

/// Collects the texts of an error however it is written: a text, a list, a map of field to texts, `{message, field}`.
fn collect_words(value: &Value, field: Option<&str>, words: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => words.push(match field {
            Some(field) => format!("{field}: {}", text.trim()),
            None => text.trim().into(),
        }),
        Value::Array(list) => list.iter().for_each(|one| collect_words(one, field, words)),
        Value::Object(map) => match map.get("message").or_else(|| map.get("detail")) {
            Some(message) => {
                let named = map.get("field").and_then(Value::as_str);
                collect_words(message, named.or(field), words);
            }
            None => map.iter().for_each(|(key, one)| collect_words(one, Some(key), words)),
        },
        _ => {}
    }
}

/// Returns the words of the error at the bottom, which say most and have no URL in them.
pub(super) fn innermost(problem: &dyn Error) -> String {
    let mut bottom = problem;
    while let Some(below) = bottom.source() {
        bottom = below;
    }
    bottom.to_string()
}

fn source<'a, E: Error + 'static>(problem: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(problem);
    while let Some(this) = next {
        if let Some(found) = this.downcast_ref() {
            return Some(found);
        }
        next = this.source();
    }
    None
}
