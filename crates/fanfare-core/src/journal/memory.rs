//! A journal in memory: for tests, for embedding, and for programs that can do without yesterday's messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Counters, Delivery, DeliveryId, Dispatch, Journal, JournalError, Settlement, Stage};
use crate::host::Timestamp;
use crate::notification::NotificationKind;
use crate::subscription::SubscriptionId;

/// Deliveries that one subscription may have waiting before further ones are dropped.
const LANE_DELIVERIES_MAX: usize = 100_000;

/// Bytes of messages that may wait, counted once for each delivery, before Publish is refused.
const BYTES_MAX: usize = 1 << 30;

/// Keeps everything in memory, within bounds.
///
/// A subscription that has 100,000 deliveries waiting gets no further ones: they are dropped, so that a dead endpoint costs
/// its own queue and nothing else. When the messages that wait come to 1 GiB, Publish is refused.
#[derive(Debug)]
pub struct MemoryJournal {
    /// Held for the length of one map operation, never across an `.await`.
    state: Mutex<State>,
    lane_deliveries_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    lanes: HashMap<SubscriptionId, Lane>,
    /// Every failed delivery that waits, by the time when it is due again.
    due: BTreeSet<(Timestamp, SubscriptionId, DeliveryId)>,
    last_id: u64,
    bytes: usize,
    counters: Counters,
}

/// One subscription's deliveries. It exists only while there are any.
#[derive(Debug, Default)]
struct Lane {
    fresh: VecDeque<Delivery>,
    failed: BTreeMap<(Timestamp, DeliveryId), Delivery>,
    taken: HashMap<DeliveryId, Delivery>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::with_bounds(LANE_DELIVERIES_MAX, BYTES_MAX)
    }
}

impl MemoryJournal {
    /// A journal with the default bounds.
    pub fn new() -> Self {
        Self::default()
    }

    /// A journal that keeps at most `lane_deliveries` deliveries for each subscription, and `bytes` bytes of messages.
    pub fn with_bounds(lane_deliveries: usize, bytes: usize) -> Self {
        Self { state: Mutex::default(), lane_deliveries_max: lane_deliveries, bytes_max: bytes }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, dispatch: Dispatch, lanes: &[SubscriptionId]) -> Result<Vec<SubscriptionId>, JournalError> {
        let state = &mut *self.state();
        let size = dispatch.publication.message().size();
        if state.bytes.saturating_add(size.saturating_mul(lanes.len())) > self.bytes_max {
            return Err(JournalError::Full);
        }
        let mut refused = Vec::new();
        let counted = u64::from(dispatch.kind == NotificationKind::Notification);
        for &id in lanes {
            state.counters.matched += counted;
            let lane = state.lanes.entry(id).or_default();
            if lane.len() >= self.lane_deliveries_max {
                state.counters.dropped += counted;
                refused.push(id);
                continue;
            }
            state.last_id += 1;
            state.bytes += size;
            state.counters.pending += counted;
            lane.fresh.push_back(Delivery {
                id: DeliveryId(state.last_id),
                dispatch: dispatch.clone(),
                stage: Stage::Endpoint,
                attempts: 0,
            });
        }
        Ok(refused)
    }

    async fn take(&self, id: SubscriptionId, now: Timestamp, max: NonZeroUsize) -> Vec<Delivery> {
        let state = &mut *self.state();
        let Some(lane) = state.lanes.get_mut(&id) else { return Vec::new() };
        let mut deliveries = Vec::new();
        while deliveries.len() < max.get() {
            let delivery = match lane.failed.first_key_value() {
                Some((&(at, delivery), _)) if at <= now => {
                    state.due.remove(&(at, id, delivery));
                    lane.failed.remove(&(at, delivery))
                }
                _ => lane.fresh.pop_front(),
            };
            let Some(delivery) = delivery else { break };
            lane.taken.insert(delivery.id, delivery.clone());
            deliveries.push(delivery);
        }
        deliveries
    }

    async fn settle(&self, id: SubscriptionId, settlements: &[(DeliveryId, Settlement)]) {
        let state = &mut *self.state();
        let Some(lane) = state.lanes.get_mut(&id) else { return };
        for &(delivery, settlement) in settlements {
            let Some(mut delivery) = lane.taken.remove(&delivery) else { continue };
            delivery.attempts += 1;
            let count = match settlement {
                Settlement::Retry { at } => {
                    state.due.insert((at, id, delivery.id));
                    lane.failed.insert((at, delivery.id), delivery);
                    continue;
                }
                Settlement::ToDeadLetter => {
                    delivery.stage = Stage::DeadLetter;
                    delivery.attempts = 0;
                    lane.fresh.push_front(delivery);
                    continue;
                }
                Settlement::Delivered => &mut state.counters.delivered,
                Settlement::DeadLettered => &mut state.counters.dead_lettered,
                Settlement::Dropped => &mut state.counters.dropped,
            };
            *count += delivery.counted();
            state.counters.pending -= delivery.counted();
            state.bytes -= delivery.dispatch.publication.message().size();
        }
        if lane.len() == 0 {
            state.lanes.remove(&id);
        }
    }

    async fn due(&self, now: Timestamp) -> Vec<SubscriptionId> {
        let state = self.state();
        let mut lanes: Vec<_> = state.due.iter().take_while(|(at, ..)| *at <= now).map(|&(_, lane, _)| lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    async fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let just_after = (now + std::time::Duration::from_millis(1), SubscriptionId(0), DeliveryId(0));
        self.state().due.range(just_after..).next().map(|&(at, ..)| at)
    }

    async fn clear(&self, id: SubscriptionId) -> Vec<Delivery> {
        let state = &mut *self.state();
        let Some(lane) = state.lanes.get_mut(&id) else { return Vec::new() };
        for &(at, delivery) in lane.failed.keys() {
            state.due.remove(&(at, id, delivery));
        }
        let failed = std::mem::take(&mut lane.failed).into_values();
        let cleared: Vec<_> = failed.chain(std::mem::take(&mut lane.fresh)).collect();
        for delivery in &cleared {
            state.counters.pending -= delivery.counted();
            state.counters.dropped += delivery.counted();
            state.bytes -= delivery.dispatch.publication.message().size();
        }
        if lane.len() == 0 {
            state.lanes.remove(&id);
        }
        cleared
    }

    async fn counters(&self) -> Counters {
        self.state().counters
    }
}

impl Delivery {
    /// What this delivery adds to the counters, which leave confirmation messages out.
    fn counted(&self) -> u64 {
        u64::from(self.dispatch.kind == NotificationKind::Notification)
    }
}

impl Lane {
    fn len(&self) -> usize {
        self.fresh.len() + self.failed.len() + self.taken.len()
    }
}
