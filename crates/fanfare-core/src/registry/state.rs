//! Topics and subscriptions as readers see them, and by what they are found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::arn::{Owner, TopicArn};
use crate::endpoint::Endpoint;
use crate::host::Timestamp;
use crate::protocol::Protocol;
use crate::store::{CorruptRecord, StoreError, StoreErrorKind, TopicRecord};
use crate::subscription::{Destination, Subscription, SubscriptionId, SubscriptionState};
use crate::topic::{Topic, TopicSettings};

use super::audience::Audience;
use super::claims::Claims;
use super::row::Row;
use super::rows::Rows;
use super::snapshots::Snapshots;

#[derive(Debug, Default)]
pub(super) struct State {
    /// By ARN, which sorts them by region and then by account.
    pub(super) topics: BTreeMap<TopicArn, Entry>,
    /// How many topics there are of each [kind](kind_of).
    pub(super) topic_counts: HashMap<(String, bool), u64>,
    pub(super) rows: Rows,
    /// Tokens that confirm a pending subscription or restore an ended one.
    pub(super) by_token: HashMap<Arc<str>, SubscriptionId>,
    /// When pending and ended subscriptions are looked at, to be forgotten if nothing has changed.
    pub(super) expiries: BTreeSet<(Timestamp, SubscriptionId)>,
    pub(super) claims: Claims,
    snapshots: Snapshots,
}

/// A topic and its subscriptions.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) topic: Arc<Topic>,
    /// Those that have not ended, in the order of their ids, which is that of their making.
    pub(super) subscriptions: BTreeSet<SubscriptionId>,
    /// Those that have ended and are still remembered.
    ended: BTreeSet<SubscriptionId>,
    pub(super) audience: Arc<Audience>,
    counts: SubscriptionCounts,
    /// How many belong to another account than the topic does.
    foreign: u64,
}

/// What makes two destinations of a topic the same.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Place<'a> {
    Address(&'a Protocol, &'a str),
    /// The address in memory of an endpoint object.
    Object(usize),
}

/// How many subscriptions of a topic stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SubscriptionCounts {
    /// Those that receive what is published.
    pub confirmed: u64,
    /// Those that wait to be confirmed.
    pub pending: u64,
    /// Those that have ended and are still remembered, for hours to days.
    pub deleted: u64,
    /// Those that have not ended and have a filter policy that leaves something out.
    pub filtered: u64,
}

impl SubscriptionCounts {
    /// Counts those of `other` too.
    pub(super) fn add(&mut self, other: Self) {
        self.confirmed += other.confirmed;
        self.pending += other.pending;
        self.deleted += other.deleted;
        self.filtered += other.filtered;
    }

    /// Counts those of `other` no more.
    pub(super) fn subtract(&mut self, other: Self) {
        self.confirmed -= other.confirmed;
        self.pending -= other.pending;
        self.deleted -= other.deleted;
        self.filtered -= other.filtered;
    }

    /// The one subscription.
    pub(super) fn of_one(state: SubscriptionState, is_filtered: bool) -> Self {
        let mut counts = Self { filtered: u64::from(is_filtered), ..Self::default() };
        *counts.of(state) = 1;
        counts
    }

    fn of(&mut self, state: SubscriptionState) -> &mut u64 {
        match state {
            SubscriptionState::Confirmed => &mut self.confirmed,
            SubscriptionState::Pending { .. } => &mut self.pending,
            SubscriptionState::Ended { .. } => &mut self.deleted,
        }
    }
}

impl Entry {
    fn new(topic: Topic) -> Self {
        Self {
            topic: Arc::new(topic),
            subscriptions: BTreeSet::new(),
            ended: BTreeSet::new(),
            audience: Arc::default(),
            counts: SubscriptionCounts::default(),
            foreign: 0,
        }
    }

    pub(super) fn counts(&self) -> SubscriptionCounts {
        self.counts
    }

    pub(super) fn has_foreign(&self) -> bool {
        self.foreign > 0
    }

    /// Those that have not ended, and then those that have.
    pub(super) fn all(&self) -> impl Iterator<Item = SubscriptionId> {
        self.subscriptions.iter().chain(&self.ended).copied()
    }

    /// Takes in a subscription that is not there.
    pub(super) fn add(&mut self, row: &Row) {
        if row.has_ended() {
            self.ended.insert(row.id)
        } else {
            self.subscriptions.insert(row.id)
        };
        self.counts.add(SubscriptionCounts::of_one(row.state(), row.is_filtered()));
        self.foreign += u64::from(row.is_foreign());
    }

