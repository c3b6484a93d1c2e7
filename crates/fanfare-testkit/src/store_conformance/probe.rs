//! A store in the hands of a case, and what cases put into it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use fanfare_core::attempt::Attempt;
use fanfare_core::store::{
    Appended, Change, Dead, Dedup, Delivery, DeliveryId, Dispatch, Entry, LaneOrder, MessageState, Range,
    RegistryRecords, Settled, Settlement, Stage, Store, StoredMessage,
};
use fanfare_core::subscription::SubscriptionId;
use fanfare_core::{Message, NotificationKind, Publication, SubscriptionArn, Timestamp, TopicArn};

use super::Subject;

/// A store in the hands of a case: an error of the store fails the case, lanes are plain numbers, and times are
/// milliseconds after a fixed moment.
pub(super) struct Probe(pub(super) Arc<dyn Store>);

/// The time `ms` milliseconds after the moment at which the cases begin.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_767_323_045_000 + ms)
}

/// A topic of that name.
pub(super) fn topic(name: &str) -> TopicArn {
    TopicArn::parse(&format!("arn:aws:sns:us-east-1:000000000000:{name}")).expect("the ARN is well formed")
}

/// The subscription of a lane.
pub(super) fn subscription(lane: u64) -> SubscriptionArn {
    SubscriptionArn::new(&topic("orders"), &format!("00000000-0000-4000-8000-{lane:012}"))
}

/// The message `id` of a standard topic, accepted at `ms`, for `lanes`.
pub(super) fn entry(id: &str, ms: i64, lanes: &[u64]) -> Entry {
    of_topic("orders", id, ms, None, lanes)
}

/// The message `id` of a group of a FIFO topic.
pub(super) fn in_group(id: &str, ms: i64, group: Option<&str>, lanes: &[u64]) -> Entry {
    of_topic("orders.fifo", id, ms, group, lanes)
}

/// The message `id` of any topic.
pub(super) fn of_topic(name: &str, id: &str, ms: i64, group: Option<&str>, lanes: &[u64]) -> Entry {
    let mut message = Message::builder(format!("the text of {id}"));
    if let Some(group) = group {
        message = message.group_id(group);
    }
    carrying(message.build().expect("the message is valid"), name, id, ms, lanes)
}

/// A message of a case's own making.
pub(super) fn carrying(message: Message, name: &str, id: &str, ms: i64, lanes: &[u64]) -> Entry {
    let publication = Publication::new(id, topic(name), at(ms), message);
    Entry {
        dispatch: Dispatch { kind: NotificationKind::Notification, publication },
        lanes: lanes.iter().map(|&lane| SubscriptionId(lane)).collect(),
        dedup: None,
        archive_until: None,
    }
}

/// The message `id` of a standard topic, recognised by `key` until `until`.
pub(super) fn keyed(id: &str, ms: i64, key: &str, until: i64, lanes: &[u64]) -> Entry {
    Entry { dedup: Some(Dedup { key: key.to_owned(), until: at(until) }), ..entry(id, ms, lanes) }
}

/// The message `id` of a topic, archived until `until`, for no lane.
pub(super) fn archived(name: &str, id: &str, ms: i64, until: i64) -> Entry {
    Entry { archive_until: Some(at(until)), ..of_topic(name, id, ms, None, &[]) }
}

/// Everything of a topic.
pub(super) fn whole(name: &str) -> Range {
    Range { topic: topic(name), from: at(-1_000_000), to: None }
}

/// The ids of the messages, in order.
pub(super) fn names(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| delivery.dispatch.publication.id().to_owned()).collect()
}

/// What was settled, without an attempt.
pub(super) fn settled(delivery: &Delivery, settlement: Settlement) -> Settled {
    Settled { id: delivery.id, settlement, attempt: None }
}

/// The attempt that comes next for a delivery in `lane`.
pub(super) fn attempt(lane: u64, delivery: &Delivery, ms: i64) -> Attempt {
    let id = delivery.dispatch.publication.id();
    let mut attempt = Attempt::delivered(id, subscription(lane), delivery.attempts + 1, at(ms));
    attempt.stage = delivery.stage;
    attempt
}

