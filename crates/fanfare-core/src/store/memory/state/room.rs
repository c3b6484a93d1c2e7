//! Whether there is room for what comes, and what leaves for it.

use std::collections::BTreeSet;

use super::State;
use crate::store::memory::lane::Lane;
use crate::store::memory::uses::DELIVERY_BYTES;
use crate::store::{DeliveryId, StoreError, StoreErrorKind};
use crate::subscription::SubscriptionId;

impl State {
    /// Whether `lane` takes one more delivery, of a message of `size` bytes.
    pub(super) fn has_room(&self, lane: SubscriptionId, size: usize) -> bool {
        let (deliveries, bytes) = self.lanes.get(&lane).map_or((0, 0), |lane| (lane.len(), lane.bytes()));
        let fits = deliveries == 0 || bytes.saturating_add(size) <= self.bounds.lane_bytes;
        fits && deliveries < self.bounds.lane_deliveries
    }

    /// Makes room in `lane` for replayed deliveries of archived messages.
    pub(super) fn make_room_for_replay(
        &mut self,
        lane: SubscriptionId,
        numbers: &BTreeSet<DeliveryId>,
    ) -> Result<(), StoreError> {
        if self.lanes.get(&lane).map_or(0, Lane::len) + numbers.len() > self.bounds.lane_deliveries {
            let context = "the subscription has as many deliveries as the store in memory may hold for it: \
                           replay when some have settled";
            return Err(StoreError::new(StoreErrorKind::Full, context));
        }
        // The archive needs the messages already.
        self.make_room(numbers.len() * DELIVERY_BYTES)
    }

    /// Makes room for `bytes` more, for which the oldest dead letters leave, if that is enough.
    pub(super) fn make_room(&mut self, bytes: usize) -> Result<(), StoreError> {
        if self.messages.held().needed.saturating_add(bytes) > self.bounds.bytes {
            let context = "the store in memory holds as much as it may: publish again when deliveries have settled";
            return Err(StoreError::new(StoreErrorKind::Full, context));
        }
        while self.messages.held().total().saturating_add(bytes) > self.bounds.bytes
            && let Some(&(_, lane, id)) = self.dead.first()
        {
            self.forget_dead(lane, id);
            self.drop_lane_if_empty(lane);
        }
        Ok(())
    }
}
