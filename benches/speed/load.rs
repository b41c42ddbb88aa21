//! The load: requests over connections that stay open, as fast as answers come or at a fixed rate, each answer timed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use connector::jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a load found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How long each answer took, the shortest first.
    pub(crate) times: Vec<Duration>,
    /// When each request was sent, by its number.
    pub(crate) sent: Vec<(usize, Timestamp)>,
    /// The statuses that are neither 200 nor lost, with how often.
    pub(crate) refused: usize,
    /// How many of those are a 503 that says when to come again.
    pub(crate) asked_to_wait: usize,
    pub(crate) took: Duration,
}

impl Found {
    /// Returns the time that this share of the answers (0.99) did not exceed, in milliseconds.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let at =
            ((self.times.len() as f64 * share).ceil() as usize).clamp(1, self.times.len().max(1));
        self.times.get(at - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }
}

/// What is sent: the request with a number.
pub(crate) type Make = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// Sends the requests with these numbers over so many connections, each once the last is answered.
pub(crate) fn closed(
    address: &str,
    numbers: std::ops::Range<usize>,
    connections: usize,
    make: &Make,
) -> Found {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    on_a_runtime(async {
        let began = Instant::now();
        let mut workers = Vec::new();
        for _ in 0..connections {
            let (next, make, address) = (next.clone(), make.clone(), address.to_owned());
            let end = numbers.end;
            workers.push(tokio::spawn(async move {
                let (mut line, mut found) = (Line::new(address), Found::default());
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return found;
                    }
                    let request = make(number);
                    found.sent.push((number, Timestamp::now()));
                    let began = Instant::now();
                    let status = line.ask(&request).await;
                    found.take(status, line.waits, began.elapsed());
                }
            }));
        }
        gather(workers, began).await
    })
}

/// Sends so many requests a second whatever the answers do, from when each is due: a slow answer makes later ones late
/// in the figures too.
pub(crate) fn open(
    address: &str,
    numbers: std::ops::Range<usize>,
    rate: f64,
    make: &Make,
) -> Found {
    const CONNECTIONS: usize = 64;
    let next = Arc::new(AtomicUsize::new(0));
    on_a_runtime(async {
        let (began, began_at) = (Instant::now(), Timestamp::now());
        let mut workers = Vec::new();
        for _ in 0..CONNECTIONS {
            let (next, make, address) = (next.clone(), make.clone(), address.to_owned());
            let numbers = numbers.clone();
            workers.push(tokio::spawn(async move {
                let (mut line, mut found) = (Line::new(address), Found::default());
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= numbers.len() {
                        return found;
                    }
                    let request = make(numbers.start + at);
                    let after = Duration::from_secs_f64(at as f64 / rate);
                    let due = began + after;
                    tokio::time::sleep_until(due.into()).await;
                    // The whole hire counts from the same moment as its answer.
                    found.sent.push((numbers.start + at, began_at + after));
                    let status = line.ask(&request).await;
                    found.take(status, line.waits, due.elapsed());
                }
            }));
        }
        gather(workers, began).await
    })
}

/// Sends one request and returns the status and the body of its answer.
pub(crate) fn once(address: &str, request: &[u8]) -> (u16, String) {
    on_a_runtime(async {
        let mut line = Line::new(address.to_owned());
        let status = line.ask(request).await;
        (status, line.body)
    })
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn gather(workers: Vec<tokio::task::JoinHandle<Found>>, began: Instant) -> Found {
    let mut all = Found::default();
    for worker in workers {
        let found = worker.await.unwrap();
        all.times.extend(found.times);
        all.sent.extend(found.sent);
        all.refused += found.refused;
        all.asked_to_wait += found.asked_to_wait;
    }
    all.took = began.elapsed();
    all.times.sort_unstable();
    all
}

impl Found {
    fn take(&mut self, status: u16, waits: bool, time: Duration) {
        if status == 200 {
            self.times.push(time);
            return;
        }
        self.refused += 1;
        self.asked_to_wait += usize::from(status == 503 && waits);
    }
}

/// One connection, opened when it is needed.
struct Line {
    address: String,
    stream: Option<TcpStream>,
    body: String,
    /// The last answer said when to come again.
    waits: bool,
}

impl Line {
    fn new(address: String) -> Self {
        Self { address, stream: None, body: String::new(), waits: false }
    }

    /// Returns the status; 0 when there was no answer.
    async fn ask(&mut self, request: &[u8]) -> u16 {
        if let Ok(status) = self.try_ask(request).await {
            return status;
        }
        self.stream = None;
        0
    }

    async fn try_ask(&mut self, request: &[u8]) -> std::io::Result<u16> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().unwrap();
        stream.write_all(request).await?;
        let mut answer = Vec::with_capacity(512);
        loop {
            let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(broken());
            }
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>())?
                    .ok()
            });
            if body.len() < length.unwrap_or(0) {
                continue;
            }
            body.clone_into(&mut self.body);
            let is_that = |line: &str| line.to_ascii_lowercase().starts_with("retry-after: ");
            self.waits = head.lines().any(is_that);
            return head
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .ok_or_else(broken);
        }
    }
}
