//! Cases that do thousands of things at random, to a store and to a model of it, and compare the two after each.

use fanfare_core::NotificationKind;
use fanfare_core::store::{Appended, Dedup, Delivery, DeliveryId, LaneOrder, MessageState, Settled, Settlement};

use super::Subject;
use super::model::{Known, Model};
use super::probe::{Probe, at, attempt, of_topic, reopened, whole};
use super::random::Random;

/// How many things a walk does.
const STEPS: u32 = 3_000;

/// How many lanes it uses.
const LANES: u64 = 4;

/// The topic that it publishes to.
const TOPIC: &str = "walk.fifo";

/// In the order of time, a store hands out, counts and tells what the model does, step by step.
pub async fn a_random_walk_in_the_order_of_time_agrees_with_the_model<S: Subject>(subject: S) {
    Walk::new(subject, LaneOrder::Due, 1).take_steps(0).await;
}

/// In the order of groups, a store hands out, counts and tells what the model does, step by step.
pub async fn a_random_walk_in_the_order_of_groups_agrees_with_the_model<S: Subject>(subject: S) {
    Walk::new(subject, LaneOrder::Group, 2).take_steps(0).await;
}

/// A store that is opened again every now and then does what the model does, in which all that was taken comes back.
pub async fn a_random_walk_with_reopenings_agrees_with_the_model<S: Subject>(subject: S) {
    Walk::new(subject, LaneOrder::Group, 3).take_steps(20).await;
}

struct Walk<S> {
    subject: S,
    store: Probe,
    model: Model,
    random: Random,
    order: LaneOrder,
    now: i64,
    step: u32,
    /// What was taken last in each lane, to log attempts for.
    taken: Vec<(u64, Delivery)>,
}

impl<S: Subject> Walk<S> {
    fn new(subject: S, order: LaneOrder, seed: u64) -> Self {
        let (store, model) = (Probe::of(&subject), Model::new(LANES, subject.bounds()));
        Self { subject, store, model, random: Random(seed), order, now: 0, step: 0, taken: Vec::new() }
    }

    /// Walks; the store is opened again after about `reopenings` of a thousand steps.
    async fn take_steps(mut self, reopenings: u64) {
        for step in 0..STEPS {
            self.step = step;
            self.now += i64::try_from(self.random.below(20)).expect("it is below 20");
            let lane = 1 + self.random.below(LANES);
            match self.random.below(100) {
                0..30 => self.append().await,
                30..60 => self.take(lane).await,
                60..88 => self.settle(lane).await,
                88..90 => self.clear(lane).await,
                90..92 => self.redrive(lane).await,
                92..96 => self.replay(lane).await,
                96..99 => self.sweep().await,
                _ if self.random.percent(10) => self.drop_archive().await,
                _ => {}
            }
            if self.random.below(1_000) < reopenings {
                self = self.reopen().await;
            }
            self.compare(lane).await;
        }
    }

    async fn append(&mut self) {
        let id = format!("m{}", self.step);
        let group = self.random.pick(&[None, Some("a"), Some("b"), Some("c")]).flatten();
        let lanes: Vec<_> = (1..=LANES).filter(|_| self.random.percent(40)).collect();
        let mut entry = of_topic(TOPIC, &id, self.now, group, &lanes);
        if self.random.percent(5) {
            entry.dispatch.kind = NotificationKind::SubscriptionConfirmation { token: "ab12".into() };
        }
        let archive_until = self.random.percent(40).then_some(self.now + 2_000);
        entry.archive_until = archive_until.map(at);
        let key = self.random.percent(50).then(|| format!("key{}", self.random.below(5)));
        let until = self.now + 200;
        entry.dedup = key.clone().map(|key| Dedup { key, until: at(until) });
        let counted = u64::from(entry.dispatch.kind == NotificationKind::Notification);

        let appended = self.store.offer(entry).await;
        let window = key.as_ref().and_then(|key| self.model.windows.get(key)).filter(|(_, end)| self.now < *end);
        if let Some(&(number, _)) = window {
            let message_id = self.model.messages[&number].id.clone();
            assert_eq!(appended, Appended::Duplicate { message_id, number }, "step {}", self.step);
            return;
        }
        let Appended::Accepted { number, refused } = appended else {
            panic!("step {}: {id} is new, and yet it is {appended:?}", self.step);
        };
        let last = self.model.messages.last_key_value().map_or(0, |(&number, _)| number);
        assert!(number > last, "step {}: {number} comes after {last}", self.step);
        let group = group.map(str::to_owned);
        let known = Known { id, group, accepted: self.now, counted, archive_until };
        let mut refused: Vec<_> = refused.into_iter().map(|lane| lane.0).collect();
        refused.sort_unstable();
        assert_eq!(refused, self.model.append(number, known, &lanes), "step {}", self.step);
        if let Some(key) = key {
            self.model.windows.insert(key, (number, until));
        }
    }

