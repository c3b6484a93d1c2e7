//! The one session with a network that all endpoints of a connector share, and the task that keeps it.

use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Host as _, Outcome, SystemHost};
use fanfare_egress::EgressPolicy;
use futures_util::StreamExt as _;
use rusmpp::Pdu;
use rusmpp::pdus::DeliverSmResp;
use rusmppc::{Client, Event};
use rustls::ClientConfig;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::awaited::Awaited;
use super::config::SmppConfig;
use super::open::{Session, open};
use super::{receipt, submit};
use crate::classify;
use crate::config::{ConfigError, SmsConfig};
use crate::request::TextMessage;

/// A session with a network, from the first message on. It is opened again when it ends, until the link is dropped.
pub(crate) struct Link {
    shared: Arc<Shared>,
    /// The task that keeps the session, owned here and ended with this. Held for a look or a change, never across a wait.
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// What a link shares with its task.
struct Shared {
    config: SmppConfig,
    egress: EgressPolicy,
    tls: Option<Arc<ClientConfig>>,
    attempt_timeout: Duration,
    state: watch::Sender<State>,
    /// One permit for each request that may wait for its response.
    window: Semaphore,
    /// What the parts of the next long message belong together by.
    reference: AtomicU16,
    /// Held for a look or a change, never across a wait.
    awaited: Mutex<Awaited>,
}

/// How it stands with the session.
#[derive(Debug, Clone)]
enum State {
    /// It is being opened, for the how-manieth time.
    Opening { tries: u64 },
    /// It is there.
    Up(Client),
    /// It is not there, and is opened again at a time.
    Down { tries: u64, again: Instant, kind: Kind, why: String },
}

impl Link {
    pub(crate) fn new(config: &SmppConfig, all: &SmsConfig) -> Result<Self, ConfigError> {
        let tls = if config.tls { Some(Arc::new(all.trust.client()?)) } else { None };
        let mut first = [0; 2];
        // Another start should not go on with the references of the last one.
        SystemHost.fill(&mut first);
        let shared = Shared {
            config: config.clone(),
            egress: all.egress.clone(),
            tls,
            attempt_timeout: all.attempt_timeout,
            state: watch::Sender::new(State::Opening { tries: 0 }),
            window: Semaphore::new(config.window.get()),
            reference: AtomicU16::new(u16::from_ne_bytes(first)),
            awaited: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), keeper: Mutex::default() })
    }

    /// Sends the parts of `message`, one after the other: a part that is refused ends it.
    pub(crate) async fn send(&self, message: &TextMessage) -> Outcome {
        self.keep();
        let deadline = Instant::now() + self.shared.attempt_timeout;
        match timeout_at(deadline, self.shared.send(message, deadline)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(classify::too_slow(self.shared.attempt_timeout)),
        }
    }

    /// Starts the task, unless it runs.
    fn keep(&self) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        // It ends only with the runtime that it was started on.
        if keeper.as_ref().is_none_or(JoinHandle::is_finished) {
            *keeper = Some(tokio::spawn(keep_session(Arc::clone(&self.shared))));
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner) {
            keeper.abort();
        }
    }
}

/// Keeps the session: opens it, listens to it until it ends, and opens it again after a while.
async fn keep_session(shared: Arc<Shared>) {
    let (first, most) = shared.config.reconnect;
    let (mut wait, mut tries) = (first, 0);
    loop {
        shared.state.send_replace(State::Opening { tries });
        let opening = open(&shared.config, &shared.egress, shared.tls.as_ref(), shared.attempt_timeout);
        // The library logs requests as they are, with passwords and texts.
        let opening = timeout(shared.attempt_timeout, opening.with_subscriber(NoSubscriber::new()));
        let (kind, why) = match opening.await.unwrap_or_else(|_| Err(classify::too_slow(shared.attempt_timeout))) {
            Ok(session) => {
                let since = Instant::now();
                shared.state.send_replace(State::Up(session.client.clone()));
                let why = shared.listen(session).with_subscriber(NoSubscriber::new()).await;
                // One that ends as soon as it begins is no better than none.
                if since.elapsed() > most {
                    wait = first;
                }
                tracing::info!(target: "fanfare::sms", why, "the session with the smsc ended");
                (Kind::Interrupted, why.to_owned())
            }
            Err(error) => {
                tries += 1;
                (error.kind(), error.to_string())
            }
        };
        shared.state.send_replace(State::Down { tries, again: Instant::now() + wait, kind, why });
        sleep(wait).await;
        wait = (wait * 2).min(most);
    }
}

