//! One subscription's queue at work: takes what is due, attempts it at the subscription's own pace, settles what comes.

use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::Engine;
use super::attempt::{self, Attempted, Endpoints};
use super::health::Health;
use super::lanes::Counted;
use super::linger::Stay;
use super::pace::Pace;
use super::signal::Signal;
use crate::host::Timestamp;
use crate::store::{Delivery, LaneOrder, StoreError};
use crate::subscription::{Subscription, SubscriptionId};

/// How long a lane waits when the store does not work.
pub(super) const STORE_DELAY: Duration = Duration::from_secs(1);

/// How many deliveries of a forgotten subscription are given up at a time.
const CLEARED_AT_A_TIME: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// Deliveries of a lane whose outcomes may be on their way to the store before it begins no further attempt.
const UNSETTLED_MAX: usize = 128;

/// Works until there is nothing to do. Dropping it at any time loses nothing: what was taken stays in the store.
pub(super) async fn run(engine: Arc<Engine>, id: SubscriptionId, signal: Arc<Signal>) {
    let mut manner =
        engine.lanes.take_manner(id).unwrap_or_else(|| Manner::new(Health::new(engine.settings.lane_concurrency)));
    let mut attempts = Attempts::new();
    let mut course: Option<Course> = None;
    // Whether the store may have something to be taken.
    let mut look = true;
    loop {
        if !attempts.ended.is_empty() {
            engine.settle(id, &signal, attempts.ended.drain(..), &mut manner.health);
            manner.count_failing(&engine);
        }
        let now = engine.steady.now();
        look |= signal.is_called();
        signal.heed(now);
        signal.await_store(false);
        let mut next = Step::Idle;
        match engine.lane(id) {
            None => {
                course = None;
                if attempts.beside(engine.drop_all(id)).await {
                    next = Step::Wait(now + STORE_DELAY);
                }
            }
            Some(subscription) if !subscription.paused => {
                let course = Course::keep(&mut course, subscription);
                manner.keep_to(course.rate(&engine), now);
                while look && attempts.count() < manner.health.concurrency() && !engine.lanes.closing() {
                    let asked = manner.asks(&engine, course, &signal, attempts.count());
                    let Step::Take(max) = asked else {
                        next = asked;
                        break;
                    };
                    let now = engine.steady.now();
                    let taking = engine.store.take(id, now, max, course.order);
                    match signal.while_asking(attempts.beside(taking)).await {
                        Ok(deliveries) => {
                            // Fewer than were asked for are all that there are.
                            look = deliveries.len() >= max.get();
                            manner.spend(deliveries.len());
                            for deliveries in in_calls_of(course.batch_size(&engine), deliveries) {
                                let endpoints = Arc::clone(&course.endpoints);
                                attempts.begin(attempt::make(Arc::clone(&engine), id, endpoints, deliveries));
                            }
                        }
                        Err(error) => {
                            complain(id, "take", &error);
                            next = Step::Wait(now + STORE_DELAY);
                            break;
                        }
                    }
                }
            }
            // Whoever resumes it calls the lane.
            Some(_) => course = None,
        }
        if !attempts.ended.is_empty() {
            continue;
        }
        let held_back = next.until();
        if attempts.count() == 0 && (matches!(next, Step::Idle) || engine.lanes.closing()) {
            if let Some(course) = &course {
                signal.while_asking(engine.set_alarm(course)).await;
            }
            if engine.stay_or_leave(id, &signal, course.is_some()).await == Stay::Leave {
                if !manner.is_fresh(engine.steady.now()) && engine.lane(id).is_some() {
                    engine.lanes.keep_manner(id, manner);
                }
                return;
            }
            continue;
        }
        if let Some(until) = held_back.filter(|_| attempts.count() == 0) {
            signal.rest(until);
            engine.lull.tell();
        }
        tokio::select! {
            () = attempts.next(), if attempts.count() > 0 => {}
            () = signal.wait() => {}
            () = async { engine.steady.sleep_until(held_back.expect("guarded")).await }, if held_back.is_some() => {}
        }
        signal.work();
    }
}

