//! The attributes of subscriptions: how they are read, kept and shown.

use fanfare::filter::FilterPolicyError;
use fanfare::json;
use fanfare::retry::{EffectiveDeliveryPolicy, SubscriptionDeliveryPolicy};
use fanfare::subscription::SubscriptionState;
use fanfare::{
    Confirmation, Destination, FilterPolicy, FilterPolicyScope, Format, Protocol, Subscription, SubscriptionSettings,
    Topic,
};
use serde_json::{Value, json};
use url::Url;

use super::call::account_principal;
use super::refusal::Refusal;
use super::replay_policy::{self, ReplayPolicy};
use super::topic_attributes::{Given, refuse_unless_empty};

/// The policy that wants everything. It keeps a scope that was set before its policy.
const EVERYTHING: &str = "{}";

/// The value of `DeliveryFormat`, an attribute that Amazon SNS does not have.
const CLOUD_EVENTS: &str = "CloudEvents";

/// The attributes of one request, in the order in which they make sense.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    raw: Option<bool>,
    cloud_event: Option<bool>,
    scope: Option<FilterPolicyScope>,
    filter_policy: Option<&'a str>,
    delivery_policy: Option<&'a str>,
    dead_letters: Option<Option<Destination>>,
    /// As it was given, and what it says.
    replay: Option<(&'a str, Option<ReplayPolicy>)>,
}

impl<'a> Asked<'a> {
    /// Reads one more attribute for a subscription of `protocol`.
    pub(super) fn read(
        &mut self,
        name: &str,
        value: &'a str,
        protocol: &Protocol,
        given: Given,
    ) -> Result<(), Refusal> {
        match name {
            // Said of such a protocol it is refused even when it is `false`.
            "RawMessageDelivery" if !protocol.allows_raw_delivery() => {
                return Err(Refusal::invalid_parameter(format_args!(
                    "Delivery protocol [{protocol}] does not support raw message delivery."
                )));
            }
            "RawMessageDelivery" => {
                self.raw = Some(match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(given.refusal(format_args!(
                            "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
                        )));
                    }
                });
            }
            // An extension.
            "DeliveryFormat" if !protocol.allows_cloud_events() => {
                return Err(Refusal::invalid_parameter(format_args!(
                    "Delivery protocol [{protocol}] does not support DeliveryFormat."
                )));
            }
            "DeliveryFormat" => {
                self.cloud_event = Some(match value {
                    CLOUD_EVENTS => true,
                    "" => false,
                    _ => {
                        return Err(given.refusal(format_args!(
                            "DeliveryFormat: Invalid value [{value}]. Must be {CLOUD_EVENTS}."
                        )));
                    }
                });
            }
            "FilterPolicyScope" => self.scope = Some(value.parse().map_err(|error| filter_refusal(&error, given))?),
            "FilterPolicy" => self.filter_policy = Some(value),
            "DeliveryPolicy" => self.delivery_policy = Some(value),
            "RedrivePolicy" => self.dead_letters = Some(dead_letters(value, given)?),
            replay_policy::NAME => self.replay = Some((value, ReplayPolicy::parse(value, given)?)),
            "SubscriptionRoleArn" => refuse_unless_empty(name, value)?,
            _ => return Err(Refusal::invalid_parameter("AttributeName")),
        }
        Ok(())
    }

    /// `settings` with what was asked for in it; the rest stays.
    pub(super) fn put_into(
        &self,
        mut settings: SubscriptionSettings,
        given: Given,
    ) -> Result<SubscriptionSettings, Refusal> {
        let raw = self.raw.unwrap_or(settings.format == Format::Raw);
        let cloud_event = self.cloud_event.unwrap_or(settings.format == Format::CloudEvent);
        settings.format = match (raw, cloud_event) {
            (true, true) => {
                return Err(given.refusal(format_args!(
                    "DeliveryFormat: {CLOUD_EVENTS} is not possible together with RawMessageDelivery."
                )));
            }
            (true, false) => Format::Raw,
            (false, true) => Format::CloudEvent,
            (false, false) => Format::Envelope,
        };
        if self.scope.is_some() || self.filter_policy.is_some() {
            let known = settings.filter_policy.as_ref();
            let scope = self.scope.or(known.map(FilterPolicy::scope)).unwrap_or_default();
            let text = match self.filter_policy.or(known.map(FilterPolicy::text)) {
                Some("") | None => EVERYTHING,
                Some(text) => text,
            };
            let policy = FilterPolicy::parse(text, scope).map_err(|error| filter_refusal(&error, given))?;
            // No policy is the same as one that wants everything in the scope that holds anyway.
            let says_nothing = policy.is_empty() && scope == FilterPolicyScope::default();
            settings.filter_policy = (!says_nothing).then_some(policy);
        }
        match self.delivery_policy {
            None => {}
            Some("") => settings.delivery_policy = None,
            Some(text) => {
                let raw = (settings.format == Format::Raw).into();
                let policy = SubscriptionDeliveryPolicy::parse(text, raw).map_err(|error| given.refusal(error))?;
                settings.delivery_policy = Some(policy);
            }
        }
        if let Some(dead_letters) = &self.dead_letters {
            settings.dead_letters.clone_from(dead_letters);
        }
        match self.replay {
            None => {}
            Some((text, Some(_))) => drop(settings.attributes.insert(replay_policy::NAME.to_owned(), text.to_owned())),
            Some((_, None)) => drop(settings.attributes.remove(replay_policy::NAME)),
        }
        Ok(settings)
    }

    /// The replay that is asked for; of an inner nothing that none be.
    pub(super) fn replay(&self) -> Option<Option<ReplayPolicy>> {
        self.replay.map(|(_, policy)| policy)
    }

    /// Whether `settings` are such as were asked for.
    pub(super) fn has_nothing_to_change_in(&self, settings: &SubscriptionSettings) -> bool {
        self.put_into(settings.clone(), Given::InMap).is_ok_and(|asked| asked == *settings)
    }
}

