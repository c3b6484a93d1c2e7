//! A store in memory that can be opened again, and that is broken in one way.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::attempt::Attempt;
use fanfare_core::store::{
    Appended, Change, Counters, Dead, Delivery, DeliveryId, Entry, Journal, LaneCounts, LaneOrder, MemoryBounds,
    MemoryStore, MessageState, Range, RegistryRecords, RegistryStore, Settled, Settlement, Store, StoreError,
    StoreErrorKind, StoredMessage,
};
use fanfare_core::subscription::SubscriptionId;
use fanfare_core::{Message, Publication, SubscriptionArn, Timestamp, TopicArn};
use fanfare_testkit::store_conformance::{Bounds, Subject};

/// One way to be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    Nothing,
    /// Appends to one lane after the other, and lets go in between.
    AppendsLaneByLane,
    /// Says that it kept a message, now and then, and did not.
    LosesSomeMessages,
    /// Keeps the first thousand bytes of a text, and nothing else of a message.
    ShortensMessages,
    /// Keeps a message for its first lane alone.
    KeepsTheFirstLaneAlone,
    /// Refuses messages that nobody wants.
    RefusesEmptyEntries,
    /// Answers each message with the same number.
    AnswersOneNumber,
    /// Does not tell which lanes had no room.
    HidesRefusals,
    /// Recognises no repeated message.
    ForgetsWindows,
    /// Ends windows a second late.
    EndsWindowsLate,
    /// Begins the window again with each repeated message.
    RenewsWindows,
    /// Answers a repeated message with its own id.
    AnswersTheRepeatedId,
    /// Takes keys for the same that differ in case and spaces.
    BlursKeys,
    /// Forgets windows with every sweep.
    SweepsOpenWindows,
    /// Hands out in the opposite order.
    TakesBackwards,
    /// Hands out more than asked for.
    TakesTooMany,
    /// Hands out what is not due.
    TakesEarly,
    /// Hands out what is taken.
    TakesAgain,
    /// Takes no notice of groups.
    BreaksGroupOrder,
    /// Hands out replayed deliveries as new ones.
    HidesReplays,
    /// Forgets that something was delivered.
    ForgetsSettlements,
    /// Settles what was never taken.
    SettlesWhatWaits,
    /// Tries again at once.
    ForgetsRetryTimes,
    /// Forgets attempts.
    ForgetsAttempts,
    /// Logs every attempt that it is told of.
    LogsEverything,
    /// Logs attempts backwards.
    LogsBackwards,
    /// Tells the attempts of all subscriptions.
    MixesSubscriptions,
    /// Drops what should go to the dead-letter destination.
    SkipsTheDeadLetterStage,
    /// Forgets why something was given up.
    ForgetsReasons,
    /// Keeps what is discarded as a dead letter.
    KeepsDiscarded,
    /// Lists the newest dead letter first.
    ListsDeadLettersBackwards,
    /// Leaves dead letters where they are.
    RedrivesNothing,
    /// Counts nothing as dropped.
    CountsNothingDropped,
    /// Counts confirmations.
    CountsConfirmations,
    /// Counts what waits in a lane as dead.
    TakesWaitingForDead,
    /// Gives up what is taken too.
    ClearsWhatIsTaken,
    /// Finds nothing that waits.
    ListsNoLanes,
    /// Tells a time that is late.
    TellsTimesLate,
    /// Tells the time of what a group holds back.
    TellsTimesOfWhatIsHeldBack,
    /// Says of each message that it is not there.
    KnowsNoState,
    /// Leaves out the last moment of a range.
    EndsRangesEarly,
    /// Begins every page at the start.
    RepeatsPages,
    /// Replays what has left the archive.
    ReplaysForEver,
    /// Replays what waits.
    ReplaysTwice,
    /// Drops all archives at once.
    DropsAllArchives,
    /// Knows no message by its id.
    ForgetsMessages,
    /// Knows every message for ever.
    ForgetsNoMessage,
    /// Has a topic that nobody made.
    InventsATopic,
    /// Keeps the first change of several.
    KeepsOneChange,
    /// Makes changes from the last to the first.
    SavesBackwards,
    /// Keeps the records that it has.
    ReplacesNothing,
    /// Removes nothing.
    RemovesNothing,
    /// Refuses to remove what is not there.
    RefusesToRemove,
    /// Keeps less than it says.
    IsEmptyWhenReopened,
    /// Does not hand out again what was taken.
    LosesWhatIsTakenWhenReopened,
    /// Says that it ends with the process.
    DeniesToOutlive,
    /// Keeps any number of dead letters.
    KeepsAllDeadLetters,
}

