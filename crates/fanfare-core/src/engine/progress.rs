//! What happens to notifications, told to whoever listens.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::arn::SubscriptionArn;
use crate::attempt::Attempt;
use crate::filter::FilterReason;

use super::observer::{self, Observer, Step};

/// How many steps a listener may fall behind before it misses some.
const BACKLOG_MAX: usize = 4096;

/// One step in the life of a notification.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// A subscription's filter policy left a message out. Of one message, at most a thousand subscriptions are told of.
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
    Attempted(Box<Attempt>),
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

/// Those who listen: observers, who miss nothing, and watchers, who may.
#[derive(Debug)]
pub(super) struct Observers {
    observers: Box<[Arc<dyn Observer>]>,
    watchers: broadcast::Sender<Progress>,
}

impl Observers {
    pub(super) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self { observers: observers.into(), watchers: broadcast::Sender::new(BACKLOG_MAX) }
    }

    /// Whether there are observers.
    pub(super) fn any(&self) -> bool {
        !self.observers.is_empty()
    }

    /// Tells observers of a step; it costs nothing when there are none.
    pub(super) fn note(&self, step: Step<'_>) {
        observer::tell(&self.observers, &step);
    }

    pub(super) fn watch(&self) -> Watch {
        Watch(self.watchers.subscribe())
    }

    /// Whether anybody watches.
    pub(super) fn watched(&self) -> bool {
        self.watchers.receiver_count() > 0
    }

    /// Tells watchers of a step; it is put into words only when somebody watches.
    pub(super) fn tell(&self, progress: impl FnOnce() -> Progress) {
        if self.watched() {
            // That the last watcher left in between is no loss.
            let _ = self.watchers.send(progress());
        }
    }
}
