//! How deliveries become dead letters, and how these leave.

use std::num::NonZeroUsize;

use super::State;
use crate::host::Timestamp;
use crate::store::memory::lane::{DeadLetter, Lane};
use crate::store::memory::uses::Use;
use crate::store::{Dead, DeliveryId};
use crate::subscription::SubscriptionId;

impl State {
    pub(in crate::store::memory) fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Vec<Dead> {
        let letters = self.lanes.get(&lane).into_iter().flat_map(Lane::dead).take(max.get());
        letters.map(|(at, id, letter)| self.dead(id, at, letter)).collect()
    }

    pub(super) fn dead(&self, id: DeliveryId, at: Timestamp, letter: &DeadLetter) -> Dead {
        let message_id = self.messages.used(id.0).dispatch.publication.id().to_owned();
        Dead { id, message_id, at, reason: letter.reason.clone() }
    }

    /// Makes a delivery that has left its lane a dead letter.
    pub(super) fn bury(&mut self, lane: SubscriptionId, id: DeliveryId, at: Timestamp, letter: DeadLetter) {
        let counted = self.messages.used(id.0).counted();
        self.counters.pending -= counted;
        let to = if letter.is_elsewhere { &mut self.counters.dead_lettered } else { &mut self.counters.dropped };
        *to += counted;
        // The same message may have died here before, and come again by a replay.
        self.forget_dead(lane, id);
        self.lanes.entry(lane).or_default().bury(id, at, letter);
        self.dead.insert((at, lane, id));
        self.messages.hold(id.0, Use::DeadLetter);
        self.messages.release(id.0, Use::Delivery);
        while let Some(oldest) = self.oldest_dead_beyond(lane, self.bounds.dead_letters) {
            self.forget_dead(lane, oldest);
        }
    }

    /// Takes a dead letter out, whose use of the message is left to the caller to end.
    pub(super) fn exhume(&mut self, lane: SubscriptionId, id: DeliveryId) -> Option<DeadLetter> {
        let (at, letter) = self.lanes.get_mut(&lane)?.remove_dead(id)?;
        self.dead.remove(&(at, lane, id));
        Some(letter)
    }

    pub(super) fn forget_dead(&mut self, lane: SubscriptionId, id: DeliveryId) {
        if self.exhume(lane, id).is_some() {
            self.messages.release(id.0, Use::DeadLetter);
        }
    }

    pub(super) fn forget_all_dead(&mut self, lane: SubscriptionId) {
        while let Some(oldest) = self.oldest_dead_beyond(lane, 0) {
            self.forget_dead(lane, oldest);
        }
        self.drop_lane_if_empty(lane);
    }

    fn oldest_dead_beyond(&self, lane: SubscriptionId, max: usize) -> Option<DeliveryId> {
        let mut dead = self.lanes.get(&lane)?.dead();
        if dead.len() <= max { None } else { dead.next().map(|(_, id, _)| id) }
    }
}
