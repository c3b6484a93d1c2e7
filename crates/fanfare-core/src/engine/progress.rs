//! What happens to notifications, told to whoever listens.

use std::time::Duration;

use tokio::sync::broadcast;

use crate::arn::SubscriptionArn;
use crate::delivery::{DeliveryErrorKind, Disposition};
use crate::filter::FilterReason;
use crate::host::Timestamp;
use crate::journal::Stage;
use crate::notification::NotificationKind;
use crate::protocol::Protocol;

/// How many steps a listener may fall behind before it misses some.
const BACKLOG_MAX: usize = 4096;

/// One step in the life of a notification.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// A subscription's filter policy left a message out.
    FilteredOut {
        /// The message.
        message_id: String,
        /// The subscription.
        subscription: SubscriptionArn,
        /// Why, as a class.
        reason: FilterReason,
        /// Why, in words: the condition that failed.
        because: String,
    },
    /// An attempt was made.
    Attempted(Attempt),
    /// A notification was given up without an attempt.
    Dropped {
        /// The message.
        message_id: String,
        /// The subscription.
        subscription: SubscriptionArn,
        /// Why.
        reason: String,
    },
    /// The listener was too slow and missed this many steps.
    Missed(u64),
}

/// One attempt to deliver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// What was to be delivered: a notification or a request to confirm.
    pub kind: NotificationKind,
    /// The message.
    pub message_id: String,
    /// The subscription.
    pub subscription: SubscriptionArn,
    /// The protocol spoken.
    pub protocol: Protocol,
    /// The endpoint, for people; without secrets.
    pub endpoint: String,
    /// Whether this was for the endpoint or for the dead-letter destination.
    pub stage: Stage,
    /// Which attempt of its stage this was, from 1.
    pub number: u32,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The protocol's status number, when there was one.
    pub status: Option<u16>,
    /// The start of what the endpoint answered.
    pub response: Option<String>,
    /// What went wrong; nothing when it was delivered.
    pub failure: Option<Failure>,
    /// What follows.
    pub next: Next,
}

/// What went wrong in an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// As a class.
    pub kind: DeliveryErrorKind,
    /// What the endpoint says about further attempts. [`Disposition::Disable`] asks its owner to turn it off.
    pub disposition: Disposition,
    /// In words, without secrets.
    pub text: String,
}

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Nothing: it is delivered.
    Delivered,
    /// Another attempt.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// It is given up and goes to the dead-letter destination.
    ToDeadLetter,
    /// Nothing: the dead-letter destination has it.
    DeadLettered,
    /// Nothing: it is given up for good.
    Dropped {
        /// Why.
        reason: String,
    },
}

/// Steps as they happen, from the moment at which the listening began.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<Progress>);

impl Watch {
    /// The next step; nothing when the engine is gone.
    pub async fn next(&mut self) -> Option<Progress> {
        match self.0.recv().await {
            Ok(progress) => Some(progress),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Progress::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next step if there is one already.
    pub fn try_next(&mut self) -> Option<Progress> {
        match self.0.try_recv() {
            Ok(progress) => Some(progress),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(Progress::Missed(missed)),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}

/// Those who listen.
#[derive(Debug)]
pub(super) struct Observers(broadcast::Sender<Progress>);

impl Observers {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG_MAX))
    }

    pub(super) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }

    /// Whether anybody listens.
    pub(super) fn listening(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Tells a step; it is put into words only when somebody listens.
    pub(super) fn tell(&self, progress: impl FnOnce() -> Progress) {
        if self.listening() {
            // That the last listener left in between is no loss.
            let _ = self.0.send(progress());
        }
    }
}