    async fn take(&mut self, lane: u64) {
        let max = usize::try_from(1 + self.random.below(5)).expect("it is at most 5");
        let taken = self.store.take_in(self.order, lane, self.now, max).await;
        let expected = self.model.take(lane, self.now, max, self.order);
        let numbers: Vec<_> = taken.iter().map(|delivery| delivery.id.0).collect();
        let context = format!("step {}, lane {lane}, at {}", self.step, self.now);
        assert_eq!(numbers, expected.iter().map(|delivery| delivery.number).collect::<Vec<_>>(), "{context}");
        for (delivery, expected) in taken.iter().zip(expected) {
            assert_eq!((delivery.stage, delivery.attempts), (expected.stage, expected.attempts), "{context}");
            assert!(expected.replayed.is_none_or(|replayed| replayed == delivery.replayed), "{context}: {delivery:?}");
            let id = &self.model.messages[&expected.number].id;
            assert_eq!(delivery.dispatch.publication.id(), id, "{context}");
        }
        self.taken.extend(taken.into_iter().map(|delivery| (lane, delivery)));
    }

    async fn settle(&mut self, lane: u64) {
        let mut settled = Vec::new();
        for _ in 0..=self.random.below(3) {
            let own: Vec<_> = (0..self.taken.len()).filter(|place| self.taken[*place].0 == lane).collect();
            let Some(place) = self.random.pick(&own) else { break };
            let (_, delivery) = self.taken.swap_remove(place);
            let settlement = self.settlement(&delivery);
            let attempt = self.random.percent(80).then(|| attempt(lane, &delivery, self.now));
            settled.push(Settled { id: delivery.id, settlement, attempt });
        }
        if self.random.percent(20) {
            // What is not taken: some other number, which may wait here, be dead, or never have been.
            let number = 1 + self.random.below(u64::from(STEPS));
            let is_taken = |queued: &super::model::Queued| queued.taken && queued.number == number;
            if !self.model.lane(lane).queued.iter().any(is_taken) {
                settled.push(Settled { id: DeliveryId(number), settlement: Settlement::Delivered, attempt: None });
            }
        }
        self.store.settle_all(lane, self.now, settled.clone()).await;
        if self.random.percent(10) {
            self.store.settle_all(lane, self.now, settled.clone()).await;
        }
        for Settled { id, settlement, attempt } in settled {
            let attempt = attempt.map(|attempt| attempt.number);
            self.model.settle(lane, self.now, id.0, &settlement, attempt);
        }
    }

    fn settlement(&mut self, delivery: &Delivery) -> Settlement {
        let reason = format!("reason {}", self.step);
        let is_at_endpoint = delivery.stage == fanfare_core::store::Stage::Endpoint;
        match self.random.below(100) {
            0..45 => Settlement::Delivered,
            45..70 => {
                let later = i64::try_from(self.random.below(300)).expect("it is below 300");
                Settlement::Retry { at: at(self.now + later) }
            }
            70..85 if is_at_endpoint => Settlement::ToDeadLetter { reason },
            70..85 => Settlement::DeadLettered,
            85..95 => Settlement::Dropped { reason },
            _ => Settlement::Discarded,
        }
    }

    async fn clear(&mut self, lane: u64) {
        let max = usize::try_from(1 + self.random.below(5)).expect("it is at most 5");
        let cleared = self.store.clear(lane, max).await;
        let waiting = self.model.open(lane, LaneOrder::Due).len();
        assert_eq!(cleared.len(), waiting.min(max), "step {}: {cleared:?}", self.step);
        for delivery in cleared {
            self.model.clear(lane, delivery.id.0);
        }
    }

