//! The lanes that have work: at most one task for each subscription, and none for a subscription that is idle.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Engine;
use super::lane::{self, Manner};
use crate::host::Timestamp;
use crate::subscription::SubscriptionId;

/// Starts and wakes lanes. The engine's handle owns the tasks, so that they end with it.
#[derive(Debug)]
pub(super) struct Lanes {
    running: Mutex<HashMap<SubscriptionId, Arc<Signal>>>,
    /// How idle lanes are to go on when they have work again, where that is not as new lanes do.
    manners: Mutex<HashMap<SubscriptionId, Manner>>,
    /// How many lanes have an endpoint that keeps failing.
    failing: Arc<AtomicUsize>,
    tasks: Weak<Mutex<JoinSet<()>>>,
    /// The runtime that the engine was opened in, which may not be that of a publisher.
    runtime: Handle,
    /// Set once, when the engine closes: lanes begin nothing after that.
    closing: AtomicBool,
}

/// What the engine is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// Subscriptions that are delivered to, or wait for their endpoint's next turn, at this moment.
    pub lanes_at_work: usize,
    /// Subscriptions whose endpoint keeps failing, so that it is only probed.
    pub lanes_failing: usize,
}

/// One in a count, for as long as it is held.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells a lane that there may be work.
#[derive(Debug)]
pub(super) struct Signal {
    /// Set before each notification; a lane that ends looks at it under the lock, so no work is overlooked.
    called: AtomicBool,
    notify: Notify,
    /// Until when the lane does nothing but wait, in milliseconds; [`BUSY`] while it does something.
    rests_until: AtomicI64,
}

/// No time until which a lane could wait.
const BUSY: i64 = i64::MIN;

impl Default for Signal {
    fn default() -> Self {
        Self { called: AtomicBool::new(false), notify: Notify::new(), rests_until: AtomicI64::new(BUSY) }
    }
}

impl Signal {
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Forgets calls up to now; the lane is about to look for work.
    pub(super) fn heed(&self) {
        self.called.store(false, Ordering::SeqCst);
    }

    /// Says that the lane does nothing before `until`, unless it is called.
    pub(super) fn rest(&self, until: Timestamp) {
        self.rests_until.store(until.unix_ms(), Ordering::SeqCst);
    }

    /// Says that the lane is at work.
    pub(super) fn work(&self) {
        self.rests_until.store(BUSY, Ordering::SeqCst);
    }
}

impl Lanes {
    pub(super) fn new(tasks: Weak<Mutex<JoinSet<()>>>, runtime: Handle) -> Self {
        let (running, manners, failing) = (Mutex::default(), Mutex::default(), Arc::default());
        Self { running, manners, failing, tasks, runtime, closing: AtomicBool::new(false) }
    }

    /// Lets lanes end what is under way and begin nothing more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        for signal in self.running().values() {
            signal.notify.notify_one();
        }
    }

    pub(super) fn closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Ends a lane that found no work, unless it was called in the meantime. Answers whether it may end.
    pub(super) fn leave(&self, id: SubscriptionId, signal: &Signal) -> bool {
        let mut running = self.running();
        let idle = !signal.called.load(Ordering::SeqCst) || self.closing();
        if idle {
            running.remove(&id);
        }
        idle
    }

    /// The first time until which a lane is held back, if every lane that runs is; nothing when one is at work.
    pub(super) fn held_back(&self) -> Option<Option<Timestamp>> {
        let running = self.running();
        let rests = running.values().map(|signal| match signal.rests_until.load(Ordering::SeqCst) {
            BUSY => None,
            _ if signal.called.load(Ordering::SeqCst) => None,
            until => Some(Timestamp::from_unix_ms(until)),
        });
        let rests: Option<Vec<_>> = rests.collect();
        rests.map(|rests| rests.into_iter().min())
    }

    /// Counts a lane whose endpoint keeps failing, until the answer is dropped.
    pub(super) fn count_failing(&self) -> Counted {
        self.failing.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.failing))
    }

    /// How many lanes are at work, and how many have an endpoint that keeps failing.
    pub(super) fn activity(&self) -> Activity {
        Activity { lanes_at_work: self.running().len(), lanes_failing: self.failing.load(Ordering::Relaxed) }
    }

    /// The runtime that the engine was opened in.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// How the lane goes on from when it last had work.
    pub(super) fn take_manner(&self, id: SubscriptionId) -> Option<Manner> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Remembers how the lane is to go on.
    pub(super) fn keep_manner(&self, id: SubscriptionId, manner: Manner) {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner).insert(id, manner);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SubscriptionId, Arc<Signal>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Says that the lane may have work.
    pub(super) fn wake(self: &Arc<Self>, id: SubscriptionId) {
        let mut running = self.lanes.running();
        if let Some(signal) = running.get(&id) {
            signal.called.store(true, Ordering::SeqCst);
            signal.notify.notify_one();
            return;
        }
        // Without tasks the engine is closing: what is in the store stays there.
        let Some(tasks) = self.lanes.tasks.upgrade().filter(|_| !self.lanes.closing()) else { return };
        let signal = Arc::new(Signal::default());
        running.insert(id, Arc::clone(&signal));
        drop(running);
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(Arc::clone(self).run_lane(id, signal), &self.lanes.runtime);
    }

    /// Endpoints cannot make a lane panic. Should it happen all the same, it is a mistake of the engine's own: the lane starts
    /// anew with the next work, and what it had taken is taken again after the next start.
    fn run_lane(self: Arc<Self>, id: SubscriptionId, signal: Arc<Signal>) -> BoxFuture<'static, ()> {
        let lane = AssertUnwindSafe(lane::run(Arc::clone(&self), id, signal)).catch_unwind();
        Box::pin(async move {
            if lane.await.is_err() {
                tracing::error!(lane = id.0, "a lane panicked, please report this");
                self.lanes.running().remove(&id);
                // It may have been called in the meantime.
                self.wake(id);
            }
        })
    }
}
