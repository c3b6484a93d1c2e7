//! Keeps messages and their deliveries, from Publish to the last attempt and for a while after.

use std::fmt;
use std::num::NonZeroUsize;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::arn::{SubscriptionArn, TopicArn};
use crate::attempt::Attempt;
use crate::host::Timestamp;
use crate::notification::NotificationKind;
use crate::publication::Publication;
use crate::subscription::SubscriptionId;

/// The number by which a journal knows a delivery among those of its lane: the number of its message, which grows with each
/// message that is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// Something to be delivered to one or more subscriptions.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// What it is for.
    pub kind: NotificationKind,
    /// The message.
    pub publication: Publication,
}

/// What is appended: a message, and everything that has to be kept with it in one piece.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The message.
    pub dispatch: Dispatch,
    /// The subscriptions that get it, each once.
    pub lanes: Vec<SubscriptionId>,
    /// By what a repeated message is recognised.
    pub dedup: Option<Dedup>,
    /// Until when the message can be replayed, whoever has it by then.
    pub archive_until: Option<Timestamp>,
}

/// By what a repeated message is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedup {
    /// The topic, the scope and the deduplication id in one text.
    pub key: String,
    /// When the message is forgotten. The window begins with the first message and is not renewed by repeated ones.
    pub until: Timestamp,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Appended {
    /// It is kept.
    Accepted {
        /// The number of the message, which grows with each message.
        number: u64,
        /// The lanes that had no room for it. Those deliveries count as dropped.
        refused: Vec<SubscriptionId>,
    },
    /// It repeats a message of the deduplication window; nothing was kept.
    Duplicate {
        /// The `MessageId` of the first message.
        message_id: String,
        /// The number of the first message.
        number: u64,
    },
}

/// Whether a delivery is on its way to the subscription's endpoint or, given up there, to its dead-letter destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stage {
    /// To the endpoint.
    Endpoint,
    /// To the dead-letter destination.
    DeadLetter,
}

/// In which order a lane is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaneOrder {
    /// What has been due for longest comes first: a message is due when it is accepted, a failed one at its next attempt.
    Due,
    /// The messages of a group come one after the other: nothing of a group is taken before what precedes it is settled
    /// for good. Messages without a group are a group together.
    Group,
}

/// One delivery that a lane has taken out of the journal, to be settled.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its number.
    pub id: DeliveryId,
    /// What is delivered. On FIFO topics the publication has its sequence number.
    pub dispatch: Dispatch,
    /// Where to.
    pub stage: Stage,
    /// When it was due.
    pub due: Timestamp,
    /// Attempts that have been made at this stage.
    pub attempts: u32,
    /// Whether it comes from a replay.
    pub replayed: bool,
}

/// What became of a delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// The endpoint has it.
    Delivered,
    /// It is tried again at `at`.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// It was given up at the endpoint and goes to the dead-letter destination, at once.
    ToDeadLetter {
        /// Why.
        reason: String,
    },
    /// The dead-letter destination has it. It stays among the lane's dead letters, to be redriven.
    DeadLettered,
    /// It was given up for good. It stays among the lane's dead letters, to be redriven.
    Dropped {
        /// Why.
        reason: String,
    },
    /// It was not wanted any more and leaves nothing behind but its count among the dropped.
    Discarded,
}

/// A delivery with what became of it.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The delivery.
    pub id: DeliveryId,
    /// What became of it.
    pub settlement: Settlement,
    /// The attempt, for the log; nothing when there was none.
    pub attempt: Option<Attempt>,
}

/// How many deliveries of published messages stand where. `matched` is always the sum of the other four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Deliveries that were called for: one for each message and matching subscription, and for each replayed one.
    pub matched: u64,
    /// Delivered.
    pub delivered: u64,
    /// Waiting for an attempt, or in one.
    pub pending: u64,
    /// Taken by a dead-letter destination.
    pub dead_lettered: u64,
    /// Given up.
    pub dropped: u64,
}

impl Counters {
    /// Whether every delivery that was called for stands somewhere.
    pub fn balance(&self) -> bool {
        self.matched == self.delivered + self.pending + self.dead_lettered + self.dropped
    }
}

/// How much a lane holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneCounts {
    /// Deliveries that wait for an attempt, or are in one.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
}

impl LaneCounts {
    /// A lane that holds so many deliveries and so many dead letters.
    pub fn new(waiting: u64, dead: u64) -> Self {
        Self { waiting, dead }
    }
}

