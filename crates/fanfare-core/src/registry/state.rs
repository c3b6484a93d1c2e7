//! Topics and subscriptions as readers see them, and by what they are found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::arn::{Owner, SubscriptionArn, TopicArn};
use crate::host::Timestamp;
use crate::protocol::Protocol;
use crate::store::{CorruptRecord, RegistryRecords, StoreError, StoreErrorKind};
use crate::subscription::{Destination, Subscription, SubscriptionId, SubscriptionState};
use crate::topic::{Topic, TopicSettings};

use super::audience::Audience;
use super::claims::Claims;

#[derive(Debug, Default)]
pub(super) struct State {
    /// By ARN, which sorts them by region and then by account.
    pub(super) topics: BTreeMap<TopicArn, Entry>,
    /// How many topics there are of each [kind](kind_of).
    pub(super) topic_counts: HashMap<(String, bool), u64>,
    pub(super) by_id: HashMap<SubscriptionId, Arc<Subscription>>,
    pub(super) by_arn: HashMap<SubscriptionArn, SubscriptionId>,
    pub(super) by_place: HashMap<(TopicArn, Place), SubscriptionId>,
    /// Tokens that confirm a pending subscription or restore an ended one.
    by_token: HashMap<Arc<str>, SubscriptionId>,
    /// When pending and ended subscriptions are looked at, to be forgotten if nothing has changed.
    pub(super) expiries: BTreeSet<(Timestamp, SubscriptionId)>,
    pub(super) claims: Claims,
}

/// A topic and its subscriptions.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) topic: Arc<Topic>,
    /// In the order of their ids, which is that of their making.
    pub(super) subscriptions: BTreeSet<SubscriptionId>,
    pub(super) audience: Arc<Audience>,
    counts: SubscriptionCounts,
    /// How many belong to another account than the topic does.
    foreign: u64,
}

/// What makes two destinations of a topic the same.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Address(Protocol, String),
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
    pub(super) fn of_one(subscription: &Subscription) -> Self {
        let mut counts = Self::default();
        *counts.of(subscription.state) = 1;
        counts.filtered = u64::from(is_filtered(subscription));
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

    fn add(&mut self, subscription: &Subscription) {
        self.subscriptions.insert(subscription.id);
        self.counts.add(SubscriptionCounts::of_one(subscription));
        self.foreign += u64::from(subscription.owner() != self.topic.arn().account());
    }

    /// Takes a subscription out, if it is one of this topic and not of an earlier one of its name.
    fn remove(&mut self, subscription: &Subscription) -> bool {
        let was_there = self.subscriptions.remove(&subscription.id);
        if was_there {
            self.counts.subtract(SubscriptionCounts::of_one(subscription));
            self.foreign -= u64::from(subscription.owner() != self.topic.arn().account());
        }
        was_there
    }
}

/// Whose topic it is, in which region, and whether it is a FIFO topic.
pub(super) fn kind_of(topic: &TopicArn) -> (String, bool) {
    (topic.before_all_of_its_owner().as_str().to_owned(), topic.is_fifo())
}

fn is_filtered(subscription: &Subscription) -> bool {
    !subscription.has_ended() && subscription.filter_policy().is_some_and(|policy| !policy.is_empty())
}

impl State {
    pub(super) fn fill(&mut self, records: RegistryRecords) -> Result<(), StoreError> {
        let unreadable = |error: CorruptRecord| {
            StoreError::new(StoreErrorKind::Corrupt, "a topic or subscription that was kept cannot be used")
                .with_source(error)
        };
        let mut gone = HashMap::new();
        for record in records.topics {
            self.put_topic(Topic::from_record(record).map_err(unreadable)?);
        }
        for record in records.subscriptions {
            let arn = record.arn.topic();
            // The topic of an ended subscription may be gone; nothing of it matters any more.
            let topic = self.topics.get(&arn).map(|entry| Arc::clone(&entry.topic));
            let topic = topic.unwrap_or_else(|| {
                Arc::clone(
                    gone.entry(arn.clone())
                        .or_insert_with(|| Arc::new(Topic::new(arn, Timestamp::EPOCH, TopicSettings::default()))),
                )
            });
            self.put(Subscription::from_record(record, &topic).map_err(unreadable)?);
        }
        Ok(())
    }

