//! A receiver of HTTP/2 on loopback, under TLS, that answers as it is told.

use std::fmt;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::http_receiver::{PATIENCE, ReceivedRequest, reserve};
use crate::tls::TestCa;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 256;

/// What every certificate here is for.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Takes requests over HTTP/2 and TLS, records them, and answers each as it is told: `200` unless told otherwise.
pub struct Http2Receiver {
    addr: SocketAddr,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    /// Held for a look or a change, never across a wait.
    door: Mutex<Door>,
}

/// What becomes of a request.
#[derive(Clone)]
pub struct Http2Reply(Act);

#[derive(Clone)]
enum Act {
    Answer(Answer),
    Hang,
    Reset,
    GoAway,
    Break,
    By(Choice),
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

type Choice = Arc<dyn Fn(&ReceivedRequest) -> Http2Reply + Send + Sync>;

/// Whether connections are accepted.
enum Door {
    Open(JoinHandle<()>),
    /// The port is bound, so that nobody else takes it, and not listening, so that connections are refused.
    Shut(TcpSocket),
    Moving,
}

/// What a stream asks of its connection.
enum Order {
    GoAway,
    Break,
}

struct Shared {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
    recorded: Notify,
}

struct State {
    reply: Http2Reply,
    requests: Vec<ReceivedRequest>,
    connections: usize,
}

impl Http2Reply {
    /// Answers with this status.
    pub fn status(status: u16) -> Self {
        Self(Act::Answer(Answer { status, headers: Vec::new(), body: Bytes::new() }))
    }

    /// Adds a header to an answer.
    ///
    /// # Panics
    /// When this is no answer.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with_answer(|answer| answer.headers.push((name.to_owned(), value.to_owned())))
    }

    /// Gives an answer a body.
    ///
    /// # Panics
    /// When this is no answer.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.with_answer(|answer| answer.body = body.into())
    }

    /// Never answers.
    pub fn hang() -> Self {
        Self(Act::Hang)
    }

    /// Ends the stream without an answer (`RST_STREAM`).
    pub fn reset() -> Self {
        Self(Act::Reset)
    }

    /// Ends the connection in good order, and the stream without an answer (`GOAWAY`).
    pub fn go_away() -> Self {
        Self(Act::GoAway)
    }

    /// Breaks the connection.
    pub fn break_off() -> Self {
        Self(Act::Break)
    }

    /// Decides when it sees the request.
    pub fn by(choice: impl Fn(&ReceivedRequest) -> Self + Send + Sync + 'static) -> Self {
        Self(Act::By(Arc::new(choice)))
    }

    fn with_answer(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        let Act::Answer(answer) = &mut self.0 else { panic!("only an answer has headers and a body") };
        change(answer);
        self
    }
}

impl Http2Receiver {
    /// Opens a receiver with a certificate of `ca` for `127.0.0.1` and `localhost`.
    pub async fn start(ca: &TestCa) -> Self {
        Self::open(ca.server_identity(&NAMES).http2_acceptor(None))
    }

    /// The same, and refuses clients that show no certificate of `ca`.
    pub async fn start_mutual(ca: &TestCa) -> Self {
        Self::open(ca.server_identity(&NAMES).http2_acceptor(Some(ca)))
    }

    fn open(acceptor: TlsAcceptor) -> Self {
        let listener = reserve(SocketAddr::from(([127, 0, 0, 1], 0))).listen(BACKLOG);
        let listener = listener.expect("a bound socket can be listened on");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let state = State { reply: Http2Reply::status(200), requests: Vec::new(), connections: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), recorded: Notify::new() });
        let task = tokio::spawn(accept(listener, acceptor.clone(), Arc::clone(&shared)));
        Self { addr, acceptor, shared, door: Mutex::new(Door::Open(task)) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.addr.port())
    }

    /// Answers this way from now on.
    pub fn reply_with(&self, reply: Http2Reply) {
        self.shared.state().reply = reply;
    }

    /// Every request so far, in the order in which they were read.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.state().requests.clone()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Waits until there are at least `count` requests, and gives all that there are.
    ///
    /// # Panics
    /// When there are fewer after [`PATIENCE`].
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
            Err(_) => panic!("waited {} s for {count} requests to {}", PATIENCE.as_secs(), self.addr),
        }
    }

    /// Ends every connection and refuses new ones, until [`Http2Receiver::come_back`]. What was recorded stays.
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
                let task = tokio::spawn(accept(listener, self.acceptor.clone(), Arc::clone(&self.shared)));
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

impl Drop for Http2Receiver {
    fn drop(&mut self) {
        if let Door::Open(task) = &*self.door() {
            task.abort();
        }
    }
}

impl fmt::Debug for Http2Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http2Receiver({})", self.url("/"))
    }
}

impl fmt::Debug for Http2Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.0 {
            Act::Answer(answer) => return write!(f, "Http2Reply({})", answer.status),
            Act::Hang => "hang",
            Act::Reset => "reset",
            Act::GoAway => "go away",
            Act::Break => "break off",
            Act::By(_) => "by request",
        };
        write!(f, "Http2Reply({name})")
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections for as long as it is not aborted, and owns them.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let number = shared.state().connections;
                shared.state().connections += 1;
                connections.spawn(serve(stream, acceptor.clone(), Arc::clone(&shared), number));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks over one connection until it ends; why it ended is the client's to find out.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>, number: usize) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let (orders, mut ordered) = mpsc::channel(1);
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    streams.spawn(exchange(request, respond, Arc::clone(&shared), number, orders.clone()));
                }
                _ => return,
            },
            Some(order) = ordered.recv() => match order {
                Order::GoAway => connection.abrupt_shutdown(Reason::NO_ERROR),
                Order::Break => return,
            },
            Some(_) = streams.join_next() => {}
        }
    }
}

/// Reads one request and carries out what was said for it.
async fn exchange(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    shared: Arc<Shared>,
    connection: usize,
    orders: mpsc::Sender<Order>,
) {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = stream.data().await {
        // What was read makes room for more; a stream that is gone needs none.
        let _ = stream.flow_control().release_capacity(chunk.len());
        body.extend_from_slice(&chunk);
    }
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = ReceivedRequest {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
        connection,
    };
    let mut reply = shared.state().reply.clone();
    while let Act::By(choice) = &reply.0 {
        reply = choice(&request);
    }
    shared.state().requests.push(request);
    shared.recorded.notify_waiters();
    match reply.0 {
        Act::Answer(answer) => send(answer, &mut respond),
        Act::Reset => respond.send_reset(Reason::INTERNAL_ERROR),
        Act::GoAway => drop(orders.send(Order::GoAway).await),
        Act::Break => drop(orders.send(Order::Break).await),
        Act::Hang | Act::By(_) => pending().await,
    }
}

/// Sends an answer, unless the client has gone.
fn send(answer: Answer, respond: &mut SendResponse<Bytes>) {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let response = response.body(()).expect("an answer's headers are well formed");
    if let Ok(mut stream) = respond.send_response(response, answer.body.is_empty())
        && !answer.body.is_empty()
    {
        let _ = stream.send_data(answer.body, true);
    }
}
