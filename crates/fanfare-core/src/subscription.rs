//! A subscription: which messages of a topic go where, in which form, and for how long they are tried.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::arn::{SubscriptionArn, TopicArn};
use crate::connector::Connectors;
use crate::endpoint::Endpoint;
use crate::error::SnsError;
use crate::filter::FilterPolicy;
use crate::host::Timestamp;
use crate::notification::{Form, Format};
use crate::protocol::Protocol;
use crate::retry::{BackoffFunction, EffectiveDeliveryPolicy, RetryPhase, RetrySchedule, SubscriptionDeliveryPolicy};
use crate::store::{
    ConfirmationRecord, CorruptRecord, DestinationRecord, FilterRecord, ReplayRecord, ReplayStatusRecord, StateRecord,
    SubscriptionRecord,
};
use crate::topic::Topic;

/// Where notifications go.
#[derive(Clone)]
#[non_exhaustive]
pub enum Destination {
    /// An address that a connector opens.
    Address {
        /// The protocol.
        protocol: Protocol,
        /// The address, in the protocol's own form.
        address: String,
    },
    /// An endpoint that the program made itself.
    Endpoint(Arc<dyn Endpoint>),
}

impl Destination {
    /// An address of `protocol`.
    pub fn address(protocol: Protocol, address: impl Into<String>) -> Self {
        Self::Address { protocol, address: address.into() }
    }

    /// The protocol spoken there.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Address { protocol, .. } => protocol.clone(),
            Self::Endpoint(endpoint) => endpoint.protocol(),
        }
    }

    /// The address; nothing when the program made the endpoint itself.
    pub(crate) fn address_text(&self) -> Option<&str> {
        match self {
            Self::Address { address, .. } => Some(address),
            Self::Endpoint(_) => None,
        }
    }

    /// Opens the endpoint.
    pub(crate) fn open(&self, connectors: &Connectors) -> Result<Arc<dyn Endpoint>, SnsError> {
        match self {
            Self::Address { protocol, address } => connectors.connect(protocol, address),
            Self::Endpoint(endpoint) => Ok(Arc::clone(endpoint)),
        }
    }
}

impl PartialEq for Destination {
    /// Addresses are equal when protocol and text are; endpoints when they are the same object.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address { protocol, address }, Self::Address { protocol: p, address: a }) => {
                protocol == p && address == a
            }
            (Self::Endpoint(endpoint), Self::Endpoint(e)) => Arc::ptr_eq(endpoint, e),
            _ => false,
        }
    }
}

impl Destination {
    /// The destination as it can be kept. An object of the program's own cannot.
    pub(crate) fn to_record(&self) -> Option<DestinationRecord> {
        match self {
            Self::Address { protocol, address } => {
                Some(DestinationRecord { protocol: protocol.clone(), address: address.clone() })
            }
            Self::Endpoint(_) => None,
        }
    }

    fn from_record(record: DestinationRecord) -> Self {
        Self::Address { protocol: record.protocol, address: record.address }
    }
}

impl fmt::Debug for Destination {
    /// Addresses may hold passwords, so the protocol alone is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, .. } => write!(f, "{protocol} address"),
            Self::Endpoint(endpoint) => write!(f, "{endpoint}"),
        }
    }
}

/// A subscription to be made.
///
/// ```
/// use fanfare_core::{FilterPolicy, FilterPolicyScope, Protocol, Subscribe};
///
/// let policy = FilterPolicy::parse(r#"{"store": ["example_corp"]}"#, FilterPolicyScope::MessageAttributes)?;
/// let subscribe = Subscribe::to(Protocol::Https, "https://example.com/orders").filter_policy(policy).raw();
/// # Ok::<(), fanfare_core::filter::FilterPolicyError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nobody is subscribed before it is handed to `Fanfare::subscribe`"]
pub struct Subscribe {
    pub(crate) destination: Destination,
    pub(crate) settings: SubscriptionSettings,
    pub(crate) confirmed: bool,
    pub(crate) principal: Option<Arc<str>>,
}

