//! One timer for all lanes: it sleeps until the next of them has something due again, and wakes it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Engine;
use crate::host::Timestamp;
use crate::subscription::SubscriptionId;

/// How often the store forgets what is too old, while there is work.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// How often it does so while it is full.
const URGENT_PERIOD: Duration = Duration::from_secs(1);

/// When lanes have something due again.
#[derive(Debug, Default)]
pub(super) struct Timer {
    alarms: Mutex<Alarms>,
    /// Told when the first alarm has changed.
    earlier: Notify,
    /// Set when something happened since the store last swept.
    stirred: AtomicBool,
    /// Set when the store is full, and sweeping may make room.
    urgent: AtomicBool,
}

#[derive(Debug, Default)]
struct Alarms {
    by_time: BTreeSet<(Timestamp, SubscriptionId)>,
    by_lane: HashMap<SubscriptionId, Timestamp>,
    /// Whether there are lanes that have been taken out and not been woken yet.
    ringing: bool,
}

impl Timer {
    /// Wakes `lane` at `at`, in place of what was asked before.
    pub(super) fn set(&self, lane: SubscriptionId, at: Timestamp) {
        let mut alarms = self.alarms();
        if let Some(before) = alarms.by_lane.insert(lane, at) {
            alarms.by_time.remove(&(before, lane));
        }
        alarms.by_time.insert((at, lane));
        if alarms.by_time.first() == Some(&(at, lane)) {
            self.earlier.notify_one();
        }
    }

    /// Wakes `lane` at `at`, if it would not be woken before.
    pub(super) fn set_earlier(&self, lane: SubscriptionId, at: Timestamp) {
        let is_later = self.alarms().by_lane.get(&lane).is_some_and(|before| *before <= at);
        if !is_later {
            self.set(lane, at);
        }
    }

    /// Says that there is something to sweep before long.
    pub(super) fn stir(&self) {
        if !self.stirred.swap(true, Ordering::SeqCst) {
            self.earlier.notify_one();
        }
    }

    /// Says that the store is full.
    pub(super) fn sweep_soon(&self) {
        self.stirred.store(true, Ordering::SeqCst);
        self.urgent.store(true, Ordering::SeqCst);
        self.earlier.notify_one();
    }

    /// Makes a sleeping timer look again.
    pub(super) fn interrupt(&self) {
        self.earlier.notify_one();
    }

    /// The lanes that are due, which are forgotten, and the next time at which one will be.
    fn ring(&self, now: Timestamp) -> (Vec<SubscriptionId>, Option<Timestamp>) {
        let mut alarms = self.alarms();
        let later = alarms.by_time.split_off(&(now + Duration::from_millis(1), SubscriptionId(0)));
        let due = std::mem::replace(&mut alarms.by_time, later);
        let lanes: Vec<_> = due.into_iter().map(|(_, lane)| lane).collect();
        for lane in &lanes {
            alarms.by_lane.remove(lane);
        }
        alarms.ringing = !lanes.is_empty();
        (lanes, alarms.by_time.first().map(|&(at, _)| at))
    }

    /// Says that the lanes which were due have been woken.
    fn rung(&self) {
        self.alarms().ringing = false;
    }

    /// What `look` makes of the next time at which a lane is due, while nothing changes about that; nothing while lanes are
    /// being woken.
    pub(super) fn look<T>(&self, look: impl FnOnce(Option<Timestamp>) -> T) -> Option<T> {
        let alarms = self.alarms();
        (!alarms.ringing).then(|| look(alarms.by_time.first().map(|&(at, _)| at)))
    }

    fn alarms(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the engine closes.
pub(super) async fn run(engine: Arc<Engine>) {
    let mut next_sweep = engine.steady.now() + SWEEP_PERIOD;
    let mut sweeping = JoinSet::new();
    engine.timer.stir();
    while !engine.lanes.closing() {
        let now = engine.steady.now();
        let (lanes, next) = engine.timer.ring(now);
        if !lanes.is_empty() {
            engine.wake_all(lanes);
            engine.timer.rung();
            engine.lull.tell();
        }
        let _ = sweeping.try_join_next();
        let urgent = engine.timer.urgent.swap(false, Ordering::SeqCst);
        if urgent {
            next_sweep = next_sweep.min(now.max(next_sweep - SWEEP_PERIOD + URGENT_PERIOD));
        }
        if engine.timer.stirred.load(Ordering::SeqCst) && next_sweep <= now && sweeping.is_empty() {
            engine.timer.stirred.store(false, Ordering::SeqCst);
            next_sweep = now + SWEEP_PERIOD;
            sweeping.spawn(Arc::clone(&engine).sweep(now));
        }
        let sweep = engine.timer.stirred.load(Ordering::SeqCst).then_some(next_sweep);
        match next.into_iter().chain(sweep).min() {
            Some(at) => tokio::select! {
                () = engine.steady.sleep_until(at) => {}
                () = engine.timer.earlier.notified() => {}
                Some(_) = sweeping.join_next(), if !sweeping.is_empty() => {}
            },
            None => engine.timer.earlier.notified().await,
        }
    }
}

impl Engine {
    /// Forgets what is too old, beside everything else that goes on.
    async fn sweep(self: Arc<Self>, now: Timestamp) {
        if let Err(error) = self.store.sweep(now).await {
            tracing::error!(%error, "the store could not forget what is too old");
        }
        match self.registry.expire(self.host.now()).await {
            Ok(forgotten) => {
                for id in forgotten {
                    self.lanes.take_manner(id);
                    self.wake(id);
                }
            }
            Err(error) => tracing::error!(%error, "subscriptions that were never confirmed could not be forgotten"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SubscriptionId = SubscriptionId(1);
    const B: SubscriptionId = SubscriptionId(2);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn a_lane_rings_once_at_the_last_time_that_was_set() {
        let timer = Timer::default();
        timer.set(A, at(10));
        timer.set(B, at(20));
        timer.set(A, at(15));
        assert_eq!(timer.ring(at(14)), (vec![], Some(at(15))));
        assert_eq!(timer.ring(at(15)), (vec![A], Some(at(20))));
        assert_eq!(timer.ring(at(99)), (vec![B], None));
    }
}
