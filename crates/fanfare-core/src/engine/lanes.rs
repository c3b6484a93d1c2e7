//! The lanes that have work: at most one task for each subscription, and none for a subscription that is idle.
//!
//! A message to a million subscriptions would begin a million lanes at once, each with a connection. So there is room for a
//! thousand, and the rest queue, where they take turns with others (`queue`). Whoever hangs does not keep the others waiting: a
//! lane that waits for its endpoint or for a time leaves its place to the next. So does one that lingers after its last delivery
//! (`linger`).

use std::hash::BuildHasher as _;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Engine;
use super::lane::{self, Manner};
use super::queue::Queue;
use super::signal::Signal;
use super::threads::Threads;
use crate::by_id::{ById, Spread};
use crate::host::Timestamp;
use crate::subscription::SubscriptionId;

/// How often, while lanes queue, the others are looked at for that.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a lane may wait for its endpoint before its place is left to another one.
const PATIENCE: Duration = Duration::from_millis(25);

/// Lanes that wait for their endpoints beyond which further ones keep their places: each may hold a connection.
const WAITING_MAX: usize = 65_536;

/// Starts and wakes lanes. The engine's handle owns the tasks, so that they end with it.
#[derive(Debug)]
pub(super) struct Lanes {
    running: Mutex<Running>,
    /// How many lanes may be at work at a time.
    places: NonZeroUsize,
    /// How idle lanes are to go on when they have work again, where that is not as new lanes do.
    manners: Mutex<ById<Manner>>,
    /// How many lanes have an endpoint that keeps failing.
    failing: Arc<AtomicUsize>,
    tasks: Weak<Mutex<JoinSet<()>>>,
    /// The runtime that the engine was opened in, which may not be that of a publisher.
    runtime: Handle,
    /// Those that lanes are at work in, each on one of them; when there are none, in that one.
    at_work: Vec<Handle>,
    /// Set once, when the engine closes: lanes begin nothing after that.
    closing: AtomicBool,
    /// Told then.
    closes: Notify,
}

/// The lanes that have tasks, and those that are to get one.
#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) signals: ById<Arc<Signal>>,
    pub(super) queue: Queue,
    /// Lanes at work that there may be more work for, and that are about to be told.
    called: Vec<SubscriptionId>,
    /// Whether somebody is about to tell them, and to begin those of the queue.
    is_calling: bool,
    /// How many of those that run wait for something, as they were last looked at. They take no place.
    waiting: usize,
    /// Whether somebody looks.
    is_watched: bool,
    /// How many of those that run linger. They take no place either.
    pub(super) lingering: usize,
    /// Whether somebody dismisses them in time.
    pub(super) is_tended: bool,
}

impl Running {
    /// The next lane of the queue, if there is a place for it.
    fn next(&mut self, places: NonZeroUsize) -> Option<SubscriptionId> {
        if !self.has_place(places) {
            return None;
        }
        self.queue.pop()
    }

    fn has_place(&self, places: NonZeroUsize) -> bool {
        self.signals.len() - self.lingering < places.get() + self.waiting
    }

    /// Tells a lane that there may be work; it is to be queued when it has to wait for a place.
    fn call(&mut self, id: SubscriptionId, places: NonZeroUsize) -> Called {
        let Some(signal) = self.signals.get(&id) else { return Called::Absent };
        if signal.lingers_since().is_some() {
            if !self.queue.is_empty() || !self.has_place(places) {
                return Called::Absent;
            }
            self.resume(id);
        } else {
            signal.call();
        }
        Called::Told
    }

    /// Has a lane that lingers go on; it has a place.
    fn resume(&mut self, id: SubscriptionId) -> bool {
        let Some(signal) = self.signals.get(&id) else { return false };
        if signal.lingers_since().is_some() {
            signal.set_lingering(None);
            self.lingering -= 1;
        }
        signal.call();
        true
    }
}

/// Whether a lane was told of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    Told,
    /// There is no task that could be told, or there is no place for it.
    Absent,
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

impl Lanes {
    /// Lanes of which so many may be `at_work` at a time, in the runtimes of `threads`, or else in the current one.
    pub(super) fn new(places: NonZeroUsize, tasks: Weak<Mutex<JoinSet<()>>>, threads: &Threads) -> Self {
        let (running, manners, failing) = (Mutex::default(), Mutex::default(), Arc::default());
        let (runtime, at_work) = (Handle::current(), threads.handles().to_vec());
        let (closing, closes) = (AtomicBool::new(false), Notify::new());
        Self { running, places, manners, failing, tasks, runtime, at_work, closing, closes }
    }

    /// The runtime that the lane is at work in.
    fn runtime_of(&self, id: SubscriptionId) -> &Handle {
        // Spread, because ids may have a pattern.
        let number = usize::try_from(Spread::default().hash_one(id) >> 32).unwrap_or_default();
        number.checked_rem(self.at_work.len()).and_then(|at| self.at_work.get(at)).unwrap_or(&self.runtime)
    }

