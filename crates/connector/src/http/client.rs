//! The client of one connection to one host.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use url::Url;

use super::{
    address::{Guard, check_url},
    answer::Answer,
    circuit::{Circuit, Health, Passed},
    download::{DownloadLimits, Downloaded},
    fault::Fault,
    limits::Limits,
    recording::Replayed,
    redact::Redactor,
    request::{Body, Part, Request},
    retry_after::{asked_wait, learnt_pause, told_rate},
    settings::ClientSettings,
    told::Told,
};
use crate::{call::Call, clock::Clock, connector::Opening, failure::Failure};

/// How often a read is redirected before that is called going round in circles.
const MAX_REDIRECTS: usize = 5;
/// How long a request waits for a permit before it becomes a durable wait of the engine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The client of one connection to one host; clones share their limits.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connection: String,
    settings: ClientSettings,
    sender: reqwest::Client,
    limits: Limits,
    circuit: Arc<Circuit>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// Returns a client. Does no network I/O. Gives TLS its cryptography when the program has not done so yet.
    pub fn new(settings: ClientSettings, opening: &Opening) -> Result<Self, Failure> {
        let named = |mut failure: Failure| {
            failure.message = format!("connection `{}`: {}", opening.name, failure.message);
            failure
        };
        check_url(&settings.base_url, settings.allow_private_addresses).map_err(named)?;
        let sender = sender(&settings).map_err(named)?;
        let limits = Limits::new(settings.max_in_flight, settings.min_interval);
        let (connection, clock) = (opening.name.clone(), opening.clock.clone());
        let circuit = Arc::default();
        let shared = Shared { connection, settings, sender, limits, circuit, clock };
        let client = Self { shared: Arc::new(shared) };
        opening.clients().push(client.clone());
        Ok(client)
    }

    /// Returns how its host does, as seen by its requests.
    pub fn health(&self) -> Health {
        let Shared { settings, limits, circuit, clock, .. } = &*self.shared;
        Health {
            in_flight: limits.in_flight(),
            max_in_flight: limits.most(),
            paused_until: limits.paused_until(clock.now()),
            ..circuit.health(settings.base_url.host_str().unwrap_or_default())
        }
    }

    /// Returns what it was made with.
    pub fn settings(&self) -> &ClientSettings {
        &self.shared.settings
    }

    /// Begins a request to `path` below the base URL; encode what is put into it with [`segment`](super::segment).
    /// An absolute URL is taken when it lies below the base URL, as the link to a next page does.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let writes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        Request {
            client: self.clone(),
            method,
            target: self.target(path),
            headers: Vec::new(),
            secrets: Vec::new(),
            body: Body::Empty,
            writes,
            doing: None,
            accepted: Vec::new(),
            statuses: Vec::new(),
            timeout: None,
            patience: PATIENCE,
        }
    }

    /// Begins a GET.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// Begins a POST.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Begins a PATCH.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// Begins a PUT.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// Begins a DELETE.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Downloads a file from anywhere public, over https and without credentials, into a temporary file.
    ///
    /// The URL is treated as a secret: its query is shown nowhere.
    pub async fn download(
        &self,
        url: &str,
        call: &Call,
        limits: DownloadLimits,
    ) -> Result<Downloaded, Failure> {
        let Shared { sender, settings, clock, .. } = &*self.shared;
        super::download::download(sender, settings, &**clock, url, call, limits).await
    }

    /// Returns the URL of a path below the base URL, or an absolute one that lies below it.
    pub(super) fn target(&self, path: &str) -> Result<Url, Failure> {
        let base = &self.shared.settings.base_url;
        let below = base.path().trim_end_matches('/');
        let wrong = |why| {
            let shown = match Url::parse(path) {
                Ok(url) => Redactor::default().url(&url, true),
                Err(_) => Redactor::default().text(path.split('?').next().unwrap_or_default(), 200),
            };
            Failure::permanent("invalid_request", format!("the path `{shown}` {why}"))
        };
        let url = if path.starts_with("http://") || path.starts_with("https://") {
            Url::parse(path).map_err(|problem| wrong(format!("cannot be read: {problem}")))?
        } else {
            let (path, query) =
                path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
            let mut url = base.clone();
            let slash = if path.is_empty() { "" } else { "/" };
            url.set_path(&format!("{below}{slash}{}", path.trim_start_matches('/')));
            url.set_query(query.or(base.query()));
            url
        };
        let inside = url.path() == below
            || url.path().strip_prefix(below).is_some_and(|rest| rest.starts_with('/'));
        if url.origin() != base.origin() || !inside {
            let host = url.host_str().unwrap_or_default();
            return Err(wrong(format!(
                "leads to `{host}{}`, outside of the connection's base URL",
                url.path()
            )));
        }
        Ok(url)
    }

    /// Sends a request and reads its answer.
    pub(super) async fn exchange(&self, request: Request, call: &Call) -> Result<Answer, Failure> {
        let Shared { connection, circuit, clock, .. } = &*self.shared;
        let mut passed = circuit.pass(clock).map_err(|mut failure| {
            failure.message = format!("{} (connection `{connection}`)", failure.message);
            failure
        })?;
        let answer = self.try_exchange(request, call, &mut passed).await;
        passed.ended(&answer);
        answer
    }

    async fn try_exchange(
        &self,
        request: Request,
        call: &Call,
        passed: &mut Passed,
    ) -> Result<Answer, Failure> {
        let Shared { connection, settings, limits, circuit, clock, .. } = &*self.shared;
        let mut url = request.target.clone()?;
        let mut told = Told::new(&request, &url);
        let permit = limits.permit(&**clock, request.patience).await.map_err(|mut failure| {
            failure.message =
                format!("{}: {} (connection `{connection}`)", told.doing, failure.message);
            failure
        })?;
        let timeout = request.timeout.unwrap_or(settings.timeout);
        let deadline = after(clock.now(), timeout);
        for _ in 0..=MAX_REDIRECTS {
            check_url(&url, settings.allow_private_addresses)?;
            told.went_to(&url);
            if let Some(instead) = call.wire.instead(&request, &url, &told.doing) {
                let Replayed { status, headers, body } = instead?;
                told.answered(status, &headers);
                drop(permit);
                told.body(&body);
                return self.answer(&request, (status.as_u16(), headers, body), url, told, call);
            }
            passed.sent();
            let left = left(clock.now(), deadline);
            let sent = self.prepare(&request, &url).await?.timeout(left).send().await;
            let mut response = match sent {
                Ok(response) => response,
                Err(problem) => return Err(told.not_answered(&problem, timeout, call)),
            };
            told.answered(response.status(), response.headers());
            let now = clock.now();
            if let Some(wait) = learnt_pause(response.headers(), now) {
                limits.pause(now, wait);
            }
            let (limit, remaining) = told_rate(response.headers());
            circuit.learn_rate(limit, remaining);
            let accepted = request.accepted.contains(&response.status().as_u16());
            if !accepted
                && response.status().is_redirection()
                && response.headers().contains_key(LOCATION)
            {
                url = redirected(&request, &url, response.headers()).map_err(|why| {
                    let see_other = matches!(response.status().as_u16(), 302 | 303);
                    told.fault(
                        if see_other { Fault::SeeOther } else { Fault::Redirected },
                        &why,
                        call,
                    )
                })?;
                continue;
            }
            let status = response.status().as_u16();
            let good = (200..300).contains(&status) || accepted;
            let body = match read_body(&mut response, settings.max_body).await {
                Ok(body) => body,
                // The beginning of an error's body says enough.
                Err(BodyFault::TooLarge(begin)) if !good => begin,
                Err(BodyFault::Broken(_)) if !good => Bytes::new(),
                Err(BodyFault::TooLarge(_)) => {
                    let why = format!("sent more than the {} bytes allowed", settings.max_body);
                    return Err(told.fault(Fault::TooLarge, &why, call));
                }
                Err(BodyFault::Broken(problem)) => {
                    return Err(told.not_answered(&problem, timeout, call));
                }
            };
            drop(permit);
            call.wire.keep(&request, &url, status, response.headers(), &body);
            told.body(&body);
            let headers = std::mem::take(response.headers_mut());
            return self.answer(&request, (status, headers, body), url, told, call);
        }
        Err(told.fault(Fault::Redirected, "redirects again and again", call))
    }

    /// Says what an answer means.
    fn answer(
        &self,
        request: &Request,
        (status, headers, body): (u16, HeaderMap, Bytes),
        url: Url,
        told: Told,
        call: &Call,
    ) -> Result<Answer, Failure> {
        let Shared { settings, clock, .. } = &*self.shared;
        if (200..300).contains(&status) || request.accepted.contains(&status) {
            let told = Arc::new(told);
            told.keep(call);
            return Ok(Answer { status, headers, body, url, told });
        }
        let changed = request.statuses.iter().rev().find(|(changed, _)| *changed == status);
        let class = changed.map_or_else(|| settings.statuses.class_of(status), |(_, class)| *class);
        let fault = Fault::Status(class, asked_wait(&headers, clock.now()));
        Err(told.status(fault, &body, call))
    }

    async fn prepare(
        &self,
        request: &Request,
        url: &Url,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &request.headers {
            let wrong = |what| {
                Failure::permanent(
                    "invalid_request",
                    format!("{what} of header `{name}` has letters that no header has"),
                )
            };
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("the name"))?;
            let mut value =
                HeaderValue::from_str(value.expose()).map_err(|_| wrong("the value"))?;
            value.set_sensitive(
                key == AUTHORIZATION
                    || request.secrets.iter().any(|secret| value == secret.expose()),
            );
            headers.insert(key, value);
        }
        let builder = self.shared.sender.request(request.method.clone(), url.clone());
        Ok(match &request.body {
            Body::Empty => builder.headers(headers),
            Body::Bytes { content_type, bytes } => {
                if let (false, Ok(value)) =
                    (headers.contains_key(CONTENT_TYPE), HeaderValue::from_str(content_type))
                {
                    headers.insert(CONTENT_TYPE, value);
                }
                builder.headers(headers).body(bytes.clone())
            }
            Body::Multipart(form) => {
                builder.headers(headers).multipart(multipart(&form.parts).await?)
            }
        })
    }
}