    async fn redrive(&mut self, lane: u64) {
        let redriven = self.store.redrive(lane, self.now).await;
        assert_eq!(redriven, self.model.redrive(lane, self.now), "step {}", self.step);
    }

    /// Replays some messages, but none that is among the dead letters of the lane.
    async fn replay(&mut self, lane: u64) {
        let is_dead = |number: &u64| self.model.lane(lane).dead.iter().any(|letter| letter.number == *number);
        let known: Vec<_> = self.model.messages.keys().copied().filter(|number| !is_dead(number)).collect();
        let recent = &known[known.len().saturating_sub(60)..];
        let count = self.random.below(6);
        let mut numbers: Vec<_> = (0..count).filter_map(|_| self.random.pick(recent)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > self.model.room(lane) {
            return;
        }
        self.store.replay(lane, self.now, &numbers).await;
        self.model.replay(lane, self.now, &numbers);
    }

    async fn sweep(&mut self) {
        self.store.sweep(self.now).await;
        let archived = self.store.archived(&whole(TOPIC), 0, usize::MAX >> 1).await;
        let numbers: Vec<_> = archived.into_iter().map(|message| message.number).collect();
        assert_eq!(numbers, self.model.archived(self.now), "step {}", self.step);
    }

    async fn drop_archive(&mut self) {
        self.store.drop_archive(TOPIC).await;
        self.model.drop_archive();
    }

    async fn reopen(mut self) -> Self {
        (self.subject, self.store) = reopened(self.subject, self.store).await;
        self.model.reopen();
        self.taken.clear();
        self
    }

    async fn compare(&mut self, lane: u64) {
        let context = format!("step {}, lane {lane}, at {}", self.step, self.now);
        let counts = self.store.counts().await;
        assert_eq!(counts, self.model.counts, "{context}");
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{context}");
        let next = self.model.open(lane, self.order).first().map(|(due, _)| *due);
        assert_eq!(self.store.next_due(lane, self.order).await, next, "{context}");
        let letters = self.store.dead_letters(lane, 1_000).await;
        let letters: Vec<_> = letters.into_iter().map(|dead| (dead.id.0, dead.at, dead.reason)).collect();
        let dead = &self.model.lane(lane).dead;
        let expected: Vec<_> = dead.iter().map(|dead| (dead.number, at(dead.at), dead.reason.clone())).collect();
        assert_eq!(letters, expected, "{context}");
        self.compare_message(lane, &context).await;
        if self.step.is_multiple_of(10) {
            self.compare_waiting(&context).await;
        }
    }

    async fn compare_message(&mut self, lane: u64, context: &str) {
        let known: Vec<_> = self.model.messages.keys().copied().collect();
        let Some(number) = self.random.pick(&known[known.len().saturating_sub(40)..]) else { return };
        let model = self.model.lane(lane);
        let queued = model.queued.iter().find(|delivery| delivery.number == number);
        let letter = model.dead.iter().find(|letter| letter.number == number);
        match (self.store.state(lane, number).await, queued, letter) {
            (MessageState::Pending { due }, Some(queued), _) => assert_eq!(due, at(queued.due), "{context}"),
            (MessageState::Dead(dead), None, Some(letter)) => assert_eq!(dead.reason, letter.reason, "{context}"),
            (MessageState::Absent, None, None) => {}
            (state, ..) => panic!("{context}: message {number} is {state:?}, and should be {queued:?} or {letter:?}"),
        }
        let attempts = self.store.attempts(&self.model.messages[&number].id, Some(lane)).await;
        let logged = self.model.attempts.iter().filter(|attempt| attempt.0 == number && attempt.1 == lane);
        assert_eq!(attempts, logged.map(|attempt| (attempt.2, attempt.3)).collect::<Vec<_>>(), "{context}");
    }

    /// Compares the lanes in which nothing is taken: in others, what is taken may count as waiting or not.
    async fn compare_waiting(&self, context: &str) {
        let waiting = self.store.waiting().await;
        for (&lane, model) in &self.model.lanes {
            if model.queued.iter().any(|delivery| delivery.taken) {
                continue;
            }
            let listed = waiting.iter().find(|(listed, _)| *listed == lane);
            let first = self.model.open(lane, LaneOrder::Due).first().map(|(due, _)| (lane, at(*due)));
            assert_eq!(listed.copied(), first, "{context}: lane {lane} among those that wait");
        }
    }
}
