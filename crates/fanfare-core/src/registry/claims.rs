//! Room that is claimed for what is about to be made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Registry;
use super::state::{State, SubscriptionCounts};
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::subscription::{Subscription, SubscriptionId};

/// What changes under way will add. It counts against quotas as if it were there, so that two changes cannot take the last
/// room both.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By [kind](super::state::kind_of), how many topics.
    topics: HashMap<(String, bool), u64>,
    /// By topic, what of subscriptions.
    subscriptions: HashMap<TopicArn, SubscriptionCounts>,
    ids: HashSet<SubscriptionId>,
}

/// Room that is claimed until the change is seen, or given back when nothing comes of it.
#[derive(Debug)]
pub(super) struct Claim {
    registry: Arc<Registry>,
    /// Nothing once it is settled.
    claimed: Option<Claimed>,
}

#[derive(Debug)]
enum Claimed {
    Topic((String, bool)),
    Subscription { topic: TopicArn, added: SubscriptionCounts, id: Option<SubscriptionId> },
}

/// A subscription, or a filter policy of one, that asks for room in its topic.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// What there is of the topic's subscriptions when everything that is under way has been made.
    pub(crate) counts: SubscriptionCounts,
    /// What this one adds.
    pub(crate) added: SubscriptionCounts,
    pub(crate) topic: &'a TopicArn,
    state: &'a State,
}

impl Asked<'_> {
    /// How many subscriptions of the topic's account, in its region, wait to be confirmed when everything that is under way has
    /// been made.
    pub(crate) fn pending_of_account(&self) -> u64 {
        let pending = |topic| self.state.counts_soon(topic).map_or(0, |counts| counts.pending);
        self.state.topics_beside(self.topic).map(|entry| pending(entry.topic.arn())).sum()
    }
}

impl State {
    /// What there is of a topic's subscriptions when everything that is under way has been made.
    fn counts_soon(&self, topic: &TopicArn) -> Option<SubscriptionCounts> {
        let mut counts = self.topics.get(topic)?.counts();
        counts.add(self.claims.subscriptions.get(topic).copied().unwrap_or_default());
        Some(counts)
    }

    fn claim(
        &mut self,
        topic: &TopicArn,
        added: SubscriptionCounts,
        room: impl FnOnce(&Asked<'_>) -> Result<(), SnsError>,
    ) -> Result<(), SnsError> {
        let counts = self.counts_soon(topic).ok_or_else(|| SnsError::not_found("Topic"))?;
        room(&Asked { counts, added, topic, state: self })?;
        self.claims.subscriptions.entry(topic.clone()).or_default().add(added);
        Ok(())
    }

    fn give_back(&mut self, claimed: Claimed) {
        match claimed {
            Claimed::Topic(kind) => {
                if let Some(count) = self.claims.topics.get_mut(&kind) {
                    *count -= 1;
                    if *count == 0 {
                        self.claims.topics.remove(&kind);
                    }
                }
            }
            Claimed::Subscription { topic, added, id } => {
                if let Some(id) = id {
                    self.claims.ids.remove(&id);
                }
                if let Some(counts) = self.claims.subscriptions.get_mut(&topic) {
                    counts.subtract(added);
                    if *counts == SubscriptionCounts::default() {
                        self.claims.subscriptions.remove(&topic);
                    }
                }
            }
        }
    }
}

impl Claim {
    /// Claims room for a topic, of whose kind `room` is told how many there are.
    pub(super) fn topic(
        registry: &Arc<Registry>,
        kind: (String, bool),
        room: impl FnOnce(u64) -> Result<(), SnsError>,
    ) -> Result<Self, SnsError> {
        let mut state = registry.write();
        let there = state.topic_counts.get(&kind).copied().unwrap_or_default();
        let claimed = state.claims.topics.get(&kind).copied().unwrap_or_default();
        room(there + claimed)?;
        *state.claims.topics.entry(kind.clone()).or_default() += 1;
        Ok(Self { registry: Arc::clone(registry), claimed: Some(Claimed::Topic(kind)) })
    }

    /// Claims the number of a new subscription: its own, or the next one that no subscription has, as many that are made in one
    /// millisecond draw the same one now and then. And room for it, if `room` finds that there is enough.
    pub(super) fn new_subscription(
        registry: &Arc<Registry>,
        subscription: &mut Subscription,
        room: impl FnOnce(&Asked<'_>) -> Result<(), SnsError>,
    ) -> Result<Self, SnsError> {
        let mut state = registry.write();
        let topic = subscription.topic();
        let added = counted(subscription);
        state.claim(&topic, added, room)?;
        let is_free = |id: &SubscriptionId| state.rows.get(*id).is_none() && !state.claims.ids.contains(id);
        let id = (subscription.id.0..).map(SubscriptionId).find(is_free).expect("ids do not run out");
        subscription.id = id;
        state.claims.ids.insert(id);
        let claimed = Some(Claimed::Subscription { topic, added, id: Some(id) });
        Ok(Self { registry: Arc::clone(registry), claimed })
    }

    /// Claims room for the filter policy of a subscription that is there, if it had none.
    pub(super) fn filter_policy(
        registry: &Arc<Registry>,
        known: &Subscription,
        changed: &Subscription,
        room: impl FnOnce(&Asked<'_>) -> Result<(), SnsError>,
    ) -> Result<Option<Self>, SnsError> {
        let of = |subscription| counted(subscription).filtered;
        if of(changed) <= of(known) {
            return Ok(None);
        }
        let topic = known.topic();
        let added = SubscriptionCounts { filtered: 1, ..SubscriptionCounts::default() };
        registry.write().claim(&topic, added, room)?;
        let claimed = Some(Claimed::Subscription { topic, added, id: None });
        Ok(Some(Self { registry: Arc::clone(registry), claimed }))
    }

    /// Gives the claim up, for what it was claimed for is in `state`.
    pub(super) fn fulfil(mut self, state: &mut State) {
        if let Some(claimed) = self.claimed.take() {
            state.give_back(claimed);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(claimed) = self.claimed.take() {
            self.registry.write().give_back(claimed);
        }
    }
}

fn counted(subscription: &Subscription) -> SubscriptionCounts {
    let is_filtered =
        !subscription.has_ended() && subscription.filter_policy().is_some_and(|policy| !policy.is_empty());
    SubscriptionCounts::of_one(subscription.state, is_filtered)
}
