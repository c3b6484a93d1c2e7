//! An endpoint in the same process that answers as it is told and remembers what it was asked: for tests of engines.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{
    Batch, Connector, DeliveryError, DeliveryErrorKind, Disposition, Endpoint, Limits, Notification, Outcome, Protocol,
    Receipt, SnsError,
};
use tokio::sync::{Notify, Semaphore};

/// How long [`ScriptedEndpoint::wait_for`] waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a scripted endpoint does with one notification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Takes it.
    Accept,
    /// Fails for now.
    Retry,
    /// Asks to be left alone for this long.
    RetryAfter(Duration),
    /// Refuses it for good.
    Reject,
    /// Says that it takes nothing any more.
    Disable,
    /// Never comes to an outcome.
    Hang,
    /// Waits for [`ScriptedEndpoint::release`], then takes it.
    Hold,
    /// Takes this long on tokio's clock, then takes it.
    Slow(Duration),
    /// Panics.
    Panic,
    /// Leaves the slot of a batch open; a call for one notification is answered as after a broken connection.
    LeaveOpen,
}

/// One notification that the endpoint was asked to take.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What it was asked to take, with the number of the attempt.
    pub notification: Notification,
    /// What it did.
    pub step: Step,
    /// The number of the call, from 0; notifications of one batch share it.
    pub call: usize,
}

impl Attempt {
    /// The text that came.
    pub fn text(&self) -> &str {
        self.notification.text()
    }

    /// Which attempt it is for the engine, from 1.
    pub fn number(&self) -> u32 {
        self.notification.attempt().get()
    }
}

/// An endpoint that takes the first step of its script for each notification, or the standing step when the script is
/// used up; that is [`Step::Accept`] at first. A clone is the same endpoint.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_core::{Disposition, Endpoint, Message, Notification, Publication, Timestamp, TopicArn};
/// use fanfare_testkit::{ScriptedEndpoint, Step};
///
/// let endpoint = ScriptedEndpoint::new();
/// endpoint.script([Step::Retry]);
///
/// let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders")?;
/// let publication = Publication::new("1", topic, Timestamp::EPOCH, Message::text("a parcel left the house")?);
/// let notification = Notification::new(publication, "scripted");
///
/// let error = endpoint.deliver(&notification).await.unwrap_err();
/// assert_eq!(error.disposition(), Disposition::Retry { after: None });
/// assert!(endpoint.deliver(&notification).await.is_ok());
/// assert_eq!(endpoint.attempts()[1].text(), "a parcel left the house");
/// # Ok::<(), fanfare_core::SnsError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ScriptedEndpoint(Arc<Inner>);

struct Inner {
    name: String,
    protocol: Protocol,
    limits: Limits,
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
    /// Told after each recorded attempt.
    recorded: Notify,
    /// One permit for each held notification that may go on.
    released: Semaphore,
}

struct State {
    script: VecDeque<Step>,
    standing: Choice,
    attempts: Vec<Attempt>,
    calls: usize,
    in_flight: usize,
    in_flight_max: usize,
}

/// What is done once the script is used up.
type Choice = Arc<dyn Fn(&Notification) -> Step + Send + Sync>;

impl Default for ScriptedEndpoint {
    fn default() -> Self {
        Self::new()
    }
}

impl ScriptedEndpoint {
    /// An endpoint of the custom protocol `scripted`, one notification a call.
    pub fn new() -> Self {
        let protocol = Protocol::custom("scripted").expect("the name is well formed");
        Self::with("scripted", protocol, Limits::ONE)
    }

    /// An endpoint with a name of its own to be printed, of any protocol, with any limits.
    pub fn with(name: &str, protocol: Protocol, limits: Limits) -> Self {
        let state = State {
            script: VecDeque::new(),
            standing: Arc::new(|_| Step::Accept),
            attempts: Vec::new(),
            calls: 0,
            in_flight: 0,
            in_flight_max: 0,
        };
        Self(Arc::new(Inner {
            name: name.to_owned(),
            protocol,
            limits,
            state: Mutex::new(state),
            recorded: Notify::new(),
            released: Semaphore::new(0),
        }))
    }

    /// Sets the standing step, and empties the script.
    pub fn always(&self, step: Step) {
        self.always_by(move |_| step.clone());
    }

    /// Lets `choose` pick the step for each notification, and empties the script.
    pub fn always_by(&self, choose: impl Fn(&Notification) -> Step + Send + Sync + 'static) {
        let mut state = self.state();
        state.script.clear();
        state.standing = Arc::new(choose);
    }