fn sender(settings: &ClientSettings) -> Result<reqwest::Client, Failure> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Whoever was quicker installed one, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    reqwest::Client::builder()
        // A proxy would resolve names itself, past the guard.
        .no_proxy()
        .dns_resolver(Guard { allow_private: settings.allow_private_addresses }.shared())
        // Redirects are followed here, where their target is checked.
        .redirect(reqwest::redirect::Policy::none())
        // Well before the whole exchange's end, so that it is certain that nothing was sent.
        .connect_timeout(settings.connect_timeout.min(settings.timeout / 2))
        // Shorter than a vendor keeps a connection open: a write on one that closes would have an unknown outcome.
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("recipe-runner/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|problem| {
            let why = super::told::innermost(&problem);
            Failure::permanent("invalid_setting", format!("TLS cannot be set up: {why}"))
                .hint("Look whether the system's root certificates are installed (often a package `ca-certificates`).")
        })
}

async fn multipart(parts: &[Part]) -> Result<reqwest::multipart::Form, Failure> {
    let mut form = reqwest::multipart::Form::new();
    for part in parts {
        form = match part {
            Part::Text { name, text } => form.text(name.clone(), text.clone()),
            Part::File { name, file_name, content_type, path } => {
                let unreadable = |problem| {
                    Failure::transient(
                        "unreadable_file",
                        format!("the file `{file_name}` cannot be read: {problem}"),
                    )
                };
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                let len = file.metadata().await.map_err(unreadable)?.len();
                let mut part = reqwest::multipart::Part::stream_with_length(file, len)
                    .file_name(file_name.clone());
                if let Some(content_type) = content_type {
                    part = part.mime_str(content_type).map_err(|_| {
                        Failure::permanent(
                            "invalid_request",
                            format!("`{content_type}` is no content type"),
                        )
                    })?;
                }
                form.part(name.clone(), part)
            }
        };
    }
    Ok(form)
}