/// A store with a fault.
#[derive(Debug)]
pub(crate) struct BrokenStore {
    inner: MemoryStore,
    fault: Fault,
    seen: Mutex<Seen>,
}

/// What the store remembers beside the one inside.
#[derive(Debug, Default)]
struct Seen {
    appended: u64,
    /// What is taken, and when it was due.
    taken: BTreeMap<(SubscriptionId, DeliveryId), (Timestamp, Delivery)>,
    attempts: Vec<Attempt>,
    messages: BTreeMap<String, StoredMessage>,
    confirmations: u64,
    windows: BTreeMap<String, (Timestamp, String, u64)>,
    dead: BTreeMap<SubscriptionId, Vec<Dead>>,
}

pub(crate) struct BrokenSubject(Arc<BrokenStore>);

impl BrokenSubject {
    pub(crate) fn with(fault: Fault) -> Self {
        let inner = MemoryStore::with_bounds(MemoryBounds {
            lane_deliveries: 250,
            recent_messages: 50,
            dead_letters: 20,
            ..MemoryBounds::default()
        });
        Self(Arc::new(BrokenStore { inner, fault, seen: Mutex::default() }))
    }
}

#[async_trait]
impl Subject for BrokenSubject {
    async fn open() -> Self {
        Self::with(Fault::Nothing)
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as _
    }

    /// Keeps the store, and puts back what is taken, as a store on disk does that is opened again.
    async fn reopen(self) -> Option<Self> {
        if self.0.fault == Fault::IsEmptyWhenReopened {
            return Some(Self::with(self.0.fault));
        }
        let taken = std::mem::take(&mut self.0.seen().taken);
        for ((lane, id), (at, _)) in taken {
            let back = Settled { id, settlement: Settlement::Retry { at }, attempt: None };
            if self.0.fault != Fault::LosesWhatIsTakenWhenReopened {
                self.0.inner.settle(lane, at, vec![back]).await.expect("memory works");
            }
        }
        Some(self)
    }

    fn bounds(&self) -> Bounds {
        Bounds { recent_messages: 50, lane_deliveries: Some(250), dead_letters: Some(20) }
    }
}

impl BrokenStore {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn append_lane_by_lane(&self, entry: Entry) -> Result<Appended, StoreError> {
        let mut lanes = entry.lanes.clone().into_iter();
        let first = Entry { lanes: lanes.by_ref().take(1).collect(), ..entry.clone() };
        let appended = self.inner.append(first).await?;
        if let Appended::Accepted { .. } = appended {
            for lane in lanes {
                tokio::task::yield_now().await;
                self.inner.append(Entry { lanes: vec![lane], dedup: None, ..entry.clone() }).await?;
            }
        }
        Ok(appended)
    }

    fn remember(&self, entry: &Entry, answer: &Appended) {
        let Appended::Accepted { number, .. } = answer else { return };
        let id = entry.dispatch.publication.id().to_owned();
        let mut seen = self.seen();
        if entry.dispatch.kind != fanfare_core::NotificationKind::Notification {
            seen.confirmations += entry.lanes.len() as u64;
        }
        let stored = StoredMessage { number: *number, dispatch: entry.dispatch.clone() };
        seen.messages.insert(id.clone(), stored);
        if let Some(dedup) = &entry.dedup {
            seen.windows.insert(dedup.key.clone(), (dedup.until, id, *number));
        }
    }
}

fn shortened(entry: &mut Entry) {
    let publication = &entry.dispatch.publication;
    let text: Vec<_> = publication.message().published_text().iter().copied().take(1_000).collect();
    let message = Message::text(String::from_utf8_lossy(&text)).expect("the text is valid");
    entry.dispatch.publication =
        Publication::new(publication.id(), publication.topic().clone(), publication.timestamp(), message);
}

