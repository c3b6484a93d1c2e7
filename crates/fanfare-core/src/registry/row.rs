//! A subscription in few bytes, because there may be millions.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::arn::SubscriptionArn;
use crate::endpoint::Endpoint;
use crate::filter::FilterPolicy;
use crate::host::Timestamp;
use crate::notification::Format;
use crate::protocol::Protocol;
use crate::retry::{RetrySchedule, SubscriptionDeliveryPolicy};
use crate::subscription::{
    Confirmation, Destination, Kept, Replay, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState,
};
use crate::topic::Topic;

/// A subscription as the registry keeps it. What few have lies beside it, and what can be worked out is not kept.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: SubscriptionId,
    /// The topic whose settings hold: the one of now, or the last one of those whose topic is gone.
    pub(super) topic: Arc<Topic>,
    pub(super) name: Name,
    /// Empty when it delivers to an object of the program's own.
    address: Box<str>,
    policy: Option<FilterPolicy>,
    principal: Option<Principal>,
    rare: Option<Box<Rare>>,
    /// When it is forgotten, unless it is confirmed.
    expires: Timestamp,
    /// The number of the protocol among those of the registry.
    protocol: u32,
    standing: Standing,
    format: Format,
    confirmation: Confirmation,
    is_paused: bool,
}

const _: () = assert!(size_of::<Row>() <= 96, "a subscription ought to be small");

/// Who subscribed, behind a pointer of one word. Many rows have the same.
#[allow(clippy::redundant_allocation, reason = "a pointer to a text has two words, and there may be millions of rows")]
pub(super) type Principal = Arc<Arc<str>>;

/// The last part of the ARN, if it is a UUID as an engine writes them. Others lie beside the row, and here are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name([u8; 16]);

/// A state without its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Pending,
    Confirmed,
    Ended,
}

/// What few subscriptions have.
#[derive(Debug, Default)]
struct Rare {
    /// The last part of the ARN when it is no UUID.
    name: Option<Box<str>>,
    endpoint: Option<Arc<dyn Endpoint>>,
    tokens: Vec<(Arc<str>, Timestamp)>,
    stopped_after: Option<Timestamp>,
    replay: Option<Replay>,
    delivery_policy: Option<SubscriptionDeliveryPolicy>,
    schedule: Option<RetrySchedule>,
    dead_letters: Option<Destination>,
    attributes: BTreeMap<String, String>,
}

/// A row without what it shares with others.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: SubscriptionId,
    pub(super) name: Name,
    pub(super) address: Box<str>,
    policy: Option<FilterPolicy>,
    rare: Option<Box<Rare>>,
    expires: Timestamp,
    standing: Standing,
    format: Format,
    confirmation: Confirmation,
    is_paused: bool,
}

impl Draft {
    /// A draft of what is kept under an ARN that ends in `name`.
    pub(super) fn of(kept: Kept<'_>, name: &str) -> Self {
        let Kept { id, address, endpoint, settings, state, tokens, paused, stopped_after, replay, .. } = kept;
        let short = Name::of(name);
        let rare = Rare {
            name: (short == Name::BESIDE).then(|| name.into()),
            endpoint,
            tokens,
            stopped_after,
            replay,
            delivery_policy: settings.delivery_policy,
            schedule: settings.schedule,
            dead_letters: settings.dead_letters,
            attributes: settings.attributes,
        };
        let (standing, expires) = match state {
            SubscriptionState::Pending { expires } => (Standing::Pending, expires),
            SubscriptionState::Confirmed => (Standing::Confirmed, Timestamp::default()),
            SubscriptionState::Ended { expires } => (Standing::Ended, expires),
        };
        Self {
            id,
            name: short,
            address: address.into(),
            policy: settings.filter_policy,
            rare: (!rare.is_empty()).then(|| Box::new(rare)),
            expires,
            standing,
            format: settings.format,
            confirmation: kept.confirmation,
            is_paused: paused,
        }
    }

    /// The row, with the number of its protocol among those of the registry.
    pub(super) fn row(self, topic: &Arc<Topic>, protocol: u32, principal: Option<Principal>) -> Row {
        let Self { id, name, address, policy, rare, expires, standing, format, confirmation, is_paused } = self;
        let topic = Arc::clone(topic);
        Row {
            id,
            topic,
            name,
            address,
            policy,
            principal,
            rare,
            expires,
            protocol,
            standing,
            format,
            confirmation,
            is_paused,
        }
    }
}

impl Row {
    /// The subscription in few bytes. Its principal is what `shared` makes of it.
    pub(super) fn of(
        subscription: &Subscription,
        topic: &Arc<Topic>,
        protocol: u32,
        shared: impl FnOnce(&Arc<str>) -> Principal,
    ) -> Self {
        let principal = subscription.principal.as_ref().map(shared);
        Draft::of(Kept::of(subscription), subscription.arn.name()).row(topic, protocol, principal)
    }

