//! Everything that a store in memory holds, and how deliveries move through it.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;

use super::archive::{Archive, Archived, Left};
use super::attempt_log::AttemptLog;
use super::bounds::MemoryBounds;
use super::dedup::DedupWindows;
use super::lane::{DeadLetter, Lane, Queued};
use super::messages::Messages;
use super::recent::Recent;
use super::registry::Registry;
use crate::arn::{SubscriptionArn, TopicArn};
use crate::attempt::Attempt;
use crate::host::Timestamp;
use crate::store::{
    Appended, Change, Counters, Dead, Delivery, DeliveryId, Entry, LaneOrder, MessageState, Range, RegistryRecords,
    Settled, Settlement, Stage, StoreError, StoreErrorKind, StoredMessage,
};
use crate::subscription::SubscriptionId;

/// Everything that a store in memory holds.
///
/// Every delivery, dead letter, archived and recent message is a use of its message in `messages`; the first three also
/// count in `bytes`.
#[derive(Debug)]
pub(super) struct State {
    bounds: MemoryBounds,
    last_number: u64,
    bytes: usize,
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
            bytes: 0,
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
        let is_full = |lane: &SubscriptionId| self.lanes.get(lane).map_or(0, Lane::len) >= self.bounds.lane_deliveries;
        let (refused, open): (Vec<_>, Vec<_>) = lanes.into_iter().partition(is_full);
        let size = dispatch.publication.message().size();
        self.make_room(size.saturating_mul(open.len() + usize::from(archive_until.is_some())))?;

