//! The lanes that have work: at most one task for each subscription, and none for a subscription that is idle.
//!
//! A message to a million subscriptions would begin a million lanes at once, each with a connection. So there is room for some
//! thousand, and the rest queue. Whoever hangs does not keep the others waiting: a lane that waits for its endpoint or for a
//! time leaves its place to the next.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Engine;
use super::lane::{self, Manner};
use crate::host::Timestamp;
use crate::subscription::SubscriptionId;

/// How long a lane may wait for its endpoint before its place is left to another one.
const PATIENCE: Duration = Duration::from_millis(250);

/// How often, while lanes queue, the others are looked at for that.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Lanes that wait for their endpoints beyond which further ones keep their places: each may hold a connection.
const WAITING_MAX: usize = 65_536;

/// Starts and wakes lanes. The engine's handle owns the tasks, so that they end with it.
#[derive(Debug)]
pub(super) struct Lanes {
    running: Mutex<Running>,
    /// How many lanes may be at work at a time.
    places: NonZeroUsize,
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

/// The lanes that have tasks, and those that are to get one.
#[derive(Debug, Default)]
struct Running {
    signals: HashMap<SubscriptionId, Arc<Signal>>,
    /// First come, first served.
    queue: VecDeque<SubscriptionId>,
    queued: HashSet<SubscriptionId>,
    /// How many of those that run wait for something, as they were last looked at. They take no place.
    waiting: usize,
    /// Whether somebody looks.
    is_watched: bool,
}

impl Running {
    /// The next lane of the queue, if there is a place for it.
    fn next(&mut self, places: NonZeroUsize) -> Option<SubscriptionId> {
        if self.signals.len() >= places.get() + self.waiting {
            return None;
        }
        let next = self.queue.pop_front()?;
        self.queued.remove(&next);
        Some(next)
    }
}

/// What the engine is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// Subscriptions that are delivered to, or wait for their endpoint's next turn, at this moment.
    pub lanes_at_work: usize,
    /// Subscriptions that have something to be delivered and wait for others that are delivered to before them.
    pub lanes_queued: usize,
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
    /// When it last went on, in milliseconds.
    went_on: AtomicI64,
}

/// No time until which a lane could wait.
const BUSY: i64 = i64::MIN;

impl Default for Signal {
    fn default() -> Self {
        let (rests_until, went_on) = (AtomicI64::new(BUSY), AtomicI64::new(i64::MAX));
        Self { called: AtomicBool::new(false), notify: Notify::new(), rests_until, went_on }
    }
}

impl Signal {
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Forgets calls up to now; the lane is about to look for work.
    pub(super) fn heed(&self, now: Timestamp) {
        self.went_on.store(now.unix_ms(), Ordering::Relaxed);
        self.called.store(false, Ordering::SeqCst);
    }

    /// Whether the lane waits: for a time, or for its endpoint for longer than most answer in.
    fn waits(&self, now: Timestamp) -> bool {
        let went_on = Timestamp::from_unix_ms(self.went_on.load(Ordering::Relaxed));
        self.rests_until.load(Ordering::SeqCst) != BUSY || now.since(went_on) >= PATIENCE
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
    pub(super) fn new(places: NonZeroUsize, tasks: Weak<Mutex<JoinSet<()>>>, runtime: Handle) -> Self {
        let (running, manners, failing) = (Mutex::default(), Mutex::default(), Arc::default());
        Self { running, places, manners, failing, tasks, runtime, closing: AtomicBool::new(false) }
    }

    /// Lets lanes end what is under way and begin nothing more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let mut running = self.running();
        // What they have is in the store.
        running.queue.clear();
        running.queued.clear();
        for signal in running.signals.values() {
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
            running.signals.remove(&id);
        }
        idle
    }

    /// The first time until which a lane is held back, if every lane that runs is; nothing when one is at work.
    pub(super) fn held_back(&self) -> Option<Option<Timestamp>> {
        let running = self.running();
        if !running.queue.is_empty() {
            return None;
        }
        let rests = running.signals.values().map(|signal| match signal.rests_until.load(Ordering::SeqCst) {
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
        let running = self.running();
        Activity {
            lanes_at_work: running.signals.len(),
            lanes_queued: running.queue.len(),
            lanes_failing: self.failing.load(Ordering::Relaxed),
        }
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

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Says that the lane may have work.
    pub(super) fn wake(self: &Arc<Self>, id: SubscriptionId) {
        let mut running = self.lanes.running();
        if let Some(signal) = running.signals.get(&id) {
            signal.called.store(true, Ordering::SeqCst);
            signal.notify.notify_one();
            return;
        }
        // A closing engine begins nothing: what is in the store stays there.
        if self.lanes.closing() || !running.queued.insert(id) {
            return;
        }
        running.queue.push_back(id);
        self.begin(running);
    }

    /// Says that a lane has ended, so that there is a place.
    pub(super) fn begin_next(self: &Arc<Self>) {
        let running = self.lanes.running();
        if !running.queue.is_empty() {
            self.begin(running);
        }
    }

    /// Begins lanes of the queue as there are places.
    fn begin(self: &Arc<Self>, mut running: MutexGuard<'_, Running>) {
        let Some(tasks) = self.lanes.tasks.upgrade() else { return };
        let mut begun = Vec::new();
        while let Some(id) = running.next(self.lanes.places) {
            let signal = Arc::new(Signal::default());
            running.signals.insert(id, Arc::clone(&signal));
            begun.push((id, signal));
        }
        let watch = !running.queue.is_empty() && !std::mem::replace(&mut running.is_watched, true);
        drop(running);
        if begun.is_empty() && !watch {
            return;
        }
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        for (id, signal) in begun {
            tasks.spawn_on(Arc::clone(self).run_lane(id, signal), &self.lanes.runtime);
        }
        if watch {
            tasks.spawn_on(Arc::clone(self).watch_lanes(), &self.lanes.runtime);
        }
    }

    /// Looks, for as long as there is a queue, which lanes wait and so have left their places.
    async fn watch_lanes(self: Arc<Self>) {
        loop {
            {
                let now = self.steady.now();
                let mut running = self.lanes.running();
                let waiting = running.signals.values().filter(|signal| signal.waits(now)).count();
                running.waiting = waiting.min(WAITING_MAX);
                if running.queue.is_empty() || self.lanes.closing() {
                    (running.waiting, running.is_watched) = (0, false);
                    return;
                }
                self.begin(running);
            }
            self.host.sleep(LOOK_EVERY).await;
        }
    }

    /// Endpoints cannot make a lane panic. Should it happen all the same, it is a mistake of the engine's own: the lane starts
    /// anew with the next work, and what it had taken is taken again after the next start.
    fn run_lane(self: Arc<Self>, id: SubscriptionId, signal: Arc<Signal>) -> BoxFuture<'static, ()> {
        let lane = AssertUnwindSafe(lane::run(Arc::clone(&self), id, signal)).catch_unwind();
        Box::pin(async move {
            if lane.await.is_err() {
                tracing::error!(lane = id.0, "a lane panicked, please report this");
                self.lanes.running().signals.remove(&id);
                // It may have been called in the meantime.
                self.wake(id);
            }
        })
    }
}
