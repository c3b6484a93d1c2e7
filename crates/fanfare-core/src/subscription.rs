//! A subscription: which messages of a topic go where, in which form, and for how long they are tried.

use std::fmt;
use std::sync::Arc;

use crate::arn::{SubscriptionArn, TopicArn};
use crate::connector::Connectors;
use crate::endpoint::Endpoint;
use crate::error::SnsError;
use crate::filter::FilterPolicy;
use crate::host::Timestamp;
use crate::notification::{Form, Format};
use crate::protocol::Protocol;
use crate::retry::{EffectiveDeliveryPolicy, RetrySchedule, SubscriptionDeliveryPolicy};
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
        Self { destination, settings: SubscriptionSettings::default(), confirmed: false }
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

    /// Begins delivery at once, without a confirmation message: for addresses that the program itself vouches for. An
    /// extension.
    pub fn confirmed(mut self) -> Self {
        self.confirmed = true;
        self
    }
}

/// What a subscription says about filtering, form, retries and dead letters.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SubscriptionSettings {
    pub(crate) filter_policy: Option<FilterPolicy>,
    pub(crate) format: Format,
    pub(crate) delivery_policy: Option<SubscriptionDeliveryPolicy>,
    pub(crate) schedule: Option<RetrySchedule>,
    pub(crate) dead_letters: Option<Destination>,
}

/// Where a subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It waits to be confirmed, until `expires`.
    Pending {
        /// When it is given up.
        expires: Timestamp,
    },
    /// It receives what is published.
    Confirmed,
    /// It has ended by its link, and can be restored until `expires`.
    Ended {
        /// When it can no longer be restored.
        expires: Timestamp,
    },
}

/// The number by which the engine and its journal know a subscription; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub(crate) u64);

/// A subscription as it stands: a snapshot, which later changes leave alone.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) arn: SubscriptionArn,
    pub(crate) destination: Destination,
    pub(crate) settings: SubscriptionSettings,
    pub(crate) state: SubscriptionState,
    pub(crate) form: Arc<Form>,
    pub(crate) schedule: RetrySchedule,
    pub(crate) max_receives_per_second: Option<std::num::NonZeroU32>,
}

impl Subscription {
    /// Works out what `settings` mean for a subscription to `topic`.
    pub(crate) fn new(
        id: SubscriptionId,
        arn: SubscriptionArn,
        topic: &Topic,
        destination: Destination,
        settings: SubscriptionSettings,
        state: SubscriptionState,
    ) -> Self {
        let protocol = destination.protocol();
        let effective = protocol
            .allows_delivery_policy()
            .then(|| EffectiveDeliveryPolicy::of(topic.delivery_policy(), settings.delivery_policy.as_ref()));
        let schedule = settings.schedule.clone().unwrap_or_else(|| match &effective {
            Some(policy) => policy.schedule(),
            None => protocol.default_schedule(),
        });
        let form = Form {
            subscription: Some(arn.clone()),
            format: settings.format,
            content_type: effective.as_ref().map(|policy| policy.content_type().to_owned()),
        };
        let max_receives_per_second = effective.and_then(|policy| policy.max_receives_per_second());
        Self { id, arn, destination, settings, state, form: Arc::new(form), schedule, max_receives_per_second }
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
    pub fn protocol(&self) -> Protocol {
        self.destination.protocol()
    }

    /// Where notifications go.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Where it stands.
    pub fn state(&self) -> &SubscriptionState {
        &self.state
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
}
