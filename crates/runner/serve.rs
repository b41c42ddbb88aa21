//! An HTTP server for strangers: limits on connections, headers and time, and an end that lets answers finish.

use std::{future::Future, io, net::IpAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a client may take to send its headers, and an idle connection may stay open.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// The most bytes that headers may have; Greenhouse sends less than one kilobyte.
const LARGEST_HEADERS: usize = 32 << 10;
/// The most headers.
const MOST_HEADERS: usize = 64;
/// How many connections are open at once; further ones wait in the listener's queue.
const MOST_CONNECTIONS: usize = 512;
/// How long the server rests when it cannot accept (no file descriptors left).
const REST: Duration = Duration::from_millis(100);

/// Whom a connection is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Whoever is at that address.
    Address(IpAddr),
    /// The user this process runs as, or root: somebody who could read the data folder as well.
    Owner,
}

/// Something that accepts connections.
pub trait Accept: Send + 'static {
    /// What is read and written.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Waits for the next connection.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    /// Returns whom a connection is from, if it has an address.
    fn peer(_: &Self::Stream) -> Option<Peer> {
        None
    }
}

impl Accept for TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        let (stream, _) = Self::accept(self).await?;
        // Answers are small: they should not wait for more.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn peer(stream: &Self::Stream) -> Option<Peer> {
        stream.peer_addr().ok().map(|peer| Peer::Address(peer.ip().to_canonical()))
    }
}

impl Accept for UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        Ok(Self::accept(self).await?.0)
    }

    /// The socket's mode keeps others out; that it is one of us is asked all the same.
    fn peer(stream: &Self::Stream) -> Option<Peer> {
        let user = stream.peer_cred().ok()?.uid();
        (user == rustix::process::geteuid().as_raw() || user == 0).then_some(Peer::Owner)
    }
}

/// Serves until `stop`; returns once every request that had begun is answered.
pub async fn serve<A: Accept>(listener: A, routes: Router, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let permit = connections.clone().acquire_owned();
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async { (permit.await, listener.accept().await) } => accepted,
        };
        let (Ok(permit), stream) = accepted else { break };
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                drop(tokio::time::timeout(REST, stop.cancelled()).await);
                continue;
            }
        };
        let (routes, stop, peer) = (routes.clone(), stop.clone(), A::peer(&stream));
        tasks.spawn(async move {
            connection(stream, peer, routes, stop).await;
            drop(permit);
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Option<Peer>,
    routes: Router,
    stop: CancellationToken,
) {
    let routes = TowerToHyperService::new(routes);
    let answer = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        routes.call(request)
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_buf_size(LARGEST_HEADERS)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), answer)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client that goes away in the middle is its own business.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