    /// Adds steps, one for each notification to come, before the standing step is used again.
    pub fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.state().script.extend(steps);
    }

    /// Lets `count` held notifications go on, now or when they come to be held.
    pub fn release(&self, count: usize) {
        self.0.released.add_permits(count);
    }

    /// Every attempt so far, in order.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.clone()
    }

    /// The texts of all attempts so far, in order.
    pub fn texts(&self) -> Vec<String> {
        self.state().attempts.iter().map(|attempt| attempt.text().to_owned()).collect()
    }

    /// How many calls are running.
    pub fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// The most calls that were running at one time.
    pub fn in_flight_max(&self) -> usize {
        self.state().in_flight_max
    }

    /// Waits until there are at least `count` attempts, and gives all that there are.
    ///
    /// # Panics
    /// When there are fewer after ten seconds of tokio's clock; on a paused clock, that is as soon as nothing else is to
    /// be done within them.
    pub async fn wait_for(&self, count: usize) -> Vec<Attempt> {
        let enough = async {
            loop {
                let recorded = self.0.recorded.notified();
                let attempts = self.attempts();
                if attempts.len() >= count {
                    return attempts;
                }
                recorded.await;
            }
        };
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(attempts) => attempts,
            Err(_) => panic!(
                "waited {} s for {count} attempts at {self}, there are {}",
                PATIENCE.as_secs(),
                self.attempts().len()
            ),
        }
    }

    /// Begins a call: gives its number, and counts it as running until the guard is dropped.
    fn begin(&self) -> (usize, InFlight<'_>) {
        let mut state = self.state();
        state.calls += 1;
        state.in_flight += 1;
        state.in_flight_max = state.in_flight_max.max(state.in_flight);
        (state.calls - 1, InFlight(self))
    }

    /// Records an attempt and carries its step out. Without an outcome, the slot stays open.
    async fn attempt(&self, notification: &Notification, call: usize) -> Option<Outcome> {
        use DeliveryErrorKind as Kind;
        let step = self.next_step(notification);
        self.state().attempts.push(Attempt { notification: notification.clone(), step: step.clone(), call });
        self.0.recorded.notify_waiters();
        let throttled =
            |after| DeliveryError::new(Kind::Throttled, Disposition::Retry { after: Some(after) }, "asked to wait");
        Some(match step {
            Step::Accept => Ok(Receipt::new()),
            Step::Retry => Err(DeliveryError::retry(Kind::Unavailable, "told to fail for now")),
            Step::RetryAfter(delay) => Err(throttled(delay)),
            Step::Reject => Err(DeliveryError::reject(Kind::Rejected, "told to refuse")),
            Step::Disable => Err(DeliveryError::new(Kind::NotFound, Disposition::Disable, "told to be gone")),
            Step::Hang => pending().await,
            Step::Hold => {
                self.0.released.acquire().await.expect("the semaphore is never closed").forget();
                Ok(Receipt::new())
            }
            Step::Slow(time) => {
                tokio::time::sleep(time).await;
                Ok(Receipt::new())
            }
            Step::Panic => panic!("told to panic"),
            Step::LeaveOpen => return None,
        })
    }

    fn next_step(&self, notification: &Notification) -> Step {
        let standing = {
            let mut state = self.state();
            match state.script.pop_front() {
                Some(step) => return step,
                None => Arc::clone(&state.standing),
            }
        };
        standing(notification)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running call.
struct InFlight<'a>(&'a ScriptedEndpoint);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

#[async_trait]
impl Endpoint for ScriptedEndpoint {
    fn protocol(&self) -> Protocol {
        self.0.protocol.clone()
    }

    fn limits(&self) -> Limits {
        self.0.limits
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let (call, _running) = self.begin();
        let broken = || DeliveryError::retry(DeliveryErrorKind::Interrupted, "told to leave the outcome open");
        self.attempt(notification, call).await.unwrap_or_else(|| Err(broken()))
    }

    async fn deliver_batch(&self, batch: &mut Batch<'_>) {
        let (call, _running) = self.begin();
        for slot in batch.open() {
            if let Some(outcome) = self.attempt(slot.notification(), call).await {
                slot.settle(outcome);
            }
        }
    }
}

impl fmt::Display for ScriptedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

impl fmt::Debug for ScriptedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScriptedEndpoint({})", self.0.name)
    }
}

/// Opens scripted endpoints by address: the same endpoint each time for the same address. A clone is the same connector.
#[derive(Debug, Clone)]
pub struct ScriptedConnector {
    protocol: Protocol,
    limits: Limits,
    endpoints: Arc<Mutex<BTreeMap<String, ScriptedEndpoint>>>,
}

impl ScriptedConnector {
    /// A connector for `protocol` whose endpoints have these limits.
    pub fn new(protocol: Protocol, limits: Limits) -> Self {
        Self { protocol, limits, endpoints: Arc::default() }
    }

    /// The endpoint at `address`, to give it a script or to see what it was asked.
    pub fn endpoint(&self, address: &str) -> ScriptedEndpoint {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || ScriptedEndpoint::with(address, self.protocol.clone(), self.limits);
        endpoints.entry(address.to_owned()).or_insert_with(new).clone()
    }
}

impl Connector for ScriptedConnector {
    fn protocols(&self) -> Vec<Protocol> {
        vec![self.protocol.clone()]
    }

    fn connect(&self, _protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        if address.is_empty() {
            return Err(SnsError::invalid_parameter("Endpoint Reason: a scripted endpoint has a name"));
        }
        Ok(Arc::new(self.endpoint(address)))
    }
}
