//! Everything that a store in memory holds, and how deliveries move through it.

mod dead_letters;
mod room;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;

use super::archive::{Archive, Archived};
use super::attempt_log::AttemptLog;
use super::bounds::MemoryBounds;
use super::dedup::DedupWindows;
use super::lane::{DeadLetter, Lane, Queued};
use super::messages::Messages;
use super::recent::Recent;
use super::registry::Registry;
use super::uses::{Use, Uses};
use crate::arn::{SubscriptionArn, TopicArn};
use crate::attempt::Attempt;
use crate::host::Timestamp;
use crate::store::{
    Appended, Change, Counters, Delivery, DeliveryId, Entry, LaneCounts, LaneOrder, MessageState, Range,
    RegistryRecords, Settled, Settlement, Stage, StoreError, StoredMessage,
};
use crate::subscription::SubscriptionId;

/// Everything that a store in memory holds.
///
/// Every delivery, dead letter, archived and recent message is a use of its message in `messages`, which counts what they
/// hold.
#[derive(Debug)]
pub(super) struct State {
    bounds: MemoryBounds,
    last_number: u64,
    counters: Counters,
    lanes: HashMap<SubscriptionId, Lane>,
    /// The dead letters of all lanes, the oldest first.
    dead: BTreeSet<(Timestamp, SubscriptionId, DeliveryId)>,
    messages: Messages,
    recent: Recent,
    archive: Archive,
    dedup: DedupWindows,
    attempts: AttemptLog,
    registry: Registry,
}

impl State {
    pub(super) fn new(bounds: MemoryBounds) -> Self {
        Self {
            bounds,
            last_number: 0,
            counters: Counters::default(),
            lanes: HashMap::new(),
            dead: BTreeSet::new(),
            messages: Messages::default(),
            recent: Recent::default(),
            archive: Archive::default(),
            dedup: DedupWindows::default(),
            attempts: AttemptLog::default(),
            registry: Registry::default(),
        }
    }

    pub(super) fn append(&mut self, entry: Entry) -> Result<Appended, StoreError> {
        let Entry { mut dispatch, lanes, dedup, archive_until } = entry;
        let accepted = dispatch.publication.timestamp();
        if let Some(window) = dedup.as_ref().and_then(|dedup| self.dedup.open_at(&dedup.key, accepted)) {
            return Ok(Appended::Duplicate { message_id: window.message_id.clone(), number: window.number });
        }
        let size = dispatch.publication.message().size();
        let (open, refused): (Vec<_>, Vec<_>) = lanes.into_iter().partition(|lane| self.has_room(*lane, size));
        let mut uses = Uses::none(size);
        uses.begin(Use::Delivery, open.len());
        uses.begin(Use::Archive, usize::from(archive_until.is_some()));
        self.make_room(uses.held().needed)?;
        uses.begin(Use::Recent, 1);

        self.last_number += 1;
        let number = self.last_number;
        let id = DeliveryId(number);
        dispatch.publication = dispatch.publication.numbered(number);
        let (message_id, topic) = (dispatch.publication.id().to_owned(), dispatch.publication.topic().clone());
        self.messages.insert(number, dispatch, uses);
        let message = self.messages.used(number);
        let counted = message.counted();
        for &lane in &open {
            self.lanes.entry(lane).or_default().push(id, Queued::fresh(accepted, message));
        }
        let (kept, dropped) = (open.len() as u64 * counted, refused.len() as u64 * counted);
        self.counters.matched += kept + dropped;
        self.counters.pending += kept;
        self.counters.dropped += dropped;
        if let Some(until) = archive_until {
            self.archive.insert(number, Archived { topic, accepted, until });
        }
        if let Some(dedup) = dedup {
            self.dedup.open(dedup, message_id, number);
        }
        self.recent.push(number, size);
        while let Some(old) = self.recent.pop_beyond(self.bounds.recent_messages, self.bounds.recent_bytes) {
            self.messages.release(old, Use::Recent);
        }
        Ok(Appended::Accepted { number, refused })
    }