impl Subscribe {
    /// Subscribes an address. Protocols that confirm (HTTP, HTTPS, e-mail) get a confirmation message first, and
    /// nothing else until somebody answers it.
    pub fn to(protocol: Protocol, address: impl Into<String>) -> Self {
        Self::destination(Destination::address(protocol, address))
    }

    /// Subscribes an endpoint of the program's own; it needs no confirmation.
    pub fn endpoint(endpoint: Arc<dyn Endpoint>) -> Self {
        Self::destination(Destination::Endpoint(endpoint)).confirmed()
    }

    fn destination(destination: Destination) -> Self {
        Self { destination, settings: SubscriptionSettings::default(), confirmed: false, principal: None }
    }

    /// Takes all settings from `settings`.
    pub fn settings(mut self, settings: SubscriptionSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Delivers only what `policy` matches (`FilterPolicy`).
    pub fn filter_policy(mut self, policy: FilterPolicy) -> Self {
        self.settings.filter_policy = Some(policy);
        self
    }

    /// Delivers the text alone, without the envelope (`RawMessageDelivery`).
    pub fn raw(mut self) -> Self {
        self.settings.format = Format::Raw;
        self
    }

    /// Sets retries, rate and content type as Amazon SNS has them (`DeliveryPolicy`; HTTP and HTTPS alone).
    pub fn delivery_policy(mut self, policy: SubscriptionDeliveryPolicy) -> Self {
        self.settings.delivery_policy = Some(policy);
        self
    }

    /// Retries by `schedule` whatever the protocol, in place of Amazon SNS's schedule for it. An extension.
    pub fn retry(mut self, schedule: RetrySchedule) -> Self {
        self.settings.schedule = Some(schedule);
        self
    }

    /// Takes what cannot be delivered (`RedrivePolicy`; here any destination will do, not queues alone).
    pub fn dead_letters_to(mut self, destination: Destination) -> Self {
        self.settings.dead_letters = Some(destination);
        self
    }

    /// Names who subscribes, by an ARN such as `arn:aws:iam::123456789012:root`, whose account owns the subscription. Without,
    /// nobody in particular does, and the topic's account owns it.
    pub fn by(mut self, principal: impl Into<Arc<str>>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// Begins delivery at once, without a confirmation message: for addresses that the program itself vouches for. An
    /// extension.
    pub fn confirmed(mut self) -> Self {
        self.confirmed = true;
        self
    }
}

/// What a subscription says about filtering, form, retries and dead letters. See the methods of [`Subscribe`].
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SubscriptionSettings {
    /// Which messages it wants (`FilterPolicy`).
    pub filter_policy: Option<FilterPolicy>,
    /// The envelope, or the text alone (`RawMessageDelivery`).
    pub format: Format,
    /// Retries, rate and content type (`DeliveryPolicy`).
    pub delivery_policy: Option<SubscriptionDeliveryPolicy>,
    /// A schedule in place of that of the policy or the protocol. An extension.
    pub schedule: Option<RetrySchedule>,
    /// Where undeliverable notifications go (`RedrivePolicy`).
    pub dead_letters: Option<Destination>,
    /// Attributes that the engine keeps and does not read: for the program around it.
    pub attributes: BTreeMap<String, String>,
}

impl SubscriptionSettings {
    /// Whether a second request with these settings gets what is there: what it leaves out, or gives as the default, does
    /// not count.
    pub(crate) fn ask_nothing_else_than(&self, known: &Self) -> bool {
        fn same<T: PartialEq>(asked: &Option<T>, known: &Option<T>) -> bool {
            asked.is_none() || asked == known
        }
        same(&self.filter_policy, &known.filter_policy)
            && (self.format == Format::default() || self.format == known.format)
            && same(&self.delivery_policy, &known.delivery_policy)
            && same(&self.schedule, &known.schedule)
            && same(&self.dead_letters, &known.dead_letters)
            && self.attributes.iter().all(|(name, value)| known.attributes.get(name) == Some(value))
    }
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It waits to be confirmed, until `expires`.
    Pending {
        /// When it is given up.
        expires: Timestamp,
    },
    /// It receives what is published.
    Confirmed,
    /// It has ended. If it ended by its link, its endpoint can restore it until `expires`.
    Ended {
        /// When it is forgotten.
        expires: Timestamp,
    },
}

/// How a subscription was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Confirmation {
    /// By its token, by whoever had it; or it needed none.
    #[default]
    ByToken,
    /// By a caller who had shown who they are.
    Authenticated,
    /// By such a caller, who asked that only such callers may end it (`AuthenticateOnUnsubscribe`): its link does not.
    Guarded,
}

/// Archived messages that are delivered to a subscription again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replay {
    /// The first moment of the messages.
    pub from: Timestamp,
    /// The last one, after which the subscription gets nothing new. Without, it goes on to what is published.
    pub to: Option<Timestamp>,
    /// When the replay began.
    pub begun: Timestamp,
    /// How it goes.
    pub status: ReplayStatus,
}

