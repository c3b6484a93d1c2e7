//! The journal: what each question and each change means in SQL, one file for each family.

mod append;
mod archive;
mod body;
mod dead;
pub(crate) mod fan_out;
mod holds;
mod log;
mod settle;
mod sweep;
mod take;
mod time;

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use fanfare_core::arn::{SubscriptionArn, TopicArn};
use fanfare_core::attempt::Attempt;
use fanfare_core::host::Timestamp;
use fanfare_core::store::{
    Appended, Counters, Dead, Delivery, Entry, Journal, LaneCounts, LaneOrder, MessageState, Range, Settled,
    StoreError, StoreErrorKind, StoredMessage,
};
use fanfare_core::subscription::SubscriptionId;

pub(crate) use self::append::MESSAGE_OVERHEAD;
pub(crate) use self::fan_out::FanOut;
pub(crate) use self::holds::insert_delivery_row;
use crate::error::Attempting;
use crate::store::DiskStore;
use crate::writer::Totals;

#[async_trait]
impl Journal for DiskStore {
    async fn append(&self, entry: Entry) -> Result<Appended, StoreError> {
        let appended = append::append(self, entry).await;
        if appended.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Full) {
            self.pressed.store(true, Ordering::SeqCst);
        }
        appended
    }

    async fn take(
        &self,
        lane: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Result<Vec<Delivery>, StoreError> {
        take::take(self, lane, now, max, order).await
    }

    async fn settle(&self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) -> Result<(), StoreError> {
        settle::settle(self, lane, now, settled).await
    }

    async fn next_due(&self, lane: SubscriptionId, order: LaneOrder) -> Result<Option<Timestamp>, StoreError> {
        time::next_due(self, lane, order).await
    }

    async fn waiting(&self) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
        time::waiting(self).await
    }

    async fn clear(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Delivery>, StoreError> {
        take::clear(self, lane, max).await
    }

    async fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Dead>, StoreError> {
        self.read(move |connection| dead::dead_letters(connection, lane, max)).await
    }

    async fn redrive(&self, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError> {
        self.writer.write(0, move |batch| dead::redrive(batch, lane, now), |_| {}).await
    }

    async fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Result<Vec<StoredMessage>, StoreError> {
        archive::archived(self, range.clone(), after, max).await
    }

    async fn replay(&self, lane: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        let numbers = numbers.to_vec();
        self.writer.write(0, move |batch| archive::replay(batch, lane, now, &numbers), |()| {}).await
    }

    async fn drop_archive(&self, topic: &TopicArn) -> Result<(), StoreError> {
        let topic = topic.clone();
        self.writer.write(0, move |batch| archive::end(batch, &topic), |()| {}).await
    }

    async fn message(&self, message_id: &str) -> Result<Option<StoredMessage>, StoreError> {
        log::message(self, message_id.to_owned()).await
    }

    async fn state(&self, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
        log::state(self, lane, number).await
    }

    async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, StoreError> {
        let (message_id, subscription) = (message_id.to_owned(), subscription.cloned());
        self.read(move |connection| log::attempts(connection, &message_id, subscription.as_ref())).await
    }

    async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, StoreError> {
        let subscription = subscription.clone();
        self.read(move |connection| log::latest_attempts(connection, &subscription, max)).await
    }

    async fn lane_counts(&self, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
        log::lane_counts(self, lane).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        sweep::sweep(self, now).await
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        self.read(|connection| Ok(Totals::read(connection).attempting("cannot read the counters")?.counters())).await
    }
}