impl Shared {
    async fn send(&self, message: &TextMessage, deadline: Instant) -> Outcome {
        let reference = self.reference.fetch_add(1, Ordering::Relaxed);
        let submits = submit::submits(&self.config, message, reference)?;
        let client = self.session(deadline).await?;
        let mut ids = Vec::with_capacity(submits.len());
        for submit in submits {
            let _permit = self.window.acquire().await.expect("the semaphore is never closed");
            let response = client.submit_sm(submit).await.map_err(classify::smpp::failure)?;
            ids.push(response.message_id().as_str().to_owned());
        }
        let receipt = classify::accepted(&ids.join(" "));
        if let Some(observer) = &self.config.observer {
            let settled = self.awaited().add(message.sent.clone(), ids);
            settled.iter().for_each(|receipt| observer.observe(receipt));
        }
        Ok(receipt)
    }

    /// The session, once it is there. When opening it fails while somebody waits, or it is not tried again in time, it is not
    /// waited for.
    async fn session(&self, deadline: Instant) -> Result<Client, DeliveryError> {
        let mut states = self.state.subscribe();
        let mut tries_before = None;
        loop {
            match &*states.borrow_and_update() {
                State::Up(client) if !client.is_closed() => return Ok(client.clone()),
                State::Up(_) => {}
                State::Opening { tries } => _ = tries_before.get_or_insert(*tries),
                State::Down { tries, again, kind, why } => {
                    let failed_meanwhile = tries_before.is_some_and(|before| *tries > before);
                    tries_before = tries_before.or(Some(*tries));
                    if failed_meanwhile || *again > deadline {
                        let after = again.saturating_duration_since(Instant::now());
                        let disposition = Disposition::Retry { after: (*again > deadline).then_some(after) };
                        return Err(DeliveryError::new(*kind, disposition, why.clone()));
                    }
                }
            }
            if states.changed().await.is_err() {
                return Err(classify::smpp::no_session("it was given up", None));
            }
        }
    }

    /// Reads and writes until the session ends, and says why it did.
    async fn listen(&self, session: Session) -> &'static str {
        let Session { client, mut events, connection } = session;
        let listening = async {
            let mut why = "it ended";
            while let Some(event) = events.next().await {
                let command = match event {
                    Event::Incoming(command) => command,
                    Event::Error(error) => {
                        why = end(&error);
                        continue;
                    }
                };
                let number = command.sequence_number();
                match command.pdu() {
                    Some(Pdu::DeliverSm(deliver)) => {
                        if let Some(told) = receipt::read(deliver) {
                            self.note(told);
                        }
                        // If it does not get there, the network tells the same again.
                        let _ = client.deliver_sm_resp(number, DeliverSmResp::default()).await;
                    }
                    Some(Pdu::Unbind) => {
                        let _ = client.unbind_resp(number).await;
                        let _ = client.close().await;
                        why = "the smsc ended it";
                    }
                    _ => {}
                }
            }
            why
        };
        tokio::pin!(listening);
        tokio::select! {
            why = &mut listening => why,
            // What was there when the connection ended is read to the end.
            () = connection => listening.await,
        }
    }

    fn note(&self, told: receipt::Told) {
        let Some(observer) = &self.config.observer else { return };
        let settled = self.awaited().note(told);
        if let Some(receipt) = settled {
            observer.observe(&receipt);
        }
    }

    fn awaited(&self) -> MutexGuard<'_, Awaited> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a session ended, for people.
fn end(error: &rusmppc::error::Error) -> &'static str {
    use rusmppc::error::Error;

    match error {
        Error::ConnectionClosedByPeer => "the smsc closed the connection",
        Error::EnquireLinkTimeout { .. } => "the smsc did not answer whether it is still there",
        Error::Io(_) => "the connection broke",
        _ => "the smsc does not speak smpp",
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.shared.config).finish()
    }
}
