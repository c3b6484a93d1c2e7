//! The lanes that have work: at most one task for each subscription, and none for a subscription that is idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{Engine, lane};
use crate::subscription::SubscriptionId;

/// Starts and wakes lanes. The engine's handle owns the tasks, so that they end with it.
#[derive(Debug)]
pub(super) struct Lanes {
    running: Mutex<HashMap<SubscriptionId, Arc<Signal>>>,
    tasks: Weak<Mutex<JoinSet<()>>>,
    /// Set once, when the engine closes: lanes begin nothing after that.
    closing: AtomicBool,
}

/// Tells a lane that there may be work.
#[derive(Debug, Default)]
pub(super) struct Signal {
    /// Set before each notification; a lane that ends looks at it under the lock, so no work is overlooked.
    called: AtomicBool,
    notify: Notify,
}

impl Signal {
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Forgets calls up to now; the lane is about to look for work.
    pub(super) fn heed(&self) {
        self.called.store(false, Ordering::SeqCst);
    }
}

impl Lanes {
    pub(super) fn new(tasks: Weak<Mutex<JoinSet<()>>>) -> Self {
        Self { running: Mutex::default(), tasks, closing: AtomicBool::new(false) }
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
        // Without tasks the engine is closing: what is in the journal stays there.
        let Some(tasks) = self.lanes.tasks.upgrade().filter(|_| !self.lanes.closing()) else { return };
        let signal = Arc::new(Signal::default());
        running.insert(id, Arc::clone(&signal));
        drop(running);
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(lane::run(Arc::clone(self), id, signal));
    }
}