/// Closes the store and opens it again.
pub(super) async fn reopened<S: Subject>(subject: S, probe: Probe) -> (S, Probe) {
    drop(probe);
    let subject = subject.reopen().await.expect("the store outlives the process and can be reopened");
    let probe = Probe::of(&subject);
    (subject, probe)
}

fn some(max: usize) -> NonZeroUsize {
    NonZeroUsize::new(max).expect("a case asks for at least one")
}

impl Probe {
    pub(super) fn of<S: Subject>(subject: &S) -> Self {
        Self(subject.store())
    }

    /// Appends, and claims that every lane took it.
    pub(super) async fn append(&self, entry: Entry) -> u64 {
        match self.offer(entry).await {
            Appended::Accepted { number, refused } => {
                assert_eq!(refused, [], "every lane has room");
                number
            }
            other => panic!("the message is new, and yet it is {other:?}"),
        }
    }

    pub(super) async fn offer(&self, entry: Entry) -> Appended {
        self.0.append(entry).await.expect("the store appends")
    }

    pub(super) async fn take(&self, lane: u64, ms: i64, max: usize) -> Vec<Delivery> {
        self.take_in(LaneOrder::Due, lane, ms, max).await
    }

    pub(super) async fn take_grouped(&self, lane: u64, ms: i64, max: usize) -> Vec<Delivery> {
        self.take_in(LaneOrder::Group, lane, ms, max).await
    }

    pub(super) async fn take_in(&self, order: LaneOrder, lane: u64, ms: i64, max: usize) -> Vec<Delivery> {
        let taken = self.0.take(SubscriptionId(lane), at(ms), some(max), order).await;
        taken.expect("the store hands out deliveries")
    }

    /// Takes the one delivery that is due.
    pub(super) async fn take_one(&self, lane: u64, ms: i64) -> Delivery {
        let mut taken = self.take(lane, ms, 10).await;
        assert_eq!(taken.len(), 1, "one delivery is due, and these were taken: {taken:?}");
        taken.remove(0)
    }

    /// Settles without an attempt.
    pub(super) async fn settle(&self, lane: u64, ms: i64, delivery: &Delivery, settlement: Settlement) {
        self.settle_all(lane, ms, vec![settled(delivery, settlement)]).await;
    }

    /// Settles after an attempt.
    pub(super) async fn attempted(&self, lane: u64, ms: i64, delivery: &Delivery, settlement: Settlement) {
        let attempt = Some(attempt(lane, delivery, ms));
        self.settle_all(lane, ms, vec![Settled { attempt, ..settled(delivery, settlement) }]).await;
    }

    pub(super) async fn settle_all(&self, lane: u64, ms: i64, settled: Vec<Settled>) {
        self.0.settle(SubscriptionId(lane), at(ms), settled).await.expect("the store settles");
    }

    /// Takes the one delivery that is due, and gives it up for good.
    pub(super) async fn drop_one(&self, lane: u64, ms: i64, reason: &str) -> Delivery {
        let delivery = self.take_one(lane, ms).await;
        self.settle(lane, ms, &delivery, Settlement::Dropped { reason: reason.to_owned() }).await;
        delivery
    }

    /// When the lane's first is due, in milliseconds.
    pub(super) async fn next_due(&self, lane: u64, order: LaneOrder) -> Option<i64> {
        let next = self.0.next_due(SubscriptionId(lane), order).await.expect("the store tells what is due");
        next.map(|next| next.unix_ms() - at(0).unix_ms())
    }

    /// Lanes that have deliveries, by number.
    pub(super) async fn waiting(&self) -> Vec<(u64, Timestamp)> {
        let waiting = self.0.waiting().await.expect("the store lists its lanes");
        let mut lanes: Vec<_> = waiting.into_iter().map(|(lane, at)| (lane.0, at)).collect();
        lanes.sort_unstable();
        lanes
    }