    /// Takes a subscription out, if it is one of this topic and not of an earlier one of its name.
    fn remove(&mut self, row: &Row) -> bool {
        let was_there = if row.has_ended() { self.ended.remove(&row.id) } else { self.subscriptions.remove(&row.id) };
        if was_there {
            self.counts.subtract(SubscriptionCounts::of_one(row.state(), row.is_filtered()));
            self.foreign -= u64::from(row.is_foreign());
        }
        was_there
    }
}

/// Whose topic it is, in which region, and whether it is a FIFO topic.
pub(super) fn kind_of(topic: &TopicArn) -> (String, bool) {
    (topic.before_all_of_its_owner().as_str().to_owned(), topic.is_fifo())
}

impl State {
    /// Takes in topics that were kept.
    pub(super) fn fill_topics(&mut self, records: Vec<TopicRecord>) -> Result<(), StoreError> {
        for record in records {
            self.put_topic(Topic::from_record(record).map_err(unusable)?);
        }
        Ok(())
    }

    /// What is to be forgotten by now, with the topics.
    pub(super) fn due(&self, now: Timestamp) -> Vec<(TopicArn, SubscriptionId)> {
        let due = self.expiries.iter().take_while(|(at, _)| *at <= now);
        due.filter_map(|(_, id)| Some((self.rows.get(*id)?.topic.arn().clone(), *id))).collect()
    }

    /// The subscription that a token is for, and the one that was made in its place, if there is one.
    pub(super) fn by_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Option<(Arc<Subscription>, Option<Arc<Subscription>>)> {
        let known = self.by_token.get(token).and_then(|id| self.rows.get(*id))?;
        let lasts = known.tokens().iter().any(|(own, expires)| **own == *token && *expires > now);
        if !lasts || !self.topics.contains_key(known.topic.arn()) {
            return None;
        }
        let current = self.rows.by_place(known.topic.arn(), &self.rows.place(known)).filter(|row| row.id != known.id);
        Some((self.snapshot(known), current.filter(|row| !row.has_ended()).map(|row| self.snapshot(row))))
    }

    /// The subscription at length, shared with whoever asks for it too.
    pub(super) fn snapshot(&self, row: &Row) -> Arc<Subscription> {
        self.snapshots.get(row.id, || self.rows.subscription(row))
    }

    /// The subscription at length, for one look at it.
    pub(super) fn copy(&self, row: &Row) -> Arc<Subscription> {
        Arc::new(self.rows.subscription(row))
    }

    /// The topics of `owner` after that one, by ARN.
    pub(super) fn topics_after(&self, owner: &Owner, after: Option<&TopicArn>) -> impl Iterator<Item = &Entry> {
        let from = match after {
            Some(after) => Bound::Excluded(after.clone()),
            None => Bound::Included(TopicArn::before_all_of(owner)),
        };
        let topics = self.topics.range((from, Bound::Unbounded)).map(|(_, entry)| entry);
        topics.take_while(move |entry| entry.topic.arn().belongs_to(owner))
    }

    /// The topics of every account in the region of `owner`, from that one on, by ARN.
    pub(super) fn region_from(&self, owner: &Owner, from: Option<&TopicArn>) -> impl Iterator<Item = &Entry> {
        let from = from.cloned().unwrap_or_else(|| TopicArn::before_all_of_region(owner));
        let topics = self.topics.range(from..).map(|(_, entry)| entry);
        topics.take_while(move |entry| entry.topic.arn().region() == owner.region())
    }

