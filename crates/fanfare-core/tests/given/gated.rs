//! A store whose answers the test lets through.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use fanfare_core::Timestamp;
use fanfare_core::arn::{SubscriptionArn, TopicArn};
use fanfare_core::attempt::Attempt;
use fanfare_core::store::{
    Appended, Change, Counters, Dead, Delivery, Entry, Journal, LaneCounts, LaneOrder, MemoryStore, MessageState,
    Range, RegistryRecords, RegistryStore, Settled, StoreError, StoreErrorKind, StoredMessage,
};
use fanfare_core::subscription::SubscriptionId;
use tokio::sync::watch;

/// Something that is asked of the store: it is answered, refused, or waits.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    open: watch::Sender<bool>,
    /// How many wait or waited.
    waited: watch::Sender<usize>,
    to_refuse: Arc<AtomicUsize>,
    refused: watch::Sender<usize>,
}

impl Gate {
    fn new() -> Self {
        Self {
            open: watch::Sender::new(true),
            waited: watch::Sender::new(0),
            to_refuse: Arc::default(),
            refused: watch::Sender::new(0),
        }
    }

    /// Has everything wait from now on.
    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    /// Lets everything through again.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Refuses the next `count`.
    pub(crate) fn refuse(&self, count: usize) {
        self.to_refuse.store(count, Ordering::SeqCst);
    }

    /// Waits until something was refused.
    pub(crate) async fn refused(&self) {
        self.refused.subscribe().wait_for(|count| *count > 0).await.unwrap();
    }

    /// Waits until something waits.
    pub(crate) async fn waited_for(&self) {
        self.waited.subscribe().wait_for(|count| *count > 0).await.unwrap();
    }

    async fn pass(&self) -> Result<(), StoreError> {
        let refuse = |left: usize| left.checked_sub(1);
        if self.to_refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok() {
            self.refused.send_modify(|count| *count += 1);
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the test refuses it"));
        }
        let mut open = self.open.subscribe();
        if !*open.borrow() {
            self.waited.send_modify(|count| *count += 1);
        }
        open.wait_for(|open| *open).await.unwrap();
        Ok(())
    }
}

/// A store in memory behind gates. A clone is the same.
#[derive(Debug, Clone)]
pub(crate) struct GatedStore {
    store: Arc<MemoryStore>,
    pub(crate) appending: Gate,
    pub(crate) taking: Gate,
    pub(crate) settling: Gate,
}

impl GatedStore {
    pub(crate) fn new() -> Self {
        let (appending, taking, settling) = (Gate::new(), Gate::new(), Gate::new());
        Self { store: Arc::new(MemoryStore::new()), appending, taking, settling }
    }

    /// How many deliveries the store knows to have been made.
    pub(crate) async fn delivered(&self) -> u64 {
        self.store.counters().await.unwrap().delivered
    }
}

#[async_trait]
impl Journal for GatedStore {
    async fn append(&self, entry: Entry) -> Result<Appended, StoreError> {
        self.appending.pass().await?;
        self.store.append(entry).await
    }

    async fn take(
        &self,
        lane: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.taking.pass().await?;
        self.store.take(lane, now, max, order).await
    }

    async fn settle(&self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) -> Result<(), StoreError> {
        self.settling.pass().await?;
        self.store.settle(lane, now, settled).await
    }

    async fn next_due(&self, lane: SubscriptionId, order: LaneOrder) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due(lane, order).await
    }

    async fn waiting(&self) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
        self.store.waiting().await
    }

    async fn clear(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Delivery>, StoreError> {
        self.store.clear(lane, max).await
    }

    async fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Dead>, StoreError> {
        self.store.dead_letters(lane, max).await
    }

    async fn redrive(&self, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError> {
        self.store.redrive(lane, now).await
    }

    async fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Result<Vec<StoredMessage>, StoreError> {
        self.store.archived(range, after, max).await
    }

    async fn replay(&self, lane: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        self.store.replay(lane, now, numbers).await
    }

    async fn drop_archive(&self, topic: &TopicArn) -> Result<(), StoreError> {
        self.store.drop_archive(topic).await
    }

    async fn message(&self, message_id: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.store.message(message_id).await
    }

    async fn state(&self, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
        self.store.state(lane, number).await
    }

    async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.store.attempts(message_id, subscription).await
    }

    async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.store.latest_attempts(subscription, max).await
    }

    async fn lane_counts(&self, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
        self.store.lane_counts(lane).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.sweep(now).await
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        self.store.counters().await
    }
}

#[async_trait]
impl RegistryStore for GatedStore {
    fn outlives_the_process(&self) -> bool {
        self.store.outlives_the_process()
    }

    async fn load(&self) -> Result<RegistryRecords, StoreError> {
        self.store.load().await
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.store.save(changes).await
    }
}
