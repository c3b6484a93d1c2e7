//! Lanes that wait for a place: those of a message to very many take turns with all others.

use std::collections::VecDeque;

use crate::by_id::Ids;
use crate::subscription::SubscriptionId;

/// Lanes that are called together, beyond which they are a crowd.
const FEW_MAX: usize = 64;

/// The lanes that are to get a place, each once. First come, first served among those who came alone or with few; after each of
/// them comes one of a crowd, and crowds take turns.
#[derive(Debug, Default)]
pub(super) struct Queue {
    few: VecDeque<SubscriptionId>,
    /// None of them is empty.
    crowds: VecDeque<VecDeque<SubscriptionId>>,
    queued: Ids,
    /// Whether a crowd has the next turn.
    crowds_turn: bool,
}

impl Queue {
    /// Queues a lane, unless it is queued. Answers whether it was not.
    pub(super) fn push(&mut self, id: SubscriptionId) -> bool {
        let is_new = self.queued.insert(id);
        if is_new {
            self.few.push_back(id);
        }
        is_new
    }

    /// Queues lanes that are called together, in this order, but for those that are queued.
    pub(super) fn push_all(&mut self, ids: Vec<SubscriptionId>) {
        self.queued.reserve(ids.len().saturating_sub(self.queued.len()));
        let mut new: VecDeque<_> = ids.into_iter().filter(|id| self.queued.insert(*id)).collect();
        if new.len() > FEW_MAX {
            self.crowds.push_back(new);
        } else {
            self.few.append(&mut new);
        }
    }

    /// The next lane.
    pub(super) fn pop(&mut self) -> Option<SubscriptionId> {
        let crowds_turn = self.crowds_turn && !self.crowds.is_empty();
        self.crowds_turn = !crowds_turn;
        let next = match (crowds_turn, self.few.is_empty()) {
            (false, false) => self.few.pop_front(),
            _ => self.pop_of_crowd(),
        }?;
        self.queued.remove(&next);
        Some(next)
    }

    fn pop_of_crowd(&mut self) -> Option<SubscriptionId> {
        let mut crowd = self.crowds.pop_front()?;
        let next = crowd.pop_front();
        if !crowd.is_empty() {
            self.crowds.push_back(crowd);
        }
        next
    }

    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: std::ops::Range<u64>) -> Vec<SubscriptionId> {
        numbers.map(SubscriptionId).collect()
    }

    fn popped(queue: &mut Queue, count: usize) -> Vec<u64> {
        (0..count).filter_map(|_| queue.pop()).map(|id| id.0).collect()
    }

    #[test]
    fn few_and_crowds_take_turns_and_crowds_among_each_other() {
        let mut queue = Queue::default();
        queue.push_all(ids(1000..1100));
        queue.push_all(ids(2000..2100));
        queue.push_all(ids(1..4));
        assert!(queue.push(SubscriptionId(4)));
        assert_eq!(popped(&mut queue, 9), [1, 1000, 2, 2000, 3, 1001, 4, 2001, 1002]);
        assert_eq!(queue.len(), 195);
        assert_eq!(popped(&mut queue, 300).len(), 195);
        assert!(queue.is_empty() && queue.pop().is_none());
    }

    #[test]
    fn a_lane_is_queued_once() {
        let mut queue = Queue::default();
        queue.push_all(ids(0..100));
        assert!(!queue.push(SubscriptionId(7)));
        queue.push_all(ids(50..101));
        assert_eq!(popped(&mut queue, 3), [100, 0, 1]);
        assert!(queue.push(SubscriptionId(0)), "it was taken out");
        queue.clear();
        assert!(queue.is_empty() && queue.pop().is_none());
    }
}
