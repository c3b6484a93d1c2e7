//! Attempts that are to fail because a test asked for it.

use fanfare::{DeliveryError, DeliveryErrorKind, Disposition, Protocol};
use serde::{Deserialize, Serialize};

/// The next attempts that are to fail.
///
/// As JSON: `{"protocol": "sms", "destination": "+15550100", "times": 3, "kind": "retry"}`. What is left out does not count,
/// and `times` is then 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Failure {
    /// Attempts over this protocol alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Attempts to this address alone, as it was subscribed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// How many attempts.
    #[serde(default = "once")]
    pub times: u32,
    /// What the engine is told.
    pub kind: FailureKind,
}

/// What the engine is told of an attempt that is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FailureKind {
    /// The receiver has a problem now: it is tried again by the retry schedule.
    Retry,
    /// The receiver will never take this notification: it becomes a dead letter.
    Reject,
    /// The receiver is gone for good: it becomes a dead letter, and what owns the address is told.
    Disable,
}

fn once() -> u32 {
    1
}

impl Failure {
    /// Lets the next `times` attempts fail, to wherever.
    pub fn new(kind: FailureKind, times: u32) -> Self {
        Self { protocol: None, destination: None, times, kind }
    }

    /// Whether an attempt over `protocol` to `address` is meant.
    pub(super) fn means(&self, protocol: &Protocol, address: &str) -> bool {
        self.times > 0
            && self.protocol.as_ref().is_none_or(|asked| asked == protocol)
            && self.destination.as_deref().is_none_or(|asked| asked == address)
    }

    /// What the attempt came to.
    pub(super) fn error(&self) -> DeliveryError {
        let (kind, disposition) = match self.kind {
            FailureKind::Retry => (DeliveryErrorKind::Unavailable, Disposition::Retry { after: None }),
            FailureKind::Reject => (DeliveryErrorKind::Rejected, Disposition::Reject),
            FailureKind::Disable => (DeliveryErrorKind::NotFound, Disposition::Disable),
        };
        DeliveryError::new(kind, disposition, "a test asked for this failure")
    }
}
