//! Topics and subscriptions: who wants what.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::arn::{SubscriptionArn, TopicArn};
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::protocol::Protocol;
use crate::subscription::{Destination, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState};
use crate::topic::{Topic, TopicSettings};

/// Every topic and subscription, in memory. Readers get snapshots, so that fan-out never waits for a change.
///
/// A subscription that has ended stays until its time has come, so that what is under way to it still finds out.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// Held for the length of one lookup or change, never across an `.await`.
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<TopicArn, Entry>,
    by_id: HashMap<SubscriptionId, Arc<Subscription>>,
    by_arn: HashMap<SubscriptionArn, SubscriptionId>,
    by_place: HashMap<(TopicArn, Place), SubscriptionId>,
    /// Tokens that confirm a pending subscription or restore an ended one, and those of each subscription.
    by_token: HashMap<Arc<str>, SubscriptionId>,
    tokens: HashMap<SubscriptionId, Vec<Arc<str>>>,
    /// When pending and ended subscriptions are looked at, to be forgotten if nothing has changed.
    expiries: BTreeSet<(Timestamp, SubscriptionId)>,
    last_id: u64,
}

/// A topic and its subscriptions in the order in which they were made.
#[derive(Debug)]
struct Entry {
    topic: Arc<Topic>,
    subscriptions: Vec<SubscriptionId>,
}

/// What makes two destinations of a topic the same.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    Address(Protocol, String),
    /// The address in memory of an endpoint object.
    Object(usize),
}

/// What a request to subscribe came to.
#[derive(Debug)]
pub(crate) struct Subscribed {
    pub(crate) subscription: Arc<Subscription>,
    /// Whether the endpoint is to be asked for a confirmation.
    pub(crate) confirm: bool,
}

/// What a new subscription is called, and what confirms it.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    pub(crate) uuid: &'a str,
    pub(crate) token: &'a Arc<str>,
}

impl Registry {
    /// Makes a topic, or finds the one that is there if its settings are the same.
    pub(crate) fn create_topic(&self, arn: TopicArn, settings: TopicSettings) -> Result<(), SnsError> {
        let mut state = self.write();
        if let Some(entry) = state.topics.get(&arn) {
            if settings != TopicSettings::default() && settings != *entry.topic.settings() {
                return Err(SnsError::invalid_parameter(
                    "Attributes Reason: Topic already exists with different attributes",
                ));
            }
            return Ok(());
        }
        let topic = Arc::new(Topic::new(arn.clone(), settings));
        state.topics.insert(arn, Entry { topic, subscriptions: Vec::new() });
        Ok(())
    }

