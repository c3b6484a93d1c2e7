//! Subscriptions as stores keep them.

use std::time::Duration;

use super::{
    Confirmation, Destination, Replay, ReplayStatus, Subscription, SubscriptionId, SubscriptionSettings,
    SubscriptionState,
};
use crate::filter::FilterPolicy;
use crate::notification::Format;
use crate::retry::{BackoffFunction, RetryPhase, RetrySchedule, SubscriptionDeliveryPolicy};
use crate::store::{
    ConfirmationRecord, CorruptRecord, FilterRecord, ReplayRecord, ReplayStatusRecord, StateRecord, SubscriptionRecord,
};
use crate::topic::Topic;

impl Subscription {
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
