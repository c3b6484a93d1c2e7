//! A store in memory: for tests, for embedding, and for programs that can do without yesterday's messages.

mod archive;
mod attempt_log;
mod bounds;
mod dedup;
mod groups;
mod lane;
mod messages;
mod recent;
mod registry;
mod state;
#[cfg(test)]
mod tests;
mod uses;

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

pub use self::bounds::MemoryBounds;
use self::state::State;
use super::{
    Appended, Change, Counters, Dead, Delivery, Entry, Journal, LaneCounts, LaneOrder, MessageState, Range,
    RegistryRecords, RegistryStore, Settled, StoreError, StoredMessage,
};
use crate::arn::{SubscriptionArn, TopicArn};
use crate::attempt::Attempt;
use crate::host::Timestamp;
use crate::subscription::SubscriptionId;

/// Keeps everything in memory, within [`MemoryBounds`], for as long as it lives.
///
/// - A subscription that has as many deliveries, or as many bytes of messages, as it may gets no further ones: they are
///   dropped, so that a dead endpoint costs its own lane and nothing else.
/// - When everything together comes to as many bytes as it may, the oldest dead letters leave, if that is enough; otherwise
///   Publish and replays are refused with [`StoreErrorKind::Full`](super::StoreErrorKind::Full) until deliveries have
///   settled. One dead endpoint does not bring that about with the default bounds; many together do: see
///   [`MemoryBounds::bytes`].
/// - Dead letters, recent messages and logged attempts leave as newer ones come, whatever their age. Dead letters also
///   leave with the record of their subscription.
#[derive(Debug)]
pub struct MemoryStore {
    /// Held for the length of one operation, none of which waits for anything: never across an `.await`. So an operation
    /// that is cancelled happened in full or not at all.
    state: Mutex<State>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_bounds(MemoryBounds::default())
    }
}

impl MemoryStore {
    /// An empty store with the default bounds.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store with bounds of your own.
    pub fn with_bounds(bounds: MemoryBounds) -> Self {
        Self { state: Mutex::new(State::new(bounds)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryStore {
    async fn append(&self, entry: Entry) -> Result<Appended, StoreError> {
        self.state().append(entry)
    }

    async fn take(
        &self,
        lane: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.state().take(lane, now, max, order))
    }

    async fn settle(&self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) -> Result<(), StoreError> {
        self.state().settle(lane, now, settled);
        Ok(())
    }

    async fn next_due(&self, lane: SubscriptionId, order: LaneOrder) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state().next_due(lane, order))
    }

    async fn waiting(&self) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
        Ok(self.state().waiting())
    }

    async fn clear(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.state().clear(lane, max))
    }

    async fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Dead>, StoreError> {
        Ok(self.state().dead_letters(lane, max))
    }

    async fn redrive(&self, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.state().redrive(lane, now))
    }

    async fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Result<Vec<StoredMessage>, StoreError> {
        Ok(self.state().archived(range, after, max))
    }

    async fn replay(&self, lane: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        self.state().replay(lane, now, numbers)
    }

    async fn drop_archive(&self, topic: &TopicArn) -> Result<(), StoreError> {
        self.state().drop_archive(topic);
        Ok(())
    }

    async fn message(&self, message_id: &str) -> Result<Option<StoredMessage>, StoreError> {
        Ok(self.state().message(message_id))
    }

    async fn state(&self, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
        Ok(self.state().message_state(lane, number))
    }

    async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.state().attempts(message_id, subscription))
    }

    async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.state().latest_attempts(subscription, max))
    }

    async fn lane_counts(&self, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
        Ok(self.state().lane_counts(lane))
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.state().sweep(now);
        Ok(())
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        Ok(self.state().counters())
    }
}

#[async_trait]
impl RegistryStore for MemoryStore {
    fn outlives_the_process(&self) -> bool {
        false
    }

    async fn load(&self) -> Result<RegistryRecords, StoreError> {
        Ok(self.state().records())
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.state().save(changes);
        Ok(())
    }
}
