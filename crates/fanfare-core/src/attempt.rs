//! One attempt to deliver, as it is told to observers and kept in the attempt log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::arn::SubscriptionArn;
use crate::delivery::{DeliveryErrorKind, Disposition, Timing};
use crate::host::Timestamp;
use crate::notification::MessageType;
use crate::protocol::Protocol;
use crate::store::Stage;

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// What was to be delivered: a notification or a request to confirm.
    pub message_type: MessageType,
    /// The message.
    pub message_id: String,
    /// The subscription.
    pub subscription: SubscriptionArn,
    /// The protocol spoken.
    pub protocol: Protocol,
    /// The endpoint, for people; without secrets.
    pub endpoint: String,
    /// Whether this was for the endpoint or for the dead-letter destination.
    pub stage: Stage,
    /// Which attempt of its stage this was, from 1.
    pub number: u32,
    /// When the message was accepted.
    pub accepted: Timestamp,
    /// When the attempt began.
    pub started: Timestamp,
    /// For how long it had been due by then: what a backlog, a rate, a pause or a resting endpoint cost it.
    #[serde(default)]
    pub queued: Duration,
    /// How long it took, in all.
    pub took: Duration,
    /// How long its parts took.
    #[serde(default)]
    pub timing: Timing,
    /// The protocol's status number, when there was one.
    pub status: Option<u16>,
    /// The start of what the endpoint answered.
    pub response: Option<String>,
    /// What went wrong; nothing when it was delivered.
    pub failure: Option<Failure>,
    /// What follows.
    pub next: Next,
}

/// What went wrong in an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// As a class.
    pub kind: DeliveryErrorKind,
    /// What the endpoint says about further attempts. [`Disposition::Disable`] asks its owner to turn it off.
    pub disposition: Disposition,
    /// In words, without secrets.
    pub text: String,
}

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Next {
    /// Nothing: it is delivered.
    Delivered,
    /// Another attempt.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// It is given up and goes to the dead-letter destination.
    ToDeadLetter,
    /// Nothing: the dead-letter destination has it.
    DeadLettered,
    /// Nothing: it is given up for good.
    Dropped {
        /// Why.
        reason: String,
    },
}

impl Attempt {
    /// How long the message had been accepted when the attempt began (Amazon SNS's `dwellTimeMs`).
    pub fn dwell(&self) -> Duration {
        self.started.since(self.accepted)
    }

    /// An attempt that was delivered without particulars.
    pub fn delivered(message_id: &str, subscription: SubscriptionArn, number: u32, started: Timestamp) -> Self {
        Self {
            message_type: MessageType::Notification,
            message_id: message_id.to_owned(),
            subscription,
            protocol: Protocol::Http,
            endpoint: String::new(),
            stage: Stage::Endpoint,
            number,
            accepted: started,
            started,
            queued: Duration::ZERO,
            took: Duration::ZERO,
            timing: Timing::default(),
            status: None,
            response: None,
            failure: None,
            next: Next::Delivered,
        }
    }
}
