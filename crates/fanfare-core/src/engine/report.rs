//! What became of one message, for the publisher that waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::arn::SubscriptionArn;
use crate::filter::FilteredOut;
use crate::subscription::SubscriptionId;

/// How a notification ended at one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The endpoint has it.
    Delivered {
        /// Attempts that it took.
        attempts: u32,
    },
    /// The dead-letter destination has it.
    DeadLettered,
    /// It was given up.
    Dropped {
        /// Why.
        reason: String,
    },
}

/// What became of one message: an ending for each subscription that was confirmed when it was published and wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Each subscription with its ending, in the order in which they ended.
    pub endings: Vec<(SubscriptionArn, Ending)>,
    /// How many subscriptions had no ending when the engine closed; what waits for them stays in the store.
    pub pending: usize,
    /// How many confirmed subscriptions did not want the message, and why. Who they are,
    /// [`Fanfare::why`](crate::Fanfare::why) knows for each.
    pub filtered_out: FilteredOut,
}

impl Report {
    /// How many subscribers have the message.
    pub fn delivered(&self) -> usize {
        self.count(|ending| matches!(ending, Ending::Delivered { .. }))
    }

    /// How many notifications ended at a dead-letter destination.
    pub fn dead_lettered(&self) -> usize {
        self.count(|ending| matches!(ending, Ending::DeadLettered))
    }

    /// How many notifications were given up.
    pub fn dropped(&self) -> usize {
        self.count(|ending| matches!(ending, Ending::Dropped { .. }))
    }

    /// How many subscriptions did not want the message.
    pub fn filtered_out(&self) -> usize {
        self.filtered_out.total()
    }

    /// How the message ended at `subscription`.
    pub fn ending(&self, subscription: &SubscriptionArn) -> Option<&Ending> {
        self.endings.iter().find(|(arn, _)| arn == subscription).map(|(_, ending)| ending)
    }

    fn count(&self, is: impl Fn(&Ending) -> bool) -> usize {
        self.endings.iter().filter(|(_, ending)| is(ending)).count()
    }
}

/// The messages whose publishers still hold on to what `publish` answered.
#[derive(Debug, Default)]
pub(super) struct Trackers(Mutex<HashMap<String, Arc<Tracker>>>);

/// The endings of one message so far.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    state: Mutex<Tracked>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Tracked {
    /// The subscriptions that have no ending yet; nothing before they are known.
    awaited: Option<Awaited>,
    closed: bool,
    endings: Vec<(SubscriptionArn, Ending)>,
    filtered_out: FilteredOut,
}

/// Some of many subscriptions.
#[derive(Debug)]
struct Awaited {
    /// All of them, in order.
    ids: Vec<SubscriptionId>,
    /// A bit for each that is awaited no more.
    ended: Vec<u64>,
    /// How many are awaited.
    left: usize,
}

impl Awaited {
    fn new(ids: Vec<SubscriptionId>) -> Self {
        Self { ended: vec![0; ids.len().div_ceil(64)], left: ids.len(), ids }
    }

    /// Whether it was awaited so far.
    fn remove(&mut self, id: SubscriptionId) -> bool {
        let Ok(place) = self.ids.binary_search(&id) else { return false };
        let (word, bit) = (&mut self.ended[place / 64], 1 << (place % 64));
        let was_awaited = *word & bit == 0;
        *word |= bit;
        self.left -= usize::from(was_awaited);
        was_awaited
    }
}

impl Trackers {
    pub(super) fn track(&self, message_id: &str) -> Arc<Tracker> {
        let tracker = Arc::new(Tracker::default());
        self.map().insert(message_id.to_owned(), Arc::clone(&tracker));
        tracker
    }

    pub(super) fn forget(&self, message_id: &str) {
        self.map().remove(message_id);
    }

    /// Notes how a message ended at the subscription of that id, which is told as `subscription`.
    pub(super) fn ended(
        &self,
        message_id: &str,
        id: SubscriptionId,
        subscription: &SubscriptionArn,
        ending: impl FnOnce() -> Ending,
    ) {
        let tracker = self.map().get(message_id).cloned();
        if let Some(tracker) = tracker {
            tracker.ended(id, subscription, ending());
        }
    }

    /// Notes how many did not want a message.
    pub(super) fn filtered_out(&self, message_id: &str, filtered_out: FilteredOut) {
        if let Some(tracker) = self.map().get(message_id) {
            tracker.state().filtered_out = filtered_out;
        }
    }

    /// Lets everybody who waits go.
    pub(super) fn close(&self) {
        for (_, tracker) in self.map().drain() {
            tracker.state().closed = true;
            tracker.changed.notify_waiters();
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<String, Arc<Tracker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracker {
    /// Says at which subscriptions, in the order of their ids, the message will end.
    pub(super) fn expect(&self, subscriptions: Vec<SubscriptionId>) {
        self.state().awaited = Some(Awaited::new(subscriptions));
        self.changed.notify_waiters();
    }

    /// Notes the first ending at a subscription. Of a message that is redriven or replayed later, the first ending counts.
    fn ended(&self, id: SubscriptionId, subscription: &SubscriptionArn, ending: Ending) {
        let mut state = self.state();
        if state.awaited.as_mut().is_some_and(|awaited| awaited.remove(id)) {
            state.endings.push((subscription.clone(), ending));
            self.changed.notify_waiters();
        }
    }

    /// Waits until every ending is known.
    pub(super) async fn settled(&self) -> Report {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.state();
                let pending = state.awaited.as_ref().map(|awaited| awaited.left);
                if pending == Some(0) || state.closed {
                    return Report {
                        endings: state.endings.clone(),
                        pending: pending.unwrap_or(0),
                        filtered_out: state.filtered_out,
                    };
                }
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, Tracked> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
