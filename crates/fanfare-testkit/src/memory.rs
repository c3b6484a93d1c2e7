//! An endpoint whose peer lives in the same process and does everything right: the suite's own first subject.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{
    DeliveryError, DeliveryErrorKind, Disposition, Endpoint, Format, Limits, Notification, Outcome, Protocol, Receipt,
};
use tokio::sync::Notify;

use crate::broken::{BrokenEndpoint, Fault};
use crate::conformance::{Behaviour, Received, ReceivedAttribute, Subject};

/// The protocol that the endpoint speaks.
const PROTOCOL: &str = "memory";

/// What the endpoint must not show.
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";

/// The status of a receipt.
const TAKEN: u16 = 250;

/// How long the endpoint waits for its peer.
const TIME_LIMIT: Duration = Duration::from_millis(500);

/// How many notifications a batch may have.
const BATCH: usize = 10;

/// A peer in memory and an endpoint that delivers to it, perfectly or with one fault.
#[derive(Debug)]
pub struct MemorySubject {
    peer: Arc<Peer>,
    endpoint: Arc<dyn Endpoint>,
}

impl MemorySubject {
    /// A subject that passes every case.
    pub fn perfect() -> Self {
        let peer = Arc::<Peer>::default();
        Self { endpoint: Arc::new(MemoryEndpoint { peer: Arc::clone(&peer) }), peer }
    }

    /// A subject that has `fault`, and fails the cases that look for it.
    pub fn with(fault: Fault) -> Self {
        let Self { peer, endpoint } = Self::perfect();
        Self { peer, endpoint: Arc::new(BrokenEndpoint::new(endpoint, fault)) }
    }
}

#[async_trait]
impl Subject for MemorySubject {
    async fn start() -> Self {
        Self::perfect()
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        PROTOCOL
    }

    async fn behave(&self, behaviour: Behaviour) {
        self.peer.state().behaviour = behaviour;
    }

    async fn attempts(&self) -> usize {
        self.peer.state().attempts
    }

    async fn wait_for_attempts(&self, count: usize) {
        loop {
            let asked = self.peer.asked.notified();
            if self.peer.state().attempts >= count {
                return;
            }
            asked.await;
        }
    }

    async fn received(&self) -> Vec<Received> {
        self.peer.state().received.clone()
    }

    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(TAKEN)
    }
}

/// The one who receives.
#[derive(Debug, Default)]
struct Peer {
    state: Mutex<State>,
    /// Told after each attempt that reached the peer.
    asked: Notify,
}

#[derive(Debug)]
struct State {
    behaviour: Behaviour,
    attempts: usize,
    received: Vec<Received>,
}

impl Default for State {
    fn default() -> Self {
        Self { behaviour: Behaviour::Accept, attempts: 0, received: Vec::new() }
    }
}

impl Peer {
    /// Lets the peer look at `notification`, and tells how it behaves. What it accepts it keeps.
    fn ask(&self, notification: Received) -> Behaviour {
        let mut state = self.state();
        let behaviour = match &state.behaviour {
            Behaviour::Absent => return Behaviour::Absent,
            Behaviour::RefuseTextsWith(poison) if notification.text.contains(poison.as_str()) => Behaviour::Refuse,
            Behaviour::RefuseTextsWith(_) => Behaviour::Accept,
            behaviour => behaviour.clone(),
        };
        state.attempts += 1;
        if behaviour == Behaviour::Accept {
            state.received.push(notification);
        }
        drop(state);
        self.asked.notify_waiters();
        behaviour
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The endpoint without a fault.
#[derive(Debug)]
struct MemoryEndpoint {
    peer: Arc<Peer>,
}

impl fmt::Display for MemoryEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a peer in memory")
    }
}

#[async_trait]
impl Endpoint for MemoryEndpoint {
    fn protocol(&self) -> Protocol {
        Protocol::custom(PROTOCOL).expect("the name is well formed")
    }

    fn limits(&self) -> Limits {
        Limits::batches_of(BATCH.try_into().expect("a batch has room"), usize::MAX)
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        use DeliveryErrorKind as Kind;
        // As on a network, others get their turn while a notification is on its way.
        tokio::task::yield_now().await;
        let retry_in =
            |after| DeliveryError::new(Kind::Throttled, Disposition::Retry { after }, "the peer asks for fewer");
        match self.peer.ask(carried(notification)) {
            Behaviour::Accept | Behaviour::RefuseTextsWith(_) => Ok(Receipt::new().with_status(TAKEN)),
            Behaviour::FailForNow => Err(DeliveryError::retry(Kind::Unavailable, "the peer has no room")),
            Behaviour::Refuse => Err(DeliveryError::reject(Kind::Rejected, "the peer refuses the notification")),
            Behaviour::Throttle => Err(retry_in(None)),
            Behaviour::ThrottleFor(delay) => Err(retry_in(Some(delay))),
            Behaviour::Absent => Err(DeliveryError::retry(Kind::Unreachable, "the peer is not there")),
            Behaviour::BreakOff => Err(DeliveryError::retry(Kind::Interrupted, "the connection broke")),
            Behaviour::Silent => {
                tokio::time::sleep(TIME_LIMIT).await;
                Err(DeliveryError::retry(Kind::Timeout, "the peer did not answer in time"))
            }
        }
    }
}

/// What reaches the peer.
fn carried(notification: &Notification) -> Received {
    let (message_id, subject, attributes) =
        (notification.message_id(), notification.subject(), notification.attributes());
    let attributes = attributes.iter().map(|(name, attribute)| ReceivedAttribute {
        name: name.to_owned(),
        data_type: attribute.data_type().as_str().to_owned(),
        value: attribute.value().clone(),
    });
    Received {
        message_id: Some(message_id.to_owned()),
        format: notification.format(),
        text: notification.text().to_owned(),
        subject: (notification.format() == Format::Envelope).then(|| subject.map(str::to_owned)).flatten(),
        attributes: attributes.collect(),
    }
}
