//! One subscription's queue at work: takes what is due, attempts it at the subscription's own pace, settles what comes.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::Engine;
use super::attempt::{self, Attempted, Endpoints};
use super::health::Health;
use super::lanes::Signal;
use super::pace::Pace;
use super::verdict::Verdict;
use crate::journal::{DeliveryId, Settlement};
use crate::subscription::{Subscription, SubscriptionId};

/// Works until there is nothing to do. Dropping it at any time loses nothing: what was taken stays in the journal.
pub(super) async fn run(engine: Arc<Engine>, id: SubscriptionId, signal: Arc<Signal>) {
    let Some(subscription) = engine.registry.by_id(id) else {
        return engine.drop_all(id, &signal).await;
    };
    let endpoints = Endpoints::default();
    let mut health = Health::new(engine.settings.lane_concurrency);
    let mut pace = subscription.max_receives_per_second.map(|rate| Pace::new(rate, engine.host.now()));
    let mut under_way = FuturesUnordered::new();
    loop {
        signal.heed();
        let mut held_back = None;
        while under_way.len() < health.concurrency() && !engine.lanes.closing() {
            let now = engine.host.now();
            let batch = endpoints.batch_size(&engine, &subscription);
            let allowed = pace.as_mut().map_or(batch.get(), |pace| pace.ready(now).min(batch.get()));
            let Some(max) = NonZeroUsize::new(allowed) else {
                held_back = pace.as_ref().map(Pace::next);
                break;
            };
            let deliveries = engine.journal.take(id, now, max).await;
            if deliveries.is_empty() {
                break;
            }
            if let Some(pace) = &mut pace {
                pace.spend(deliveries.len());
            }
            under_way.push(attempt::make(&engine, id, &endpoints, deliveries));
        }
        if under_way.is_empty() && held_back.is_none() {
            if engine.lanes.leave(id, &signal) {
                return;
            }
            continue;
        }
        tokio::select! {
            Some(attempted) = under_way.next(), if !under_way.is_empty() => {
                engine.settle(id, attempted, &mut health).await;
            }
            () = signal.wait() => {}
            () = async { engine.host.sleep_until(held_back.expect("guarded")).await }, if held_back.is_some() => {}
        }
    }
}

impl Engine {
    /// Records what came of a call, and tells those who listen.
    async fn settle(self: &Arc<Self>, id: SubscriptionId, attempted: Attempted, health: &mut Health) {
        let now = self.host.now();
        let Attempted { subscription, calls } = attempted;
        let mut settlements: Vec<(DeliveryId, Settlement)> = Vec::new();
        let mut told = Vec::new();
        for call in calls {
            let verdict = match &subscription {
                Some(subscription) => Verdict::of(self, subscription, &call, now),
                None => Verdict::orphaned(),
            };
            match verdict.endpoint_works {
                Some(true) => health.works(),
                Some(false) => health.fails(),
                None => {}
            }
            settlements.push((call.delivery.id, verdict.settlement));
            told.push((call, verdict));
        }
        self.journal.settle(id, &settlements).await;
        if settlements.iter().any(|(_, settlement)| matches!(settlement, Settlement::Retry { .. })) {
            self.rescheduled.notify_one();
        }
        if let Some(subscription) = &subscription {
            for (call, verdict) in told {
                self.tell(subscription, call, verdict);
            }
        }
    }

    /// Gives up everything that waits for a subscription that was forgotten. Whoever ended it has told so long ago.
    async fn drop_all(&self, id: SubscriptionId, signal: &Signal) {
        loop {
            signal.heed();
            let dropped = self.journal.clear(id).await.len();
            tracing::debug!(lane = id.0, dropped, "gave up what waited for a forgotten subscription");
            if self.lanes.leave(id, signal) {
                return;
            }
        }
    }
}

/// Whether a lane of this subscription may deliver what was published.
pub(super) fn receives(subscription: &Subscription) -> bool {
    subscription.state == crate::subscription::SubscriptionState::Confirmed
}
