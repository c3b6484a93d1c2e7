//! Why a step failed, in one line for the person at the terminal.

use std::fmt;

/// Why a step failed, or why the program could not begin.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure that `reason`, one lower-case line, explains.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
