//! Subscriptions at length, as far as they are at work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::by_id::ById;
use crate::subscription::{Subscription, SubscriptionId};

/// Subscriptions as they stand that somebody asked for lately, so that one at work is not made of its row anew each time.
#[derive(Debug)]
pub(super) struct Snapshots(Box<[Mutex<Shard>]>);

/// Some of them, each in the younger half if it was asked for since the halves were changed last.
#[derive(Debug, Default)]
struct Shard {
    young: ById<Arc<Subscription>>,
    old: ById<Arc<Subscription>>,
}

/// Fewer wait for each other when there are several.
const SHARDS: usize = 16;
/// How many a half may have.
const HALF_MAX: usize = 128;

impl Default for Snapshots {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Snapshots {
    /// The subscription of that id, made by `make` if it is not there. Meanwhile nobody may change it.
    pub(super) fn get(&self, id: SubscriptionId, make: impl FnOnce() -> Subscription) -> Arc<Subscription> {
        let mut shard = self.shard(id);
        if let Some(known) = shard.young.get(&id) {
            return Arc::clone(known);
        }
        let known = shard.old.remove(&id).unwrap_or_else(|| Arc::new(make()));
        if shard.young.len() >= HALF_MAX {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(id, Arc::clone(&known));
        known
    }

    /// Forgets what has changed.
    pub(super) fn forget(&self, id: SubscriptionId) {
        let mut shard = self.shard(id);
        shard.young.remove(&id);
        shard.old.remove(&id);
    }

    fn shard(&self, id: SubscriptionId) -> MutexGuard<'_, Shard> {
        #[allow(clippy::cast_possible_truncation, reason = "the lowest bits are enough")]
        let shard = &self.0[id.0 as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