/// How a replay goes (`ReplayStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayStatus {
    /// Messages are being put back.
    InProgress,
    /// All messages were put back. They may still wait for their attempts.
    Completed,
    /// The store refused to put some back, for want of room or because it does not work.
    Failed,
}

/// The number by which an engine and its store know a subscription, below 2^63; never used twice. Later subscriptions have
/// larger numbers, as far as the clock allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

impl SubscriptionId {
    const RANDOM_BITS: u32 = 20;

    /// A number that nobody has: the time in milliseconds, and 20 random bits.
    pub(crate) fn new(now: Timestamp, random: u64) -> Self {
        let ms = u64::try_from(now.unix_ms()).unwrap_or(0) & ((1 << (63 - Self::RANDOM_BITS)) - 1);
        Self((ms << Self::RANDOM_BITS) | (random & ((1 << Self::RANDOM_BITS) - 1)))
    }

    /// When the subscription was made, by the clock of then.
    pub(crate) fn made(self) -> Timestamp {
        Timestamp::from_unix_ms((self.0 >> Self::RANDOM_BITS).cast_signed())
    }
}

/// A subscription as it stands: a snapshot, which later changes leave alone.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) arn: SubscriptionArn,
    pub(crate) destination: Destination,
    pub(crate) protocol: Protocol,
    pub(crate) settings: SubscriptionSettings,
    pub(crate) state: SubscriptionState,
    /// Tokens that confirm or restore it, each with the time at which it no longer does.
    pub(crate) tokens: Vec<(Arc<str>, Timestamp)>,
    pub(crate) paused: bool,
    /// The end of a replay after which nothing new is delivered.
    pub(crate) stopped_after: Option<Timestamp>,
    pub(crate) replay: Option<Replay>,
    pub(crate) principal: Option<Arc<str>>,
    pub(crate) confirmation: Confirmation,
    pub(crate) form: Arc<Form>,
    pub(crate) schedule: RetrySchedule,
    pub(crate) max_receives_per_second: Option<std::num::NonZeroU32>,
}

impl Subscription {
    /// A subscription to `topic` as it begins.
    pub(crate) fn new(
        id: SubscriptionId,
        arn: SubscriptionArn,
        topic: &Topic,
        destination: Destination,
        settings: SubscriptionSettings,
        state: SubscriptionState,
    ) -> Self {
        let mut subscription = Self {
            id,
            arn,
            protocol: destination.protocol(),
            destination,
            settings: SubscriptionSettings::default(),
            state,
            tokens: Vec::new(),
            paused: false,
            stopped_after: None,
            replay: None,
            principal: None,
            confirmation: Confirmation::default(),
            form: Arc::default(),
            schedule: RetrySchedule::none(),
            max_receives_per_second: None,
        };
        subscription.set(settings, topic);
        subscription
    }