    pub(super) async fn clear(&self, lane: u64, max: usize) -> Vec<Delivery> {
        self.0.clear(SubscriptionId(lane), some(max)).await.expect("the store clears")
    }

    pub(super) async fn dead_letters(&self, lane: u64, max: usize) -> Vec<Dead> {
        self.0.dead_letters(SubscriptionId(lane), some(max)).await.expect("the store lists its dead letters")
    }

    pub(super) async fn redrive(&self, lane: u64, ms: i64) -> u64 {
        self.0.redrive(SubscriptionId(lane), at(ms)).await.expect("the store redrives")
    }

    pub(super) async fn archived(&self, range: &Range, after: u64, max: usize) -> Vec<StoredMessage> {
        self.0.archived(range, after, some(max)).await.expect("the store reads its archive")
    }

    /// The ids of archived messages.
    pub(super) async fn archived_names(&self, range: &Range) -> Vec<String> {
        let messages = self.archived(range, 0, 100).await;
        messages.into_iter().map(|message| message.dispatch.publication.id().to_owned()).collect()
    }

    pub(super) async fn replay(&self, lane: u64, ms: i64, numbers: &[u64]) {
        self.0.replay(SubscriptionId(lane), at(ms), numbers).await.expect("the store replays");
    }

    pub(super) async fn drop_archive(&self, name: &str) {
        self.0.drop_archive(&topic(name)).await.expect("the store drops an archive");
    }

    pub(super) async fn message(&self, id: &str) -> Option<StoredMessage> {
        self.0.message(id).await.expect("the store looks a message up")
    }

    pub(super) async fn state(&self, lane: u64, number: u64) -> MessageState {
        self.0.state(SubscriptionId(lane), number).await.expect("the store tells how a message stands")
    }

    /// The logged attempts: stage and number.
    pub(super) async fn attempts(&self, id: &str, lane: Option<u64>) -> Vec<(Stage, u32)> {
        let subscription = lane.map(subscription);
        let attempts = self.0.attempts(id, subscription.as_ref()).await.expect("the store reads its log");
        attempts.into_iter().map(|attempt| (attempt.stage, attempt.number)).collect()
    }

    /// The messages of the latest logged attempts.
    pub(super) async fn latest_attempts(&self, lane: u64, max: usize) -> Vec<String> {
        let attempts = self.0.latest_attempts(&subscription(lane), some(max)).await.expect("the store reads its log");
        attempts.into_iter().map(|attempt| attempt.message_id).collect()
    }

    /// How much a lane holds: deliveries and dead letters.
    pub(super) async fn lane_counts(&self, lane: u64) -> [u64; 2] {
        let counts = self.0.lane_counts(SubscriptionId(lane)).await.expect("the store counts");
        [counts.waiting, counts.dead]
    }

    pub(super) async fn sweep(&self, ms: i64) {
        self.0.sweep(at(ms)).await.expect("the store sweeps");
    }

    /// The counters: matched, delivered, pending, dead-lettered and dropped.
    pub(super) async fn counts(&self) -> [u64; 5] {
        let c = self.0.counters().await.expect("the store counts");
        [c.matched, c.delivered, c.pending, c.dead_lettered, c.dropped]
    }

    pub(super) async fn load(&self) -> RegistryRecords {
        self.0.load().await.expect("the store loads its registry")
    }

    pub(super) async fn save(&self, changes: Vec<Change>) {
        self.0.save(changes).await.expect("the store saves");
    }
}

/// The dead letter that a case expects.
pub(super) fn dead(delivery: &Delivery, ms: i64, reason: &str) -> Dead {
    let message_id = delivery.dispatch.publication.id().to_owned();
    Dead { id: delivery.id, message_id, at: at(ms), reason: reason.to_owned() }
}

/// A delivery that a case settles under a number of its choice.
pub(super) fn renumbered(delivery: &Delivery, number: u64) -> Delivery {
    Delivery { id: DeliveryId(number), ..delivery.clone() }
}
