//! A network (SMSC) on loopback that speaks SMPP 3.4 over a bare socket, well or badly.

mod pdu;
mod session;
mod text;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use crate::http_receiver::{BACKLOG, PATIENCE, reserve};

pub use pdu::Submit;

/// A network on a loopback port of its own, which takes a session as transceiver and decodes what it is sent.
///
/// - It takes every message at first; [`SmppReceiver::behave`] changes that.
/// - Parts of long messages are put together by their headers or parameters.
/// - Where a message asks for a receipt, it tells one if it is told to ([`SmppReceiver::tell`]).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_testkit::SmppReceiver;
///
/// let network = SmppReceiver::start().await;
/// assert!(network.url().starts_with("smpp://127.0.0.1:"));
/// assert_eq!(network.messages(), []);
/// # });
/// ```
pub struct SmppReceiver {
    addr: SocketAddr,
    security: Security,
    shared: Arc<Shared>,
    door: Mutex<Door>,
}

/// How a network treats a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmppBehaviour {
    /// It takes it.
    Accept,
    /// It answers with this `command_status`.
    Status(u32),
    /// It refuses texts that contain this with a `command_status`, and takes the others.
    StatusForTexts(String, u32),
    /// It does not answer.
    Silent,
    /// It closes the connection.
    Close,
    /// It answers nothing, not even whether it is still there.
    Deaf,
}

/// A message as the phone would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedText {
    /// The phone, without a `+`.
    pub to: String,
    /// The sender.
    pub from: String,
    /// Type and plan of the sender's number.
    pub from_type: (u8, u8),
    /// The text of all parts.
    pub text: String,
    /// How many parts it came in.
    pub parts: usize,
    /// The ids that its parts were given, in their order.
    pub ids: Vec<String>,
}

/// What a session speaks below SMPP.
#[derive(Clone)]
enum Security {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

enum Door {
    Open(JoinHandle<()>),
    Shut(TcpSocket),
    Moving,
}

struct Shared {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    behaviour: SmppBehaviour,
    credentials: Option<(String, String)>,
    receipts: Option<String>,
    binds: usize,
    submits: Vec<Submit>,
    taken: Vec<Submit>,
    /// What is said to the sessions that are there.
    sessions: HashMap<usize, mpsc::UnboundedSender<Vec<u8>>>,
    last: u32,
}

impl SmppReceiver {
    /// Opens a network at a free port.
    pub async fn start() -> Self {
        Self::open(Security::Plain).await
    }

    /// Opens a network that speaks TLS, with a certificate of `ca` for `127.0.0.1`.
    #[cfg(feature = "tls")]
    pub async fn start_tls(ca: &crate::TestCa) -> Self {
        Self::open(Security::Tls(ca.server_identity(&["127.0.0.1"]).acceptor(None))).await
    }

