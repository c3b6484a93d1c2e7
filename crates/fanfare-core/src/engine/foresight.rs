//! What deliveries of a message share is begun while the store keeps the message.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Engine;
use super::attempt;
use super::lane::receives;
use crate::host::Timestamp;
use crate::store::{Delivery, DeliveryId, Dispatch, Stage};
use crate::subscription::SubscriptionId;

/// Subscribers for whom it is looked whether something can be begun: those of a message mostly want the same.
const LOOKED_AT_MAX: usize = 4;

impl Engine {
    /// Tells the connectors of the first subscribers of a message that will be delivered at once. Those that are behind, or
    /// whose endpoints fail, hear of it when it is their turn: what was begun might be forgotten by then.
    pub(super) fn foresee(&self, dispatch: &Dispatch, matched: &[SubscriptionId]) {
        // There the store says first which one in the order it is.
        if dispatch.publication.topic().is_fifo() {
            return;
        }
        for &id in matched.iter().take(LOOKED_AT_MAX).filter(|id| self.lanes.is_ready(**id)) {
            let subscription = self.registry.by_id(id);
            let Some(subscription) = subscription.filter(|subscription| receives(subscription) && !subscription.paused)
            else {
                continue;
            };
            let due = Timestamp::EPOCH;
            let (id, stage, dispatch) = (DeliveryId(0), Stage::Endpoint, dispatch.clone());
            let delivery = Delivery { id, dispatch, stage, due, attempts: 0, replayed: false };
            let notification = attempt::notification(&subscription, &delivery);
            let told = AssertUnwindSafe(|| self.connectors.foresee(subscription.protocol(), &notification));
            if catch_unwind(told).is_err() {
                tracing::error!(protocol = %subscription.protocol(), "a connector panicked over what is to come");
            }
        }
    }
}