    /// Lets lanes end what is under way and begin nothing more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let mut running = self.running();
        // What they have is in the store.
        running.queue.clear();
        running.called.clear();
        for signal in running.signals.values() {
            signal.nudge();
        }
        self.closes.notify_waiters();
    }

    /// Waits until the engine closes.
    pub(super) async fn until_closing(&self) {
        let mut closes = pin!(self.closes.notified());
        // Before the look, so that it is not missed in between.
        closes.as_mut().enable();
        if !self.closing() {
            closes.await;
        }
    }

    pub(super) fn closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Whether what comes for the lane now is attempted at once, as far as can be said: it has nothing else to do, and nothing is
    /// remembered for which it might have to wait.
    pub(super) fn is_ready(&self, id: SubscriptionId) -> bool {
        let has_manner = self.manners.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id);
        let running = self.running();
        let is_free = match running.signals.get(&id) {
            Some(signal) => signal.lingers_since().is_some() && !signal.is_called(),
            None => !has_manner,
        };
        is_free && running.queue.is_empty() && running.has_place(self.places)
    }

    /// Ends a lane that found no work, unless it was called in the meantime. Answers whether it may end.
    pub(super) fn leave(&self, id: SubscriptionId, signal: &Signal) -> bool {
        let mut running = self.running();
        let idle = !signal.is_called() || self.closing();
        if idle {
            running.signals.remove(&id);
        }
        idle
    }

    /// The first time until which a lane is held back, if every lane that runs is; nothing when one is at work.
    pub(super) fn held_back(&self) -> Option<Option<Timestamp>> {
        let running = self.running();
        if !running.queue.is_empty() || !running.called.is_empty() {
            return None;
        }
        let at_work = running.signals.values().filter(|signal| signal.lingers_since().is_none() || signal.is_called());
        let rests: Option<Vec<_>> = at_work.map(|signal| signal.held_back()).collect();
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
            lanes_at_work: running.signals.len() - running.lingering,
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

    /// Has a task of the engine's own run; an engine without a handle begins nothing.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Some(tasks) = self.tasks.upgrade() else { return };
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, self.at_work.first().unwrap_or(&self.runtime));
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Says that the lane may have work.
    pub(super) fn wake(self: &Arc<Self>, id: SubscriptionId) {
        let mut running = self.lanes.running();
        if running.call(id, self.lanes.places) == Called::Absent && self.enqueue(&mut running, id) {
            self.begin(running);
        }
    }

    /// Says that the lanes may have work, in this order. It only notes them: the lanes are told where they are at work, so that
    /// whoever publishes to very many does not wait for that, and one thread wakes another once and not for each lane.
    pub(super) fn wake_all(self: &Arc<Self>, ids: impl IntoIterator<Item = SubscriptionId>) {
        let mut running = self.lanes.running();
        let mut absent = Vec::new();
        for id in ids {
            match running.signals.get(&id) {
                Some(signal) if signal.lingers_since().is_none() => {
                    signal.set_called();
                    running.called.push(id);
                }
                _ => absent.push(id),
            }
        }
        // A closing engine begins nothing: what is in the store stays there.
        if !self.lanes.closing() {
            running.queue.push_all(absent);
        }
        let calls = !running.called.is_empty() || !running.queue.is_empty();
        if !calls || std::mem::replace(&mut running.is_calling, true) {
            return;
        }
        drop(running);
        self.lanes.spawn(Arc::clone(self).tell_called());
    }

    /// Queues a lane, unless it is queued.
    fn enqueue(&self, running: &mut Running, id: SubscriptionId) -> bool {
        // As above.
        !self.lanes.closing() && running.queue.push(id)
    }

    /// Tells those lanes that are to be told, and begins those of the queue.
    async fn tell_called(self: Arc<Self>) {
        let mut running = self.lanes.running();
        running.is_calling = false;
        for id in std::mem::take(&mut running.called) {
            if let Some(signal) = running.signals.get(&id) {
                signal.call();
            }
        }
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
            if running.resume(id) {
                continue;
            }
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
            tasks.spawn_on(Arc::clone(self).run_lane(id, signal), self.lanes.runtime_of(id));
        }
        if watch {
            tasks.spawn_on(Arc::clone(self).watch_lanes(), self.lanes.at_work.first().unwrap_or(&self.lanes.runtime));
        }
    }

    /// Looks, for as long as there is a queue, which lanes wait and so have left their places.
    async fn watch_lanes(self: Arc<Self>) {
        let mut looked = self.steady.now();
        loop {
            {
                let now = self.steady.now();
                let mut running = self.lanes.running();
                let at_work = running.signals.values().filter(|signal| signal.lingers_since().is_none());
                // Where a look comes late, lanes do too: they wait for their turn then, and more of them would make it worse.
                let late = now.since(looked).saturating_sub(LOOK_EVERY);
                let waiting = at_work.filter(|signal| signal.waits(now, PATIENCE + 2 * late)).count();
                running.waiting = waiting.min(WAITING_MAX);
                looked = now;
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
                {
                    let mut running = self.lanes.running();
                    let gone = running.signals.remove(&id);
                    if gone.is_some_and(|signal| signal.lingers_since().is_some()) {
                        running.lingering -= 1;
                    }
                }
                // It may have been called in the meantime.
                self.wake(id);
            }
        })
    }
}
