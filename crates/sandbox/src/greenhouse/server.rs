//! The server around an account: reads requests, checks who sends them, lets things go wrong, keeps the log.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Query, Request, State},
    http::{HeaderMap, Response, Uri},
};
use connector::{Clock, SystemClock, jiff::Timestamp};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    account::{Account, Request as Logged},
    answer::Answer,
    files, hire, seed,
    switches::{Operation, Switches},
    tokens, v1, v3,
};
use crate::{
    goco::Trouble,
    line::{self, Line},
    sender::Sender,
};

const LARGEST_BODY: usize = 1 << 20;
/// The length of a window of the rate limit.
const WINDOW_SECONDS: i64 = 30;

/// A Greenhouse account that listens on a free port of the loopback address until the value is dropped.
#[derive(Debug)]
pub struct GreenhouseTenant {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    origin: String,
    clock: Arc<dyn Clock>,
    inner: Mutex<(Switches, Account)>,
}

impl GreenhouseTenant {
    /// Starts a seeded account.
    pub async fn start(switches: Switches) -> std::io::Result<Self> {
        Self::start_at(switches, Arc::new(SystemClock)).await
    }

    /// Starts a seeded account that lives by that clock.
    pub async fn start_at(switches: Switches, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        let account = seed::account(clock.now());
        let shared = Arc::new(Shared {
            origin: format!("http://{address}"),
            clock,
            inner: Mutex::new((switches, account)),
        });
        let router = Router::new().fallback(serve).with_state(shared.clone());
        let serving = line::serve(listener, router);
        Ok(Self { shared, serving })
    }

    /// Returns where it listens: both the `base_url` and the `auth_url` of a connection.
    pub fn url(&self) -> String {
        self.shared.origin.clone()
    }

    /// Returns the settings of a connection of that kind (`harvest_v3` or `harvest_v1`) to this account.
    pub fn connection(&self, kind: &str) -> Value {
        let (switches, account) = &*self.shared.lock();
        let author = &account.users[0].primary_email;
        let mut settings = json!({
            "kind": kind,
            "base_url": self.shared.origin,
            "auth_url": self.shared.origin,
            "environment": "sandbox",
            "allow_private_addresses": true,
            "note_author": author,
            "webhook_secret": switches.webhook_secret,
        });
        if kind == "harvest_v1" {
            settings["api_key"] = switches.api_key.as_str().into();
            settings["user_email"] = author.as_str().into();
        } else {
            settings["client_id"] = switches.client_id.as_str().into();
            settings["client_secret"] = switches.client_secret.as_str().into();
            settings["acting_user"] = author.as_str().into();
        }
        settings
    }

    /// Looks into the account, or changes it.
    pub fn account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut self.shared.lock().1)
    }

    /// Changes the switches from the next request on.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.shared.lock().0);
    }

    /// Marks a candidate as hired and returns the body of the webhook about it, to be sent by a [`Sender`]; `None`
    /// when there is no such candidate.
    pub fn hire(&self, candidate_id: u64) -> Option<Value> {
        let now = self.shared.clock.now();
        let (switches, account) = &mut *self.shared.lock();
        account.hire(candidate_id, now);
        let candidate = account.candidate(candidate_id)?;
        Some(hire::body(candidate, &self.shared.origin, switches.links_live_seconds, now))
    }

    /// Returns a sender that signs with this account's webhook secret.
    pub fn sender(&self) -> Sender {
        Sender::new(&self.shared.lock().0.webhook_secret, self.shared.clock.clone())
    }
}

impl Drop for GreenhouseTenant {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let method = parts.method.as_str().to_owned();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let asked = Asked {
        operation: route(&method, parts.uri.path()),
        uri: parts.uri,
        headers: parts.headers,
    };
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Answer::message(413, "Payload too large").into_response();
    };
    let (reply, trouble) = {
        let mut inner = shared.lock();
        let (switches, account) = &mut *inner;
        let trouble = if switches.unreachable && asked.operation != Operation::File {
            Some(Trouble::CutBefore)
        } else {
            take_fault(switches, asked.operation)
        };
        let reply = match &trouble {
            Some(Trouble::CutBefore) => None,
            Some(Trouble::Answer { status, retry_after, body }) => {
                let reply = Answer::json(*status, body);
                Some(match retry_after {
                    Some(when) => reply.header("retry-after", when.clone()),
                    None => reply,
                })
            }
            Some(Trouble::Html) => Some(Answer {
                status: 200,
                headers: Vec::new(),
                content_type: "text/html",
                body: b"<!doctype html><title>Sign in</title>".to_vec(),
            }),
            None | Some(Trouble::CutAfter | Trouble::HoldAfter(_)) => {
                Some(asked.answer(account, switches, &body, &shared.origin, shared.clock.now()))
            }
        };
        let lost = matches!(trouble, Some(Trouble::CutBefore | Trouble::CutAfter));
        let status = reply.as_ref().map(|reply| reply.status).filter(|_| !lost);
        account.requests.push(Logged { operation: asked.operation, method, target, status });
        (reply, trouble)
    };
    match trouble {
        Some(Trouble::CutBefore | Trouble::CutAfter) => line.cut(),
        Some(Trouble::HoldAfter(time)) => shared.clock.sleep(Duration::from_millis(time)).await,
        _ => {}
    }
    reply.unwrap_or_else(|| Answer::message(500, "cut off")).into_response()
}

