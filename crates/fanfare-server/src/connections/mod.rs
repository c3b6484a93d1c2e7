//! The connections of clients: how many there may be, and how long each may keep still.

mod descriptors;
mod patient;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower_service::Service as _;

use patient::Patient;

/// How long a client may keep still unless it is said.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long no connection is accepted after the system refused one for want of descriptors or memory.
const RESPITE: Duration = Duration::from_millis(100);

/// Serves a router over HTTP/1.1, within bounds that clients cannot leave.
///
/// - As many connections as [`most`](Self::most) says are open at a time; others wait in the system's queue until one ends.
/// - A connection is closed when its client keeps still for as long as [`patience`](Self::patience) says: in the middle of the head
///   of a request, between two requests, before the first one, or without taking its answer. Bodies have limits of their own,
///   where they are read.
/// - When the system has no descriptor or memory for another connection, those that are open go on, and it is asked again.
/// - Handlers find the client's address in `ConnectInfo<SocketAddr>`.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    most: NonZeroUsize,
    patience: Duration,
}

impl Default for Connections {
    /// Half of the descriptors that this program may open are for clients, the others for files and deliveries; and they may keep
    /// still for a minute.
    fn default() -> Self {
        Self { most: descriptors::half(), patience: PATIENCE }
    }
}

impl Connections {
    /// Has that many connections open at the most.
    #[must_use]
    pub fn most(mut self, most: NonZeroUsize) -> Self {
        self.most = most;
        self
    }

    /// Closes connections whose clients keep still for that long.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Serves `router` to whoever connects, until `stop` is through: then nobody else is let in, connections without a request are
    /// closed at once, and the others when they have their answer. To wait for these no longer, drop it.
    pub async fn serve(self, listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(self.most.get().min(Semaphore::MAX_PERMITS)));
        let (stopping, stops) = watch::channel(());
        let (mut stop, mut open) = (pin!(stop), JoinSet::new());
        loop {
            let (stream, client, place) = tokio::select! {
                () = &mut stop => break,
                Some(ended) = open.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection was cut off");
                    }
                    continue;
                }
                accepted = accept(&listener, &room) => accepted,
            };
            let connection = Connection { stream, client, patience: self.patience, stops: stops.clone() };
            let router = router.clone();
            open.spawn(async move {
                connection.serve(router).await;
                drop(place);
            });
        }
        drop((listener, stopping));
        while open.join_next().await.is_some() {}
    }
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return (stream, client, place),
            // The client was gone before its turn came.
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted: raise the limit of open files or lower --connections");
                tokio::time::sleep(RESPITE).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One client's connection.
struct Connection {
    stream: TcpStream,
    client: SocketAddr,
    patience: Duration,
    /// Says that the server stops, by the end of its sender.
    stops: watch::Receiver<()>,
}

impl Connection {
    async fn serve(self, router: Router) {
        let Self { stream, client, patience, mut stops } = self;
        // Answers are short, and complete when they are written: nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(client));
            let mut router = router.clone();
            async move { Ok::<Response, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
        });
        let io = TokioIo::new(Patient::new(stream, patience));
        let mut server = http1::Builder::new();
        // This limit also holds while the first byte of a head has not come.
        server.timer(TokioTimer::new()).header_read_timeout(patience);
        let mut serving = pin!(server.serve_connection(io, answer));
        let ended = tokio::select! {
            ended = &mut serving => ended,
            _ = stops.changed() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%client, %error, "a connection broke off");
        }
    }
}
