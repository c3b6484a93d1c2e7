//! One subscription's queue at work: takes what is due, attempts it at the subscription's own pace, settles what comes.

use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use super::Engine;
use super::attempt::{self, Attempted, Endpoints};
use super::health::Health;
use super::lanes::{Counted, Signal};
use super::pace::Pace;
use super::verdict::Verdict;
use crate::attempt::Attempt;
use crate::host::Timestamp;
use crate::store::{Delivery, LaneOrder, Settled, Settlement, StoreError};
use crate::subscription::{Subscription, SubscriptionId};

/// How long a lane waits when the store does not work.
const STORE_DELAY: Duration = Duration::from_secs(1);

/// How many deliveries of a forgotten subscription are given up at a time.
const CLEARED_AT_A_TIME: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// Works until there is nothing to do. Dropping it at any time loses nothing: what was taken stays in the store.
pub(super) async fn run(engine: Arc<Engine>, id: SubscriptionId, signal: Arc<Signal>) {
    let mut manner =
        engine.lanes.take_manner(id).unwrap_or_else(|| Manner::new(Health::new(engine.settings.lane_concurrency)));
    // Tasks of their own, so that they go on while the lane waits for the store.
    let mut under_way = JoinSet::new();
    let mut course: Option<Course> = None;
    loop {
        let now = engine.steady.now();
        signal.heed(now);
        let mut held_back = None;
        match engine.lane(id) {
            None => held_back = engine.drop_all(id).await.then(|| now + STORE_DELAY),
            Some(subscription) if !subscription.paused => {
                let course = Course::keep(&mut course, subscription);
                manner.keep_to(course.rate(&engine), now);
                while under_way.len() < manner.health.concurrency() && !engine.lanes.closing() {
                    let room = manner.health.concurrency() - under_way.len();
                    match engine.next(course, &mut manner, room).await {
                        Step::Attempt(calls) => {
                            for deliveries in calls {
                                let endpoints = Arc::clone(&course.endpoints);
                                under_way.spawn(attempt::make(Arc::clone(&engine), id, endpoints, deliveries));
                            }
                        }
                        Step::Wait(until) => {
                            held_back = Some(until);
                            break;
                        }
                        Step::Idle => break,
                    }
                }
            }
            Some(_) => {}
        }
        if under_way.is_empty() && (held_back.is_none() || engine.lanes.closing()) {
            if let Some(course) = course.as_ref().filter(|course| !course.subscription.paused) {
                engine.set_alarm(course).await;
            }
            if engine.lanes.leave(id, &signal) {
                engine.begin_next();
                engine.lull.tell();
                if !manner.is_fresh(engine.steady.now()) {
                    engine.lanes.keep_manner(id, manner);
                }
                return;
            }
            continue;
        }
        if let Some(until) = held_back.filter(|_| under_way.is_empty()) {
            signal.rest(until);
            engine.lull.tell();
        }
        tokio::select! {
            Some(attempted) = under_way.join_next(), if !under_way.is_empty() => {
                // What else has ended by now is settled in the same go.
                let rest = std::iter::from_fn(|| under_way.try_join_next());
                let ended = std::iter::once(attempted).chain(rest).filter_map(finished).collect();
                engine.settle(id, ended, &mut manner.health).await;
                manner.failing = manner.health.is_failing().then(|| engine.lanes.count_failing());
            }
            () = signal.wait() => {}
            () = async { engine.steady.sleep_until(held_back.expect("guarded")).await }, if held_back.is_some() => {}
        }
        signal.work();
    }
}

/// What an attempt came to; nothing when it was cut off, because the runtime ends. Endpoints cannot make an attempt panic; when
/// the engine does, the lane starts anew.
fn finished(ended: Result<Attempted, JoinError>) -> Option<Attempted> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(attempted) => Some(attempted),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_)) => None,
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

/// An attempt and what follows from it.
struct Judged {
    subscription: Option<Arc<Subscription>>,
    call: attempt::Call,
    verdict: Verdict,
    attempt: Option<Attempt>,
}

impl Judged {
    fn settled(&self) -> Settled {
        Settled {
            id: self.call.delivery.id,
            settlement: self.verdict.settlement.clone(),
            attempt: self.attempt.clone(),
        }
    }
}

