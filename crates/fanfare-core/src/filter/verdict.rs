//! What a filter policy says of a message.

/// What a filter policy says of a message.
///
/// Exhaustive: a message is wanted or it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The subscription wants the message.
    Match,
    /// The subscription does not get the message, for this reason.
    FilteredOut(FilterReason),
}

impl Verdict {
    /// Whether the subscription wants the message.
    pub fn is_match(self) -> bool {
        self == Self::Match
    }
}

/// Why a message was filtered out, in the classes of Amazon SNS's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterReason {
    /// The attributes do not satisfy the policy.
    MessageAttributes,
    /// The text, a JSON object, does not satisfy the policy.
    MessageBody,
    /// A `String.Array` attribute holds no JSON array.
    InvalidAttributes,
    /// The message has no attributes, so that no policy on attributes can match, not even one that asks for absence.
    NoMessageAttributes,
    /// The text is not a JSON object.
    InvalidMessageBody,
}

impl FilterReason {
    /// Amazon SNS's metric that counts messages filtered out for this reason.
    pub fn metric_name(self) -> &'static str {
        match self {
            Self::MessageAttributes => "NumberOfNotificationsFilteredOut-MessageAttributes",
            Self::MessageBody => "NumberOfNotificationsFilteredOut-MessageBody",
            Self::InvalidAttributes => "NumberOfNotificationsFilteredOut-InvalidAttributes",
            Self::NoMessageAttributes => "NumberOfNotificationsFilteredOut-NoMessageAttributes",
            Self::InvalidMessageBody => "NumberOfNotificationsFilteredOut-InvalidMessageBody",
        }
    }
}
