//! Topics and subscriptions: who wants what.

mod audience;
mod claims;
mod filling;
mod found_by;
mod loading;
mod row;
mod rows;
mod snapshots;
mod state;
mod turns;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::runtime::Handle;

use crate::arn::{Owner, SubscriptionArn, TopicArn};
use crate::error::{SnsError, SnsErrorCode};
use crate::host::Timestamp;
use crate::protocol::Protocol;
use crate::store::{Change, Store, StoreError, StoreErrorKind};
use crate::subscription::{
    Confirmation, Destination, Replay, ReplayStatus, Subscription, SubscriptionId, SubscriptionSettings,
    SubscriptionState,
};
use crate::topic::{Topic, TopicSettings};

pub(crate) use audience::Audience;
pub(crate) use claims::Asked;
use claims::Claim;
use row::Row;
use state::{Place, State, kind_of};
use turns::{Turn, Turns};

pub use state::SubscriptionCounts;

/// Every topic and subscription, as the store keeps them. Readers get snapshots, and fan-out asks an index of the
/// filter policies (`Audience`), so that it waits for no change.
///
/// Changes of one thing come one after the other: each is worked out from what is there, kept by the store, and only then seen.
/// Changes of different things do not wait for each other, so that the store keeps many of them together. A subscription that
/// has ended stays until its time has come, so that what is under way to it still finds out.
#[derive(Debug)]
pub(crate) struct Registry {
    store: Arc<dyn Store>,
    /// Where changes are carried through, whatever becomes of the caller.
    runtime: Handle,
    /// One is held by whoever changes something, from the look at what is there to the moment when the change is seen.
    turns: Turns,
    /// Held for the length of one lookup or change, never across an `.await`.
    state: RwLock<State>,
}

/// So many subscriptions are looked up at a time that nobody waits long.
const LOOKED_UP_TOGETHER: usize = 1024;

/// How many tokens can confirm a subscription at a time: those of the last requests.
const TOKENS_MAX: usize = 3;

/// What a request to subscribe came to.
#[derive(Debug)]
pub(crate) struct Subscribed {
    pub(crate) subscription: Arc<Subscription>,
    /// Whether the endpoint is to be asked for a confirmation.
    pub(crate) confirm: bool,
}

/// What a new subscription is called, what confirms it, and who subscribed.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    pub(crate) id: SubscriptionId,
    pub(crate) uuid: &'a str,
    pub(crate) token: &'a Arc<str>,
    pub(crate) principal: Option<&'a Arc<str>>,
}