    /// The subscription at length, whose protocol is among `protocols`.
    pub(super) fn subscription(&self, protocols: &[Protocol]) -> Subscription {
        let settings = SubscriptionSettings {
            filter_policy: self.policy.clone(),
            format: self.format,
            delivery_policy: self.rare().and_then(|rare| rare.delivery_policy.clone()),
            schedule: self.rare().and_then(|rare| rare.schedule.clone()),
            dead_letters: self.rare().and_then(|rare| rare.dead_letters.clone()),
            attributes: self.rare().map(|rare| rare.attributes.clone()).unwrap_or_default(),
        };
        let destination = match self.rare().and_then(|rare| rare.endpoint.clone()) {
            Some(endpoint) => Destination::Endpoint(endpoint),
            None => Destination::address(self.protocol(protocols).clone(), &*self.address),
        };
        let arn = match self.rare().and_then(|rare| rare.name.as_deref()) {
            Some(name) => SubscriptionArn::new(self.topic.arn(), name),
            None => self.name.with(|name| SubscriptionArn::new(self.topic.arn(), name)),
        };
        Subscription {
            tokens: self.tokens().to_vec(),
            paused: self.is_paused,
            stopped_after: self.rare().and_then(|rare| rare.stopped_after),
            replay: self.replay(),
            principal: self.principal.as_deref().cloned(),
            confirmation: self.confirmation,
            ..Subscription::new(self.id, arn, &self.topic, destination, settings, self.state())
        }
    }

    pub(super) fn state(&self) -> SubscriptionState {
        let expires = self.expires;
        match self.standing {
            Standing::Pending => SubscriptionState::Pending { expires },
            Standing::Confirmed => SubscriptionState::Confirmed,
            Standing::Ended => SubscriptionState::Ended { expires },
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.standing == Standing::Ended
    }

    pub(super) fn expires(&self) -> Option<Timestamp> {
        (self.standing != Standing::Confirmed).then_some(self.expires)
    }

    /// Whether it gets what is published now.
    pub(super) fn receives_new(&self) -> bool {
        self.standing == Standing::Confirmed && self.rare().is_none_or(|rare| rare.stopped_after.is_none())
    }

    pub(super) fn policy(&self) -> Option<&FilterPolicy> {
        self.policy.as_ref()
    }

    /// Whether a filter policy leaves something out, as long as it has not ended.
    pub(super) fn is_filtered(&self) -> bool {
        !self.has_ended() && self.policy.as_ref().is_some_and(|policy| !policy.is_empty())
    }

    pub(super) fn replay(&self) -> Option<Replay> {
        self.rare().and_then(|rare| rare.replay)
    }

    pub(super) fn tokens(&self) -> &[(Arc<str>, Timestamp)] {
        self.rare().map_or(&[], |rare| &rare.tokens)
    }

    pub(super) fn protocol<'a>(&self, protocols: &'a [Protocol]) -> &'a Protocol {
        // Numbers are given by the registry alone, and no protocol is ever forgotten.
        &protocols[self.protocol as usize]
    }

    /// The address; nothing when it delivers to an object of the program's own.
    pub(super) fn address(&self) -> Option<&str> {
        self.endpoint().is_none().then_some(&*self.address)
    }

    pub(super) fn endpoint(&self) -> Option<&Arc<dyn Endpoint>> {
        self.rare().and_then(|rare| rare.endpoint.as_ref())
    }

    /// The account that it belongs to, see [`Subscription::owner`].
    pub(super) fn owner(&self) -> &str {
        let account = self.principal.as_ref().and_then(|arn| arn.split(':').nth(4));
        account.unwrap_or_else(|| self.topic.arn().account())
    }

    /// Whether it belongs to another account than the topic.
    pub(super) fn is_foreign(&self) -> bool {
        self.principal.is_some() && self.owner() != self.topic.arn().account()
    }

    /// Whether the last part of its ARN is that one.
    pub(super) fn is_named(&self, name: &str) -> bool {
        match self.rare().and_then(|rare| rare.name.as_deref()) {
            Some(known) => known == name,
            None => self.name == Name::of(name),
        }
    }

    fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }
}

impl Rare {
    fn is_empty(&self) -> bool {
        let Self { name, endpoint, tokens, stopped_after, replay, delivery_policy, schedule, dead_letters, attributes } =
            self;
        name.is_none()
            && endpoint.is_none()
            && tokens.is_empty()
            && stopped_after.is_none()
            && replay.is_none()
            && delivery_policy.is_none()
            && schedule.is_none()
            && dead_letters.is_none()
            && attributes.is_empty()
    }
}

impl Name {
    const BESIDE: Self = Self([0; 16]);

