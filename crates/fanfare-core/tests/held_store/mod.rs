//! A store in memory that keeps topics and subscriptions when it is let.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::attempt::Attempt;
use fanfare_core::store::{
    Appended, Change, Counters, Dead, Delivery, Entry, Journal, LaneCounts, LaneOrder, MemoryStore, MessageState,
    Range, RegistryRecords, RegistryStore, Settled, StoreError, StoreErrorKind, StoredMessage,
};
use fanfare_core::subscription::SubscriptionId;
use fanfare_core::{SubscriptionArn, Timestamp, TopicArn};
use tokio::sync::{Semaphore, watch};

/// The store, and the hand that holds it: its clones are the same store.
#[derive(Debug, Clone)]
pub(crate) struct HeldStore(Arc<Held>);

#[derive(Debug)]
struct Held {
    inner: MemoryStore,
    /// How many saves are let through.
    gate: Semaphore,
    /// How many saves have come so far.
    come: watch::Sender<usize>,
    refuses: AtomicBool,
}

impl HeldStore {
    /// A store that holds every save until it is let.
    pub(crate) fn new() -> Self {
        let (gate, refuses) = (Semaphore::new(0), AtomicBool::new(false));
        Self(Arc::new(Held { inner: MemoryStore::new(), gate, come: watch::Sender::new(0), refuses }))
    }

    /// Lets that many saves more through.
    pub(crate) fn let_through(&self, count: usize) {
        self.0.gate.add_permits(count);
    }

    /// Lets everything through from now on.
    pub(crate) fn let_all(&self) {
        self.let_through(1_000_000);
    }

    /// Whether what comes to its turn is refused.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.0.refuses.store(refuses, Ordering::SeqCst);
    }

    /// How many saves have come.
    pub(crate) fn come(&self) -> usize {
        *self.0.come.borrow()
    }

    /// Waits until that many saves have come.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut come = self.0.come.subscribe();
        let wait = come.wait_for(|come| *come >= count);
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("so many changes are under way").unwrap();
    }
}

#[async_trait]
impl RegistryStore for HeldStore {
    fn outlives_the_process(&self) -> bool {
        self.0.inner.outlives_the_process()
    }

    async fn load(&self) -> Result<RegistryRecords, StoreError> {
        self.0.inner.load().await
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.0.come.send_modify(|come| *come += 1);
        self.0.gate.acquire().await.unwrap().forget();
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "nothing is kept"));
        }
        self.0.inner.save(changes).await
    }
}

#[async_trait]
impl Journal for HeldStore {
    async fn append(&self, entry: Entry) -> Result<Appended, StoreError> {
        self.0.inner.append(entry).await
    }

    async fn take(
        &self,
        lane: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.0.inner.take(lane, now, max, order).await
    }

    async fn settle(&self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) -> Result<(), StoreError> {
        self.0.inner.settle(lane, now, settled).await
    }

    async fn next_due(&self, lane: SubscriptionId, order: LaneOrder) -> Result<Option<Timestamp>, StoreError> {
        self.0.inner.next_due(lane, order).await
    }

    async fn waiting(&self) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
        self.0.inner.waiting().await
    }

    async fn clear(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Delivery>, StoreError> {
        self.0.inner.clear(lane, max).await
    }

    async fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Dead>, StoreError> {
        self.0.inner.dead_letters(lane, max).await
    }

    async fn redrive(&self, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError> {
        self.0.inner.redrive(lane, now).await
    }

    async fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Result<Vec<StoredMessage>, StoreError> {
        self.0.inner.archived(range, after, max).await
    }

    async fn replay(&self, lane: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        self.0.inner.replay(lane, now, numbers).await
    }

    async fn drop_archive(&self, topic: &TopicArn) -> Result<(), StoreError> {
        self.0.inner.drop_archive(topic).await
    }

    async fn message(&self, message_id: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.0.inner.message(message_id).await
    }

    async fn state(&self, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
        self.0.inner.state(lane, number).await
    }

    async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.0.inner.attempts(message_id, subscription).await
    }

    async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.0.inner.latest_attempts(subscription, max).await
    }

    async fn lane_counts(&self, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
        self.0.inner.lane_counts(lane).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.0.inner.sweep(now).await
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        self.0.inner.counters().await
    }
}
