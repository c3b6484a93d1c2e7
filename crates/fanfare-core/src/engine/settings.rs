//! How an engine is set up.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::arn::Owner;
use crate::connector::Connectors;
use crate::documents::Documents;
use crate::host::{Host, SystemHost};
use crate::registry::Registry;
use crate::store::{MemoryStore, Store, StoreError};

use super::{Fanfare, Observer, Quotas};

/// Settings that hold for a whole engine.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) owner: Owner,
    pub(super) lane_concurrency: NonZeroUsize,
    pub(super) lanes_at_work: NonZeroUsize,
    pub(super) delivery_threads: Option<NonZeroUsize>,
    pub(super) attempt_limit: Duration,
    pub(super) retry_after_max: Duration,
    pub(super) token_lifetime: Duration,
    pub(super) attributes_beside_json_structure: bool,
    pub(super) fifo_over_any_protocol: bool,
    pub(super) quotas: Quotas,
}

/// Sets an engine up; every setting has a default.
#[derive(Debug)]
#[must_use = "nothing runs before `open`"]
pub struct FanfareBuilder {
    pub(super) host: Arc<dyn Host>,
    pub(super) connectors: Connectors,
    pub(super) settings: Settings,
    pub(super) observers: Vec<Arc<dyn Observer>>,
}

impl Default for FanfareBuilder {
    fn default() -> Self {
        Self {
            host: Arc::new(SystemHost),
            connectors: Connectors::new(),
            observers: Vec::new(),
            settings: Settings {
                owner: Owner::default(),
                lane_concurrency: NonZeroUsize::new(16).expect("16 is not zero"),
                lanes_at_work: NonZeroUsize::new(1024).expect("1024 is not zero"),
                delivery_threads: None,
                attempt_limit: Duration::from_secs(60),
                retry_after_max: Duration::from_secs(60 * 60),
                token_lifetime: Duration::from_secs(48 * 60 * 60),
                attributes_beside_json_structure: false,
                fifo_over_any_protocol: false,
                quotas: Quotas::NONE,
            },
        }
    }
}

impl FanfareBuilder {
    /// Opens addresses with `connectors`; without any, only endpoints of the program's own can be subscribed.
    pub fn connectors(mut self, connectors: Connectors) -> Self {
        self.connectors = connectors;
        self
    }

    /// Takes time and randomness from `host`; the default is the operating system.
    pub fn host(mut self, host: impl Host) -> Self {
        self.host = Arc::new(host);
        self
    }

    /// Tells `observer` of everything that happens to messages; there may be several.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Makes topics of `owner` where nobody else is named; by default `us-east-1` and `000000000000`.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.settings.owner = owner;
        self
    }

    /// Makes at most `attempts` attempts at a time for one subscription; by default 16.
    pub fn lane_concurrency(mut self, attempts: NonZeroUsize) -> Self {
        self.settings.lane_concurrency = attempts;
        self
    }

    /// Delivers to at most `subscriptions` at a time, by default 1,024; the others queue. Those that wait for their endpoint for
    /// more than a moment, or for a time at which they may go on, do not count, so that endpoints that hang keep nobody waiting.
    /// Beside those, a message to many subscriptions takes no more connections and memory at a time than that.
    pub fn lanes_at_work(mut self, subscriptions: NonZeroUsize) -> Self {
        self.settings.lanes_at_work = subscriptions;
        self
    }

    /// Delivers on `threads` threads of the engine's own, each subscription on one of them; by default on those of the runtime
    /// that the engine is opened in. A delivery costs less where it is not handed from thread to thread, and what else the
    /// program does slows none. Endpoints must not block there, nor call what only a runtime of several threads can do.
    pub fn delivery_threads(mut self, threads: NonZeroUsize) -> Self {
        self.settings.delivery_threads = Some(threads);
        self
    }

    /// Ends an attempt that an endpoint does not end by itself after `limit`, or a little after the limit that the endpoint
    /// states in its `limits` if that is longer; by default 60 seconds.
    pub fn attempt_limit(mut self, limit: Duration) -> Self {
        self.settings.attempt_limit = limit;
        self
    }

    /// Waits at most `limit` when an endpoint asks to be left alone for longer; by default one hour.
    pub fn retry_after_max(mut self, limit: Duration) -> Self {
        self.settings.retry_after_max = limit;
        self
    }

    /// Lets tokens confirm for `lifetime`; by default 48 hours.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Delivers the attributes of messages with `MessageStructure=json`, which Amazon SNS documents not to do.
    pub fn attributes_beside_json_structure(mut self) -> Self {
        self.settings.attributes_beside_json_structure = true;
        self
    }

    /// Lets FIFO topics deliver over every protocol; Amazon SNS has queues alone. An extension.
    pub fn fifo_over_any_protocol(mut self) -> Self {
        self.settings.fifo_over_any_protocol = true;
        self
    }

    /// Refuses what would exceed `quotas`; by default there are none. Requests that come at the same time may exceed them by
    /// a few.
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.settings.quotas = quotas;
        self
    }

    /// Starts the engine with everything in memory.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn open(self) -> Fanfare {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::clone(&store));
        let documents = Documents::with(Arc::clone(&store), Vec::new());
        Fanfare::start(self, store, registry, documents)
    }

    /// Starts the engine with what `store` keeps: topics and subscriptions are there again, and what waited to be delivered
    /// is delivered, at once or when it is due.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub async fn open_store(self, store: impl Store) -> Result<Fanfare, StoreError> {
        let store: Arc<dyn Store> = Arc::new(store);
        let (registry, documents) = Registry::load(Arc::clone(&store)).await?;
        let fanfare = Fanfare::start(self, store, registry, documents);
        fanfare.resume_waiting().await?;
        Ok(fanfare)
    }
}