/// Returns where a read is redirected, if that is in the same place and so may have the credentials.
fn redirected(request: &Request, from: &Url, headers: &HeaderMap) -> Result<Url, String> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let to = location
        .and_then(|location| from.join(location).ok())
        .ok_or("redirects to what is no URL")?;
    if request.writes || !matches!(request.body, Body::Empty) {
        return Err(format!(
            "redirects what has a body to `{}`",
            to.host_str().unwrap_or_default()
        ));
    }
    if to.origin() != from.origin() {
        let to = to.host_str().unwrap_or_default();
        return Err(format!("redirects to `{to}`, where the connection's credentials must not go"));
    }
    Ok(to)
}

enum BodyFault {
    TooLarge(Bytes),
    Broken(reqwest::Error),
}

async fn read_body(response: &mut reqwest::Response, most: usize) -> Result<Bytes, BodyFault> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyFault::Broken)? {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Err(BodyFault::TooLarge(body.freeze()));
        }
    }
    Ok(body.freeze())
}

pub(super) fn after(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time)
        .ok()
        .and_then(|time| now.checked_add(time).ok())
        .unwrap_or(Timestamp::MAX)
}

pub(super) fn left(now: Timestamp, deadline: Timestamp) -> Duration {
    // Never nothing: a time-out of zero would fail what has not even begun.
    Duration::try_from(deadline.duration_since(now))
        .unwrap_or_default()
        .max(Duration::from_millis(1))
}
