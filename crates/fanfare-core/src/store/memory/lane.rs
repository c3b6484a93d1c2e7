//! One subscription's deliveries and dead letters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::groups::Groups;
use super::messages::Kept;
use crate::host::Timestamp;
use crate::store::{DeliveryId, LaneOrder, Stage};

/// One subscription's deliveries and dead letters. It exists only while there are any.
#[derive(Debug, Default)]
pub(super) struct Lane {
    queued: HashMap<DeliveryId, Queued>,
    /// What they count in [`Lane::bytes`].
    bytes: usize,
    /// The deliveries that wait, by the time when they are due.
    waiting: BTreeSet<(Timestamp, DeliveryId)>,
    /// The same by groups, from the first time that they are asked for: most lanes have no use for them.
    groups: Option<Box<Groups>>,
    /// The dead letters by the time when they were given up.
    dead: BTreeMap<(Timestamp, DeliveryId), DeadLetter>,
    /// When each dead letter was given up.
    died: HashMap<DeliveryId, Timestamp>,
}

/// A delivery that is not settled for good.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) stage: Stage,
    pub(super) attempts: u32,
    pub(super) replayed: bool,
    /// When it is or was due.
    pub(super) due: Timestamp,
    pub(super) taken: bool,
    pub(super) group: Option<Arc<str>>,
    /// The size of the message.
    pub(super) size: usize,
    /// Why it was given up at the endpoint.
    pub(super) reason: Option<String>,
}

/// A delivery that was given up.
#[derive(Debug)]
pub(super) struct DeadLetter {
    pub(super) reason: String,
    /// Whether a dead-letter destination has it.
    pub(super) is_elsewhere: bool,
    pub(super) replayed: bool,
}

impl Queued {
    /// A delivery of `message` to the endpoint that nobody has tried.
    pub(super) fn fresh(due: Timestamp, message: &Kept) -> Self {
        let (group, size) = (message.group.clone(), message.size());
        Self { stage: Stage::Endpoint, attempts: 0, replayed: false, due, taken: false, group, size, reason: None }
    }

    /// What it counts in [`Lane::bytes`].
    fn bytes(&self) -> usize {
        if self.replayed { 0 } else { self.size }
    }
}

impl Lane {
    /// How many deliveries wait or are taken.
    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    /// What the messages of those deliveries come to, replayed ones apart, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.dead.is_empty()
    }

    pub(super) fn queued(&self, id: DeliveryId) -> Option<&Queued> {
        self.queued.get(&id)
    }

    /// When the first delivery that may be taken is due.
    pub(super) fn next_due(&mut self, order: LaneOrder) -> Option<Timestamp> {
        match order {
            LaneOrder::Due => self.waiting.first().map(|(at, _)| *at),
            LaneOrder::Group => self.groups().next_due(),
        }
    }

    /// Adds a delivery that waits.
    pub(super) fn push(&mut self, id: DeliveryId, queued: Queued) {
        self.waiting.insert((queued.due, id));
        if let Some(groups) = &mut self.groups {
            groups.add(&queued.group, id, queued.due);
        }
        self.bytes += queued.bytes();
        self.queued.insert(id, queued);
    }

    /// Takes at most `max` deliveries that are due at `now`, which stay here as taken.
    pub(super) fn take(&mut self, now: Timestamp, max: usize, order: LaneOrder) -> Vec<DeliveryId> {
        let due: Vec<_> = match order {
            LaneOrder::Due => self.waiting.iter().copied().take_while(|(at, _)| *at <= now).take(max).collect(),
            LaneOrder::Group => self.groups().due(now).take(max).collect(),
        };
        for key in &due {
            self.waiting.remove(key);
            let queued = self.queued.get_mut(&key.1).expect("what waits is queued");
            queued.taken = true;
            if let Some(groups) = &mut self.groups {
                groups.take(&queued.group, key.1);
            }
        }
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// Removes a delivery, if it is taken.
    pub(super) fn remove_taken(&mut self, id: DeliveryId) -> Option<Queued> {
        if !self.queued.get(&id)?.taken {
            return None;
        }
        let queued = self.queued.remove(&id)?;
        self.bytes -= queued.bytes();
        if let Some(groups) = &mut self.groups {
            groups.release(&queued.group);
        }
        Some(queued)
    }

    /// Removes at most `max` of the deliveries that wait, what has been due for longest first.
    pub(super) fn remove_waiting(&mut self, max: usize) -> Vec<(DeliveryId, Queued)> {
        let mut removed = Vec::new();
        while removed.len() < max
            && let Some((_, id)) = self.waiting.pop_first()
        {
            let queued = self.queued.remove(&id).expect("what waits is queued");
            self.bytes -= queued.bytes();
            if let Some(groups) = &mut self.groups {
                groups.remove(&queued.group, id);
            }
            removed.push((id, queued));
        }
        removed
    }

    /// The dead letters, the oldest first.
    pub(super) fn dead(&self) -> impl ExactSizeIterator<Item = (Timestamp, DeliveryId, &DeadLetter)> {
        self.dead.iter().map(|(&(at, id), letter)| (at, id, letter))
    }

    pub(super) fn dead_letter(&self, id: DeliveryId) -> Option<(Timestamp, &DeadLetter)> {
        let at = *self.died.get(&id)?;
        Some((at, self.dead.get(&(at, id))?))
    }

    /// Adds a dead letter, after the one of the same number was removed.
    pub(super) fn bury(&mut self, id: DeliveryId, at: Timestamp, letter: DeadLetter) {
        self.died.insert(id, at);
        self.dead.insert((at, id), letter);
    }

    pub(super) fn remove_dead(&mut self, id: DeliveryId) -> Option<(Timestamp, DeadLetter)> {
        let at = self.died.remove(&id)?;
        Some((at, self.dead.remove(&(at, id))?))
    }

    fn groups(&mut self) -> &Groups {
        let queued = &self.queued;
        self.groups.get_or_insert_with(|| {
            let mut groups = Box::<Groups>::default();
            for (id, queued) in queued {
                match queued.taken {
                    true => groups.add_taken(&queued.group),
                    false => groups.add(&queued.group, *id, queued.due),
                }
            }
            groups
        })
    }
}
