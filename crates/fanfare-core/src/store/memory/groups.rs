//! Which deliveries of a lane may be taken when the messages of a group come one after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::host::Timestamp;
use crate::store::DeliveryId;

/// The deliveries of one lane by message group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<Option<Arc<str>>, Group>,
    /// The first delivery of each group from which nothing is taken, by the time when it is due.
    heads: BTreeSet<(Timestamp, DeliveryId)>,
}

/// One group. It exists only while it has deliveries.
#[derive(Debug, Default)]
struct Group {
    waiting: BTreeMap<DeliveryId, Timestamp>,
    taken: usize,
}

impl Groups {
    /// When the first that may be taken is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.heads.first().map(|(at, _)| *at)
    }

    /// What may be taken at `now`, what has been due for longest first.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, DeliveryId)> {
        self.heads.iter().copied().take_while(move |(at, _)| *at <= now)
    }

    /// Adds a delivery that waits.
    pub(super) fn add(&mut self, group: &Option<Arc<str>>, id: DeliveryId, at: Timestamp) {
        self.change(group, |group| {
            group.waiting.insert(id, at);
        });
    }

    /// Adds a delivery that is taken.
    pub(super) fn add_taken(&mut self, group: &Option<Arc<str>>) {
        self.change(group, |group| group.taken += 1);
    }

    /// Notes that a delivery that waited was taken.
    pub(super) fn take(&mut self, group: &Option<Arc<str>>, id: DeliveryId) {
        self.change(group, |group| {
            group.waiting.remove(&id);
            group.taken += 1;
        });
    }

    /// Removes a delivery that was taken.
    pub(super) fn release(&mut self, group: &Option<Arc<str>>) {
        self.change(group, |group| group.taken -= 1);
    }

    /// Removes a delivery that waited.
    pub(super) fn remove(&mut self, group: &Option<Arc<str>>, id: DeliveryId) {
        self.change(group, |group| {
            group.waiting.remove(&id);
        });
    }

    fn change(&mut self, key: &Option<Arc<str>>, change: impl FnOnce(&mut Group)) {
        let group = self.groups.entry(key.clone()).or_default();
        if let Some(head) = group.head() {
            self.heads.remove(&head);
        }
        change(group);
        if let Some(head) = group.head() {
            self.heads.insert(head);
        }
        if group.waiting.is_empty() && group.taken == 0 {
            self.groups.remove(key);
        }
    }
}

impl Group {
    fn head(&self) -> Option<(Timestamp, DeliveryId)> {
        let (&id, &at) = self.waiting.first_key_value()?;
        (self.taken == 0).then_some((at, id))
    }
}
