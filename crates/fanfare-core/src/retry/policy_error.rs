//! Why a delivery policy is refused, in Amazon SNS's words.

use std::fmt;

use crate::error::SnsError;

/// A `DeliveryPolicy` that is refused. It is the caller's mistake: nothing was stored, and trying again cannot help.
///
/// `Display` gives the text as it stands behind the prefix of the operation's error message, such as
/// `DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be greater than or equal to 1`; the operations' errors are
/// made by [`DeliveryPolicyError::for_subscribe`] and [`DeliveryPolicyError::for_set_attributes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicyError {
    kind: DeliveryPolicyErrorKind,
    detail: String,
}

/// What is wrong with the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeliveryPolicyErrorKind {
    /// The text is not JSON.
    Malformed,
    /// A member is not of the type that it must have; numbers must be integers.
    WrongType,
    /// A member that no policy has.
    UnknownMember,
    /// A member that must be there is not.
    MissingMember,
    /// A value outside its bounds, or none of those allowed.
    InvalidValue,
    /// All delays together take longer than an hour.
    WindowTooLong,
}

impl DeliveryPolicyError {
    pub(super) fn new(kind: DeliveryPolicyErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// What is wrong.
    pub fn kind(&self) -> DeliveryPolicyErrorKind {
        self.kind
    }

    /// The error of an operation that is given attributes as a map: Subscribe and CreateTopic.
    pub fn for_subscribe(&self) -> SnsError {
        SnsError::invalid_parameter(format_args!("Attributes Reason: {self}"))
    }

    /// The error of an operation that sets one attribute: SetSubscriptionAttributes and SetTopicAttributes.
    pub fn for_set_attributes(&self) -> SnsError {
        SnsError::invalid_parameter(self)
    }
}

impl fmt::Display for DeliveryPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryPolicy: {}", self.detail)
    }
}

impl std::error::Error for DeliveryPolicyError {}
