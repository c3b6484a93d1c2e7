//! Where messages and their deliveries are kept between Publish and the last attempt.

mod memory;

use std::fmt;
use std::num::NonZeroUsize;

use async_trait::async_trait;

use crate::host::Timestamp;
use crate::notification::NotificationKind;
use crate::publication::Publication;
use crate::subscription::SubscriptionId;

pub use memory::MemoryJournal;

/// The number by which a journal knows a delivery; never used twice.
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

/// Whether a delivery is on its way to the subscription's endpoint or, given up there, to its dead-letter destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// To the endpoint.
    Endpoint,
    /// To the dead-letter destination.
    DeadLetter,
}

/// One delivery that a lane has taken out of the journal, to be settled.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its number.
    pub id: DeliveryId,
    /// What is delivered.
    pub dispatch: Dispatch,
    /// Where to.
    pub stage: Stage,
    /// Attempts that have been made at this stage.
    pub attempts: u32,
}

/// What became of a delivery that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    ToDeadLetter,
    /// The dead-letter destination has it.
    DeadLettered,
    /// It was given up for good; why is told to the observers.
    Dropped,
}

/// How many deliveries of published messages stand where. `matched` is always the sum of the other four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Deliveries that publishing called for: one for each message and matching subscription.
    pub matched: u64,
    /// Delivered.
    pub delivered: u64,
    /// Waiting for an attempt, or in one.
    pub pending: u64,
    /// Taken by a dead-letter destination.
    pub dead_lettered: u64,
    /// Given up, with a reason that was told.
    pub dropped: u64,
}

/// Why a journal cannot do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalError {
    /// It holds as much as it may. Nothing was accepted; there is room again when deliveries settle.
    Full,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the journal holds as many bytes of waiting messages as it may"),
        }
    }
}

impl std::error::Error for JournalError {}

/// Keeps messages and deliveries: a queue for each subscription, and the times at which failed ones are due again.
///
/// - After `append` returns, the message and its deliveries are as safe as this journal makes anything.
/// - A delivery that was taken is hidden from `take` until it is settled.
/// - Settling twice, or settling what was removed, does nothing.
/// - Deliveries of one subscription are taken in the order of their messages, except for those that were tried before.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Keeps `dispatch` for every subscription of `lanes`, and answers the lanes that had no room for it: those deliveries
    /// count as dropped.
    ///
    /// # Errors
    /// When nothing was kept.
    async fn append(&self, dispatch: Dispatch, lanes: &[SubscriptionId]) -> Result<Vec<SubscriptionId>, JournalError>;

    /// Takes at most `max` deliveries of `lane` that are due at `now`.
    async fn take(&self, lane: SubscriptionId, now: Timestamp, max: NonZeroUsize) -> Vec<Delivery>;

    /// Records what became of deliveries that were taken from `lane`.
    async fn settle(&self, lane: SubscriptionId, settlements: &[(DeliveryId, Settlement)]);

    /// Lanes with a failed delivery that is due again at `now`.
    async fn due(&self, now: Timestamp) -> Vec<SubscriptionId>;

    /// When the next failed delivery is due again, of those that are not due at `now`.
    async fn next_due(&self, now: Timestamp) -> Option<Timestamp>;

    /// Gives up every notification that waits in `lane`, and answers them: they count as dropped. What is being tried is
    /// settled by whoever took it.
    async fn clear(&self, lane: SubscriptionId) -> Vec<Delivery>;

    /// How many deliveries stand where.
    async fn counters(&self) -> Counters;
}