        self.last_number += 1;
        let number = self.last_number;
        let id = DeliveryId(number);
        dispatch.publication = dispatch.publication.numbered(number);
        let (message_id, topic) = (dispatch.publication.id().to_owned(), dispatch.publication.topic().clone());
        self.messages.insert(number, dispatch, open.len() + 1);
        let message = self.messages.used(number);
        let counted = message.counted();
        for &lane in &open {
            let fresh = Queued::fresh(accepted, message.group.clone());
            self.lanes.entry(lane).or_default().push(id, fresh);
        }
        self.bytes += size * open.len();
        let (kept, dropped) = (open.len() as u64 * counted, refused.len() as u64 * counted);
        self.counters.matched += kept + dropped;
        self.counters.pending += kept;
        self.counters.dropped += dropped;
        if let Some(until) = archive_until {
            self.archive.insert(number, Archived { topic, accepted, until, bytes: size });
            self.messages.hold(number);
            self.bytes += size;
        }
        if let Some(dedup) = dedup {
            self.dedup.open(dedup, message_id, number);
        }
        self.recent.push(number, size);
        while let Some(old) = self.recent.pop_beyond(self.bounds.recent_messages, self.bounds.recent_bytes) {
            self.messages.release(old);
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
                    let moved = Queued::fresh(now, queued.group);
                    let (stage, reason) = (Stage::DeadLetter, Some(reason));
                    self.queue(lane, id, Queued { stage, reason, replayed: queued.replayed, ..moved });
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
            let message = self.messages.used(number.0);
            let (counted, group) = (message.counted(), message.group.clone());
            let from = if letter.is_elsewhere { &mut self.counters.dead_lettered } else { &mut self.counters.dropped };
            *from -= counted;
            self.counters.pending += counted;
            self.queue(id, number, Queued { replayed: letter.replayed, ..Queued::fresh(now, group) });
        }
        dead.len() as u64
    }

    pub(super) fn replay(&mut self, id: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        let (queued, mut bytes) = (self.lanes.get(&id), 0_usize);
        let mut open = BTreeSet::new();
        for &number in numbers {
            let is_queued = queued.is_some_and(|lane| lane.queued(DeliveryId(number)).is_some());
            if !is_queued && self.archive.has(number, now) && open.insert(number) {
                bytes = bytes.saturating_add(self.messages.used(number).size());
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        if queued.map_or(0, Lane::len) + open.len() > self.bounds.lane_deliveries {
            let context = "the subscription has as many deliveries as the store in memory may hold for it: \
                           replay when some have settled";
            return Err(StoreError::new(StoreErrorKind::Full, context));
        }
        self.make_room(bytes)?;
        for number in open {
            self.messages.hold(number);
            let message = self.messages.used(number);
            let (counted, group) = (message.counted(), message.group.clone());
            self.counters.matched += counted;
            self.counters.pending += counted;
            self.queue(id, DeliveryId(number), Queued { replayed: true, ..Queued::fresh(now, group) });
        }
        self.bytes += bytes;
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

    pub(super) fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Vec<Dead> {
        let letters = self.lanes.get(&lane).into_iter().flat_map(Lane::dead).take(max.get());
        letters.map(|(at, id, letter)| self.dead(id, at, letter)).collect()
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

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn records(&self) -> RegistryRecords {
        self.registry.records()
    }

    /// Makes room for `bytes` more, for which the oldest dead letters leave.
    fn make_room(&mut self, bytes: usize) -> Result<(), StoreError> {
        while self.bytes.saturating_add(bytes) > self.bounds.bytes {
            let Some(&(_, lane, id)) = self.dead.first() else {
                let context = "the store in memory holds as many bytes of messages as it may: \
                               publish again when deliveries have settled";
                return Err(StoreError::new(StoreErrorKind::Full, context));
            };
            self.forget_dead(lane, id);
            self.drop_lane_if_empty(lane);
        }
        Ok(())
    }

    fn queue(&mut self, lane: SubscriptionId, id: DeliveryId, queued: Queued) {
        self.lanes.entry(lane).or_default().push(id, queued);
    }

    /// Makes a delivery that has left its lane a dead letter.
    fn bury(&mut self, lane: SubscriptionId, id: DeliveryId, at: Timestamp, letter: DeadLetter) {
        let counted = self.messages.used(id.0).counted();
        self.counters.pending -= counted;
        let to = if letter.is_elsewhere { &mut self.counters.dead_lettered } else { &mut self.counters.dropped };
        *to += counted;
        // The same message may have died here before, and come again by a replay.
        self.forget_dead(lane, id);
        self.lanes.entry(lane).or_default().bury(id, at, letter);
        self.dead.insert((at, lane, id));
        while let Some(oldest) = self.oldest_dead_beyond(lane, self.bounds.dead_letters) {
            self.forget_dead(lane, oldest);
        }
    }

    fn oldest_dead_beyond(&self, lane: SubscriptionId, max: usize) -> Option<DeliveryId> {
        let mut dead = self.lanes.get(&lane)?.dead();
        if dead.len() <= max { None } else { dead.next().map(|(_, id, _)| id) }
    }

    /// Takes a dead letter out, whose use of the message and bytes pass to the caller.
    fn exhume(&mut self, lane: SubscriptionId, id: DeliveryId) -> Option<DeadLetter> {
        let (at, letter) = self.lanes.get_mut(&lane)?.remove_dead(id)?;
        self.dead.remove(&(at, lane, id));
        Some(letter)
    }

    fn forget_dead(&mut self, lane: SubscriptionId, id: DeliveryId) {
        if self.exhume(lane, id).is_some() {
            self.bytes -= self.messages.used(id.0).size();
            self.messages.release(id.0);
        }
    }

    fn forget_all_dead(&mut self, lane: SubscriptionId) {
        while let Some(oldest) = self.oldest_dead_beyond(lane, 0) {
            self.forget_dead(lane, oldest);
        }
        self.drop_lane_if_empty(lane);
    }

    /// Ends a delivery that has left its lane and leaves nothing behind, and answers what it counts.
    fn end(&mut self, id: DeliveryId) -> u64 {
        let message = self.messages.used(id.0);
        let counted = message.counted();
        self.bytes -= message.size();
        self.counters.pending -= counted;
        self.messages.release(id.0);
        counted
    }

    fn leave_archive(&mut self, left: Vec<Left>) {
        for Left { number, bytes } in left {
            self.bytes -= bytes;
            self.messages.release(number);
        }
    }

    fn drop_lane_if_empty(&mut self, lane: SubscriptionId) {
        if self.lanes.get(&lane).is_some_and(Lane::is_empty) {
            self.lanes.remove(&lane);
        }
    }

    fn dead(&self, id: DeliveryId, at: Timestamp, letter: &DeadLetter) -> Dead {
        let message_id = self.messages.used(id.0).dispatch.publication.id().to_owned();
        Dead { id, message_id, at, reason: letter.reason.clone() }
    }
}

/// What is handed out of a lane.
fn delivery(messages: &Messages, id: DeliveryId, queued: &Queued) -> Delivery {
    Delivery {
        id,
        dispatch: messages.used(id.0).dispatch.clone(),
        stage: queued.stage,
        attempts: queued.attempts,
        replayed: queued.replayed,
    }
}
