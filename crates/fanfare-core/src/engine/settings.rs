//! How an engine is set up.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::connector::Connectors;
use crate::host::{Host, SystemHost};
use crate::journal::{Journal, MemoryJournal};

use super::Fanfare;

/// Settings that hold for a whole engine.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) region: String,
    pub(super) account: String,
    pub(super) lane_concurrency: NonZeroUsize,
    pub(super) attempt_limit: Duration,
    pub(super) retry_after_max: Duration,
    pub(super) token_lifetime: Duration,
    pub(super) attributes_beside_json_structure: bool,
}

/// Sets an engine up; every setting has a default.
#[derive(Debug)]
#[must_use = "nothing runs before `open`"]
pub struct FanfareBuilder {
    pub(super) host: Arc<dyn Host>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) connectors: Connectors,
    pub(super) settings: Settings,
}

impl Default for FanfareBuilder {
    fn default() -> Self {
        Self {
            host: Arc::new(SystemHost),
            journal: Arc::new(MemoryJournal::new()),
            connectors: Connectors::new(),
            settings: Settings {
                region: "us-east-1".to_owned(),
                account: "000000000000".to_owned(),
                lane_concurrency: NonZeroUsize::new(16).expect("16 is not zero"),
                attempt_limit: Duration::from_secs(60),
                retry_after_max: Duration::from_secs(60 * 60),
                token_lifetime: Duration::from_secs(48 * 60 * 60),
                attributes_beside_json_structure: false,
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

    /// Keeps messages and deliveries in `journal`; the default keeps them in memory.
    pub fn journal(mut self, journal: impl Journal) -> Self {
        self.journal = Arc::new(journal);
        self
    }

    /// Takes time and randomness from `host`; the default is the operating system.
    pub fn host(mut self, host: impl Host) -> Self {
        self.host = Arc::new(host);
        self
    }

    /// Makes topics in `region` and `account`; by default `us-east-1` and `000000000000`.
    pub fn owner(mut self, region: impl Into<String>, account: impl Into<String>) -> Self {
        self.settings.region = region.into();
        self.settings.account = account.into();
        self
    }

    /// Makes at most `attempts` attempts at a time for one subscription; by default 16.
    pub fn lane_concurrency(mut self, attempts: NonZeroUsize) -> Self {
        self.settings.lane_concurrency = attempts;
        self
    }

    /// Ends an attempt that an endpoint does not end by itself after `limit`; by default 60 seconds.
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

    /// Starts the engine.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn open(self) -> Fanfare {
        Fanfare::start(self)
    }
}
