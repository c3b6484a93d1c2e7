//! Which deliveries of which lanes are taken: the one thing that is in memory alone, since a restart returns them all.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::store::{Delivery, DeliveryId};
use fanfare_core::subscription::SubscriptionId;
use tokio::sync::OwnedMutexGuard;

/// The lanes with a delivery that is taken, or about to be.
///
/// A delivery leaves the taken ones after what became of it is committed. So a reader that looks at the taken ones *before*
/// it begins to read sees every delivery either here or as it was settled, never as it was before.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// Held for the length of one map operation, never across an `.await`. A lane is in it while it has anything taken or
    /// somebody has or awaits its turn.
    lanes: Mutex<HashMap<SubscriptionId, Lane>>,
}

#[derive(Debug, Default)]
struct Lane {
    taken: Taken,
    /// Deliveries that a settlement on its way to the disk is about.
    settling: HashSet<u64>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The taken deliveries of a lane with their message groups; an empty name when there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(HashMap<u64, Arc<str>>);

impl Taken {
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    /// The groups of which something is taken.
    pub(crate) fn groups(&self) -> HashSet<&str> {
        self.0.values().map(|group| &**group).collect()
    }
}

impl Lanes {
    /// Waits until nobody else takes from `lane` or clears it.
    pub(crate) async fn turn(self: &Arc<Self>, lane: SubscriptionId) -> Turn {
        let turn = Arc::clone(&self.lock().entry(lane).or_default().turn);
        let waiting = Waiting { lanes: Arc::clone(self), lane };
        let guard = turn.lock_owned().await;
        Turn { guard: Some(guard), waiting }
    }

    /// What is taken from `lane` now.
    pub(crate) fn taken(&self, lane: SubscriptionId) -> Taken {
        self.lock().get(&lane).map(|lane| lane.taken.clone()).unwrap_or_default()
    }

    /// Claims those of `ids` that are taken from `lane` and that nobody settles already.
    pub(crate) fn claim(self: &Arc<Self>, lane: SubscriptionId, ids: impl Iterator<Item = DeliveryId>) -> Claim {
        let mut numbers = HashSet::new();
        if let Some(found) = self.lock().get_mut(&lane) {
            for DeliveryId(number) in ids {
                if found.taken.contains(number) && found.settling.insert(number) {
                    numbers.insert(number);
                }
            }
        }
        Claim { lanes: Arc::clone(self), lane, numbers }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SubscriptionId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tidy(&self, id: SubscriptionId) {
        let mut lanes = self.lock();
        if lanes.get(&id).is_some_and(|lane| lane.taken.0.is_empty() && Arc::strong_count(&lane.turn) == 1) {
            lanes.remove(&id);
        }
    }
}

/// The right to take from a lane.
#[derive(Debug)]
pub(crate) struct Turn {
    guard: Option<OwnedMutexGuard<()>>,
    waiting: Waiting,
}

impl Turn {
    /// What is taken now. Nothing joins it before this turn ends.
    pub(crate) fn taken(&self) -> Taken {
        self.waiting.lanes.taken(self.waiting.lane)
    }

    /// Counts `deliveries` as taken from here on.
    pub(crate) fn take(self, deliveries: &[Delivery]) {
        let mut lanes = self.waiting.lanes.lock();
        let lane = lanes.entry(self.waiting.lane).or_default();
        for delivery in deliveries {
            let group = delivery.dispatch.publication.message().group_id().unwrap_or_default();
            lane.taken.0.insert(delivery.id.0, group.into());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before `waiting` looks whether anybody still holds on to the lane.
        self.guard = None;
    }
}

/// Forgets a lane that nothing is taken from when the last one who waited for it has gone, cancelled ones included.
#[derive(Debug)]
struct Waiting {
    lanes: Arc<Lanes>,
    lane: SubscriptionId,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.lanes.tidy(self.lane);
    }
}

/// Taken deliveries that are being settled. Dropped without [`Claim::settled`], they are taken as before.
#[derive(Debug)]
pub(crate) struct Claim {
    lanes: Arc<Lanes>,
    lane: SubscriptionId,
    numbers: HashSet<u64>,
}

impl Claim {
    pub(crate) fn contains(&self, id: DeliveryId) -> bool {
        self.numbers.contains(&id.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Ends the deliveries' being taken, once what became of them is safe.
    pub(crate) fn settled(self) {
        if let Some(lane) = self.lanes.lock().get_mut(&self.lane) {
            for number in &self.numbers {
                lane.taken.0.remove(number);
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(lane) = self.lanes.lock().get_mut(&self.lane) {
            for number in &self.numbers {
                lane.settling.remove(number);
            }
        }
        self.lanes.tidy(self.lane);
    }
}
