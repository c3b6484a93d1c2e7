//! What attempts came to, on its way to the store: of all lanes together, and none of them waits for it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Notify;

use super::Engine;
use super::attempt::{self, Attempted};
use super::health::Health;
use super::lane::{STORE_DELAY, complain};
use super::signal::Signal;
use super::verdict::Verdict;
use crate::attempt::Attempt;
use crate::by_id::ById;
use crate::host::Timestamp;
use crate::store::{Settled, Settlement};
use crate::subscription::{Subscription, SubscriptionId};

/// What is to be settled. One task takes it to the store, for as long as there is something.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Held for a few operations, never across an `.await`.
    state: Mutex<State>,
    /// Told when there is more.
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: Vec<Round>,
    /// Whether the task runs. It has something under way or in the queue then, or is about to end.
    is_running: bool,
    /// Rounds that ever came.
    rounds: u64,
}

/// What attempts of one lane came to.
#[derive(Debug)]
struct Round {
    id: SubscriptionId,
    signal: Arc<Signal>,
    judged: Vec<Judged>,
}

/// An attempt and what follows from it.
#[derive(Debug)]
struct Judged {
    /// Nothing when it was gone before the attempt.
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

    /// Whether the lane may have something to do as soon as the store knows of it.
    fn frees_more(&self, now: Timestamp) -> bool {
        let waits_behind = self.call.delivery.dispatch.publication.sequence_number().is_some();
        waits_behind
            || match self.verdict.settlement {
                Settlement::Retry { at } => at <= now,
                Settlement::ToDeadLetter { .. } => true,
                _ => false,
            }
    }
}

impl Settling {
    /// How many rounds ever came, if the store has all of them.
    pub(super) fn at_rest(&self) -> Option<u64> {
        let state = self.state();
        (!state.is_running).then_some(state.rounds)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Judges what attempts came to, and has the store told. The lane goes on meanwhile, up to a bound.
    pub(super) fn settle(
        self: &Arc<Self>,
        id: SubscriptionId,
        signal: &Arc<Signal>,
        ended: impl IntoIterator<Item = Attempted>,
        health: &mut Health,
    ) {
        let now = self.steady.now();
        // It may have ended while an attempt was under way: then nothing is put off any more.
        let is_over = self.lane(id).is_none_or(|now| now.has_ended());
        let mut judged = Vec::new();
        for round in ended {
            self.judge(round, now, is_over, health, &mut judged);
        }
        if judged.is_empty() {
            return;
        }
        signal.settles(judged.len());
        let begins = {
            let mut state = self.settling.state();
            state.queue.push(Round { id, signal: Arc::clone(signal), judged });
            state.rounds += 1;
            !std::mem::replace(&mut state.is_running, true)
        };
        match begins {
            true => self.lanes.spawn(Arc::clone(self).settle_what_comes()),
            false => self.settling.more.notify_one(),
        }
    }

    /// What follows from one round of attempts, for each delivery and for how the endpoint is treated.
    fn judge(&self, round: Attempted, now: Timestamp, is_over: bool, health: &mut Health, judged: &mut Vec<Judged>) {
        let Attempted { subscription, calls } = round;
        let mut works = None;
        for call in calls {
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
            judged.push(Judged { subscription: subscription.clone(), call, verdict, attempt });
        }
        match works {
            Some(true) => health.works(),
            Some(false) => health.fails(now),
            None => {}
        }
    }

    /// Takes to the store what there is, and what comes meanwhile. That it panics is a mistake of the engine's own: what it was
    /// about stays taken until the next start.
    async fn settle_what_comes(self: Arc<Self>) {
        while AssertUnwindSafe(self.settle_queue()).catch_unwind().await.is_err() {
            tracing::error!("settling panicked, please report this");
        }
        self.lull.tell();
    }

    async fn settle_queue(self: &Arc<Self>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let queue = {
                let mut state = self.settling.state();
                if state.queue.is_empty() && under_way.is_empty() {
                    state.is_running = false;
                    return;
                }
                std::mem::take(&mut state.queue)
            };
            under_way.extend(by_lane(queue).into_iter().map(|round| self.settle_round(round)));
            tokio::select! {
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
                () = self.settling.more.notified() => {}
            }
        }
    }

    /// Records what came of attempts, and tells those who listen. The store is asked again until it has it, or the engine
    /// closes: then the attempts count as never answered, and are made again after the next start.
    async fn settle_round(self: &Arc<Self>, round: Round) {
        let Round { id, signal, judged } = round;
        let (now, count) = (self.steady.now(), judged.len());
        while let Err(error) = self.store.settle(id, now, judged.iter().map(Judged::settled).collect()).await {
            complain(id, "settle", &error);
            if self.lanes.closing() {
                signal.settled(count);
                return;
            }
            signal.set_store_fails(true);
            self.steady.sleep_until(self.steady.now() + STORE_DELAY).await;
        }
        signal.set_store_fails(false);
        let frees_more = judged.iter().any(|judged| judged.frees_more(now));
        for Judged { subscription, call, verdict, attempt } in judged {
            if let Settlement::Retry { at } = verdict.settlement {
                self.timer.set_earlier(id, at);
            }
            if let Some(subscription) = subscription {
                self.tell(&subscription, &call, verdict, attempt);
            }
        }
        self.timer.stir();
        if frees_more {
            self.wake(id);
        }
        signal.settled(count);
    }
}

/// One round for each lane.
fn by_lane(queue: Vec<Round>) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::with_capacity(queue.len());
    let mut known: ById<usize> = ById::default();
    for round in queue {
        match known.get(&round.id) {
            // Of the same task: a lane that began anew counts for itself.
            Some(&at) if Arc::ptr_eq(&rounds[at].signal, &round.signal) => rounds[at].judged.extend(round.judged),
            _ => {
                known.insert(round.id, rounds.len());
                rounds.push(round);
            }
        }
    }
    rounds
}
