//! What part of a message a filter policy looks at.

use std::fmt;
use std::str::FromStr;

use super::error::FilterPolicyError;

/// What part of a message a filter policy looks at: Amazon SNS's `FilterPolicyScope`.
///
/// Exhaustive, because whoever evaluates policies must have an answer for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FilterPolicyScope {
    /// The message attributes; policies are flat. This is the default.
    #[default]
    MessageAttributes,
    /// The message's text, which must be a JSON object; policies may be nested.
    MessageBody,
}

impl FilterPolicyScope {
    /// The scope as Amazon SNS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageAttributes => "MessageAttributes",
            Self::MessageBody => "MessageBody",
        }
    }
}

impl fmt::Display for FilterPolicyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FilterPolicyScope {
    type Err = FilterPolicyError;

    /// Reads a scope in Amazon SNS's exact spelling.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "MessageAttributes" => Ok(Self::MessageAttributes),
            "MessageBody" => Ok(Self::MessageBody),
            _ => Err(FilterPolicyError::scope(format!(
                "FilterPolicyScope: Invalid value [{text}]. Please use either MessageBody or MessageAttributes"
            ))),
        }
    }
}
