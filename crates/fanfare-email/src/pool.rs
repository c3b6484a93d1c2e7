//! The sessions with one relay: a bounded number, each used again while it is fresh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::classify::{Cause, Fault, Stage};
use crate::config::EmailConfig;
use crate::relay::Relay;
use crate::request::Letter;
use crate::session::{Accepted, Session};

/// A relay, and the sessions with it that nobody uses at the moment.
///
/// A session is kept only by whoever has ended an exchange in good order: one that is dropped in the middle is closed.
#[derive(Debug)]
pub(crate) struct Pool {
    relay: Relay,
    tls: Option<Arc<ClientConfig>>,
    hello: ClientId,
    connect_timeout: Duration,
    command_timeout: Duration,
    idle_timeout: Duration,
    /// One permit for each connection that may be open and in use.
    connections: Semaphore,
    /// Held for a look or a change, never across a wait. The most recently used is the last.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    session: Session,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(relay: Relay, config: &EmailConfig, tls: Option<Arc<ClientConfig>>, hello: ClientId) -> Self {
        Self {
            relay,
            tls,
            hello,
            connect_timeout: config.connect_timeout,
            command_timeout: config.command_timeout,
            idle_timeout: config.idle_timeout,
            connections: Semaphore::new(config.connections_per_relay.get()),
            idle: Mutex::default(),
        }
    }

    pub(crate) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Hands `letter` to the relay, once there is a connection for it.
    pub(crate) async fn send(&self, letter: &Letter) -> Result<Accepted, Fault> {
        let _permit = self.connections.acquire().await.expect("the semaphore is never closed");
        if let Some(mut session) = self.take() {
            match session.send(letter, self.command_timeout).await {
                // The relay has closed it in the meantime, which says nothing of the letter.
                Err(fault) if fault.is_stale() => {}
                sent => return self.done(session, sent).await,
            }
        }
        let opening = Session::open(&self.relay, self.tls.as_ref(), &self.hello);
        let too_slow = |_| Fault::new(Stage::Connecting, Cause::TooSlow(self.connect_timeout));
        let mut session = timeout(self.connect_timeout, opening).await.map_err(too_slow)??;
        let sent = session.send(letter, self.command_timeout).await;
        self.done(session, sent).await
    }

    /// Keeps the session, if it can go on.
    async fn done(&self, mut session: Session, sent: Result<Accepted, Fault>) -> Result<Accepted, Fault> {
        let can_go_on = match &sent {
            Ok(_) => true,
            Err(fault) => fault.leaves_the_session_whole() && session.reset(self.command_timeout).await,
        };
        if can_go_on {
            self.idle().push(Idle { session, since: Instant::now() });
        }
        sent
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < self.idle_timeout);
        idle.pop().map(|idle| idle.session)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