    /// Forgets a topic and ends its subscriptions, which it answers. They are forgotten at `expires`.
    pub(crate) fn delete_topic(&self, arn: &TopicArn, expires: Timestamp) -> Vec<Arc<Subscription>> {
        let mut state = self.write();
        let Some(entry) = state.topics.remove(arn) else { return Vec::new() };
        entry.subscriptions.iter().filter_map(|&id| state.end(id, None, expires)).collect()
    }

    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        let mut topics: Vec<_> = self.read().topics.values().map(|entry| Arc::clone(&entry.topic)).collect();
        topics.sort_by(|a, b| a.arn().cmp(b.arn()));
        topics
    }

    pub(crate) fn topic(&self, arn: &TopicArn) -> Result<Arc<Topic>, SnsError> {
        self.read().topics.get(arn).map(|entry| Arc::clone(&entry.topic)).ok_or_else(|| SnsError::not_found("Topic"))
    }

    /// The topic's subscriptions, ended ones left out.
    pub(crate) fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Arc<Subscription>>, SnsError> {
        let state = self.read();
        let entry = state.topics.get(topic).ok_or_else(|| SnsError::not_found("Topic"))?;
        let subscriptions = entry.subscriptions.iter().filter_map(|id| state.by_id.get(id));
        Ok(subscriptions.filter(|subscription| !subscription.has_ended()).cloned().collect())
    }

    /// The subscription as it stands, also when it has ended.
    pub(crate) fn by_id(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.read().by_id.get(&id).cloned()
    }

    /// The subscription as it stands, unless it has ended.
    pub(crate) fn by_arn(&self, arn: &SubscriptionArn) -> Option<Arc<Subscription>> {
        let state = self.read();
        let id = state.by_arn.get(arn)?;
        state.by_id.get(id).filter(|subscription| !subscription.has_ended()).cloned()
    }

    /// Makes a subscription, or finds the one to the same destination if its settings are the same.
    ///
    /// `standing` is the state of a new subscription.
    pub(crate) fn subscribe(
        &self,
        topic: &TopicArn,
        destination: Destination,
        settings: SubscriptionSettings,
        standing: SubscriptionState,
        names: &Names<'_>,
    ) -> Result<Subscribed, SnsError> {
        let mut state = self.write();
        let topic = state.topics.get(topic).map(|entry| Arc::clone(&entry.topic));
        let topic = topic.ok_or_else(|| SnsError::not_found("Topic"))?;
        let place = (topic.arn().clone(), Place::of(&destination));
        let known = state.by_place.get(&place).and_then(|id| state.by_id.get(id)).cloned();
        match known {
            Some(known) if !known.has_ended() => state.subscribe_again(&known, &settings, standing, names.token),
            _ => {
                state.last_id += 1;
                let id = SubscriptionId(state.last_id);
                let arn = SubscriptionArn::new(topic.arn(), names.uuid);
                let subscription = Subscription::new(id, arn.clone(), &topic, destination, settings, standing.clone());
                state.by_id.insert(id, Arc::new(subscription));
                state.by_arn.insert(arn, id);
                state.by_place.insert(place, id);
                state.list(topic.arn(), |subscriptions| subscriptions.push(id));
                Ok(state.stand(id, standing, names.token))
            }
        }
    }

    /// Confirms a pending subscription, or restores an ended one. Doing it again changes nothing.
    pub(crate) fn confirm(&self, token: &str) -> Result<Arc<Subscription>, SnsError> {
        let mut state = self.write();
        let subscription = state.by_token.get(token).and_then(|id| state.by_id.get(id)).cloned();
        match subscription {
            Some(subscription) if subscription.state == SubscriptionState::Confirmed => Ok(subscription),
            Some(subscription) if state.topics.contains_key(&subscription.topic()) => {
                Ok(state.change(subscription.id, |known| known.state = SubscriptionState::Confirmed))
            }
            _ => Err(SnsError::invalid_parameter("Token")),
        }
    }

    /// Ends a subscription, which is forgotten at `expires` unless `token` restores it before. Answers nothing when there
    /// is nothing to end.
    pub(crate) fn end(
        &self,
        arn: &SubscriptionArn,
        token: Option<&Arc<str>>,
        expires: Timestamp,
    ) -> Option<Arc<Subscription>> {
        let mut state = self.write();
        let id = *state.by_arn.get(arn)?;
        state.end(id, token, expires)
    }

    /// Forgets what waited too long to be confirmed or restored, and what has ended long enough ago.
    pub(crate) fn expire(&self, now: Timestamp) {
        if self.read().expiries.first().is_none_or(|&(at, _)| at > now) {
            return;
        }
        let mut state = self.write();
        while let Some(&(at, id)) = state.expiries.first()
            && at <= now
        {
            state.expiries.pop_first();
            let due = state.by_id.get(&id).and_then(|subscription| subscription.expires());
            if due.is_some_and(|due| due <= now) {
                state.forget(id);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A second request for a subscription that is there: it must not ask for anything else, and gets a pending one its
    /// confirmation message again.
    fn subscribe_again(
        &mut self,
        known: &Subscription,
        settings: &SubscriptionSettings,
        standing: SubscriptionState,
        token: &Arc<str>,
    ) -> Result<Subscribed, SnsError> {
        if *settings != SubscriptionSettings::default() && *settings != known.settings {
            return Err(SnsError::invalid_parameter(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        let standing = if known.state == SubscriptionState::Confirmed { known.state.clone() } else { standing };
        Ok(self.stand(known.id, standing, token))
    }

    /// Gives a subscription its state, and a pending one a token.
    fn stand(&mut self, id: SubscriptionId, standing: SubscriptionState, token: &Arc<str>) -> Subscribed {
        let confirm = matches!(standing, SubscriptionState::Pending { .. });
        if confirm {
            self.give_token(id, token);
        }
        let subscription = self.change(id, |subscription| subscription.state = standing);
        Subscribed { subscription, confirm }
    }

    fn end(&mut self, id: SubscriptionId, token: Option<&Arc<str>>, expires: Timestamp) -> Option<Arc<Subscription>> {
        if self.by_id.get(&id)?.has_ended() {
            return None;
        }
        for old in self.tokens.remove(&id).unwrap_or_default() {
            self.by_token.remove(&old);
        }
        if let Some(token) = token {
            self.give_token(id, token);
        }
        Some(self.change(id, |subscription| subscription.state = SubscriptionState::Ended { expires }))
    }

    fn give_token(&mut self, id: SubscriptionId, token: &Arc<str>) {
        self.by_token.insert(Arc::clone(token), id);
        self.tokens.entry(id).or_default().push(Arc::clone(token));
    }

    fn change(&mut self, id: SubscriptionId, change: impl FnOnce(&mut Subscription)) -> Arc<Subscription> {
        let subscription = self.by_id.get_mut(&id).expect("a subscription is changed only after it was found");
        change(Arc::make_mut(subscription));
        if let Some(expires) = subscription.expires() {
            self.expiries.insert((expires, id));
        }
        Arc::clone(subscription)
    }

    fn forget(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.by_id.remove(&id) else { return };
        self.by_arn.remove(&subscription.arn);
        let place = (subscription.topic(), Place::of(&subscription.destination));
        if self.by_place.get(&place) == Some(&id) {
            self.by_place.remove(&place);
        }
        for token in self.tokens.remove(&id).unwrap_or_default() {
            self.by_token.remove(&token);
        }
        self.list(&place.0, |subscriptions| subscriptions.retain(|&known| known != id));
    }

    fn list(&mut self, topic: &TopicArn, change: impl FnOnce(&mut Vec<SubscriptionId>)) {
        if let Some(entry) = self.topics.get_mut(topic) {
            change(&mut entry.subscriptions);
        }
    }
}

impl Place {
    fn of(destination: &Destination) -> Self {
        match destination {
            Destination::Address { protocol, address } => Self::Address(protocol.clone(), address.clone()),
            Destination::Endpoint(endpoint) => Self::Object(Arc::as_ptr(endpoint).cast::<()>() as usize),
        }
    }
}

impl Subscription {
    fn has_ended(&self) -> bool {
        matches!(self.state, SubscriptionState::Ended { .. })
    }

    /// When it is forgotten if nothing changes.
    fn expires(&self) -> Option<Timestamp> {
        match self.state {
            SubscriptionState::Pending { expires } | SubscriptionState::Ended { expires } => Some(expires),
            SubscriptionState::Confirmed => None,
        }
    }
}