    /// What is to be forgotten by now, with the topics.
    pub(super) fn due(&self, now: Timestamp) -> Vec<(TopicArn, SubscriptionId)> {
        let due = self.expiries.iter().take_while(|(at, _)| *at <= now);
        due.filter_map(|(_, id)| Some((self.by_id.get(id)?.topic(), *id))).collect()
    }

    /// The subscription that a token is for, and the one that was made in its place, if there is one.
    pub(super) fn by_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Option<(Arc<Subscription>, Option<Arc<Subscription>>)> {
        let known = self.by_token.get(token).and_then(|id| self.by_id.get(id))?;
        let lasts = known.tokens.iter().any(|(own, expires)| **own == *token && *expires > now);
        if !lasts || !self.topics.contains_key(&known.topic()) {
            return None;
        }
        let place = (known.topic(), Place::of(&known.destination));
        let current = self.by_place.get(&place).filter(|id| **id != known.id).and_then(|id| self.by_id.get(id));
        Some((Arc::clone(known), current.filter(|current| !current.has_ended()).cloned()))
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
    ) -> impl Iterator<Item = &Arc<Subscription>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let known = entry.subscriptions.range((from, Bound::Unbounded)).filter_map(|id| self.by_id.get(id));
        known.filter(move |known| !known.has_ended() && known.expires().is_none_or(|at| at > now))
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
        for id in &entry.subscriptions {
            if let Some(subscription) = self.by_id.get_mut(id) {
                let settings = subscription.settings.clone();
                Arc::make_mut(subscription).set(settings, &topic);
            }
        }
    }

    /// Makes a subscription or replaces it by what it is now.
    pub(super) fn put(&mut self, subscription: Subscription) -> Arc<Subscription> {
        let id = subscription.id;
        let topic = subscription.topic();
        let old = self.by_id.get(&id);
        if let Some(old) = old {
            for (token, _) in &old.tokens {
                self.by_token.remove(token);
            }
            if let Some(expires) = old.expires() {
                self.expiries.remove(&(expires, id));
            }
        }
        if let Some(entry) = self.topics.get_mut(&topic) {
            // One whose topic was deleted does not become one of the next topic of that name.
            let belongs = match old {
                Some(old) => entry.remove(old),
                None => true,
            };
            if belongs {
                entry.audience.put(old.map(|old| &**old), &subscription);
                entry.add(&subscription);
            }
        }
        for (token, _) in &subscription.tokens {
            self.by_token.insert(Arc::clone(token), id);
        }
        if let Some(expires) = subscription.expires() {
            self.expiries.insert((expires, id));
        }
        self.by_arn.insert(subscription.arn.clone(), id);
        self.by_place.insert((topic, Place::of(&subscription.destination)), id);
        let subscription = Arc::new(subscription);
        self.by_id.insert(id, Arc::clone(&subscription));
        subscription
    }

    pub(super) fn forget(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.by_id.remove(&id) else { return };
        self.by_arn.remove(&subscription.arn);
        if let Some(expires) = subscription.expires() {
            self.expiries.remove(&(expires, id));
        }
        let place = (subscription.topic(), Place::of(&subscription.destination));
        if self.by_place.get(&place) == Some(&id) {
            self.by_place.remove(&place);
        }
        for (token, _) in &subscription.tokens {
            self.by_token.remove(token);
        }
        if let Some(entry) = self.topics.get_mut(&place.0)
            && entry.remove(&subscription)
        {
            entry.audience.remove(&subscription);
        }
    }
}

impl Place {
    pub(super) fn of(destination: &Destination) -> Self {
        match destination {
            Destination::Address { protocol, address } => Self::Address(protocol.clone(), address.clone()),
            Destination::Endpoint(endpoint) => Self::Object(Arc::as_ptr(endpoint).cast::<()>() as usize),
        }
    }
}
