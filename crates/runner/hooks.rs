//! `POST /hooks/{recipe}`: what strangers may send. The body is kept as bytes; the engine decides what it is.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use connector::{Clock, Delivery};
use engine::{Engine, JobId, Refusal};
use jiff::Timestamp;
use tower_http::timeout::TimeoutLayer;

/// The largest body that is taken; a hire with a hundred attachments is a twentieth of it.
pub const LARGEST_BODY: usize = 4 << 20;
/// How long the body of a request may take.
const BODY_TIME: Duration = Duration::from_secs(20);
/// How long a request may take from its first byte to the answer: more than the longest `answer_within`.
const REQUEST_TIME: Duration = Duration::from_secs(90);
/// Tells which job an answer is of.
const JOB: &str = "x-job";
/// When to come again after a 503; Greenhouse repeats by a schedule of its own.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

#[derive(Clone)]
struct Hooks {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
}

/// Returns the routes for strangers.
pub fn routes(engine: Arc<Engine>, clock: Arc<dyn Clock>, largest_body: usize) -> Router {
    Router::new()
        .route("/hooks/{recipe}", post(receive).fallback(not_a_post))
        .with_state(Hooks { engine, clock })
        .layer(DefaultBodyLimit::max(largest_body))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME))
}

async fn receive(
    State(hooks): State<Hooks>,
    Path(recipe): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let received_at = hooks.clock.now();
    let body = tokio::select! {
        body = Bytes::from_request(request, &hooks) => body,
        () = hooks.clock.sleep(BODY_TIME) => {
            refused(&hooks, &recipe, &headers, received_at, 408, "its body took too long");
            return text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n");
        }
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            tracing::warn!(recipe, "refused a delivery: its body is too large");
            refused(&hooks, &recipe, &headers, received_at, 413, "its body is too large");
            return text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n");
        }
        Err(_) => return text(StatusCode::BAD_REQUEST, "the body could not be read\n"),
    };
    let delivery = Delivery {
        headers: headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        query: query.unwrap_or_default(),
        body: Arc::from(&body[..]),
        received_at,
    };
    // The answer must not depend on whether the sender still listens: what it sent is accepted or it is not.
    let engine = hooks.engine.clone();
    let answer = tokio::spawn(async move { engine.deliver(&recipe, delivery).await }).await;
    let Ok(answer) = answer else {
        return unavailable("the delivery was not accepted; send it again\n");
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return unavailable(answer.text + "\n");
    }
    match (answer.waits_until, answer.jobs.first()) {
        (Some(until), Some(job)) => output(&hooks.engine, *job, until).await,
        (Some(_), None) => StatusCode::NO_CONTENT.into_response(),
        (None, _) => text(status, answer.text + "\n"),
    }
}

/// Keeps that a delivery was refused before its body was read.
fn refused(
    hooks: &Hooks,
    recipe: &str,
    headers: &HeaderMap,
    at: Timestamp,
    answered: u16,
    reason: &str,
) {
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("")));
    let headers: Vec<_> = headers.collect();
    hooks.engine.refuse(recipe, &Refusal { at, answered, reason, size: None }, &headers);
}

/// Answers with what a recipe gives, once its job is over.
async fn output(engine: &Engine, job: JobId, until: Timestamp) -> Response {
    let reply = engine.reply(job, until).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static(JOB), HeaderValue::from(reply.job.0)),
    ];
    let mut response = (status, headers, reply.body.to_string() + "\n").into_response();
    if status == StatusCode::ACCEPTED
        && let Ok(address) = HeaderValue::from_str(&reply.url)
    {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

async fn not_a_post(Path(recipe): Path<String>) -> Response {
    let words = format!(
        "This is the webhook of the recipe `{recipe}`. It takes POST requests from the system that\n\
         sends events; there is nothing to see here in a browser.\n"
    );
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, words);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

fn unavailable(words: impl Into<String>) -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, words);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

/// Nothing a stranger sent comes back as anything but plain text.
fn text(status: StatusCode, words: impl Into<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, words.into()).into_response()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{init, serve, service::Service};

    const RECIPE: &str = "greenhouse-hired-to-goco";

    /// Sends one request to the hooks of the template project, and returns the whole answer.
    async fn send(request: String) -> String {
        let dir = tempfile::tempdir().unwrap();
        init::write(dir.path()).unwrap();
        let secrets = |_: &str| Some("0123456789abcdef0123456789abcdef@acme.example".to_owned());
        let service = Service::open(dir.path(), secrets).await.unwrap();
        let engine = Arc::new(service.engine.clone());
        let routes = routes(engine, service.engine.clock().clone(), 1000);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve::serve(listener, routes, stop.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Too large a request is refused before its end has been sent.
        drop(stream.write_all(request.as_bytes()).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        stop.cancel();
        serving.await.unwrap();
        service.engine.stop().await;
        String::from_utf8(answer).unwrap()
    }

    fn request(method: &str, path: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }

    #[tokio::test]
    async fn a_delivery_without_a_signature_is_refused() {
        let answer = send(request("POST", &format!("/hooks/{RECIPE}"), "{}")).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }

    #[tokio::test]
    async fn an_unknown_recipe_is_not_found() {
        let answer = send(request("POST", "/hooks/absent", "{}")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("content-type: text/plain"), "{answer}");
    }

    #[tokio::test]
    async fn a_browser_is_told_what_this_is() {
        let answer = send(request("GET", &format!("/hooks/{RECIPE}"), "")).await;
        assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("allow: POST"), "{answer}");
        assert!(answer.contains("takes POST requests"), "{answer}");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let answer = send(request("POST", &format!("/hooks/{RECIPE}"), &"x".repeat(1001))).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    #[tokio::test]
    async fn headers_over_the_limit_are_refused() {
        let many = format!("GET /hooks/a HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
        let answer = send(many).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}
