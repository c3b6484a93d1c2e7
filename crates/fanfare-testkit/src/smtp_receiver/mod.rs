//! A scripted SMTP server on loopback: it keeps the e-mails that it takes and answers as it is told, well or badly.

mod mail;
mod reply;
mod session;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

pub use mail::ReceivedMail;
pub use reply::{SmtpReply, SmtpStage};

use crate::http_receiver::{BACKLOG, PATIENCE, bound, reserve};
#[cfg(feature = "tls")]
use crate::tls::TestCa;
#[cfg(feature = "tls")]
use session::Ended;
use session::Opening;

/// An SMTP server on a loopback port of its own, which speaks over a bare socket.
///
/// - Each `MAIL FROM` takes the first reply of the script, or the standing reply when the script is used up; that takes the
///   e-mail at first. What the standing reply says of greeting and login holds for every connection.
/// - It is strict: bare line feeds, lines of more than 998 characters, and bytes beyond ASCII that were not announced are
///   refused.
/// - When it is dropped, the port is closed and every connection ends.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_testkit::SmtpReceiver;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let receiver = SmtpReceiver::start().await;
/// let mut client = tokio::net::TcpStream::connect(receiver.addr()).await?;
/// for line in ["EHLO me", "MAIL FROM:<ann@example.com>", "RCPT TO:<bob@example.com>", "DATA", "Subject: hi\r\n\r\nyou\r\n.", "QUIT"] {
///     client.write_all(format!("{line}\r\n").as_bytes()).await?;
/// }
/// let mut answers = String::new();
/// client.read_to_string(&mut answers).await?;
///
/// assert!(answers.starts_with("220 "));
/// assert_eq!(receiver.mails()[0].to, ["bob@example.com"]);
/// assert_eq!(receiver.mails()[0].subject().as_deref(), Some("hi"));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct SmtpReceiver {
    addr: SocketAddr,
    security: Security,
    shared: Arc<Shared>,
    door: Mutex<Door>,
}

/// Whether the port is open; as an HTTP receiver's.
enum Door {
    Open(JoinHandle<()>),
    Shut(TcpSocket),
    Moving,
}

/// What a connection speaks below SMTP.
#[derive(Clone)]
enum Security {
    Plain,
    #[cfg(feature = "tls")]
    StartTls(tokio_rustls::TlsAcceptor),
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

/// What the receiver and its connections share.
struct Shared {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
    /// Told after each attempt and each recorded e-mail.
    changed: Notify,
}

struct State {
    script: VecDeque<SmtpReply>,
    standing: SmtpReply,
    login: Option<(String, String)>,
    /// Which ways to log in are offered.
    mechanisms: Vec<String>,
    size_max: Option<usize>,
    takes_unicode_addresses: bool,
    mails: Vec<ReceivedMail>,
    attempts: usize,
    connections: usize,
}

impl SmtpReceiver {
    /// Opens a receiver that speaks SMTP in the clear.
    pub async fn start() -> Self {
        Self::open(Security::Plain)
    }

    /// Opens a receiver that offers `STARTTLS`, with a certificate of `ca` for `127.0.0.1` and `localhost`.
    #[cfg(feature = "tls")]
    pub async fn start_starttls(ca: &TestCa) -> Self {
        Self::open(Security::StartTls(ca.server_identity(&["127.0.0.1", "localhost"]).acceptor(None)))
    }

    /// Opens a receiver that speaks TLS from the first byte, with a certificate of `ca` for `127.0.0.1` and `localhost`.
    #[cfg(feature = "tls")]
    pub async fn start_tls(ca: &TestCa) -> Self {
        Self::open(Security::Tls(ca.server_identity(&["127.0.0.1", "localhost"]).acceptor(None)))
    }

    /// Opens a receiver that speaks in the clear at an address where one was before.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub async fn start_at(addr: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::serve(bound(addr)?.listen(BACKLOG)?, Security::Plain))
    }

    fn open(security: Security) -> Self {
        let listener = reserve(SocketAddr::from(([127, 0, 0, 1], 0))).listen(BACKLOG);
        Self::serve(listener.expect("a bound socket can be listened on"), security)
    }

    fn serve(listener: TcpListener, security: Security) -> Self {
        let addr = listener.local_addr().expect("a bound socket has an address");
        let state = State {
            script: VecDeque::new(),
            standing: SmtpReply::accept(),
            login: None,
            mechanisms: vec!["PLAIN".to_owned(), "LOGIN".to_owned()],
            size_max: None,
            takes_unicode_addresses: true,
            mails: Vec::new(),
            attempts: 0,
            connections: 0,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Notify::new() });
        let task = tokio::spawn(accept(listener, security.clone(), Arc::clone(&shared)));
        Self { addr, security, shared, door: Mutex::new(Door::Open(task)) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes e-mails from this user alone, who logs in by `PLAIN` or `LOGIN`.
    pub fn require_login(&self, user: &str, password: &str) {
        self.shared.state().login = Some((user.to_owned(), password.to_owned()));
    }

    /// Offers these ways to log in, such as `LOGIN`, and takes no other; `PLAIN` and `LOGIN` unless set. It knows no further
    /// ones, but can say that it does.
    pub fn offer_logins<'a>(&self, mechanisms: impl IntoIterator<Item = &'a str>) {
        self.shared.state().mechanisms = mechanisms.into_iter().map(str::to_owned).collect();
    }