    pub(super) fn take(
        &mut self,
        id: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Vec<Delivery> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Vec::new() };
        let taken = lane.take(now, max.get(), order);
        let queued = |id: &DeliveryId| lane.queued(*id).expect("what was taken is queued");
        taken.iter().map(|id| delivery(&self.messages, *id, queued(id))).collect()
    }

    pub(super) fn settle(&mut self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) {
        for Settled { id, settlement, attempt } in settled {
            let Some(mut queued) = self.lanes.get_mut(&lane).and_then(|lane| lane.remove_taken(id)) else { continue };
            if let Some(attempt) = attempt {
                queued.attempts += 1;
                self.attempts.push(attempt, self.bounds.attempts);
            }
            match settlement {
                Settlement::Delivered => {
                    self.counters.delivered += self.end(id);
                }
                Settlement::Discarded => {
                    self.counters.dropped += self.end(id);
                }
                Settlement::Retry { at } => self.queue(lane, id, Queued { due: at, taken: false, ..queued }),
                Settlement::ToDeadLetter { reason } => {
                    let (stage, reason) = (Stage::DeadLetter, Some(reason));
                    self.queue(lane, id, Queued { stage, reason, attempts: 0, due: now, taken: false, ..queued });
                }
                Settlement::DeadLettered => {
                    let reason = queued.reason.unwrap_or_default();
                    let letter = DeadLetter { reason, is_elsewhere: true, replayed: queued.replayed };
                    self.bury(lane, id, now, letter);
                }
                Settlement::Dropped { reason } => {
                    let letter = DeadLetter { reason, is_elsewhere: false, replayed: queued.replayed };
                    self.bury(lane, id, now, letter);
                }
            }
        }
        self.drop_lane_if_empty(lane);
    }

    pub(super) fn clear(&mut self, id: SubscriptionId, max: NonZeroUsize) -> Vec<Delivery> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Vec::new() };
        let removed = lane.remove_waiting(max.get());
        let cleared = removed.iter().map(|(id, queued)| delivery(&self.messages, *id, queued)).collect();
        for (id, _) in removed {
            self.counters.dropped += self.end(id);
        }
        self.drop_lane_if_empty(id);
        cleared
    }

    pub(super) fn redrive(&mut self, id: SubscriptionId, now: Timestamp) -> u64 {
        let Some(lane) = self.lanes.get(&id) else { return 0 };
        let dead: Vec<_> = lane.dead().map(|(_, number, _)| number).collect();
        for &number in &dead {
            let is_queued = self.lanes.get(&id).is_some_and(|lane| lane.queued(number).is_some());
            if is_queued {
                // A replay has put the message back before.
                self.forget_dead(id, number);
                continue;
            }
            let Some(letter) = self.exhume(id, number) else { continue };
            self.messages.hold(number.0, Use::Delivery);
            self.messages.release(number.0, Use::DeadLetter);
            let message = self.messages.used(number.0);
            let (counted, fresh) = (message.counted(), Queued::fresh(now, message));
            let from = if letter.is_elsewhere { &mut self.counters.dead_lettered } else { &mut self.counters.dropped };
            *from -= counted;
            self.counters.pending += counted;
            self.queue(id, number, Queued { replayed: letter.replayed, ..fresh });
        }
        dead.len() as u64
    }

    pub(super) fn replay(&mut self, id: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        let queued = self.lanes.get(&id);
        let is_queued = |number| queued.is_some_and(|lane| lane.queued(number).is_some());
        let numbers = numbers.iter().copied().filter(|number| self.archive.has(*number, now)).map(DeliveryId);
        let open: BTreeSet<_> = numbers.filter(|number| !is_queued(*number)).collect();
        if open.is_empty() {
            return Ok(());
        }
        self.make_room_for_replay(id, &open)?;
        for number in open {
            self.messages.hold(number.0, Use::Delivery);
            let message = self.messages.used(number.0);
            let (counted, fresh) = (message.counted(), Queued::fresh(now, message));
            self.counters.matched += counted;
            self.counters.pending += counted;
            self.queue(id, number, Queued { replayed: true, ..fresh });
        }
        Ok(())
    }

    pub(super) fn drop_archive(&mut self, topic: &TopicArn) {
        let left = self.archive.drop_topic(topic);
        self.leave_archive(left);
    }

    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.dedup.sweep(now);
        let left = self.archive.sweep(now);
        self.leave_archive(left);
    }

    pub(super) fn save(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Change::RemoveSubscription(lane) = change {
                self.forget_all_dead(lane);
            }
            self.registry.change(change);
        }
    }

    pub(super) fn next_due(&mut self, lane: SubscriptionId, order: LaneOrder) -> Option<Timestamp> {
        self.lanes.get_mut(&lane)?.next_due(order)
    }

    pub(super) fn waiting(&mut self) -> Vec<(SubscriptionId, Timestamp)> {
        let lanes = self.lanes.iter_mut();
        lanes.filter_map(|(&id, lane)| Some((id, lane.next_due(LaneOrder::Due)?))).collect()
    }

    pub(super) fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Vec<StoredMessage> {
        let numbers = self.archive.numbers(range, after).take(max.get());
        let message = |number| StoredMessage { number, dispatch: self.messages.used(number).dispatch.clone() };
        numbers.map(message).collect()
    }

    pub(super) fn message(&self, message_id: &str) -> Option<StoredMessage> {
        self.messages.by_id(message_id)
    }

    pub(super) fn message_state(&self, lane: SubscriptionId, number: u64) -> MessageState {
        let Some(lane) = self.lanes.get(&lane) else { return MessageState::Absent };
        let id = DeliveryId(number);
        match (lane.queued(id), lane.dead_letter(id)) {
            (Some(queued), _) => MessageState::Pending { due: queued.due },
            (None, Some((at, letter))) => MessageState::Dead(self.dead(id, at, letter)),
            (None, None) => MessageState::Absent,
        }
    }

    pub(super) fn attempts(&self, message_id: &str, subscription: Option<&SubscriptionArn>) -> Vec<Attempt> {
        self.attempts.of(message_id, subscription)
    }

    pub(super) fn latest_attempts(&self, subscription: &SubscriptionArn, max: NonZeroUsize) -> Vec<Attempt> {
        self.attempts.latest(subscription, max.get())
    }

    pub(super) fn lane_counts(&self, lane: SubscriptionId) -> LaneCounts {
        let counts = |lane: &Lane| LaneCounts::new(lane.len() as u64, lane.dead().len() as u64);
        self.lanes.get(&lane).map(counts).unwrap_or_default()
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn records(&self) -> RegistryRecords {
        self.registry.records()
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> super::uses::Held {
        self.messages.held()
    }

    /// What the lane counts of its messages.
    #[cfg(test)]
    pub(super) fn lane_bytes(&self, lane: SubscriptionId) -> usize {
        self.lanes.get(&lane).map_or(0, Lane::bytes)
    }

    /// Whether nothing is held that costs memory, records and logged attempts apart.
    #[cfg(test)]
    pub(super) fn is_bare(&self) -> bool {
        self.held().total() == 0
            && self.lanes.is_empty()
            && self.dead.is_empty()
            && self.messages.is_empty()
            && self.archive.is_empty()
            && self.dedup.is_empty()
    }

    fn queue(&mut self, lane: SubscriptionId, id: DeliveryId, queued: Queued) {
        self.lanes.entry(lane).or_default().push(id, queued);
    }

    /// Ends a delivery that has left its lane and leaves nothing behind, and answers what it counts.
    fn end(&mut self, id: DeliveryId) -> u64 {
        let counted = self.messages.used(id.0).counted();
        self.counters.pending -= counted;
        self.messages.release(id.0, Use::Delivery);
        counted
    }

    fn leave_archive(&mut self, left: Vec<u64>) {
        for number in left {
            self.messages.release(number, Use::Archive);
        }
    }

    fn drop_lane_if_empty(&mut self, lane: SubscriptionId) {
        if self.lanes.get(&lane).is_some_and(Lane::is_empty) {
            self.lanes.remove(&lane);
        }
    }
}

/// What is handed out of a lane.
fn delivery(messages: &Messages, id: DeliveryId, queued: &Queued) -> Delivery {
    Delivery {
        id,
        dispatch: messages.used(id.0).dispatch.clone(),
        stage: queued.stage,
        due: queued.due,
        attempts: queued.attempts,
        replayed: queued.replayed,
    }
}
