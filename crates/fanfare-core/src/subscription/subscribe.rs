//! A request to subscribe, and what can be set of a subscription.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Destination;
use crate::endpoint::Endpoint;
use crate::filter::FilterPolicy;
use crate::notification::Format;
use crate::protocol::Protocol;
use crate::retry::{RetrySchedule, SubscriptionDeliveryPolicy};

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
    /// nothing else until somebody answers it. So does a queue or a function of another account than the topic's, unless the one
    /// [who subscribes](Self::by) it is of that account too, or nobody in particular does.
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