    pub(super) fn of(text: &str) -> Self {
        let read = Uuid::try_parse(text).ok().map(|uuid| Self(*uuid.as_bytes()));
        // There are other ways to write a UUID, which are other names.
        read.filter(|name| name.with(|written| written == text)).unwrap_or(Self::BESIDE)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn with<T>(self, act: impl FnOnce(&str) -> T) -> T {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        act(Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut text))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;
    use crate::arn::TopicArn;
    use crate::filter::FilterPolicyScope;
    use crate::retry::RetryPhase;
    use crate::store::SubscriptionPage;
    use crate::subscription::{ReplayStatus, Written};
    use crate::topic::TopicSettings;

    fn topic() -> Arc<Topic> {
        let arn = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
        Arc::new(Topic::new(arn, Timestamp::from_unix_ms(5), TopicSettings::new().display_name("Orders")))
    }

    fn subscription(topic: &Topic, name: &str) -> Subscription {
        let destination = Destination::address(Protocol::Https, "https://example.com/");
        let (arn, settings) = (SubscriptionArn::new(topic.arn(), name), SubscriptionSettings::default());
        Subscription::new(SubscriptionId(7), arn, topic, destination, settings, SubscriptionState::Confirmed)
    }

    /// The row of what a store keeps.
    fn kept(subscription: &Subscription, topic: &Arc<Topic>) -> Row {
        let mut page = SubscriptionPage::new();
        page.push(subscription.id, &serde_json::to_string(&subscription.to_record().unwrap()).unwrap());
        let (id, record) = page.read::<Written<'_>>().next().unwrap();
        let kept = Kept::of_record(id, record.unwrap()).unwrap();
        assert_eq!((&*kept.arn, &*kept.protocol), (subscription.arn.as_str(), subscription.protocol.as_str()));
        assert_eq!(kept.principal.as_deref(), subscription.principal.as_deref());
        Draft::of(kept, subscription.arn.name()).row(topic, 1, subscription.principal.clone().map(Arc::new))
    }

    /// Whether a row says the same in the end.
    fn comes_back(subscription: &Subscription, topic: &Arc<Topic>) -> bool {
        let row = Row::of(subscription, topic, 1, |principal| Arc::new(Arc::clone(principal)));
        let protocols = [Protocol::Sqs, subscription.protocol.clone()];
        let back = row.subscription(&protocols);
        assert_eq!(format!("{back:?}"), format!("{:?}", kept(subscription, topic).subscription(&protocols)));
        assert!(row.is_named(subscription.arn.name()) && !row.is_named("another"));
        format!("{subscription:?}") == format!("{back:?}")
            && back.to_record() == subscription.to_record()
            && back.destination == subscription.destination
            && row.receives_new() == subscription.receives_new()
            && row.owner() == subscription.owner()
    }

    #[test]
    fn a_subscription_comes_back_from_its_row() {
        let topic = topic();
        let plain = subscription(&topic, "6a2f2c9e-6d0c-4b49-a3d4-9f6b0f2f6c11");
        assert!(Row::of(&plain, &topic, 0, |principal| Arc::new(Arc::clone(principal))).rare.is_none());
        assert!(comes_back(&plain, &topic));
        // A UUID in other letters, the one that stands for none, and what is none.
        for name in ["6A2F2C9E-6D0C-4B49-A3D4-9F6B0F2F6C11", "00000000-0000-0000-0000-000000000000", "one"] {
            assert!(comes_back(&subscription(&topic, name), &topic), "{name}");
        }
        let at = Timestamp::from_unix_ms;
        for state in [SubscriptionState::Pending { expires: at(9) }, SubscriptionState::Ended { expires: at(8) }] {
            let tokens = vec![("00ff".into(), at(9)), ("ff00".into(), at(10))];
            assert!(comes_back(&Subscription { state, tokens, ..plain.clone() }, &topic), "{state:?}");
        }
        for confirmation in [Confirmation::Authenticated, Confirmation::Guarded] {
            assert!(comes_back(&Subscription { confirmation, ..plain.clone() }, &topic));
        }
        assert!(comes_back(&Subscription { paused: true, stopped_after: Some(at(3)), ..plain.clone() }, &topic));
        let principal = Some("arn:aws:iam::123456789012:root".into());
        let replay = Some(Replay { from: at(1), to: Some(at(2)), begun: at(3), status: ReplayStatus::Completed });
        assert!(comes_back(&Subscription { principal, replay, ..plain }, &topic));
    }

    #[test]
    fn every_setting_comes_back_from_the_row() {
        let topic = topic();
        let policy = r#"{"throttlePolicy": {"maxReceivesPerSecond": 10}}"#;
        let settings = SubscriptionSettings {
            filter_policy: Some(FilterPolicy::parse(r#"{"a": [1]}"#, FilterPolicyScope::MessageBody).unwrap()),
            format: Format::CloudEvent,
            delivery_policy: Some(SubscriptionDeliveryPolicy::parse(policy, false.into()).unwrap()),
            schedule: Some(RetrySchedule::extended(vec![RetryPhase::constant(3, Duration::from_secs(1))]).unwrap()),
            dead_letters: Some(Destination::address(Protocol::Sqs, "arn:aws:sqs:us-east-1:000000000000:dead")),
            attributes: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        };
        let mut subscription = subscription(&topic, "6a2f2c9e-6d0c-4b49-a3d4-9f6b0f2f6c11");
        subscription.set(settings, &topic);
        assert_eq!(subscription.max_receives_per_second, NonZeroU32::new(10));
        assert!(comes_back(&subscription, &topic));
    }
}