/// A request as it came, without its body.
struct Asked {
    operation: Operation,
    uri: Uri,
    headers: HeaderMap,
}

impl Asked {
    fn answer(
        &self,
        account: &mut Account,
        switches: &Switches,
        body: &[u8],
        origin: &str,
        now: Timestamp,
    ) -> Answer {
        let path = self.uri.path();
        let query = Query::<Vec<(String, String)>>::try_from_uri(&self.uri)
            .map(|query| query.0)
            .unwrap_or_default();
        if path.starts_with(files::ROOT) {
            return files::fetch(account, path, &query, now);
        }
        if path == "/token" {
            let credential = self.basic();
            let credential = credential.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str()));
            return tokens::mint(account, switches, credential, &form(body), now);
        }
        let body = serde_json::from_slice::<Value>(body).ok();
        let answer = if let Some(path) = path.strip_prefix(v1::ROOT) {
            // v1 asks who one is before it looks where one goes.
            if self.basic().as_ref().map(|(key, password)| (key.as_str(), password.as_str()))
                != Some((switches.api_key.as_str(), ""))
            {
                return Answer::message(401, "Invalid Basic Auth credentials");
            }
            if let Some(answer) = throttled(account, switches, now) {
                return answer;
            }
            let path = path.split('/').filter(|part| !part.is_empty()).collect();
            let on_behalf_of =
                self.headers.get("on-behalf-of").and_then(|value| value.to_str().ok());
            let (query, body) = (query.as_slice(), body.as_ref());
            let operation = self.operation;
            v1::answer(
                account,
                switches,
                &v1::Asking { operation, path, query, body, on_behalf_of, origin, now },
            )
        } else if self.operation == Operation::Unknown {
            // v3 looks where one goes before it asks who one is.
            return Answer::not_found();
        } else {
            let acting = match tokens::bearer(account, self.authorization(), now) {
                Ok(acting) => acting,
                Err(refusal) => return refusal,
            };
            if let Some(answer) = throttled(account, switches, now) {
                return answer;
            }
            let (operation, query, body) = (self.operation, query.as_slice(), body.as_ref());
            v3::answer(
                account,
                switches,
                &v3::Asking { operation, query, body, acting, origin, now },
            )
        };
        with_limits(answer, account, switches)
    }

    fn authorization(&self) -> Option<&str> {
        self.headers.get("authorization")?.to_str().ok()
    }

    fn basic(&self) -> Option<(String, String)> {
        let decoded = unbase64(self.authorization()?.strip_prefix("Basic ")?)?;
        let text = String::from_utf8(decoded).ok()?;
        text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, (Switches, Account)> {
        self.inner.lock().expect("no panic while the lock is held")
    }
}

fn route(method: &str, path: &str) -> Operation {
    if path.starts_with(files::ROOT) {
        Operation::File
    } else if (method, path) == ("POST", "/token") {
        Operation::Token
    } else if let Some(path) = path.strip_prefix(v3::ROOT) {
        v3::route(method, path)
    } else if let Some(path) = path.strip_prefix(v1::ROOT) {
        v1::route(method, &path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>())
    } else {
        Operation::Unknown
    }
}

/// Counts a request, and refuses it when the window is used up.
fn throttled(account: &mut Account, switches: &Switches, now: Timestamp) -> Option<Answer> {
    let second = now.as_second();
    let begin = second - second.rem_euclid(WINDOW_SECONDS);
    if account.window.0 != begin {
        account.window = (begin, 0);
    }
    account.window.1 += 1;
    (account.window.1 > switches.rate_limit).then(|| {
        let wait = begin + WINDOW_SECONDS - second;
        let refusal =
            Answer::message(429, "Too many requests").header("retry-after", wait.to_string());
        with_limits(refusal, account, switches)
    })
}

fn with_limits(answer: Answer, account: &Account, switches: &Switches) -> Answer {
    let (begin, used) = account.window;
    answer
        .header("x-ratelimit-limit", switches.rate_limit.to_string())
        .header("x-ratelimit-remaining", switches.rate_limit.saturating_sub(used).to_string())
        .header("x-ratelimit-reset", (begin + WINDOW_SECONDS).to_string())
}

/// Takes what goes wrong with this request, and counts it.
fn take_fault(switches: &mut Switches, operation: Operation) -> Option<Trouble> {
    let fault =
        switches.faults.iter_mut().find(|fault| fault.on == operation && fault.times > 0)?;
    if fault.after > 0 {
        fault.after -= 1;
        return None;
    }
    fault.times -= 1;
    Some(fault.trouble.clone())
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let uri = format!("http://form/?{text}").parse::<Uri>().unwrap_or_default();
    Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default()
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == letter)?;
        bits = bits << 6 | u32::try_from(digit).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}