    /// The subscriptions of a topic after that one that have not ended and do not wait in vain, in the order of their ids.
    pub(super) fn live_after(
        &self,
        entry: &Entry,
        after: Option<SubscriptionId>,
        now: Timestamp,
    ) -> impl Iterator<Item = &Row> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let known = entry.subscriptions.range((from, Bound::Unbounded)).filter_map(|id| self.rows.get(*id));
        known.filter(move |known| known.expires().is_none_or(|at| at > now))
    }

    /// The topics of the account and the region of that one.
    pub(super) fn topics_beside(&self, topic: &TopicArn) -> impl Iterator<Item = &Entry> {
        let before_all = topic.before_all_of_its_owner();
        let topics = self.topics.range(before_all.clone()..).map(|(_, entry)| entry);
        topics.take_while(move |entry| entry.topic.arn().as_str().starts_with(before_all.as_str()))
    }

    pub(super) fn put_topic(&mut self, topic: Topic) {
        let arn = topic.arn().clone();
        if self.topics.insert(arn.clone(), Entry::new(topic)).is_none() {
            *self.topic_counts.entry(kind_of(&arn)).or_default() += 1;
        }
    }

    pub(super) fn remove_topic(&mut self, arn: &TopicArn) -> Option<Entry> {
        let entry = self.topics.remove(arn)?;
        let kind = kind_of(arn);
        if let Some(count) = self.topic_counts.get_mut(&kind) {
            *count -= 1;
            if *count == 0 {
                self.topic_counts.remove(&kind);
            }
        }
        Some(entry)
    }

    pub(super) fn replace_topic(&mut self, topic: Topic) {
        let topic = Arc::new(topic);
        let Some(entry) = self.topics.get_mut(topic.arn()) else { return };
        let same_deliveries = entry.topic.differs_in_labels_alone(&topic);
        entry.topic = Arc::clone(&topic);
        if same_deliveries {
            return;
        }
        for id in entry.all() {
            self.rows.set_topic(id, &topic);
            self.snapshots.forget(id);
        }
    }

    /// Makes a subscription or replaces it by what it is now.
    pub(super) fn put(&mut self, subscription: Subscription) -> Arc<Subscription> {
        let id = subscription.id;
        let known = self.rows.get(id).map(|row| Arc::clone(&row.topic));
        // One whose topic was deleted does not become one of the next topic of that name.
        let belongs =
            |entry: &&Entry| known.is_none() || entry.subscriptions.contains(&id) || entry.ended.contains(&id);
        let entry = self.topics.get(&subscription.topic()).filter(belongs);
        let topic = entry.map(|entry| Arc::clone(&entry.topic)).or(known);
        let topic = topic.unwrap_or_else(|| Arc::new(gone(subscription.topic())));
        self.put_of(&subscription, &topic);
        Arc::new(subscription)
    }

    /// As [`State::put`], with its topic, which may be gone.
    fn put_of(&mut self, subscription: &Subscription, topic: &Arc<Topic>) {
        let id = subscription.id;
        let mut entry = self.topics.get_mut(topic.arn());
        let old = self.rows.get(id);
        if let Some(old) = old {
            for (token, _) in old.tokens() {
                self.by_token.remove(token);
            }
            if let Some(expires) = old.expires() {
                self.expiries.remove(&(expires, id));
            }
            if entry.as_mut().is_some_and(|entry| !entry.remove(old)) {
                entry = None;
            }
        }
        if let Some(entry) = &entry {
            entry.audience.put(old.map(|old| self.rows.known(old)), subscription);
        }
        self.rows.put(subscription, topic);
        self.snapshots.forget(id);
        if let (Some(entry), Some(row)) = (entry, self.rows.get(id)) {
            entry.add(row);
        }
        for (token, _) in &subscription.tokens {
            self.by_token.insert(Arc::clone(token), id);
        }
        if let Some(expires) = subscription.expires() {
            self.expiries.insert((expires, id));
        }
    }

    pub(super) fn forget(&mut self, id: SubscriptionId) {
        let Some(row) = self.rows.remove(id) else { return };
        self.snapshots.forget(id);
        if let Some(expires) = row.expires() {
            self.expiries.remove(&(expires, id));
        }
        for (token, _) in row.tokens() {
            self.by_token.remove(token);
        }
        if let Some(entry) = self.topics.get_mut(row.topic.arn())
            && entry.remove(&row)
        {
            entry.audience.remove(&self.rows.known(&row));
        }
    }
}

fn unusable(error: CorruptRecord) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a topic that was kept cannot be used").with_source(error)
}

/// A topic of which nothing is known any more.
pub(super) fn gone(arn: TopicArn) -> Topic {
    Topic::new(arn, Timestamp::EPOCH, TopicSettings::default())
}

impl<'a> Place<'a> {
    pub(super) fn of(destination: &'a Destination) -> Self {
        match destination {
            Destination::Address { protocol, address } => Self::Address(protocol, address),
            Destination::Endpoint(endpoint) => Self::object(endpoint),
        }
    }

    pub(super) fn of_row(row: &'a Row, protocols: &'a [Protocol]) -> Self {
        match row.endpoint() {
            Some(endpoint) => Self::object(endpoint),
            None => Self::Address(row.protocol(protocols), row.address().unwrap_or_default()),
        }
    }

    fn object(endpoint: &Arc<dyn Endpoint>) -> Self {
        Self::Object(Arc::as_ptr(endpoint).cast::<()>() as usize)
    }
}