#[async_trait]
impl Journal for BrokenStore {
    async fn append(&self, mut entry: Entry) -> Result<Appended, StoreError> {
        match self.fault {
            Fault::AppendsLaneByLane => return self.append_lane_by_lane(entry).await,
            Fault::LosesSomeMessages => {
                self.seen().appended += 1;
                if self.seen().appended.is_multiple_of(50) {
                    entry.lanes.clear();
                }
            }
            Fault::ShortensMessages => shortened(&mut entry),
            Fault::KeepsTheFirstLaneAlone => entry.lanes.truncate(1),
            Fault::RefusesEmptyEntries if entry.lanes.is_empty() => {
                return Err(StoreError::new(StoreErrorKind::Unavailable, "nobody wants it"));
            }
            Fault::ForgetsWindows => entry.dedup = None,
            _ => {}
        }
        if let Some(dedup) = &mut entry.dedup {
            let now = entry.dispatch.publication.timestamp();
            match self.fault {
                Fault::EndsWindowsLate => dedup.until = dedup.until + Duration::from_secs(1),
                Fault::BlursKeys => dedup.key = dedup.key.trim().to_lowercase(),
                Fault::RenewsWindows => {
                    if let Some((until, id, number)) = self.seen().windows.get_mut(&dedup.key)
                        && now < *until
                    {
                        *until = dedup.until;
                        return Ok(Appended::Duplicate { message_id: id.clone(), number: *number });
                    }
                }
                _ => {}
            }
        }
        let mut answer = self.inner.append(entry.clone()).await?;
        self.remember(&entry, &answer);
        match &mut answer {
            Appended::Accepted { number, .. } if self.is(Fault::AnswersOneNumber) => *number = 1,
            Appended::Accepted { refused, .. } if self.is(Fault::HidesRefusals) => refused.clear(),
            Appended::Duplicate { message_id, .. } if self.is(Fault::AnswersTheRepeatedId) => {
                entry.dispatch.publication.id().clone_into(message_id);
            }
            _ => {}
        }
        Ok(answer)
    }

    async fn take(
        &self,
        lane: SubscriptionId,
        now: Timestamp,
        max: NonZeroUsize,
        order: LaneOrder,
    ) -> Result<Vec<Delivery>, StoreError> {
        let order = if self.is(Fault::BreaksGroupOrder) { LaneOrder::Due } else { order };
        let max = if self.is(Fault::TakesTooMany) { max.saturating_add(1) } else { max };
        let now = if self.is(Fault::TakesEarly) { now + Duration::from_secs(10_000) } else { now };
        let mut taken = self.inner.take(lane, now, max, order).await?;
        for delivery in &mut taken {
            let state = self.inner.state(lane, delivery.id.0).await?;
            let MessageState::Pending { due } = state else { panic!("what is taken is pending: {state:?}") };
            delivery.replayed &= !self.is(Fault::HidesReplays);
            self.seen().taken.insert((lane, delivery.id), (due, delivery.clone()));
        }
        if self.is(Fault::TakesBackwards) {
            taken.reverse();
        }
        if self.is(Fault::TakesAgain) && taken.is_empty() {
            let seen = self.seen();
            taken = seen.taken.iter().filter(|(key, _)| key.0 == lane).map(|(_, (_, d))| d.clone()).collect();
        }
        Ok(taken)
    }

