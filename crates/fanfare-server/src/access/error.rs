//! Why a document is not an access policy.

use std::fmt;

/// Why a document is not an access policy. [`PolicyError::message`] is what Amazon SNS says; `Display` says what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is not JSON, or not of the form of a policy, or not about this topic. Amazon SNS does not say what is wrong.
    Malformed(String),
    /// A principal that there cannot be.
    PrincipalNotFound(String),
    /// An action that topics do not have.
    OutOfServiceScope(String),
    /// It has more bytes, statements or principals than a policy may have.
    TooLarge(String),
}

impl PolicyError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }

    /// The text for the caller, which follows `Invalid parameter: `.
    pub fn message(&self) -> String {
        match self {
            Self::Malformed(_) => "Policy Error: null".to_owned(),
            Self::PrincipalNotFound(_) => "Policy Error: PrincipalNotFound".to_owned(),
            Self::OutOfServiceScope(_) => "Policy statement action out of service scope!".to_owned(),
            Self::TooLarge(reason) => format!("Policy Reason: {reason}"),
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) | Self::TooLarge(reason) => f.write_str(reason),
            Self::PrincipalNotFound(principal) => write!(f, "{principal:?} is not a principal"),
            Self::OutOfServiceScope(action) => write!(f, "topics have no action {action:?}"),
        }
    }
}

impl std::error::Error for PolicyError {}
