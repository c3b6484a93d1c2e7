//! One connection to a receiver: how it is made, and one exchange on it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
#[cfg(feature = "https")]
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use fanfare_egress::{EgressDenied, EgressPolicy, ResolveError};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::origin::{Origin, Security};

/// How long addresses of the family that is tried first have before the others are tried beside them (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Makes connections within the egress policy.
#[derive(Clone)]
pub(crate) struct Opener {
    egress: EgressPolicy,
    #[cfg(feature = "https")]
    tls: Arc<rustls::ClientConfig>,
}

/// A connection that carries one exchange at a time. Whoever waits for an answer drives it; nothing runs in the background.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// What connections are made of.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Opener {
    pub(crate) fn new(egress: EgressPolicy, #[cfg(feature = "https")] tls: rustls::ClientConfig) -> Self {
        Self {
            egress,
            #[cfg(feature = "https")]
            tls: Arc::new(tls),
        }
    }

    /// Connects to `origin`.
    pub(crate) async fn open(&self, origin: &Origin) -> Result<Connection, OpenError> {
        let stream = self.connect(origin).await?;
        let stream: Box<dyn Stream> = match origin.security() {
            Security::Plain => Box::new(stream),
            #[cfg(feature = "https")]
            Security::Tls => Box::new(self.encrypt(origin, stream).await?),
        };
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(OpenError::Http)?;
        Ok(Connection { sender, driver: Box::pin(driver) })
    }

    async fn connect(&self, origin: &Origin) -> Result<TcpStream, OpenError> {
        let (host, port) = (origin.host(), origin.port());
        let addresses = match literal(host) {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => self.egress.resolve(host, port).await.map_err(OpenError::Name)?,
        };
        let stream = first_of(addresses).await.map_err(OpenError::Connect)?;
        let peer = stream.peer_addr().map_err(OpenError::Connect)?;
        // What is connected to is what counts, before a byte is sent.
        self.egress.check_address(Some(host), peer.ip(), peer.port()).map_err(OpenError::Denied)?;
        // A request is written in one go: waiting to fill a segment would only delay it.
        stream.set_nodelay(true).map_err(OpenError::Connect)?;
        Ok(stream)
    }

    #[cfg(feature = "https")]
    async fn encrypt(&self, origin: &Origin, stream: TcpStream) -> Result<impl Stream + use<>, OpenError> {
        let name = match literal(origin.host()) {
            Some(address) => rustls::pki_types::ServerName::from(address),
            None => origin.host().to_owned().try_into().map_err(|error| OpenError::Connect(io::Error::other(error)))?,
        };
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls));
        connector.connect(name, stream).await.map_err(OpenError::Connect)
    }
}

/// The address that a host is, if it is none that has to be looked up.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Connects to the first of `addresses` that takes it: those of the first one's family one after the other, and after a moment
/// those of the other family beside them.
async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let Some(first) = addresses.first().copied() else { return Err(nobody()) };
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    if others.is_empty() {
        return one_by_one(preferred).await;
    }
    let mut preferred = pin!(one_by_one(preferred));
    let mut others = pin!(one_by_one(others));
    match tokio::time::timeout(HEAD_START, &mut preferred).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(_)) => return others.await,
        Err(_) => {}
    }
    tokio::select! {
        stream = &mut preferred => match stream {
            Ok(stream) => Ok(stream),
            Err(_) => others.await,
        },
        stream = &mut others => match stream {
            Ok(stream) => Ok(stream),
            Err(_) => preferred.await,
        },
    }
}

async fn one_by_one(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut last = nobody();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn nobody() -> io::Error {
    io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address")
}

impl Connection {
    /// Whether it can still be used, as far as is known: the peer has not closed it, nor said anything that nobody asked for.
    pub(crate) fn is_usable(&mut self) -> bool {
        let ended = self.driver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        !ended && self.sender.is_ready()
    }

    /// Sends `request`, and answers with the head of what comes back. A request of which nothing was written comes back with
    /// the error.
    pub(crate) async fn send(&mut self, request: Box<Request<Full<Bytes>>>) -> Result<Response<Incoming>, SendError> {
        // Boxed, because a future of this size is dear to hand around.
        let answer = Box::pin(self.sender.try_send_request(*request));
        drive(&mut self.driver, answer)
            .await
            .map_err(|mut error| SendError { unsent: error.take_message().map(Box::new), error: error.into_error() })
    }

    /// What `step` comes to, which needs the connection to go on.
    pub(crate) async fn during<T>(&mut self, step: impl Future<Output = T> + Unpin) -> T {
        drive(&mut self.driver, step).await
    }
}

/// Waits for `step` while `driver` reads and writes.
fn drive<T>(driver: &mut Driver, mut step: impl Future<Output = T> + Unpin) -> impl Future<Output = T> {
    let mut over = false;
    std::future::poll_fn(move |context| {
        if let Poll::Ready(done) = Pin::new(&mut step).poll(context) {
            return Poll::Ready(done);
        }
        // What the driver says of its end, `step` says too.
        if !over {
            over = driver.as_mut().poll(context).is_ready();
        }
        Pin::new(&mut step).poll(context)
    })
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("egress", &self.egress).finish_non_exhaustive()
    }
}

/// A request that came to no answer.
#[derive(Debug)]
pub(crate) struct SendError {
    /// The request, when nothing of it was written.
    pub(crate) unsent: Option<Box<Request<Full<Bytes>>>>,
    pub(crate) error: hyper::Error,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The name did not resolve, or to addresses that the egress rules forbid.
    Name(ResolveError),
    /// The egress rules forbid what was connected to.
    Denied(EgressDenied),
    /// Nobody took the connection, or the handshake failed.
    Connect(io::Error),
    /// What was connected to cannot carry HTTP.
    Http(hyper::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name(_) => "the name was not looked up",
            Self::Denied(_) => "the connection was given up",
            Self::Connect(_) => "the connection was not made",
            Self::Http(_) => "the connection was not set up",
        })
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::Denied(error) => Some(error),
            Self::Connect(error) => Some(error),
            Self::Http(error) => Some(error),
        }
    }
}