/// What `GetSubscriptionAttributes` answers.
pub(super) fn shown<'a>(subscription: &'a Subscription, topic: &Topic) -> Vec<(&'a str, String)> {
    let (arn, protocol, settings) = (subscription.arn(), subscription.protocol(), subscription.settings());
    let principal = subscription.principal().map(str::to_owned);
    let principal = principal.unwrap_or_else(|| account_principal(topic.arn(), topic.arn().account()));
    let pending = subscription.state() != SubscriptionState::Confirmed;
    let authenticated = !pending && subscription.confirmation() != Confirmation::ByToken;
    let mut attributes = vec![
        ("SubscriptionArn", arn.to_string()),
        ("TopicArn", topic.arn().to_string()),
        ("Owner", subscription.owner().to_owned()),
        ("Protocol", protocol.to_string()),
        ("Endpoint", endpoint(subscription)),
        ("PendingConfirmation", pending.to_string()),
        ("ConfirmationWasAuthenticated", authenticated.to_string()),
        ("RawMessageDelivery", (settings.format == Format::Raw).to_string()),
        ("SubscriptionPrincipal", principal),
    ];
    if settings.format == Format::CloudEvent {
        attributes.push(("DeliveryFormat", CLOUD_EVENTS.to_owned()));
    }
    if let Some(policy) = settings.filter_policy.as_ref().filter(|policy| !policy.is_empty()) {
        attributes.push(("FilterPolicy", policy.text().to_owned()));
        attributes.push(("FilterPolicyScope", policy.scope().to_string()));
    }
    if let Some(policy) = &settings.delivery_policy {
        attributes.push(("DeliveryPolicy", policy.to_json()));
    }
    if protocol.allows_delivery_policy() {
        let effective = EffectiveDeliveryPolicy::of(topic.delivery_policy(), settings.delivery_policy.as_ref());
        attributes.push(("EffectiveDeliveryPolicy", effective.to_json()));
    }
    if let Some(Destination::Address { address, .. }) = &settings.dead_letters {
        attributes.push(("RedrivePolicy", json!({ "deadLetterTargetArn": address }).to_string()));
    }
    for (name, value) in &settings.attributes {
        attributes.push((name.as_str(), value.clone()));
    }
    if let Some(replay) = subscription.replay() {
        attributes.push(("ReplayStatus", replay_policy::status(replay.status).to_owned()));
    }
    attributes
}

