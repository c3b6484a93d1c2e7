//! Why a filter policy is refused, in Amazon SNS's words.

use std::fmt;

use crate::error::SnsError;
use crate::json::{JsonError, Location};

/// A filter policy that is not acceptable.
///
/// `Display` gives Amazon SNS's bare text: a first line and, where there is a place to point at, a second one
/// (` at [Source: REDACTED ...; line: 1, column: 10]`). Lines and columns count from 1, columns in UTF-16 units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterPolicyError {
    kind: Kind,
    first_line: String,
    location: Option<Location>,
    /// Whether the line with the place comes twice.
    echoed: bool,
}

/// What stands before the text when it becomes the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `FilterPolicy: `.
    Policy,
    /// Nothing: the text speaks of the scope.
    Scope,
}

impl FilterPolicyError {
    /// The text without the line that says where in the policy the error is.
    pub fn first_line(&self) -> &str {
        &self.first_line
    }

    /// The answer to `Subscribe`: `Invalid parameter: Attributes Reason: FilterPolicy: ...`.
    pub fn subscribe_error(&self) -> SnsError {
        SnsError::invalid_parameter(format_args!("Attributes Reason: {}{self}", self.prefix()))
    }

    /// The answer to `SetSubscriptionAttributes`: `Invalid parameter: FilterPolicy: ...`.
    pub fn set_attributes_error(&self) -> SnsError {
        SnsError::invalid_parameter(format_args!("{}{self}", self.prefix()))
    }

    /// A policy that goes against the grammar, with the place that the grammar's reader had come to.
    pub(super) fn structure(first_line: String, location: Location) -> Self {
        Self { kind: Kind::Policy, first_line, location: Some(location), echoed: false }
    }

    /// The same refusal as the engine passes it on from inside a list of `anything-but`: with its place said again.
    pub(super) fn echoed(self) -> Self {
        Self { echoed: true, ..self }
    }

    /// A policy whose fault has no place: a limit, or an address that is none.
    pub(super) fn whole(first_line: impl Into<String>) -> Self {
        Self { kind: Kind::Policy, first_line: first_line.into(), location: None, echoed: false }
    }

    /// A scope that does not exist or does not go with the policy.
    pub(super) fn scope(first_line: String) -> Self {
        Self { kind: Kind::Scope, first_line, location: None, echoed: false }
    }

    /// A policy that is no JSON.
    pub(super) fn json(error: JsonError, text: &str) -> Self {
        let location = Location::of(text, error.offset());
        // Amazon SNS reads the JSON before it reads the policy, and says so; the engine's words for a non-number come
        // without that.
        let words = if error.is_non_number() { "" } else { "failed to parse JSON. " };
        Self::structure(format!("{words}{}", error.message()), location)
    }

    fn prefix(&self) -> &'static str {
        match self.kind {
            Kind::Policy => "FilterPolicy: ",
            Kind::Scope => "",
        }
    }
}

impl fmt::Display for FilterPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first_line)?;
        if let Some(location) = self.location {
            for _ in 0..=usize::from(self.echoed) {
                write!(f, "\n at {location}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for FilterPolicyError {}
