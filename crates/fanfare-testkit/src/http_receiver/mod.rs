//! A scripted HTTP/1.1 subscriber on loopback: it records what it is sent and answers as it is told, well or badly.

mod connection;
mod reply;
mod request;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

pub use reply::Reply;
pub use request::ReceivedRequest;

#[cfg(feature = "tls")]
use crate::tls::{Identity, TestCa};

/// How long [`HttpReceiver::wait_for`] waits before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How many connections may wait to be accepted.
pub(crate) const BACKLOG: u32 = 1024;

/// A subscriber on a loopback port of its own, which speaks HTTP/1.1 over a bare socket.
///
/// - Each request takes the first reply of the script, or the standing reply when the script is used up; that is an empty
///   `200` at first.
/// - Connections are kept alive unless a reply or a request ends them.
/// - When it is dropped, the port is closed and every connection ends.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_testkit::{HttpReceiver, Reply};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let receiver = HttpReceiver::start().await;
/// receiver.script([Reply::status(503).header("Retry-After", "7")]);
///
/// let mut client = tokio::net::TcpStream::connect(receiver.addr()).await?;
/// client.write_all(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
///
/// assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n"));
/// assert_eq!(receiver.requests()[0].body, b"hi");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct HttpReceiver {
    addr: SocketAddr,
    security: Security,
    shared: Arc<Shared>,
    door: Mutex<Door>,
}

/// Whether the port is open.
enum Door {
    /// The task accepts connections and owns them.
    Open(JoinHandle<()>),
    /// The port is bound, so that nobody else takes it, and not listening, so that connections are refused.
    Shut(TcpSocket),
    /// It is being opened or shut by somebody else.
    Moving,
}

/// What a connection speaks below HTTP.
#[derive(Clone)]
enum Security {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

/// What the receiver and its connections share.
struct Shared {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
    /// Told after each recorded request.
    recorded: Notify,
}

struct State {
    script: VecDeque<Reply>,
    standing: Reply,
    requests: Vec<ReceivedRequest>,
    connections: usize,
}

impl HttpReceiver {
    /// Opens a receiver that speaks plain HTTP.
    pub async fn start() -> Self {
        Self::open(Security::Plain).await
    }

    /// Opens a receiver with a certificate of `ca` for `127.0.0.1` and `localhost`.
    #[cfg(feature = "tls")]
    pub async fn start_tls(ca: &TestCa) -> Self {
        Self::start_tls_as(&ca.server_identity(&["127.0.0.1", "localhost"])).await
    }

    /// Opens a receiver that shows `identity`, whatever names and dates that has.
    #[cfg(feature = "tls")]
    pub async fn start_tls_as(identity: &Identity) -> Self {
        Self::open(Security::Tls(identity.acceptor(None))).await
    }

    /// As [`HttpReceiver::start_tls`], and refuses clients that show no certificate of `ca`.
    #[cfg(feature = "tls")]
    pub async fn start_mutual_tls(ca: &TestCa) -> Self {
        let identity = ca.server_identity(&["127.0.0.1", "localhost"]);
        Self::open(Security::Tls(identity.acceptor(Some(ca)))).await
    }

    /// Opens a receiver at an address where one was before.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub async fn start_at(addr: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::serve(bound(addr)?.listen(BACKLOG)?, Security::Plain))
    }

    /// As [`HttpReceiver::start_at`], with a certificate of `ca` for `127.0.0.1` and `localhost`.
    ///
    /// # Errors
    /// When somebody else listens there.
    #[cfg(feature = "tls")]
    pub async fn start_tls_at(addr: SocketAddr, ca: &TestCa) -> std::io::Result<Self> {
        let identity = ca.server_identity(&["127.0.0.1", "localhost"]);
        Ok(Self::serve(bound(addr)?.listen(BACKLOG)?, Security::Tls(identity.acceptor(None))))
    }

    async fn open(security: Security) -> Self {
        let listener = reserve(SocketAddr::from(([127, 0, 0, 1], 0))).listen(BACKLOG);
        Self::serve(listener.expect("a bound socket can be listened on"), security)
    }

