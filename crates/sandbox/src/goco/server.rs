//! The server around a company: reads requests, lets things go wrong, keeps the log.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRequest, Multipart, Query, Request, State},
    http::{Response, request::Parts},
};
use connector::{Clock, SystemClock};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    answer::{Answer, Content},
    company::{Company, Request as Logged},
    operations::{Asking, Part, Sent, answer, route},
    switches::{Operation, Switches, Trouble},
};
use crate::line::{self, Line};

/// Where the API begins, as at GoCo.
const ROOT: &str = "/public/api/v1";
/// More than any document that the connector sends by default, base64 included.
const LARGEST_BODY: usize = 64 << 20;

/// A GoCo company that listens on a free port of the loopback address until the value is dropped.
#[derive(Debug)]
pub struct GocoTenant {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    inner: Mutex<(Switches, Company)>,
}

impl GocoTenant {
    /// Starts a seeded company.
    pub async fn start(switches: Switches) -> std::io::Result<Self> {
        Self::start_at(switches, Arc::new(SystemClock)).await
    }

    /// Starts a seeded company that lives by that clock.
    pub async fn start_at(switches: Switches, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared =
            Arc::new(Shared { address, clock, inner: Mutex::new((switches, Company::seeded())) });
        let router = Router::new().fallback(serve).with_state(shared.clone());
        let serving = line::serve(listener, router);
        Ok(Self { address, shared, serving })
    }

    /// Returns the base URL for the connection's settings.
    pub fn url(&self) -> String {
        format!("http://{}{ROOT}", self.address)
    }

    /// Looks into the company, or changes it.
    pub fn company<T>(&self, look: impl FnOnce(&mut Company) -> T) -> T {
        look(&mut self.shared.inner.lock().expect("no panic while the lock is held").1)
    }

    /// Changes the switches from the next request on.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.shared.inner.lock().expect("no panic while the lock is held").0);
    }
}

impl Drop for GocoTenant {
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
    let Ok(bytes) = to_bytes(body, LARGEST_BODY).await else {
        return Answer::error(413, "The body is too large").into_response();
    };
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let target = target.strip_prefix(ROOT).unwrap_or(target).to_owned();
    let method = parts.method.as_str().to_owned();
    let (operation, company, employee) = match parts.uri.path().strip_prefix(ROOT) {
        Some(path) => route(&method, path),
        None => (Operation::Unknown, None, None),
    };
    let latency = shared.lock().0.latency_ms;
    if latency > 0 {
        shared.clock.sleep(Duration::from_millis(latency)).await;
    }
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map(|query| query.0)
        .unwrap_or_default();
    let authorization =
        parts.headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let url = format!("http://{}{}", shared.address, parts.uri.path());
    let body = read_body(parts, bytes).await;

    let trouble = take_fault(&mut shared.lock().0, operation);
    let reply = match &trouble {
        Some(Trouble::CutBefore) => None,
        Some(Trouble::Answer { status, retry_after, body }) => {
            let reply = Answer::json(*status, body.clone());
            Some(match retry_after {
                Some(when) => reply.header("retry-after", when.clone()),
                None => reply,
            })
        }
        Some(Trouble::Html) => Some(Answer {
            status: 200,
            headers: Vec::new(),
            body: Content::Html("<!doctype html><title>Log in</title><h1>Log in to GoCo</h1>"),
        }),
        None | Some(Trouble::CutAfter | Trouble::HoldAfter(_)) => {
            let now = shared.clock.now();
            let asking = Asking {
                operation,
                employee,
                company,
                url,
                query: &query,
                authorization: authorization.as_deref(),
                body,
                now,
            };
            let mut inner = shared.lock();
            let (switches, company) = &mut *inner;
            Some(answer(company, switches, &asking))
        }
    };
    let lost = matches!(trouble, Some(Trouble::CutBefore | Trouble::CutAfter));
    let status = reply.as_ref().map(|reply| reply.status).filter(|_| !lost);
    shared.lock().1.requests.push(Logged { operation, method, target, status });
    if let Some(Trouble::HoldAfter(time)) = trouble {
        shared.clock.sleep(Duration::from_millis(time)).await;
    }
    if lost {
        line.cut();
    }
    reply.unwrap_or_else(|| Answer::empty(500)).into_response()
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, (Switches, Company)> {
        self.inner.lock().expect("no panic while the lock is held")
    }
}

/// Takes what goes wrong with this request, and counts it.
fn take_fault(switches: &mut Switches, operation: Operation) -> Option<Trouble> {
    let at = switches.faults.iter().position(|fault| fault.on == operation && fault.times > 0)?;
    let fault = &mut switches.faults[at];
    if fault.after > 0 {
        fault.after -= 1;
        return None;
    }
    fault.times -= 1;
    Some(fault.trouble.clone())
}

async fn read_body(parts: Parts, bytes: axum::body::Bytes) -> Sent {
    let kind = parts
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(&bytes).map_or(Sent::Nothing, Sent::Json);
    }
    if !kind.starts_with("multipart/form-data") {
        return Sent::Nothing;
    }
    let Ok(mut form) =
        Multipart::from_request(Request::from_parts(parts, Body::from(bytes)), &()).await
    else {
        return Sent::Nothing;
    };
    let mut read = Vec::new();
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(str::to_owned);
        let Ok(content) = field.bytes().await else { return Sent::Nothing };
        read.push(Part { name, file_name, content_type, content: content.to_vec() });
    }
    Sent::Form(read)
}
