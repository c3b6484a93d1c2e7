//! What a lane is told, and what others see of it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::host::Timestamp;

/// Tells a lane that there may be work.
#[derive(Debug)]
pub(super) struct Signal {
    /// Set before each notification; a lane that ends looks at it under the lock, so no work is overlooked.
    called: AtomicBool,
    notify: Notify,
    /// Until when the lane does nothing but wait, in milliseconds; [`BUSY`] while it does something.
    rests_until: AtomicI64,
    /// When it last went on, in milliseconds.
    went_on: AtomicI64,
    /// Since when it has nothing to do and stays all the same, in milliseconds; [`NEVER`] while it has. It changes under the
    /// lock of the lanes alone.
    lingers_since: AtomicI64,
    /// Set when it is not to linger any longer; under the lock too.
    dismissed: AtomicBool,
    /// Deliveries whose outcomes are on their way to the store.
    unsettled: AtomicUsize,
    /// Whether the store refuses them.
    store_fails: AtomicBool,
    /// Whether the lane waits for the store to have them.
    awaits_store: AtomicBool,
    /// Whether the store is asked something for the lane.
    asks_store: AtomicBool,
}

/// No time until which a lane could wait.
const BUSY: i64 = i64::MIN;

/// No time since which a lane could linger.
const NEVER: i64 = i64::MAX;

impl Default for Signal {
    fn default() -> Self {
        Self {
            called: AtomicBool::new(false),
            notify: Notify::new(),
            rests_until: AtomicI64::new(BUSY),
            went_on: AtomicI64::new(i64::MAX),
            lingers_since: AtomicI64::new(NEVER),
            dismissed: AtomicBool::new(false),
            unsettled: AtomicUsize::new(0),
            store_fails: AtomicBool::new(false),
            awaits_store: AtomicBool::new(false),
            asks_store: AtomicBool::new(false),
        }
    }
}

impl Signal {
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Says that there may be work.
    pub(super) fn call(&self) {
        self.set_called();
        self.notify.notify_one();
    }

    /// Keeps a lane from ending: it is about to be called.
    pub(super) fn set_called(&self) {
        self.called.store(true, Ordering::SeqCst);
    }

    /// Whether there may be work that the lane has not looked for yet.
    pub(super) fn is_called(&self) -> bool {
        self.called.load(Ordering::SeqCst)
    }

    /// Makes the lane look how it stands, without work.
    pub(super) fn nudge(&self) {
        self.notify.notify_one();
    }

    /// Forgets calls up to now; the lane is about to look for work.
    pub(super) fn heed(&self, now: Timestamp) {
        self.went_on.store(now.unix_ms(), Ordering::Relaxed);
        self.called.store(false, Ordering::SeqCst);
    }

    /// Whether the lane waits: for a time, or for its endpoint, as one does that has not gone on for `patience`. One that waits
    /// for the store does not: others would only add to what the store has to do.
    pub(super) fn waits(&self, now: Timestamp, patience: Duration) -> bool {
        let went_on = Timestamp::from_unix_ms(self.went_on.load(Ordering::Relaxed));
        let is_at_store = self.awaits_store.load(Ordering::SeqCst) || self.asks_store.load(Ordering::Relaxed);
        let is_patient = now.since(went_on) >= patience && !is_at_store;
        self.rests_until.load(Ordering::SeqCst) != BUSY || is_patient
    }

    /// Says that the lane does nothing before `until`, unless it is called.
    pub(super) fn rest(&self, until: Timestamp) {
        self.rests_until.store(until.unix_ms(), Ordering::SeqCst);
    }

    /// Says that the lane is at work.
    pub(super) fn work(&self) {
        self.rests_until.store(BUSY, Ordering::SeqCst);
    }

    /// Until when the lane is held back; nothing when it is at work or about to be.
    pub(super) fn held_back(&self) -> Option<Timestamp> {
        match self.rests_until.load(Ordering::SeqCst) {
            BUSY => None,
            _ if self.is_called() => None,
            until => Some(Timestamp::from_unix_ms(until)),
        }
    }

    /// Says since when the lane lingers; nothing ends that.
    pub(super) fn set_lingering(&self, since: Option<Timestamp>) {
        self.dismissed.store(false, Ordering::SeqCst);
        self.lingers_since.store(since.map_or(NEVER, Timestamp::unix_ms), Ordering::SeqCst);
    }

    /// Since when the lane lingers.
    pub(super) fn lingers_since(&self) -> Option<Timestamp> {
        Some(self.lingers_since.load(Ordering::SeqCst)).filter(|since| *since != NEVER).map(Timestamp::from_unix_ms)
    }

    /// Ends a lane that lingers, once the store has everything of it.
    pub(super) fn dismiss(&self) {
        if self.unsettled() == 0 {
            self.dismissed.store(true, Ordering::SeqCst);
            self.notify.notify_one();
        }
    }

    pub(super) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::SeqCst)
    }

    /// Deliveries whose outcomes are on their way to the store.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled.load(Ordering::SeqCst)
    }

    /// Counts outcomes that go to the store.
    pub(super) fn settles(&self, count: usize) {
        self.unsettled.fetch_add(count, Ordering::SeqCst);
    }

    /// Counts outcomes that the store has, or that were given up.
    pub(super) fn settled(&self, count: usize) {
        self.unsettled.fetch_sub(count, Ordering::SeqCst);
        if self.awaits_store.load(Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// Has the lane told when the store has something more of it.
    pub(super) fn await_store(&self, awaits: bool) {
        self.awaits_store.store(awaits, Ordering::SeqCst);
    }

    /// What the store answers to `question`, for which the lane keeps its place.
    pub(super) async fn while_asking<T>(&self, question: impl Future<Output = T>) -> T {
        self.asks_store.store(true, Ordering::Relaxed);
        let answer = question.await;
        self.asks_store.store(false, Ordering::Relaxed);
        answer
    }

    /// Says whether the store refuses what is to be settled.
    pub(super) fn set_store_fails(&self, fails: bool) {
        self.store_fails.store(fails, Ordering::SeqCst);
    }

    /// Whether the store refuses what is to be settled, so that nothing more is begun.
    pub(super) fn store_fails(&self) -> bool {
        self.store_fails.load(Ordering::SeqCst)
    }
}