/// Attempts that are under way, which the lane itself makes: they go on whatever it waits for.
struct Attempts<A> {
    under_way: FuturesUnordered<A>,
    /// What came of those that have ended.
    ended: Vec<Attempted>,
}

impl<A: Future<Output = Attempted>> Attempts<A> {
    fn new() -> Self {
        Self { under_way: FuturesUnordered::new(), ended: Vec::new() }
    }

    fn begin(&self, attempt: A) {
        self.under_way.push(attempt);
    }

    /// How many are under way.
    fn count(&self) -> usize {
        self.under_way.len()
    }

    /// Waits until at least one has ended.
    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            while let Poll::Ready(Some(attempted)) = self.under_way.poll_next_unpin(context) {
                self.ended.push(attempted);
            }
            if self.ended.is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Waits for `work` of the store while the attempts go on.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            while let Poll::Ready(Some(attempted)) = self.under_way.poll_next_unpin(context) {
                self.ended.push(attempted);
            }
            Poll::Pending
        })
        .await
    }
}

/// How a lane goes about its work, which outlives its being idle: what it has learnt of the endpoint, and its rate.
#[derive(Debug)]
pub(super) struct Manner {
    health: Health,
    pace: Option<Pace>,
    /// Held for as long as the endpoint keeps failing.
    failing: Option<Counted>,
}

impl Manner {
    fn new(health: Health) -> Self {
        Self { health, pace: None, failing: None }
    }

    /// Keeps to this rate.
    fn keep_to(&mut self, rate: Option<NonZeroU32>, now: Timestamp) {
        if self.pace.as_ref().map(Pace::rate) != rate {
            self.pace = rate.map(|rate| Pace::new(rate, now));
        }
    }

    /// What the lane may do next, with so many calls under way.
    fn asks(&mut self, engine: &Engine, course: &Course, signal: &Signal, under_way: usize) -> Step {
        let now = engine.steady.now();
        if signal.store_fails() {
            return Step::Wait(now + STORE_DELAY);
        }
        if let Some(until) = self.health.held_back(now) {
            return Step::Wait(until);
        }
        signal.await_store(true);
        if signal.unsettled() >= UNSETTLED_MAX {
            return Step::AwaitStore;
        }
        signal.await_store(false);
        let room = course.batch_size(engine).get().saturating_mul(self.health.concurrency() - under_way);
        let allowed = self.pace.as_mut().map_or(room, |pace| pace.ready(now).min(room));
        match NonZeroUsize::new(allowed) {
            Some(max) => Step::Take(max),
            None => self.pace.as_ref().map_or(Step::Idle, |pace| Step::Wait(pace.next())),
        }
    }

    /// Counts attempts that begin.
    fn spend(&mut self, attempts: usize) {
        if let Some(pace) = &mut self.pace {
            pace.spend(attempts);
        }
    }

    /// Has it counted whether the endpoint keeps failing.
    fn count_failing(&mut self, engine: &Engine) {
        if self.health.is_failing() != self.failing.is_some() {
            self.failing = self.health.is_failing().then(|| engine.lanes.count_failing());
        }
    }

    /// Whether a new lane would go about it in the same way.
    fn is_fresh(&mut self, now: Timestamp) -> bool {
        self.health.is_fresh(now) && self.pace.as_mut().is_none_or(|pace| pace.is_full(now))
    }
}

/// What a lane goes by, for as long as its subscription stays as it is.
#[derive(Debug)]
struct Course {
    subscription: Arc<Subscription>,
    endpoints: Arc<Endpoints>,
    order: LaneOrder,
}