    async fn settle(&self, lane: SubscriptionId, now: Timestamp, settled: Vec<Settled>) -> Result<(), StoreError> {
        for mut one in settled {
            self.seen().attempts.extend(one.attempt.clone());
            let is_taken = self.seen().taken.remove(&(lane, one.id)).is_some();
            if !is_taken && self.is(Fault::SettlesWhatWaits) {
                // There is no way to take one alone: all are taken, and the others put back.
                for delivery in self.inner.take(lane, now, NonZeroUsize::MAX, LaneOrder::Due).await? {
                    if delivery.id != one.id {
                        let settlement = Settlement::Retry { at: now };
                        self.inner
                            .settle(lane, now, vec![Settled { id: delivery.id, settlement, attempt: None }])
                            .await?;
                    }
                }
            }
            match (self.fault, &mut one.settlement) {
                (Fault::ForgetsSettlements, Settlement::Delivered) => continue,
                (Fault::ForgetsRetryTimes, Settlement::Retry { at }) => *at = now,
                (Fault::ForgetsAttempts, _) => one.attempt = None,
                (Fault::SkipsTheDeadLetterStage, Settlement::ToDeadLetter { reason }) => {
                    one.settlement = Settlement::Dropped { reason: std::mem::take(reason) };
                }
                (Fault::ForgetsReasons, Settlement::Dropped { reason } | Settlement::ToDeadLetter { reason }) => {
                    reason.clear();
                }
                (Fault::KeepsDiscarded, Settlement::Discarded) => {
                    one.settlement = Settlement::Dropped { reason: "not wanted".to_owned() };
                }
                _ => {}
            }
            if is_taken && let Settlement::Dropped { reason } = &one.settlement {
                let dead = Dead { id: one.id, message_id: String::new(), at: now, reason: reason.clone() };
                self.seen().dead.entry(lane).or_default().push(dead);
            }
            self.inner.settle(lane, now, vec![one]).await?;
        }
        Ok(())
    }

    async fn next_due(&self, lane: SubscriptionId, order: LaneOrder) -> Result<Option<Timestamp>, StoreError> {
        let order = if self.is(Fault::TellsTimesOfWhatIsHeldBack) { LaneOrder::Due } else { order };
        let next = self.inner.next_due(lane, order).await?;
        Ok(if self.is(Fault::TellsTimesLate) { next.map(|next| next + Duration::from_millis(1)) } else { next })
    }