/// What a lane can do next.
enum Step {
    /// Make these calls, each with these deliveries.
    Attempt(Vec<Vec<Delivery>>),
    Wait(Timestamp),
    Idle,
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

    /// The rate that the subscription sets, or else the one that its endpoint asks for.
    fn rate(&self, engine: &Engine) -> Option<NonZeroU32> {
        self.subscription.max_receives_per_second.or_else(|| self.endpoints.rate(engine, &self.subscription))
    }
}

impl Engine {
    /// Takes what may be attempted now in at most `calls` calls.
    async fn next(&self, course: &Course, manner: &mut Manner, calls: usize) -> Step {
        let now = self.steady.now();
        if let Some(until) = manner.health.held_back(now) {
            return Step::Wait(until);
        }
        let batch = course.endpoints.batch_size(self, &course.subscription);
        let room = batch.get().saturating_mul(calls);
        let allowed = manner.pace.as_mut().map_or(room, |pace| pace.ready(now).min(room));
        let Some(max) = NonZeroUsize::new(allowed) else {
            return manner.pace.as_ref().map_or(Step::Idle, |pace| Step::Wait(pace.next()));
        };
        match self.store.take(course.subscription.id, now, max, course.order).await {
            Ok(deliveries) if deliveries.is_empty() => Step::Idle,
            Ok(deliveries) => {
                if let Some(pace) = &mut manner.pace {
                    pace.spend(deliveries.len());
                }
                Step::Attempt(in_calls_of(batch, deliveries))
            }
            Err(error) => {
                complain(course.subscription.id, "take", &error);
                Step::Wait(now + STORE_DELAY)
            }
        }
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

    /// Records what came of attempts, and tells those who listen. The store is asked again until it has it, or the engine
    /// closes: then the attempts count as never answered, and are made again after the next start.
    async fn settle(self: &Arc<Self>, id: SubscriptionId, ended: Vec<Attempted>, health: &mut Health) {
        let now = self.steady.now();
        // It may have ended while an attempt was under way: then nothing is put off any more.
        let is_over = self.lane(id).is_none_or(|now| now.has_ended());
        let judged: Vec<_> = ended.into_iter().flat_map(|round| self.judge(round, now, is_over, health)).collect();
        let settled: Vec<_> = judged.iter().map(Judged::settled).collect();
        while let Err(error) = self.store.settle(id, now, settled.clone()).await {
            complain(id, "settle", &error);
            if self.lanes.closing() {
                return;
            }
            self.steady.sleep_until(self.steady.now() + STORE_DELAY).await;
        }
        for Judged { subscription, call, verdict, attempt } in judged {
            if let Settlement::Retry { at } = verdict.settlement {
                self.timer.set_earlier(id, at);
            }
            if let Some(subscription) = subscription {
                self.tell(&subscription, &call, verdict, attempt);
            }
        }
        self.timer.stir();
    }

    /// What follows from one round of attempts, for each delivery and for how the endpoint is treated.
    fn judge(&self, round: Attempted, now: Timestamp, is_over: bool, health: &mut Health) -> Vec<Judged> {
        let Attempted { subscription, calls } = round;
        let mut works = None;
        let judge = |call: attempt::Call| {
            let mut verdict = match &subscription {
                Some(subscription) => Verdict::of(self, subscription, &call, now),
                None => Verdict::orphaned(),
            };
            works = verdict.endpoint_works.or(works);
            if let Some(quiet) = verdict.quiet_until {
                health.rests(quiet);
            }
            if is_over {
                verdict = verdict.in_the_end(&call);
            }
            let attempt = subscription.as_ref().and_then(|subscription| verdict.attempt(subscription, &call));
            Judged { subscription: subscription.clone(), call, verdict, attempt }
        };
        let judged = calls.into_iter().map(judge).collect();
        match works {
            Some(true) => health.works(),
            Some(false) => health.fails(now),
            None => {}
        }
        judged
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

fn complain(lane: SubscriptionId, act: &str, error: &StoreError) {
    tracing::error!(lane = lane.0, act, %error, "the store does not work, trying again");
}

/// Whether a lane of this subscription may deliver what was published.
pub(super) fn receives(subscription: &Subscription) -> bool {
    subscription.state == crate::subscription::SubscriptionState::Confirmed
}
