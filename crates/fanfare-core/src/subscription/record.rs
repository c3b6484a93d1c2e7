//! Subscriptions as stores keep them; `kept.rs` reads them.

use super::{Confirmation, Replay, ReplayStatus, Subscription, SubscriptionState};
use crate::notification::Format;
use crate::retry::SubscriptionDeliveryPolicy;
use crate::store::{
    ConfirmationRecord, FilterRecord, ReplayRecord, ReplayStatusRecord, StateRecord, SubscriptionRecord,
};

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