    fn serve(listener: TcpListener, security: Security) -> Self {
        let addr = listener.local_addr().expect("a bound socket has an address");
        let state =
            State { script: VecDeque::new(), standing: Reply::status(200), requests: Vec::new(), connections: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), recorded: Notify::new() });
        let task = tokio::spawn(accept(listener, security.clone(), Arc::clone(&shared)));
        Self { addr, security, shared, door: Mutex::new(Door::Open(task)) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of `path`, which begins with a slash, by address: `http://127.0.0.1:PORT/path`, with TLS `https:`.
    pub fn url(&self, path: &str) -> String {
        self.url_at("127.0.0.1", path)
    }

    /// The URL of `path` under a host name that leads to loopback.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        let scheme = match self.security {
            Security::Plain => "http",
            #[cfg(feature = "tls")]
            Security::Tls(_) => "https",
        };
        format!("{scheme}://{host}:{}{path}", self.addr.port())
    }

    /// Sets the standing reply, and empties the script.
    pub fn reply_with(&self, reply: Reply) {
        let mut state = self.shared.state();
        state.script.clear();
        state.standing = reply;
    }

    /// Adds replies, one for each request to come, before the standing reply is used again.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.state().script.extend(replies);
    }

    /// Every request so far, in the order in which they were read.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.state().requests.clone()
    }

    /// How many connections were accepted so far; a TLS handshake that fails counts too.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Waits until there are at least `count` requests, and gives all that there are.
    ///
    /// # Panics
    /// When there are fewer after [`PATIENCE`]. Under tokio's paused clock that time passes as soon as nothing else is
    /// to be done, which says nothing about sockets: use a running clock with this.
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedRequest> {
        let enough = async {
            loop {
                let recorded = self.shared.recorded.notified();
                let requests = self.requests();
                if requests.len() >= count {
                    return requests;
                }
                recorded.await;
            }
        };
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(requests) => requests,
            Err(_) => panic!(
                "waited {} s for {count} requests to {}, there are {}",
                PATIENCE.as_secs(),
                self.addr,
                self.requests().len()
            ),
        }
    }

    /// Ends every connection and refuses new ones, until [`HttpReceiver::come_back`]. What was recorded stays.
    pub async fn go_away(&self) {
        match self.take_door() {
            Door::Open(task) => {
                let reserved = reserve(self.addr);
                task.abort();
                // The listener is closed when the task has ended.
                let _ = task.await;
                *self.door() = Door::Shut(reserved);
            }
            door => *self.door() = door,
        }
    }

    /// Listens again on the same port.
    pub async fn come_back(&self) {
        match self.take_door() {
            Door::Shut(socket) => {
                let listener = socket.listen(BACKLOG).expect("a reserved port can be listened on");
                let task = tokio::spawn(accept(listener, self.security.clone(), Arc::clone(&self.shared)));
                *self.door() = Door::Open(task);
            }
            door => *self.door() = door,
        }
    }

    fn take_door(&self) -> Door {
        std::mem::replace(&mut self.door(), Door::Moving)
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HttpReceiver {
    fn drop(&mut self) {
        if let Door::Open(task) = &*self.door() {
            task.abort();
        }
    }
}

impl fmt::Debug for HttpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpReceiver({})", self.url("/"))
    }
}

/// A loopback address where nothing listens: connections to it are refused. The port stays taken while the process lives.
pub fn refused_addr() -> SocketAddr {
    static RESERVED: OnceLock<(TcpSocket, SocketAddr)> = OnceLock::new();
    let (_, addr) = RESERVED.get_or_init(|| {
        let socket = reserve(SocketAddr::from(([127, 0, 0, 1], 0)));
        let addr = socket.local_addr().expect("a bound socket has an address");
        (socket, addr)
    });
    *addr
}

/// Binds `addr` without listening.
pub(crate) fn reserve(addr: SocketAddr) -> TcpSocket {
    bound(addr).expect("the loopback port is free")
}

/// A socket bound to `addr`, which another one of this kind may be bound to as well: so a port can be handed over from a
/// socket that listens to one that does not, without a moment in which somebody else could get it.
pub(crate) fn bound(addr: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Accepts connections for as long as it is not aborted, and owns them.
async fn accept(listener: TcpListener, security: Security, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let number = shared.count_connection();
                connections.spawn(serve(stream, security.clone(), Arc::clone(&shared), number));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks over one connection until it ends; why it ended is the client's to find out.
async fn serve(stream: TcpStream, security: Security, shared: Arc<Shared>, number: usize) {
    let _ = stream.set_nodelay(true);
    match security {
        Security::Plain => connection::serve(stream, &shared, number).await,
        #[cfg(feature = "tls")]
        Security::Tls(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                connection::serve(stream, &shared, number).await;
            }
        }
    }
}

impl Shared {
    /// The number of a new connection, from 0.
    fn count_connection(&self) -> usize {
        let mut state = self.state();
        state.connections += 1;
        state.connections - 1
    }

    fn next_reply(&self) -> Reply {
        let mut state = self.state();
        match state.script.pop_front() {
            Some(reply) => reply,
            None => state.standing.clone(),
        }
    }

    fn record(&self, request: ReceivedRequest) {
        self.state().requests.push(request);
        self.recorded.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
