//! What a caller is told when a request is refused, in Amazon SNS's own codes and words.

use std::fmt;

/// The codes of Amazon SNS's errors, spelled on the wire as [`SnsErrorCode::as_str`] gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnsErrorCode {
    /// A parameter is missing or has a value that is not allowed.
    InvalidParameter,
    /// A message attribute is not acceptable.
    ParameterValueInvalid,
    /// A required member is null.
    ValidationError,
    /// The topic, subscription or endpoint does not exist.
    NotFound,
    /// The caller may not do this.
    AuthorizationError,
    /// The topic cannot take another subscription.
    SubscriptionLimitExceeded,
    /// There cannot be another topic.
    TopicLimitExceeded,
    /// The topic cannot take another filter policy.
    FilterPolicyLimitExceeded,
    /// The service cannot take more work now; try again later.
    Throttled,
    /// Something is wrong on our side; try again.
    InternalError,
}

impl SnsErrorCode {
    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameter => "InvalidParameter",
            Self::ParameterValueInvalid => "ParameterValueInvalid",
            Self::ValidationError => "ValidationError",
            Self::NotFound => "NotFound",
            Self::AuthorizationError => "AuthorizationError",
            Self::SubscriptionLimitExceeded => "SubscriptionLimitExceeded",
            Self::TopicLimitExceeded => "TopicLimitExceeded",
            Self::FilterPolicyLimitExceeded => "FilterPolicyLimitExceeded",
            Self::Throttled => "Throttled",
            Self::InternalError => "InternalError",
        }
    }

    /// The HTTP status that goes with the code.
    pub fn http_status(self) -> u16 {
        match self {
            Self::InvalidParameter | Self::ParameterValueInvalid | Self::ValidationError => 400,
            Self::AuthorizationError
            | Self::SubscriptionLimitExceeded
            | Self::TopicLimitExceeded
            | Self::FilterPolicyLimitExceeded => 403,
            Self::NotFound => 404,
            Self::Throttled => 429,
            Self::InternalError => 500,
        }
    }
}

/// A request that was refused: Amazon SNS's code and its message, which says what is wrong.
///
/// Nothing was changed and nothing was accepted when one of these is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnsError {
    code: SnsErrorCode,
    message: String,
}

impl SnsError {
    /// An error with its code and the text that the caller sees.
    pub fn new(code: SnsErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// `InvalidParameter` with the prefix that Amazon SNS puts before most of its texts.
    pub fn invalid_parameter(detail: impl fmt::Display) -> Self {
        Self::new(SnsErrorCode::InvalidParameter, format!("Invalid parameter: {detail}"))
    }

    /// `NotFound`, for the thing named.
    pub fn not_found(what: &str) -> Self {
        Self::new(SnsErrorCode::NotFound, format!("{what} does not exist"))
    }

    /// The code.
    pub fn code(&self) -> SnsErrorCode {
        self.code
    }

    /// The text, as Amazon SNS words it where it has one.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for SnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for SnsError {}

/// Prints an error in one line: what was attempted, and everything underneath.
pub(crate) fn write_chain(
    f: &mut fmt::Formatter<'_>,
    context: &str,
    source: Option<&(dyn std::error::Error + 'static)>,
) -> fmt::Result {
    f.write_str(context)?;
    let mut next = source;
    while let Some(cause) = next {
        write!(f, ": {cause}")?;
        next = cause.source();
    }
    Ok(())
}
