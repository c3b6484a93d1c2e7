//! Why something could not be measured, in one line for the person at the terminal.

use std::fmt;

/// Why a workload, or the whole run, could not be measured.
pub(crate) struct Failure(String);

/// What comes of a step of a measurement.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure that `reason`, one lower-case line, explains.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The same failure while doing `act`.
    pub(crate) fn during(self, act: &str) -> Self {
        Self(format!("{act}: {}", self.0))
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(under) = cause {
            reason.push_str(&format!(": {under}"));
            cause = under.source();
        }
        Self(reason)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
