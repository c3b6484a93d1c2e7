//! Several notifications in one call, each with an outcome of its own.

use crate::delivery::Outcome;
use crate::notification::Notification;

/// Notifications that one call delivers together. Each is settled in place, so a call that is cut off half-way has
/// settled just those that it knows about.
#[derive(Debug)]
pub struct Batch<'a> {
    slots: &'a mut [Slot],
}

/// One notification of a batch, and its outcome once there is one.
#[derive(Debug)]
pub struct Slot {
    notification: Notification,
    outcome: Option<Outcome>,
}

impl<'a> Batch<'a> {
    /// A batch over slots that the caller keeps.
    pub fn new(slots: &'a mut [Slot]) -> Self {
        Self { slots }
    }

    /// The slots without an outcome, in order.
    pub fn open(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.outcome.is_none())
    }
}

impl Slot {
    /// An open slot.
    pub fn new(notification: Notification) -> Self {
        Self { notification, outcome: None }
    }

    /// The notification to deliver.
    pub fn notification(&self) -> &Notification {
        &self.notification
    }

    /// Records what came of it; the first outcome stays.
    pub fn settle(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }

    /// The outcome, if the call came to one.
    pub fn into_outcome(self) -> Option<Outcome> {
        self.outcome
    }
}