    /// Gives it other settings, and works out what they mean together with those of `topic`.
    pub(crate) fn set(&mut self, settings: SubscriptionSettings, topic: &Topic) {
        let effective = self
            .protocol
            .allows_delivery_policy()
            .then(|| EffectiveDeliveryPolicy::of(topic.delivery_policy(), settings.delivery_policy.as_ref()));
        self.schedule = settings.schedule.clone().unwrap_or_else(|| match &effective {
            Some(policy) => policy.schedule(),
            None => self.protocol.default_schedule(),
        });
        self.form = Arc::new(Form {
            subscription: Some(self.arn.clone()),
            format: settings.format,
            content_type: effective.as_ref().map(|policy| policy.content_type().to_owned()),
            display_name: Some(topic.display_name().to_owned()).filter(|name| !name.is_empty()),
        });
        self.max_receives_per_second = effective.and_then(|policy| policy.max_receives_per_second());
        self.settings = settings;
    }

    /// The subscription's name in the world.
    pub fn arn(&self) -> &SubscriptionArn {
        &self.arn
    }

    /// The topic.
    pub fn topic(&self) -> TopicArn {
        self.arn.topic()
    }

    /// The protocol.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Where notifications go.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Where it stands.
    pub fn state(&self) -> SubscriptionState {
        self.state
    }

    /// The token that was sent last to confirm or restore it, as far as it is remembered. Whoever has it can do that.
    pub fn token(&self) -> Option<&str> {
        self.tokens.last().map(|(token, _)| &**token)
    }

    /// Whether deliveries wait until it is resumed.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Which messages it wants.
    pub fn filter_policy(&self) -> Option<&FilterPolicy> {
        self.settings.filter_policy.as_ref()
    }

    /// Where undeliverable notifications go.
    pub fn dead_letters(&self) -> Option<&Destination> {
        self.settings.dead_letters.as_ref()
    }

    /// When failed attempts are repeated.
    pub fn schedule(&self) -> &RetrySchedule {
        &self.schedule
    }

    /// Who subscribed, by their ARN; nobody in particular when the program did.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }

    /// The account that it belongs to: that of whoever subscribed, or else the topic's.
    pub fn owner(&self) -> &str {
        let account = self.principal.as_deref().and_then(|arn| arn.split(':').nth(4));
        account.unwrap_or_else(|| self.arn.account())
    }

    /// How it was confirmed. Before it is, this means nothing.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// The last replay to it, if there was one.
    pub fn replay(&self) -> Option<Replay> {
        self.replay
    }

    /// Its place among the subscriptions, by which lists go on.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Its settings.
    pub fn settings(&self) -> &SubscriptionSettings {
        &self.settings
    }