impl Registry {
    /// A registry without topics.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, runtime: Handle::current(), turns: Turns::default(), state: RwLock::default() }
    }

    /// Makes a topic, or finds the one that is there if its settings are the same. `room` is told how many topics of its kind
    /// there are when there is to be one more.
    pub(crate) async fn create_topic(
        self: &Arc<Self>,
        arn: TopicArn,
        made: Timestamp,
        settings: TopicSettings,
        room: impl FnOnce(u64) -> Result<(), SnsError>,
    ) -> Result<(), SnsError> {
        let turn = self.turns.of_topic(&arn).await;
        if let Ok(topic) = self.topic(&arn) {
            if settings != TopicSettings::default() && settings != *topic.settings() {
                return Err(SnsError::invalid_parameter(
                    "Attributes Reason: Topic already exists with different attributes",
                ));
            }
            return Ok(());
        }
        let claim = Claim::topic(self, kind_of(&arn), room)?;
        let topic = Topic::new(arn, made, settings);
        let change = Change::PutTopic(topic.to_record());
        let made = |state: &mut State| {
            claim.fulfil(state);
            state.put_topic(topic);
        };
        self.commit(turn, vec![change], made).await
    }

    /// Gives a topic the settings that `change` makes of it, and works out anew what they mean for its subscriptions.
    pub(crate) async fn update_topic<E: From<SnsError>>(
        self: &Arc<Self>,
        arn: &TopicArn,
        change: impl FnOnce(&Topic) -> Result<TopicSettings, E>,
    ) -> Result<(), E> {
        let turn = self.turns.of_topic(arn).await;
        let known = self.topic(arn)?;
        let settings = change(&known)?;
        if settings == *known.settings() {
            return Ok(());
        }
        let topic = Topic::new(arn.clone(), known.made(), settings);
        let change = Change::PutTopic(topic.to_record());
        Ok(self.commit(turn, vec![change], |state| state.replace_topic(topic)).await?)
    }

    /// Forgets a topic and ends its subscriptions, which it answers. They are forgotten at `expires`.
    pub(crate) async fn delete_topic(
        self: &Arc<Self>,
        arn: &TopicArn,
        expires: Timestamp,
    ) -> Result<Vec<Arc<Subscription>>, SnsError> {
        let turn = self.turns.of_topic(arn).await;
        // Those that had ended before are ended again, so that no token restores them.
        let ended: Vec<_> = {
            let state = self.read();
            let Some(entry) = state.topics.get(arn) else { return Ok(Vec::new()) };
            let rows = entry.all().filter_map(|id| state.rows.get(id));
            rows.map(|row| ended(&state.rows.subscription(row), Vec::new(), expires)).collect()
        };
        let mut changes = vec![Change::RemoveTopic(arn.clone())];
        changes.extend(ended.iter().filter_map(put));
        let arn = arn.clone();
        let removed = self.commit(turn, changes, move |state| {
            let entry = state.remove_topic(&arn);
            (entry, ended.into_iter().map(|subscription| state.put(subscription)).collect())
        });
        // Many filter policies take their time to be dropped, which nobody has to wait for.
        let (_entry, ended) = removed.await?;
        Ok(ended)
    }

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

    /// Makes a subscription, or finds the one to the same destination if its settings are the same.
    ///
    /// `standing` is the state of a new subscription. `room` says whether there may be one more.
    pub(crate) async fn subscribe(
        self: &Arc<Self>,
        topic: &TopicArn,
        destination: Destination,
        settings: SubscriptionSettings,
        standing: SubscriptionState,
        names: &Names<'_>,
        room: impl FnOnce(&Asked<'_>) -> Result<(), SnsError>,
    ) -> Result<Subscribed, SnsError> {
        let turn = self.turns.of_place(topic, &Place::of(&destination)).await;
        let topic = self.topic(topic)?;
        let known = self.by_destination(topic.arn(), &destination);
        let confirm = matches!(standing, SubscriptionState::Pending { .. });
        let (mut subscription, claim) = match known {
            Some(known) => {
                if !settings.ask_nothing_else_than(&known.settings) {
                    return Err(SnsError::invalid_parameter(
                        "Attributes Reason: Subscription already exists with different attributes",
                    ));
                }
                if known.state == SubscriptionState::Confirmed {
                    return Ok(Subscribed { subscription: known, confirm: false });
                }
                (Subscription { state: standing, ..(*known).clone() }, None)
            }
            None => {
                let arn = SubscriptionArn::new(topic.arn(), names.uuid);
                let confirmation = match standing {
                    SubscriptionState::Confirmed if names.principal.is_some() => Confirmation::Authenticated,
                    _ => Confirmation::ByToken,
                };
                let new = Subscription::new(names.id, arn, &topic, destination, settings, standing);
                let mut new = Subscription { principal: names.principal.cloned(), confirmation, ..new };
                let claim = Claim::new_subscription(self, &mut new, room)?;
                (new, Some(claim))
            }
        };
        if let Some(expires) = subscription.expires() {
            subscription.tokens.push((Arc::clone(names.token), expires));
            let superfluous = subscription.tokens.len().saturating_sub(TOKENS_MAX);
            subscription.tokens.drain(..superfluous);
        }
        let subscription = self.keep(turn, subscription, claim).await?;
        Ok(Subscribed { subscription, confirm })
    }

    /// Confirms a pending subscription, or restores an ended one. Doing it again changes nothing; what has been subscribed
    /// anew since it ended is not restored but answered.
    ///
    /// The topic's region and account have to be those of the subscription; its name does not count.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        topic: &TopicArn,
        token: &str,
        confirmation: Confirmation,
        now: Timestamp,
    ) -> Result<Arc<Subscription>, SnsError> {
        let unknown = || SnsError::invalid_parameter("Token");
        let (known, _) = self.read().by_token(token, now).ok_or_else(unknown)?;
        let turn = self.turn_of(&known).await;
        let (known, successor) = self.read().by_token(token, now).ok_or_else(unknown)?;
        let own = known.topic();
        if (topic.region(), topic.account()) != (own.region(), own.account()) {
            return Err(SnsError::invalid_parameter("Topic"));
        }
        if let Some(successor) = successor {
            return Ok(successor);
        }
        if known.state == SubscriptionState::Confirmed {
            return Ok(known);
        }
        let confirmed = Subscription { state: SubscriptionState::Confirmed, confirmation, ..(*known).clone() };
        self.keep(turn, confirmed, None).await
    }

    /// Ends a subscription, which is forgotten at `expires` unless `token` restores it before. Answers nothing when there
    /// is nothing to end.
    pub(crate) async fn end(
        self: &Arc<Self>,
        arn: &SubscriptionArn,
        token: Option<&Arc<str>>,
        expires: Timestamp,
    ) -> Result<Option<Arc<Subscription>>, SnsError> {
        let Some(known) = self.by_arn(arn) else { return Ok(None) };
        let turn = self.turn_of(&known).await;
        let Some(known) = self.by_arn(arn) else { return Ok(None) };
        let tokens = token.map(|token| (Arc::clone(token), expires)).into_iter().collect();
        self.keep(turn, ended(&known, tokens, expires), None).await.map(Some)
    }

    /// Makes of a subscription that has not ended what `change` makes of it. `room` says whether there may be one more with a
    /// filter policy, if it had none.
    pub(crate) async fn update<E: From<SnsError>>(
        self: &Arc<Self>,
        arn: &SubscriptionArn,
        change: impl FnOnce(&Subscription) -> Result<Subscription, E>,
        room: impl FnOnce(&Asked<'_>) -> Result<(), SnsError>,
    ) -> Result<Arc<Subscription>, E> {
        let unknown = || SnsError::not_found("Subscription");
        let known = self.by_arn(arn).ok_or_else(unknown)?;
        let turn = self.turn_of(&known).await;
        let known = self.by_arn(arn).ok_or_else(unknown)?;
        let changed = change(&known)?;
        let claim = Claim::filter_policy(self, &known, &changed, room)?;
        Ok(self.keep(turn, changed, claim).await?)
    }

    /// Changes a subscription that has not ended.
    pub(crate) async fn change(
        self: &Arc<Self>,
        arn: &SubscriptionArn,
        change: impl FnOnce(&mut Subscription),
    ) -> Result<Arc<Subscription>, SnsError> {
        let changed = |known: &Subscription| {
            let mut changed = known.clone();
            change(&mut changed);
            Ok(changed)
        };
        self.update(arn, changed, |_| Ok(())).await
    }

    /// Forgets what waited too long to be confirmed or restored, and what has ended long enough ago.
    /// Answers those that were forgotten.
    pub(crate) async fn expire(self: &Arc<Self>, now: Timestamp) -> Result<Vec<SubscriptionId>, SnsError> {
        let mut groups: BTreeMap<usize, Vec<SubscriptionId>> = BTreeMap::new();
        for (topic, id) in self.read().due(now) {
            groups.entry(self.turns.group(&topic)).or_default().push(id);
        }
        let mut forgotten = Vec::new();
        for (group, mut due) in groups {
            let turn = self.turns.of_group(group).await;
            {
                let state = self.read();
                due.retain(|id| state.rows.get(*id).and_then(Row::expires).is_some_and(|at| at <= now));
            }
            let changes = due.iter().map(|&id| Change::RemoveSubscription(id)).collect();
            let due = self.commit(turn, changes, move |state| {
                due.iter().for_each(|&id| state.forget(id));
                due
            });
            forgotten.append(&mut due.await?);
        }
        Ok(forgotten)
    }

    /// Keeps a subscription as it is now, with the room that was claimed for it.
    async fn keep(
        self: &Arc<Self>,
        turn: Turn,
        subscription: Subscription,
        claim: Option<Claim>,
    ) -> Result<Arc<Subscription>, SnsError> {
        let changes = put(&subscription).into_iter().collect();
        let seen = move |state: &mut State| {
            if let Some(claim) = claim {
                claim.fulfil(state);
            }
            state.put(subscription)
        };
        self.commit(turn, changes, seen).await
    }

    /// Has the store keep `changes`, and then makes them seen. A caller that goes away does not stop this half-way.
    async fn commit<T: Send + 'static>(
        self: &Arc<Self>,
        turn: Turn,
        changes: Vec<Change>,
        apply: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, SnsError> {
        let registry = Arc::clone(self);
        let task = self.runtime.spawn(async move {
            let _turn = turn;
            if !changes.is_empty() {
                registry.store.save(changes).await?;
            }
            Ok(apply(&mut registry.write()))
        });
        match task.await {
            Ok(applied) => applied.map_err(|error: StoreError| refusal(&error)),
            Err(_) => Err(SnsError::new(SnsErrorCode::InternalError, "the change was cut off: the engine is closing")),
        }
    }

    /// Waits until nobody else changes the subscription, or what is at its place.
    async fn turn_of(&self, subscription: &Subscription) -> Turn {
        self.turns.of_place(&subscription.topic(), &Place::of(&subscription.destination)).await
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a caller is told when the store refuses.
pub(crate) fn refusal(error: &StoreError) -> SnsError {
    match error.kind() {
        StoreErrorKind::Full => SnsError::new(SnsErrorCode::Throttled, format!("Rate exceeded: {error}")),
        _ => SnsError::new(SnsErrorCode::InternalError, format!("nothing was accepted: {error}")),
    }
}

fn ended(subscription: &Subscription, tokens: Vec<(Arc<str>, Timestamp)>, expires: Timestamp) -> Subscription {
    // A pause is over too: the endpoint may have to be told.
    Subscription { state: SubscriptionState::Ended { expires }, tokens, paused: false, ..subscription.clone() }
}

/// The change that keeps a subscription; nothing for one that lives and dies with the process.
fn put(subscription: &Subscription) -> Option<Change> {
    subscription.to_record().map(Change::PutSubscription)
}