/// The address, with its password hidden as Amazon SNS hides it. An endpoint object has no address.
pub(crate) fn endpoint(subscription: &Subscription) -> String {
    let Destination::Address { address, .. } = subscription.destination() else { return String::new() };
    match Url::parse(address) {
        Ok(mut url) if url.password().is_some() => match url.set_password(Some("****")) {
            Ok(()) => url.into(),
            Err(()) => String::new(),
        },
        _ => address.clone(),
    }
}

/// Where a `RedrivePolicy` sends what cannot be delivered; nowhere when it is empty or `{}`, which removes it.
fn dead_letters(text: &str, given: Given) -> Result<Option<Destination>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let policy: Value = serde_json::from_str(text).map_err(|error| {
        let complaint = json::complaint(text).unwrap_or_else(|| error.to_string());
        given.refusal(format_args!("RedrivePolicy: failed to parse JSON. {complaint}"))
    })?;
    let Value::Object(members) = policy else {
        return Err(given.refusal("RedrivePolicy: invalid JSON. It must be an object."));
    };
    if let Some(unknown) = members.keys().find(|key| *key != "deadLetterTargetArn") {
        return Err(given.refusal(format_args!("RedrivePolicy: invalid JSON. Attribute {unknown} is unknown.")));
    }
    match members.get("deadLetterTargetArn") {
        None => Ok(None),
        Some(Value::String(arn)) if is_queue(arn) => Ok(Some(Destination::address(Protocol::Sqs, arn))),
        Some(_) => Err(given.refusal("RedrivePolicy: deadLetterTargetArn is an invalid arn")),
    }
}

/// Refuses dead letters of a FIFO queue that would go to another kind of queue, where they could not keep their order, and a queue
/// that is not in the region and the account of the subscription. Amazon SNS's words for the latter are not known.
pub(super) fn check_dead_letters(
    subscriber: &Destination,
    settings: &SubscriptionSettings,
    region: &str,
    owner: &str,
    given: Given,
) -> Result<(), Refusal> {
    if let Some(Destination::Address { address, .. }) = &settings.dead_letters {
        let mut elements = address.split(':').skip(3);
        if (elements.next(), elements.next()) != (Some(region), Some(owner)) {
            return Err(given.refusal(format_args!(
                "RedrivePolicy: deadLetterTargetArn must be a queue in the region {region} and the account {owner} of the \
                 subscription"
            )));
        }
    }
    let is_fifo =
        |queue: &Destination| matches!(queue, Destination::Address { address, .. } if address.ends_with(".fifo"));
    // Only FIFO topics have subscribers of that kind.
    if is_fifo(subscriber) && settings.dead_letters.as_ref().is_some_and(|dead_letters| !is_fifo(dead_letters)) {
        return Err(
            given.refusal("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
        );
    }
    Ok(())
}

/// Whether this is the ARN of a queue: `arn:<partition>:sqs:<region>:<account>:<name>`.
pub(super) fn is_queue(arn: &str) -> bool {
    let elements: Vec<&str> = arn.split(':').collect();
    matches!(elements[..], ["arn", partition, "sqs", region, account, name]
        if [partition, region, account, name].iter().all(|element| !element.is_empty()))
}

fn filter_refusal(error: &FilterPolicyError, given: Given) -> Refusal {
    match given {
        Given::InMap => error.subscribe_error().into(),
        Given::Alone => error.set_attributes_error().into(),
    }
}
