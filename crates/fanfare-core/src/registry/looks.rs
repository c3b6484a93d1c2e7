//! What can be asked of the registry: each answer is how things stand at one moment.

use std::ops::Bound;
use std::sync::Arc;

use super::Registry;
use super::audience::Audience;
use super::state::{Place, SubscriptionCounts};
use crate::arn::{Owner, SubscriptionArn, TopicArn};
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::protocol::Protocol;
use crate::subscription::{Destination, Replay, ReplayStatus, Subscription, SubscriptionId};
use crate::topic::Topic;

/// So many subscriptions are looked up at a time that nobody waits long.
const LOOKED_UP_TOGETHER: usize = 1024;

impl Registry {
    /// Every topic, by ARN.
    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.read().topics.values().map(|entry| Arc::clone(&entry.topic)).collect()
    }

    /// The next topics of `owner` after that one, by ARN.
    pub(crate) fn topics_page(&self, owner: &Owner, after: Option<&TopicArn>, max: usize) -> Vec<Arc<Topic>> {
        self.read().topics_after(owner, after).take(max).map(|entry| Arc::clone(&entry.topic)).collect()
    }

    /// The topic's next subscriptions after that one, in the order of their ids.
    pub(crate) fn subscriptions_page(
        &self,
        topic: &TopicArn,
        after: Option<SubscriptionId>,
        now: Timestamp,
        max: usize,
    ) -> Result<Vec<Arc<Subscription>>, SnsError> {
        let state = self.read();
        let entry = state.topics.get(topic).ok_or_else(|| SnsError::not_found("Topic"))?;
        Ok(state.live_after(entry, after, now).take(max).map(|row| state.copy(row)).collect())
    }

    /// The next subscriptions that `owner` has to topics of any account in the region, after that one: by topic, and then in
    /// the order of their ids.
    pub(crate) fn subscriptions_of(
        &self,
        owner: &Owner,
        after: Option<(&TopicArn, SubscriptionId)>,
        now: Timestamp,
        max: usize,
    ) -> Vec<Arc<Subscription>> {
        let state = self.read();
        let mut found = Vec::new();
        for entry in state.region_from(owner, after.map(|(topic, _)| topic)) {
            if entry.topic.arn().account() != owner.account() && !entry.has_foreign() {
                continue;
            }
            let after = after.filter(|(topic, _)| *topic == entry.topic.arn()).map(|(_, id)| id);
            let own = state.live_after(entry, after, now).filter(|known| known.owner() == owner.account());
            found.extend(own.take(max - found.len()).map(|row| state.copy(row)));
            if found.len() == max {
                break;
            }
        }
        found
    }

    /// The replays that are under way, or were when the program ended.
    pub(crate) fn replays(&self) -> Vec<(SubscriptionArn, Replay)> {
        let state = self.read();
        let known = state.rows.iter().filter(|row| !row.has_ended());
        let replays = known.filter_map(|row| Some((row, row.replay()?)));
        let under_way = replays.filter(|(_, replay)| replay.status == ReplayStatus::InProgress);
        under_way.map(|(row, replay)| (state.rows.subscription(row).arn, replay)).collect()
    }

    pub(crate) fn counts(&self, topic: &TopicArn) -> Result<SubscriptionCounts, SnsError> {
        self.read().topics.get(topic).map(|entry| entry.counts()).ok_or_else(|| SnsError::not_found("Topic"))
    }

    /// How many subscriptions of all topics stand where.
    pub(crate) fn totals(&self) -> SubscriptionCounts {
        let mut totals = SubscriptionCounts::default();
        self.read().topics.values().for_each(|entry| totals.add(entry.counts()));
        totals
    }

    pub(crate) fn topic(&self, arn: &TopicArn) -> Result<Arc<Topic>, SnsError> {
        self.read().topics.get(arn).map(|entry| Arc::clone(&entry.topic)).ok_or_else(|| SnsError::not_found("Topic"))
    }

    /// The topic, and who wants its messages.
    pub(crate) fn audience(&self, arn: &TopicArn) -> Result<(Arc<Topic>, Arc<Audience>), SnsError> {
        let state = self.read();
        let entry = state.topics.get(arn).ok_or_else(|| SnsError::not_found("Topic"))?;
        Ok((Arc::clone(&entry.topic), Arc::clone(&entry.audience)))
    }

    /// Of those ids, the ones whose protocol and address `is_meant` accepts.
    pub(crate) fn select(
        &self,
        ids: &[SubscriptionId],
        is_meant: impl Fn(&Protocol, Option<&str>) -> bool,
    ) -> Vec<SubscriptionId> {
        let mut found = Vec::new();
        for ids in ids.chunks(LOOKED_UP_TOGETHER) {
            let state = self.read();
            let known = ids.iter().filter_map(|id| state.rows.get(*id));
            found.extend(known.filter(|row| is_meant(state.rows.protocol(row), row.address())).map(|row| row.id));
        }
        found
    }

    /// The topic's subscriptions, ended ones left out.
    pub(crate) fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Arc<Subscription>>, SnsError> {
        let ids: Vec<_> = {
            let state = self.read();
            let entry = state.topics.get(topic).ok_or_else(|| SnsError::not_found("Topic"))?;
            entry.subscriptions.iter().copied().collect()
        };
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(LOOKED_UP_TOGETHER) {
            let state = self.read();
            let rows = ids.iter().filter_map(|id| state.rows.get(*id)).filter(|row| !row.has_ended());
            found.extend(rows.map(|row| state.copy(row)));
        }
        Ok(found)
    }

    /// The topic's next subscriptions after that one that get what is published now, have a filter policy, and are not among those
    /// that `leave_out` names. With them, the last one that was looked at; nothing after the last of all.
    pub(crate) fn filtered_page(
        &self,
        topic: &TopicArn,
        after: Option<SubscriptionId>,
        leave_out: impl Fn(SubscriptionId) -> bool,
    ) -> (Vec<Arc<Subscription>>, Option<SubscriptionId>) {
        let state = self.read();
        let Some(entry) = state.topics.get(topic) else { return (Vec::new(), None) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = || entry.subscriptions.range((from, Bound::Unbounded)).take(LOOKED_UP_TOGETHER);
        let rows = ids().filter(|id| !leave_out(**id)).filter_map(|id| state.rows.get(*id));
        let rows = rows.filter(|row| row.receives_new() && row.policy().is_some());
        (rows.map(|row| state.copy(row)).collect(), ids().last().copied())
    }

    /// The subscription as it stands, also when it has ended.
    pub(crate) fn by_id(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        let state = self.read();
        state.rows.get(id).map(|row| state.snapshot(row))
    }

    /// The subscription as it stands, unless it has ended.
    pub(crate) fn by_arn(&self, arn: &SubscriptionArn) -> Option<Arc<Subscription>> {
        let state = self.read();
        state.rows.by_arn(arn).filter(|row| !row.has_ended()).map(|row| state.snapshot(row))
    }

    /// The topic's subscription to that destination, unless it has ended.
    pub(crate) fn by_destination(&self, topic: &TopicArn, destination: &Destination) -> Option<Arc<Subscription>> {
        let state = self.read();
        let row = state.rows.by_place(topic, &Place::of(destination)).filter(|row| !row.has_ended());
        row.map(|row| state.snapshot(row))
    }
}