/// What a lane can do next.
enum Step {
    /// Take at most so many deliveries.
    Take(NonZeroUsize),
    Wait(Timestamp),
    /// Wait until the store has more of what it is told.
    AwaitStore,
    Idle,
}

impl Step {
    /// Until when there is nothing to do, where that is known.
    fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Wait(until) => Some(*until),
            _ => None,
        }
    }
}

impl Course {
    /// The course that fits the subscription as it is now.
    fn keep(course: &mut Option<Self>, subscription: Arc<Subscription>) -> &Self {
        if course.as_ref().is_none_or(|course| !Arc::ptr_eq(&course.subscription, &subscription)) {
            let order = if subscription.topic().is_fifo() { LaneOrder::Group } else { LaneOrder::Due };
            *course = Some(Self { subscription, endpoints: Arc::default(), order });
        }
        course.as_ref().expect("it was just set")
    }

    /// How many deliveries go into one call.
    fn batch_size(&self, engine: &Engine) -> NonZeroUsize {
        self.endpoints.batch_size(engine, &self.subscription)
    }

    /// The rate that the subscription sets, or else the one that its endpoint asks for.
    fn rate(&self, engine: &Engine) -> Option<NonZeroU32> {
        self.subscription.max_receives_per_second.or_else(|| self.endpoints.rate(engine, &self.subscription))
    }
}

impl Engine {
    /// Lets a lane that has nothing to do linger until it is called or has to leave, or leave at once.
    async fn stay_or_leave(self: &Arc<Self>, id: SubscriptionId, signal: &Signal, may_linger: bool) -> Stay {
        if may_linger && self.linger(signal) {
            self.begin_next();
            self.lull.tell();
            loop {
                signal.wait().await;
                match self.lanes.stay(id, signal) {
                    Stay::Linger => {}
                    stay => return stay,
                }
            }
        }
        // It keeps its place until the store has what came of its deliveries, or else those would pile up.
        signal.await_store(true);
        if signal.unsettled() > 0 && !self.lanes.closing() {
            signal.wait().await;
            return Stay::GoOn;
        }
        if !self.lanes.leave(id, signal) {
            return Stay::GoOn;
        }
        self.begin_next();
        self.lull.tell();
        Stay::Leave
    }

    /// Has the timer wake the lane when it has something due again.
    async fn set_alarm(&self, course: &Course) {
        let id = course.subscription.id;
        match self.store.next_due(id, course.order).await {
            Ok(Some(at)) => self.timer.set(id, at),
            Ok(None) => {}
            Err(error) => {
                complain(id, "next_due", &error);
                self.timer.set(id, self.steady.now() + STORE_DELAY);
            }
        }
    }

    /// Gives up everything that waits for a subscription that was forgotten; whoever ended it has told so long ago. Answers
    /// whether the store has to be asked again later.
    async fn drop_all(&self, id: SubscriptionId) -> bool {
        loop {
            match self.store.clear(id, CLEARED_AT_A_TIME).await {
                Ok(cleared) if cleared.is_empty() => return false,
                Ok(_) => {}
                Err(error) => {
                    complain(id, "clear", &error);
                    return true;
                }
            }
        }
    }
}

fn in_calls_of(batch: NonZeroUsize, deliveries: Vec<Delivery>) -> Vec<Vec<Delivery>> {
    let mut calls = Vec::with_capacity(deliveries.len().div_ceil(batch.get()));
    let mut rest = deliveries.into_iter().peekable();
    while rest.peek().is_some() {
        calls.push(rest.by_ref().take(batch.get()).collect());
    }
    calls
}

pub(super) fn complain(lane: SubscriptionId, act: &str, error: &StoreError) {
    tracing::error!(lane = lane.0, act, %error, "the store does not work, trying again");
}

/// Whether a lane of this subscription may deliver what was published.
pub(super) fn receives(subscription: &Subscription) -> bool {
    subscription.state == crate::subscription::SubscriptionState::Confirmed
}