    async fn waiting(&self) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
        if self.is(Fault::ListsNoLanes) { Ok(Vec::new()) } else { self.inner.waiting().await }
    }

    async fn clear(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Delivery>, StoreError> {
        if self.is(Fault::ClearsWhatIsTaken) {
            let taken: Vec<_> = self.seen().taken.keys().filter(|key| key.0 == lane).map(|key| key.1).collect();
            for id in taken {
                let settled = Settled { id, settlement: Settlement::Discarded, attempt: None };
                self.settle(lane, Timestamp::EPOCH, vec![settled]).await?;
            }
        }
        self.inner.clear(lane, max).await
    }

    async fn dead_letters(&self, lane: SubscriptionId, max: NonZeroUsize) -> Result<Vec<Dead>, StoreError> {
        if self.is(Fault::KeepsAllDeadLetters) {
            return Ok(self.seen().dead.get(&lane).cloned().unwrap_or_default());
        }
        let mut dead = self.inner.dead_letters(lane, max).await?;
        if self.is(Fault::ListsDeadLettersBackwards) {
            dead.reverse();
        }
        Ok(dead)
    }

    async fn redrive(&self, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError> {
        if self.is(Fault::RedrivesNothing) { Ok(0) } else { self.inner.redrive(lane, now).await }
    }

    async fn archived(&self, range: &Range, after: u64, max: NonZeroUsize) -> Result<Vec<StoredMessage>, StoreError> {
        let mut range = range.clone();
        if self.is(Fault::EndsRangesEarly) {
            range.to = range.to.map(|to| to - Duration::from_millis(1));
        }
        let after = if self.is(Fault::RepeatsPages) { 0 } else { after };
        self.inner.archived(&range, after, max).await
    }

    async fn replay(&self, lane: SubscriptionId, now: Timestamp, numbers: &[u64]) -> Result<(), StoreError> {
        match self.fault {
            Fault::ReplaysForEver => self.inner.replay(lane, now - Duration::from_secs(10_000), numbers).await,
            Fault::ReplaysTwice => {
                let taken: Vec<_> = self.seen().taken.keys().filter(|key| key.0 == lane).map(|key| key.1).collect();
                for id in taken {
                    let settled = Settled { id, settlement: Settlement::Delivered, attempt: None };
                    self.inner.settle(lane, now, vec![settled]).await?;
                }
                self.inner.replay(lane, now, numbers).await
            }
            _ => self.inner.replay(lane, now, numbers).await,
        }
    }

    async fn drop_archive(&self, topic: &TopicArn) -> Result<(), StoreError> {
        if self.is(Fault::DropsAllArchives) {
            return self.inner.sweep(Timestamp::from_unix_ms(i64::MAX)).await;
        }
        self.inner.drop_archive(topic).await
    }

    async fn message(&self, message_id: &str) -> Result<Option<StoredMessage>, StoreError> {
        match self.fault {
            Fault::ForgetsMessages => Ok(None),
            Fault::ForgetsNoMessage => Ok(self.seen().messages.get(message_id).cloned()),
            _ => self.inner.message(message_id).await,
        }
    }

    async fn state(&self, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
        if self.is(Fault::KnowsNoState) { Ok(MessageState::Absent) } else { self.inner.state(lane, number).await }
    }

    async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, StoreError> {
        if self.is(Fault::LogsEverything) {
            let seen = self.seen();
            let own = seen.attempts.iter().filter(|attempt| attempt.message_id == message_id);
            return Ok(own
                .filter(|attempt| subscription.is_none_or(|s| *s == attempt.subscription))
                .cloned()
                .collect());
        }
        let subscription = if self.is(Fault::MixesSubscriptions) { None } else { subscription };
        let mut attempts = self.inner.attempts(message_id, subscription).await?;
        if self.is(Fault::LogsBackwards) {
            attempts.reverse();
        }
        Ok(attempts)
    }

    async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut attempts = self.inner.latest_attempts(subscription, max).await?;
        if self.is(Fault::LogsBackwards) {
            attempts.reverse();
        }
        Ok(attempts)
    }

    async fn lane_counts(&self, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
        let counts = self.inner.lane_counts(lane).await?;
        let shown =
            if self.is(Fault::TakesWaitingForDead) { (0, counts.waiting) } else { (counts.waiting, counts.dead) };
        Ok(LaneCounts::new(shown.0, shown.1))
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        let early = if self.is(Fault::SweepsOpenWindows) { Duration::from_secs(1) } else { Duration::ZERO };
        self.inner.sweep(now + early).await
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        let mut counters = self.inner.counters().await?;
        if self.is(Fault::CountsNothingDropped) {
            counters.matched -= counters.dropped;
            counters.dropped = 0;
        }
        if self.is(Fault::CountsConfirmations) {
            counters.matched += self.seen().confirmations;
            counters.delivered += self.seen().confirmations;
        }
        Ok(counters)
    }
}

#[async_trait]
impl RegistryStore for BrokenStore {
    fn outlives_the_process(&self) -> bool {
        !self.is(Fault::DeniesToOutlive)
    }

    async fn load(&self) -> Result<RegistryRecords, StoreError> {
        let mut records = self.inner.load().await?;
        if self.is(Fault::InventsATopic) {
            let record = r#"{"arn": "arn:aws:sns:us-east-1:000000000000:invented", "signature_version": "1"}"#;
            records.topics.push(serde_json::from_str(record).expect("the record is well formed"));
        }
        Ok(records)
    }

    async fn save(&self, mut changes: Vec<Change>) -> Result<(), StoreError> {
        let is_removal = |change: &Change| {
            matches!(change, Change::RemoveTopic(_) | Change::RemoveSubscription(_) | Change::RemoveDocument { .. })
        };
        match self.fault {
            Fault::KeepsOneChange => changes.truncate(1),
            Fault::SavesBackwards => changes.reverse(),
            Fault::RemovesNothing => changes.retain(|change| !is_removal(change)),
            Fault::RefusesToRemove if changes.iter().any(is_removal) => {
                return Err(StoreError::new(StoreErrorKind::Corrupt, "it is not there"));
            }
            Fault::ReplacesNothing => {
                let known = self.inner.load().await?;
                changes.retain(|change| match change {
                    Change::PutTopic(topic) => known.topics.iter().all(|other| other.arn != topic.arn),
                    Change::PutSubscription(put) => known.subscriptions.iter().all(|other| other.id != put.id),
                    _ => true,
                });
            }
            _ => {}
        }
        self.inner.save(changes).await
    }
}
