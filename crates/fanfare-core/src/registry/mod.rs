//! Topics and subscriptions: who wants what. Here they change; `looks` is for those who ask.

mod audience;
mod claims;
mod filling;
mod found_by;
mod loading;
mod looks;
mod row;
mod rows;
mod snapshots;
mod state;
mod turns;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::runtime::Handle;

use crate::arn::{SubscriptionArn, TopicArn};
use crate::error::{SnsError, SnsErrorCode};
use crate::host::Timestamp;
use crate::store::{Change, Store, StoreError, StoreErrorKind};
use crate::subscription::{
    Confirmation, Destination, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState,
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