/// A dead letter of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The delivery's number.
    pub id: DeliveryId,
    /// The message.
    pub message_id: String,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Messages of a topic by the time at which they were accepted: from `from`, up to and including `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The topic.
    pub topic: TopicArn,
    /// The first moment.
    pub from: Timestamp,
    /// The last moment; nothing means all there is.
    pub to: Option<Timestamp>,
}

/// A message that the journal still has.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// Its number.
    pub number: u64,
    /// The message.
    pub dispatch: Dispatch,
}

/// How a message stands at one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageState {
    /// It waits for an attempt, or is in one.
    Pending {
        /// When it is or was due.
        due: Timestamp,
    },
    /// It is among the lane's dead letters.
    Dead(Dead),
    /// The journal has no delivery of it: it was delivered, filtered out, or is too old to be known.
    Absent,
}

/// Keeps messages and deliveries: a queue for each subscription, and the times at which failed ones are due again.
///
/// - After `append` or `settle` returns, what it did is as safe as this journal makes anything.
/// - A delivery that was taken is hidden from `take` until it is settled, or until the journal is opened again.
/// - Settling twice, or settling what was removed, does nothing.
/// - Lanes are independent: what waits in one does not slow another, and costs no memory in a journal on disk.
/// - A message is forgotten when it has no delivery, no dead letter and no archive left, and the log of recent messages
///   has no room for it.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Keeps a message for every lane of `entry`, or recognises it as repeated. All of it happens or nothing.
    ///
    /// # Errors
    /// When nothing was kept.
    async fn append(&self, entry: Entry) -> Result<Appended, StoreError>;

    /// Takes at most `max` deliveries of `lane` that are due at `now`. Fewer than that are all that there are, so that nobody
    /// asks again at once.
    ///
    /// # Errors
    /// When they cannot be read; nothing was taken.
    async fn take(
        &self,
        lane: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Records at `now` what became of deliveries that were taken from `lane`, and logs the attempts. Several of these may be
    /// under way at a time, also for one lane; what comes together should share its costs.
    ///
    /// # Errors
    /// When nothing was recorded: the deliveries count as taken still.
    async fn settle(&self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) -> Result<(), StoreError>;

    /// When the first delivery of `lane` that is not taken is due, whatever the time is now; for [`LaneOrder::Group`], the
    /// first of those that no earlier message of their group holds back. Nothing when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn next_due(&self, lane: SubscriptionId, order: LaneOrder) -> Result<Option<Timestamp>, StoreError>;

    /// Every lane that has deliveries, each with the time at which its first is due: what an engine has to come back to
    /// after a start.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn waiting(&self) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError>;

    /// Gives up at most `max` of the deliveries that wait in `lane`, as [`Settlement::Discarded`], and answers them. What is
    /// taken is left to whoever took it.
    ///
    /// # Errors
    /// When nothing was given up.
    async fn clear(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Delivery>, StoreError>;

    /// The lane's dead letters, the oldest first, at most `max`.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Dead>, StoreError>;

    /// Puts every dead letter of `lane` back into it, as fresh deliveries to the endpoint that are due at `now`, and answers
    /// how many there were.
    ///
    /// # Errors
    /// When none was put back.
    async fn redrive(&self, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError>;

    /// Archived messages of `range` with a number above `after`, in the order of their numbers, at most `max`.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Result<Vec<StoredMessage>, StoreError>;

    /// Puts archived messages into `lane` again, as replayed deliveries that are due at `now`. Numbers that wait in the lane
    /// already, or that are archived no more, are passed over.
    ///
    /// # Errors
    /// When none was put in.
    async fn replay(&self, lane: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError>;

    /// Ends the archive of a topic.
    ///
    /// # Errors
    /// When nothing was changed.
    async fn drop_archive(&self, topic: &TopicArn) -> Result<(), StoreError>;

    /// A message that is still known, by its `MessageId`.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn message(&self, message_id: &str) -> Result<Option<StoredMessage>, StoreError>;

    /// How the message of that number stands in `lane`.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn state(&self, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError>;

    /// Logged attempts for a message, the oldest first; with a subscription, only those for it.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, StoreError>;

    /// The latest logged attempts for a subscription, the newest first, at most `max`. For people who look into something:
    /// it may read the whole log.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, StoreError>;

    /// How much `lane` holds.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn lane_counts(&self, lane: SubscriptionId) -> Result<LaneCounts, StoreError>;

    /// Forgets what is too old at `now`: deduplication windows, archives, logged attempts, dead letters, messages that
    /// nothing needs any more. Called now and then while there is work.
    ///
    /// # Errors
    /// When it did not finish.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError>;

    /// How many deliveries stand where.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn counters(&self) -> Result<Counters, StoreError>;
}
