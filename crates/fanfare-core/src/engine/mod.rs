//! The fan-out engine: from a published message to the last attempt of each of its deliveries.
//!
//! [`Fanfare`] is the door (`subscribing`, `publishing`, `direct` for messages without a topic, and `upkeep` for operators).
//! Behind it, `fanout` asks the topic's filter policies who wants a message, the store keeps it while what deliveries share is
//! begun (`foresight`), and a lane for each subscription (`lane`) delivers at its own pace (`pace`, `health`, told by its
//! `signal`) and stays a moment longer (`linger`); `attempt` makes one attempt, `verdict` decides what follows from it, and
//! `settling` takes that to the store. One `timer` wakes the lanes whose failed deliveries are due again, and `observer`,
//! `progress` and `report` tell those who listen; `rest` tells whoever owns the time when there is nothing to do.

mod attempt;
mod dedup;
mod direct;
mod fanfare;
mod fanout;
mod foresight;
mod health;
mod lane;
mod lanes;
mod linger;
mod observer;
mod pace;
mod progress;
mod publishing;
mod queue;
mod quotas;
mod replaying;
mod report;
mod rest;
mod settings;
mod settling;
mod signal;
mod steady;
mod subscribing;
mod threads;
mod timer;
mod upkeep;
mod verdict;
mod weak;

use std::sync::Arc;

use crate::connector::Connectors;
use crate::documents::Documents;
use crate::host::Host;
use crate::registry::Registry;
use crate::store::Store;

use direct::Direct;
use lanes::Lanes;
use progress::Observers;
use report::Trackers;
use rest::Lull;
use settings::Settings;
use settling::Settling;
use steady::Steady;
use timer::Timer;

pub use fanfare::Fanfare;
pub use lanes::Activity;
pub use observer::{DropCause, Observer, Step};
pub use progress::{Progress, Watch};
pub use publishing::Published;
pub use quotas::Quotas;
pub use report::{Ending, Report};
pub use settings::FanfareBuilder;
pub use upkeep::{Explanation, Standing};
pub use weak::WeakFanfare;

/// What every part of a running engine shares.
#[derive(Debug)]
struct Engine {
    host: Arc<dyn Host>,
    /// The time that lanes go by.
    steady: Steady,
    store: Arc<dyn Store>,
    connectors: Connectors,
    registry: Arc<Registry>,
    documents: Documents,
    settings: Settings,
    lanes: Lanes,
    settling: Settling,
    direct: Direct,
    observers: Observers,
    trackers: Trackers,
    timer: Timer,
    lull: Lull,
}

impl Engine {
    /// A random number, through the one door for randomness.
    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.host.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