    /// Announces that e-mails of more than `bytes` bytes are not taken (`SIZE`).
    pub fn announce_size(&self, bytes: usize) {
        self.shared.state().size_max = Some(bytes);
    }

    /// Does not announce `SMTPUTF8`.
    pub fn take_ascii_addresses_alone(&self) {
        self.shared.state().takes_unicode_addresses = false;
    }

    /// Sets the standing reply, and empties the script.
    pub fn reply_with(&self, reply: SmtpReply) {
        let mut state = self.shared.state();
        state.script.clear();
        state.standing = reply;
    }

    /// Adds replies, one for each `MAIL FROM` to come, before the standing reply is used again.
    pub fn script(&self, replies: impl IntoIterator<Item = SmtpReply>) {
        self.shared.state().script.extend(replies);
    }

    /// Every e-mail that was taken, in order.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.state().mails.clone()
    }

    /// How many e-mails were offered (`MAIL FROM`), whatever came of it.
    pub fn attempts(&self) -> usize {
        self.shared.state().attempts
    }

    /// How many connections were accepted so far; a TLS handshake that fails counts too.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Waits until there are at least `count` e-mails, and gives all that there are.
    ///
    /// # Panics
    /// When there are fewer after [`PATIENCE`].
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedMail> {
        self.wait_until(&format!("{count} e-mails"), |state| state.mails.len() >= count).await;
        self.mails()
    }

    /// Waits until at least `count` e-mails were offered.
    ///
    /// # Panics
    /// When there are fewer after [`PATIENCE`].
    pub async fn wait_for_attempts(&self, count: usize) {
        self.wait_until(&format!("{count} attempts"), |state| state.attempts >= count).await;
    }

    async fn wait_until(&self, what: &str, enough: impl Fn(&State) -> bool) {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                if enough(&self.shared.state()) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("waited {} s for {what} at {}, there are {}", PATIENCE.as_secs(), self.addr, self.mails().len());
        }
    }

    /// Ends every connection and refuses new ones, until [`SmtpReceiver::come_back`]. What was recorded stays.
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

impl Drop for SmtpReceiver {
    fn drop(&mut self) {
        if let Door::Open(task) = &*self.door() {
            task.abort();
        }
    }
}

impl fmt::Debug for SmtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpReceiver({})", self.addr)
    }
}

/// Accepts connections for as long as it is not aborted, and owns them.
async fn accept(listener: TcpListener, security: Security, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let number = shared.count_connection();
                let (security, shared) = (security.clone(), Arc::clone(&shared));
                connections.spawn(async move {
                    // Why it ended is the client's to find out.
                    let _ = serve(stream, security, &shared, number).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks over one connection until it ends.
async fn serve(stream: TcpStream, security: Security, shared: &Shared, number: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let plain = Opening { number, is_encrypted: false, offers_tls: false, was_greeted: false };
    match security {
        Security::Plain => session::hold(&mut BufReader::new(stream), shared, plain).await.map(drop),
        #[cfg(feature = "tls")]
        Security::Tls(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            let opening = Opening { is_encrypted: true, ..plain };
            session::hold(&mut BufReader::new(stream), shared, opening).await.map(drop)
        }
        #[cfg(feature = "tls")]
        Security::StartTls(acceptor) => {
            let mut stream = BufReader::new(stream);
            let opening = Opening { offers_tls: true, ..plain };
            if let Ended::StartTls = session::hold(&mut stream, shared, opening).await? {
                let stream = acceptor.accept(stream.into_inner()).await?;
                let opening = Opening { number, is_encrypted: true, offers_tls: false, was_greeted: true };
                session::hold(&mut BufReader::new(stream), shared, opening).await?;
            }
            Ok(())
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

    fn count_attempt(&self) {
        self.state().attempts += 1;
        self.changed.notify_waiters();
    }

    fn standing(&self) -> SmtpReply {
        self.state().standing.clone()
    }

    fn next_reply(&self) -> SmtpReply {
        let mut state = self.state();
        match state.script.pop_front() {
            Some(reply) => reply,
            None => state.standing.clone(),
        }
    }

    fn login(&self) -> Option<(String, String)> {
        self.state().login.clone()
    }

    fn mechanisms(&self) -> Vec<String> {
        self.state().mechanisms.clone()
    }

    fn size_max(&self) -> Option<usize> {
        self.state().size_max
    }

    fn takes_unicode_addresses(&self) -> bool {
        self.state().takes_unicode_addresses
    }

    fn record(&self, mail: ReceivedMail) {
        self.state().mails.push(mail);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
