//! A subscription's record, read as fast as can be: there may be millions at a start.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{Confirmation, Destination, Replay, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState};
use crate::endpoint::Endpoint;
use crate::filter::FilterPolicy;
use crate::host::Timestamp;
use crate::notification::Format;
use crate::retry::{BackoffFunction, RetryPhase, RetrySchedule, SubscriptionDeliveryPolicy};
use crate::store::{ConfirmationRecord, CorruptRecord, DestinationRecord, ReplayRecord, StateRecord};

/// What a subscription is, without what follows from it and its topic. Its texts lie where they were read.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) id: SubscriptionId,
    /// Of one that was read from a record, a text that may be no ARN.
    pub(crate) arn: Cow<'a, str>,
    /// In the same way, a text that may name no protocol.
    pub(crate) protocol: Cow<'a, str>,
    /// Empty when it delivers to an object of the program's own.
    pub(crate) address: Cow<'a, str>,
    pub(crate) endpoint: Option<Arc<dyn Endpoint>>,
    pub(crate) settings: SubscriptionSettings,
    pub(crate) state: SubscriptionState,
    pub(crate) tokens: Vec<(Arc<str>, Timestamp)>,
    pub(crate) paused: bool,
    pub(crate) stopped_after: Option<Timestamp>,
    pub(crate) replay: Option<Replay>,
    pub(crate) principal: Option<Cow<'a, str>>,
    pub(crate) confirmation: Confirmation,
}

/// A [`SubscriptionRecord`](crate::store::SubscriptionRecord) that copies no text which it need not.
#[derive(Deserialize)]
pub(crate) struct Written<'a> {
    id: u64,
    #[serde(borrow)]
    arn: Cow<'a, str>,
    #[serde(borrow)]
    destination: WrittenDestination<'a>,
    state: StateRecord,
    #[serde(default)]
    tokens: Vec<(String, Timestamp)>,
    #[serde(default)]
    paused: bool,
    #[serde(default, borrow)]
    filter_policy: Option<WrittenFilter<'a>>,
    #[serde(default)]
    raw: bool,
    #[serde(default)]
    cloud_event: bool,
    #[serde(default)]
    delivery_policy: Option<String>,
    #[serde(default)]
    schedule: Option<Vec<(u32, String, Duration, Duration)>>,
    #[serde(default)]
    dead_letters: Option<DestinationRecord>,
    #[serde(default)]
    stopped_after: Option<Timestamp>,
    #[serde(default)]
    replay: Option<Box<ReplayRecord>>,
    #[serde(default, borrow)]
    principal: Option<WrittenText<'a>>,
    #[serde(default)]
    confirmation: ConfirmationRecord,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct WrittenDestination<'a> {
    #[serde(borrow)]
    protocol: Cow<'a, str>,
    #[serde(borrow)]
    address: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WrittenFilter<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WrittenText<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Kept<'a> {
    /// What the record of the subscription `id` says. Its ARN and its protocol are still to be checked.
    pub(crate) fn of_record(id: SubscriptionId, record: Written<'a>) -> Result<Self, CorruptRecord> {
        if record.id != id.0 {
            return Err(CorruptRecord::new(format!("it says that it is that of {}", record.id)));
        }
        let filter_policy = record.filter_policy.map(|filter| FilterPolicy::parse(&filter.text, filter.scope.parse()?));
        let delivery_policy =
            record.delivery_policy.map(|text| SubscriptionDeliveryPolicy::parse(&text, record.raw.into()));
        let settings = SubscriptionSettings {
            filter_policy: filter_policy.transpose().map_err(CorruptRecord::new)?,
            format: match (record.raw, record.cloud_event) {
                (true, _) => Format::Raw,
                (false, true) => Format::CloudEvent,
                (false, false) => Format::Envelope,
            },
            delivery_policy: delivery_policy.transpose().map_err(CorruptRecord::new)?,
            schedule: record.schedule.map(schedule_of).transpose()?,
            dead_letters: record.dead_letters.map(Destination::from_record),
            attributes: record.attributes,
        };
        Ok(Self {
            id,
            arn: record.arn,
            protocol: record.destination.protocol,
            address: record.destination.address,
            endpoint: None,
            settings,
            state: match record.state {
                StateRecord::Pending { expires } => SubscriptionState::Pending { expires },
                StateRecord::Confirmed => SubscriptionState::Confirmed,
                StateRecord::Ended { expires } => SubscriptionState::Ended { expires },
            },
            tokens: record.tokens.into_iter().map(|(token, expires)| (token.into(), expires)).collect(),
            paused: record.paused,
            stopped_after: record.stopped_after,
            replay: record.replay.map(|replay| (*replay).into()),
            principal: record.principal.map(|principal| principal.0),
            confirmation: match record.confirmation {
                ConfirmationRecord::ByToken => Confirmation::ByToken,
                ConfirmationRecord::Authenticated => Confirmation::Authenticated,
                ConfirmationRecord::Guarded => Confirmation::Guarded,
            },
        })
    }

    /// What that subscription is.
    pub(crate) fn of(subscription: &'a Subscription) -> Self {
        let (address, endpoint) = match &subscription.destination {
            Destination::Address { address, .. } => (address.as_str(), None),
            Destination::Endpoint(endpoint) => ("", Some(Arc::clone(endpoint))),
        };
        Self {
            id: subscription.id,
            arn: subscription.arn.as_str().into(),
            protocol: subscription.protocol.as_str().into(),
            address: address.into(),
            endpoint,
            settings: subscription.settings.clone(),
            state: subscription.state,
            tokens: subscription.tokens.clone(),
            paused: subscription.paused,
            stopped_after: subscription.stopped_after,
            replay: subscription.replay,
            principal: subscription.principal.as_deref().map(Into::into),
            confirmation: subscription.confirmation,
        }
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
