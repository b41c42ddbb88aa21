//! A vendor on loopback: answers as told, remembers what it saw, or misbehaves on the wire.

use std::sync::{Arc, Mutex};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `GET /v1/people?page=2`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.line.split([' ', '?']).nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer in the making.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

pub(crate) fn reply(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: String::new() }
}

impl Reply {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn text(mut self, content_type: &str, body: &str) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    #[expect(clippy::needless_pass_by_value, reason = "replies read better so")]
    pub(crate) fn json(self, body: Value) -> Self {
        self.text("application/json", &body.to_string())
    }
}

pub(crate) struct Server {
    /// Its address, without a path.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn answering(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::counting(move |seen, _| answer(seen)).await
    }

    /// Answers with the number of requests seen before this one in hand.
    pub(crate) async fn counting(
        answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), seen.clone());
        let app = axum::Router::new().fallback(async move |request: Request| -> Response {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or(Bytes::new());
            let one = Seen {
                line: format!("{} {}", head.method, head.uri),
                headers: head
                    .headers
                    .iter()
                    .map(|(key, value)| (key.to_string(), value.to_str().unwrap().into()))
                    .collect(),
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            let count = {
                let mut log = log.lock().unwrap();
                log.push(one.clone());
                log.len() - 1
            };
            let reply = answer(&one, count);
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, value);
            }
            response.body(Body::from(reply.body)).unwrap()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen }
    }

    /// Nobody listens there.
    pub(crate) async fn gone() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { url: format!("http://{}", listener.local_addr().unwrap()), seen: Arc::default() }
    }

    /// Reads the head of a request and hangs up.
    pub(crate) async fn cutting() -> Self {
        Self::raw(async |mut stream| read_head(&mut stream).await).await
    }

    /// Answers half and hangs up.
    pub(crate) async fn cutting_body() -> Self {
        Self::raw(async |mut stream| {
            read_head(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\"")
                .await
                .unwrap();
        })
        .await
    }

    /// Takes a request and never answers.
    pub(crate) async fn silent() -> Self {
        Self::raw(async |mut stream| {
            read_head(&mut stream).await;
            std::future::pending::<()>().await;
        })
        .await
    }

    async fn raw<F>(serve: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serve = Arc::new(serve);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serve = serve.clone();
                tokio::spawn(async move { serve(stream).await });
            }
        });
        Self { url, seen: Arc::default() }
    }

    /// Returns the requests seen so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    // A TLS hello has no such end; its first bytes will do.
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && head.first() != Some(&0x16) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(len) => head.extend_from_slice(&buffer[..len]),
        }
    }
}
