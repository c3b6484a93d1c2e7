//! A connector that keeps what it is to deliver, for tests to look at.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fanfare::wire::Renderer;
use fanfare::{
    Connector, DeliveryError, DeliveryErrorKind, Endpoint, Host, Notification, Outcome, Protocol, Receipt, SnsError,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::address;
use super::carried::carried;
use super::failure::Failure;
use super::kept::{Choice, Kept};

/// How many deliveries are kept, and about how many bytes of them. Beyond that the oldest are dropped.
const KEPT_MAX: usize = 10_000;
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many failures may be asked for at a time.
const FAILURES_MAX: usize = 1000;

/// Keeps deliveries over some protocols in memory instead of sending them. Clones share what is kept.
///
/// - Addresses are checked as Amazon SNS checks them, and nothing is connected to.
/// - At most 10,000 deliveries of about 64 MiB are kept; beyond that the oldest are dropped and counted.
#[derive(Clone)]
pub struct Outbox(Arc<Shared>);

struct Shared {
    protocols: Vec<Protocol>,
    renderer: Renderer,
    host: Arc<dyn Host>,
    state: Mutex<State>,
    /// Told of everything that is kept.
    changed: Notify,
}

#[derive(Default)]
struct State {
    kept: VecDeque<Kept>,
    bytes: usize,
    /// The number of the last one that was kept.
    last: u64,
    dropped: u64,
    failures: Vec<Failure>,
}

impl Outbox {
    /// Keeps what would go out over `protocols`, in the form that `renderer` gives it and at the time that `host` has.
    pub fn new(protocols: impl IntoIterator<Item = Protocol>, renderer: Renderer, host: impl Host) -> Self {
        let protocols = protocols.into_iter().collect();
        let (state, changed) = (Mutex::default(), Notify::new());
        Self(Arc::new(Shared { protocols, renderer, host: Arc::new(host), state, changed }))
    }

    /// What was kept and is meant by `choice`, the oldest first.
    pub fn list(&self, choice: &Choice) -> Vec<Kept> {
        self.0.state().kept.iter().filter(|kept| choice.means(kept)).cloned().collect()
    }

    /// Waits until `count` deliveries are meant by `choice`, but no longer than `limit`, and answers those that are.
    pub async fn wait(&self, choice: &Choice, count: usize, limit: Duration) -> Vec<Kept> {
        let deadline = Instant::now() + limit;
        loop {
            // Made before the look, so that nothing is missed in between.
            let changed = self.0.changed.notified();
            let enough = self.0.state().kept.iter().filter(|kept| choice.means(kept)).take(count).count() == count;
            if enough || tokio::time::timeout_at(deadline, changed).await.is_err() {
                return self.list(choice);
            }
        }
    }

    /// How many deliveries were dropped because there were too many.
    pub fn dropped(&self) -> u64 {
        self.0.state().dropped
    }

    /// Forgets what was kept, and the failures that were asked for.
    pub fn clear(&self) {
        let last = self.0.state().last;
        *self.0.state() = State { last, ..State::default() };
    }

    /// Forgets what is meant by `choice`.
    pub fn remove(&self, choice: &Choice) {
        let mut state = self.0.state();
        state.kept.retain(|kept| !choice.means(kept));
        state.bytes = state.kept.iter().map(Kept::bytes).sum();
    }

    /// Lets attempts fail. Of several failures that mean an attempt, the one asked for first counts.
    ///
    /// # Errors
    /// `Throttled`, when there are too many that have not come to pass.
    pub fn fail(&self, failure: Failure) -> Result<(), SnsError> {
        let mut state = self.0.state();
        if state.failures.len() == FAILURES_MAX {
            let message = format!("Rate exceeded: {FAILURES_MAX} failures wait for an attempt");
            return Err(SnsError::new(fanfare::SnsErrorCode::Throttled, message));
        }
        state.failures.push(failure);
        Ok(())
    }
}

impl Shared {
    fn keep(&self, mut kept: Kept) {
        let mut state = self.state();
        state.last += 1;
        kept.number = state.last;
        state.bytes += kept.bytes();
        state.kept.push_back(kept);
        while state.kept.len() > KEPT_MAX || state.bytes > BYTES_MAX {
            let Some(oldest) = state.kept.pop_front() else { break };
            state.bytes -= oldest.bytes();
            state.dropped += 1;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The failure that was asked for an attempt, which is now one less.
    fn failure(&self, protocol: &Protocol, address: &str) -> Option<DeliveryError> {
        let mut state = self.state();
        let index = state.failures.iter().position(|failure| failure.means(protocol, address))?;
        let failure = &mut state.failures[index];
        let error = failure.error();
        failure.times -= 1;
        if failure.times == 0 {
            state.failures.remove(index);
        }
        Some(error)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for Outbox {
    fn protocols(&self) -> Vec<Protocol> {
        self.0.protocols.clone()
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        address::check(protocol, address)?;
        let (protocol, address) = (protocol.clone(), address.to_owned());
        Ok(Arc::new(OutboxEndpoint { protocol, address, outbox: Arc::clone(&self.0) }))
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("protocols", &self.0.protocols).finish_non_exhaustive()
    }
}

/// One address whose deliveries are kept.
struct OutboxEndpoint {
    protocol: Protocol,
    address: String,
    outbox: Arc<Shared>,
}

#[async_trait]
impl Endpoint for OutboxEndpoint {
    fn protocol(&self) -> Protocol {
        self.protocol.clone()
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        if let Some(error) = self.outbox.failure(&self.protocol, &self.address) {
            return Err(error);
        }
        let text = carried(&self.protocol, notification, &self.outbox.renderer).await.map_err(|error| {
            DeliveryError::retry(DeliveryErrorKind::Misconfigured, "nothing can be rendered").with_source(error)
        })?;
        let (protocol, links) = (self.protocol.clone(), self.outbox.renderer.links());
        let time = self.outbox.host.now().to_string();
        self.outbox.keep(Kept::new(protocol, &self.address, notification, text, links, time));
        Ok(Receipt::new())
    }
}

impl fmt::Display for OutboxEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (kept, not sent)", self.protocol, self.address)
    }
}

impl fmt::Debug for OutboxEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboxEndpoint({} {})", self.protocol, self.address)
    }
}