    /// Whether it gets what is published now.
    pub(crate) fn receives_new(&self) -> bool {
        self.state == SubscriptionState::Confirmed && self.stopped_after.is_none()
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, SubscriptionState::Ended { .. })
    }

    /// When it is forgotten if nothing changes.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        match self.state {
            SubscriptionState::Pending { expires } | SubscriptionState::Ended { expires } => Some(expires),
            SubscriptionState::Confirmed => None,
        }
    }

    /// The subscription as it can be kept; nothing when it delivers to an object of the program's own.
    pub(crate) fn to_record(&self) -> Option<SubscriptionRecord> {
        let settings = &self.settings;
        let dead_letters = settings.dead_letters.as_ref();
        Some(SubscriptionRecord {
            id: self.id.0,
            arn: self.arn.clone(),
            destination: self.destination.to_record()?,
            state: match self.state {
                SubscriptionState::Pending { expires } => StateRecord::Pending { expires },
                SubscriptionState::Confirmed => StateRecord::Confirmed,
                SubscriptionState::Ended { expires } => StateRecord::Ended { expires },
            },
            tokens: self.tokens.iter().map(|(token, expires)| (token.to_string(), *expires)).collect(),
            paused: self.paused,
            filter_policy: settings.filter_policy.as_ref().map(|policy| FilterRecord {
                text: policy.text().to_owned(),
                scope: policy.scope().as_str().to_owned(),
            }),
            raw: settings.format == Format::Raw,
            cloud_event: settings.format == Format::CloudEvent,
            delivery_policy: settings.delivery_policy.as_ref().map(SubscriptionDeliveryPolicy::to_json),
            schedule: settings.schedule.as_ref().map(|schedule| {
                let phases = schedule.phases().iter();
                phases.map(|p| (p.retries(), p.function().as_str().to_owned(), p.shortest(), p.longest())).collect()
            }),
            dead_letters: match dead_letters {
                Some(destination) => Some(destination.to_record()?),
                None => None,
            },
            stopped_after: self.stopped_after,
            replay: self.replay.map(|replay| Box::new(replay.into())),
            principal: self.principal.as_deref().map(str::to_owned),
            confirmation: match self.confirmation {
                Confirmation::ByToken => ConfirmationRecord::ByToken,
                Confirmation::Authenticated => ConfirmationRecord::Authenticated,
                Confirmation::Guarded => ConfirmationRecord::Guarded,
            },
            attributes: settings.attributes.clone(),
        })
    }

    pub(crate) fn from_record(record: SubscriptionRecord, topic: &Topic) -> Result<Self, CorruptRecord> {
        let format = match (record.raw, record.cloud_event) {
            (true, _) => Format::Raw,
            (false, true) => Format::CloudEvent,
            (false, false) => Format::Envelope,
        };
        let filter_policy = record.filter_policy.map(|filter| FilterPolicy::parse(&filter.text, filter.scope.parse()?));
        let delivery_policy =
            record.delivery_policy.map(|text| SubscriptionDeliveryPolicy::parse(&text, record.raw.into()));
        let settings = SubscriptionSettings {
            filter_policy: filter_policy.transpose().map_err(CorruptRecord::new)?,
            format,
            delivery_policy: delivery_policy.transpose().map_err(CorruptRecord::new)?,
            schedule: record.schedule.map(schedule_of).transpose()?,
            dead_letters: record.dead_letters.map(Destination::from_record),
            attributes: record.attributes,
        };
        let state = match record.state {
            StateRecord::Pending { expires } => SubscriptionState::Pending { expires },
            StateRecord::Confirmed => SubscriptionState::Confirmed,
            StateRecord::Ended { expires } => SubscriptionState::Ended { expires },
        };
        let destination = Destination::from_record(record.destination);
        Ok(Self {
            tokens: record.tokens.into_iter().map(|(token, expires)| (token.into(), expires)).collect(),
            paused: record.paused,
            stopped_after: record.stopped_after,
            replay: record.replay.map(|replay| (*replay).into()),
            principal: record.principal.map(Into::into),
            confirmation: match record.confirmation {
                ConfirmationRecord::ByToken => Confirmation::ByToken,
                ConfirmationRecord::Authenticated => Confirmation::Authenticated,
                ConfirmationRecord::Guarded => Confirmation::Guarded,
            },
            ..Self::new(SubscriptionId(record.id), record.arn, topic, destination, settings, state)
        })
    }
}

impl From<Replay> for ReplayRecord {
    fn from(replay: Replay) -> Self {
        let status = match replay.status {
            ReplayStatus::InProgress => ReplayStatusRecord::InProgress,
            ReplayStatus::Completed => ReplayStatusRecord::Completed,
            ReplayStatus::Failed => ReplayStatusRecord::Failed,
        };
        Self { from: replay.from, to: replay.to, begun: replay.begun, status }
    }
}

impl From<ReplayRecord> for Replay {
    fn from(record: ReplayRecord) -> Self {
        let status = match record.status {
            ReplayStatusRecord::InProgress => ReplayStatus::InProgress,
            ReplayStatusRecord::Completed => ReplayStatus::Completed,
            ReplayStatusRecord::Failed => ReplayStatus::Failed,
        };
        Self { from: record.from, to: record.to, begun: record.begun, status }
    }
}

fn schedule_of(phases: Vec<(u32, String, Duration, Duration)>) -> Result<RetrySchedule, CorruptRecord> {
    let phases: Result<Vec<_>, CorruptRecord> = phases
        .into_iter()
        .map(|(retries, function, from, to)| {
            let function = BackoffFunction::named(&function);
            let function = function.ok_or_else(|| CorruptRecord::new("unknown backoff function"))?;
            Ok(RetryPhase::backoff(retries, function, from, to))
        })
        .collect();
    RetrySchedule::extended(phases?).map_err(CorruptRecord::new)
}
