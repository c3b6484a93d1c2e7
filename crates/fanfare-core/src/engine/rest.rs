//! When an engine has nothing to do, for whoever owns its time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::{Engine, Fanfare};
use crate::host::Timestamp;

impl Fanfare {
    /// Waits until no attempt is under way and nothing is due, and says in what time something will be; nothing when nothing
    /// waits for a time. A program that owns the time of its [`Host`](crate::Host) goes from one such time to the next, and so
    /// sees every retry without waiting for it.
    ///
    /// It does not answer while there is always something to do.
    pub async fn at_rest(&self) -> Option<Duration> {
        let watch = self.engine.lull.watch();
        loop {
            // Made before the look, so that nothing is missed in between.
            let changed = watch.changed();
            let now = self.engine.steady.now();
            if let Some(next) = self.engine.rests(now) {
                return next.map(|at| at.since(now));
            }
            changed.await;
        }
    }
}

impl Engine {
    /// When something is due next, if the engine rests; nothing when it does not.
    fn rests(&self, now: Timestamp) -> Option<Option<Timestamp>> {
        let settled = self.settling.at_rest()?;
        let next = self.timer.look(|alarm| {
            let held_back = self.lanes.held_back()?;
            Some(alarm.into_iter().chain(held_back).min())
        })??;
        // What a lane left to be settled meanwhile may have work follow.
        if self.settling.at_rest() != Some(settled) {
            return None;
        }
        next.is_none_or(|at| at > now).then_some(next)
    }
}

/// Tells those who wait for the engine to rest that it may do so now. Nobody else pays for it.
#[derive(Debug, Default)]
pub(super) struct Lull {
    watchers: AtomicUsize,
    changed: Notify,
}

impl Lull {
    /// Says that a lane has ended or waits, or that the timer has called its lanes.
    pub(super) fn tell(&self) {
        if self.watchers.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn watch(&self) -> LullWatch<'_> {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        LullWatch(self)
    }
}

struct LullWatch<'l>(&'l Lull);

impl LullWatch<'_> {
    fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }
}

impl Drop for LullWatch<'_> {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}