    async fn open(security: Security) -> Self {
        let socket = reserve(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = socket.listen(BACKLOG).expect("a bound socket can be listened on");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let state = State {
            behaviour: SmppBehaviour::Accept,
            credentials: None,
            receipts: None,
            binds: 0,
            submits: Vec::new(),
            taken: Vec::new(),
            sessions: HashMap::new(),
            last: 0,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Notify::new() });
        let task = tokio::spawn(accept(listener, security.clone(), Arc::clone(&shared)));
        Self { addr, security, shared, door: Mutex::new(Door::Open(task)) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `smpp://127.0.0.1:PORT`, with TLS `smpps:`.
    pub fn url(&self) -> String {
        let scheme = match self.security {
            Security::Plain => "smpp",
            #[cfg(feature = "tls")]
            Security::Tls(_) => "smpps",
        };
        format!("{scheme}://{}", self.addr)
    }

    /// Lets in whoever shows these, and nobody else.
    pub fn only(&self, system_id: &str, password: &str) {
        self.shared.state().credentials = Some((system_id.to_owned(), password.to_owned()));
    }

    /// From now on, it treats each message this way.
    pub fn behave(&self, behaviour: SmppBehaviour) {
        self.shared.state().behaviour = behaviour;
    }

    /// From now on, it tells a receipt of this state (`DELIVRD`, `UNDELIV`, ...) for each part that asks for one.
    pub fn tell(&self, state: &str) {
        self.shared.state().receipts = Some(state.to_owned());
    }

    /// Tells every session a receipt for the part with that id.
    pub fn tell_of(&self, id: &str, state: &str) {
        self.shared.tell(None, id, state);
    }

    /// How often a session was begun.
    pub fn binds(&self) -> usize {
        self.shared.state().binds
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.shared.state().sessions.len()
    }

    /// Waits until there is no session any more.
    ///
    /// # Panics
    /// When there is one after [`PATIENCE`].
    pub async fn wait_for_the_end(&self) {
        self.wait(|| self.sessions() == 0).await;
    }

    /// Every part that came in, whatever became of it.
    pub fn submits(&self) -> Vec<Submit> {
        self.shared.state().submits.clone()
    }

    /// The messages that were taken, in the order of their first parts; those of which a part is missing are left out.
    pub fn messages(&self) -> Vec<ReceivedText> {
        text::assembled(&self.shared.state().taken)
    }

    /// How many messages were begun: parts that are the first or the only one.
    pub fn attempts(&self) -> usize {
        self.shared.state().submits.iter().filter(|submit| submit.place().is_none_or(|place| place.number == 1)).count()
    }

    /// Waits until at least `count` messages were begun.
    ///
    /// # Panics
    /// When there are fewer after [`PATIENCE`].
    pub async fn wait_for(&self, count: usize) {
        self.wait(|| self.attempts() >= count).await;
    }

    /// Waits until at least `count` sessions were begun.
    ///
    /// # Panics
    /// When there are fewer after [`PATIENCE`].
    pub async fn wait_for_binds(&self, count: usize) {
        self.wait(|| self.binds() >= count).await;
    }

    async fn wait(&self, enough: impl Fn() -> bool) {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                if enough() {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("waited {} s for the network at {}", PATIENCE.as_secs(), self.addr);
        }
    }

    /// Ends every session and refuses new ones, until [`SmppReceiver::come_back`].
    pub async fn go_away(&self) {
        match self.take_door() {
            Door::Open(task) => {
                let reserved = reserve(self.addr);
                task.abort();
                // The listener is closed when the task has ended.
                let _ = task.await;
                self.shared.state().sessions.clear();
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
                let accepting = accept(listener, self.security.clone(), Arc::clone(&self.shared));
                *self.door() = Door::Open(tokio::spawn(accepting));
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

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a receipt to one session, or to all.
    fn tell(&self, session: Option<usize>, id: &str, state: &str) {
        let mut known = self.state();
        known.last += 1;
        let receipt = pdu::receipt(known.last, id, state);
        for (number, sender) in &known.sessions {
            if session.is_none_or(|session| session == *number) {
                // A session that has ended hears nothing.
                let _ = sender.send(receipt.clone());
            }
        }
    }
}

impl Drop for SmppReceiver {
    fn drop(&mut self) {
        if let Door::Open(task) = &*self.door() {
            task.abort();
        }
    }
}

impl fmt::Debug for SmppReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmppReceiver({})", self.url())
    }
}

/// Accepts connections for as long as it is not aborted, and owns them.
async fn accept(listener: TcpListener, security: Security, shared: Arc<Shared>) {
    let (mut connections, mut count) = (JoinSet::new(), 0);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                count += 1;
                connections.spawn(serve(stream, security.clone(), Arc::clone(&shared), count));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks over one connection until it ends.
async fn serve(stream: TcpStream, security: Security, shared: Arc<Shared>, session: usize) {
    match security {
        Security::Plain => session::serve(stream, shared, session).await,
        #[cfg(feature = "tls")]
        Security::Tls(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                session::serve(stream, shared, session).await;
            }
        }
    }
}
