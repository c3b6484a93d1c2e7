//! Why something is no event.

use std::error::Error;
use std::fmt;

/// Why something is no event, or cannot be a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEventError(String);

impl CloudEventError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for CloudEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for CloudEventError {}
