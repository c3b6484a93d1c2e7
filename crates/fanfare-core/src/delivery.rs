//! What one attempt to deliver came to.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::write_chain;

/// The most bytes of an endpoint's answer that receipts and errors keep.
pub const RESPONSE_BYTES_MAX: usize = 1024;

/// What one attempt came to.
pub type Outcome = Result<Receipt, DeliveryError>;

/// How long the parts of an attempt took, where an endpoint can tell them apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// To make a connection: looking up the name, connecting, TLS. Nothing when there was a connection already.
    pub connect: Option<Duration>,
    /// From the request to the first byte of the answer, connecting included.
    pub first_byte: Option<Duration>,
}

/// An endpoint's word that it has the notification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    status: Option<u16>,
    response: Option<String>,
    timing: Timing,
}

impl Receipt {
    /// A receipt without particulars.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the protocol's status number, such as HTTP's.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds what the endpoint answered; at most [`RESPONSE_BYTES_MAX`] bytes of it are kept.
    #[must_use]
    pub fn with_response(mut self, response: impl Into<String>) -> Self {
        self.response = Some(shortened(response.into()));
        self
    }

    /// Adds how long the parts of the attempt took.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// The protocol's status number.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The start of what the endpoint answered.
    pub fn response(&self) -> Option<&str> {
        self.response.as_deref()
    }

    /// How long the parts of the attempt took.
    pub fn timing(&self) -> Timing {
        self.timing
    }
}

/// What kind of thing went wrong: for people, logs and metrics. What follows from it is the [`Disposition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeliveryErrorKind {
    /// No connection was made: the name did not resolve, or the peer refused or was not there. Usually retried.
    Unreachable,
    /// The attempt took longer than it may. Usually retried.
    Timeout,
    /// The connection broke before the answer was complete. Usually retried.
    Interrupted,
    /// The peer's certificate or TLS handshake is not acceptable. Usually retried: certificates get renewed.
    Tls,
    /// The peer answered in a way that its protocol does not allow. Usually retried.
    Protocol,
    /// The peer asks for fewer notifications. Retried.
    Throttled,
    /// The peer says that it is the one with the problem. Retried.
    Unavailable,
    /// The peer refuses this notification. Not retried.
    Rejected,
    /// The peer refuses our credentials, or we have none. Not retried.
    Unauthorized,
    /// There is no such endpoint, queue, function or device. Not retried.
    NotFound,
    /// The notification cannot be expressed in the protocol: too large, or made of characters that it lacks. Not retried.
    Unsupported,
    /// The egress rules forbid the address. Not retried.
    EgressDenied,
    /// We are not able to make the request: a key is missing, or a setting is wrong. Usually retried: an operator mends it.
    Misconfigured,
    /// The endpoint's own code panicked. Retried.
    Panicked,
}

impl DeliveryErrorKind {
    /// A short name for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not-found",
            Self::Unsupported => "unsupported",
            Self::EgressDenied => "egress-denied",
            Self::Misconfigured => "misconfigured",
            Self::Panicked => "panicked",
        }
    }
}

/// What the engine does about a failed attempt. It is exhaustive because the engine must answer every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Disposition {
    /// Try again by the retry schedule, and not before `after` has passed when the peer asked for that.
    Retry {
        /// What the peer asked for, as in HTTP's `Retry-After`.
        after: Option<Duration>,
    },
    /// This notification will never be taken: it becomes a dead letter.
    Reject,
    /// No notification will be taken any more: this one becomes a dead letter, and observers are told, so that whoever owns
    /// the endpoint can turn it off. Further notifications are attempted until then.
    Disable,
}

/// A failed attempt: its kind for people, its disposition for the engine, and the story for the operator.
///
/// `Display` is one lower-case line without secrets: the context, and the source where there is one.
#[derive(Debug)]
pub struct DeliveryError {
    kind: DeliveryErrorKind,
    disposition: Disposition,
    context: String,
    status: Option<u16>,
    response: Option<String>,
    timing: Timing,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl DeliveryError {
    /// An error to be retried by the schedule. `context` is a lower-case phrase that names no secret.
    pub fn retry(kind: DeliveryErrorKind, context: impl Into<String>) -> Self {
        Self::new(kind, Disposition::Retry { after: None }, context)
    }

    /// An error that ends this notification's deliveries.
    pub fn reject(kind: DeliveryErrorKind, context: impl Into<String>) -> Self {
        Self::new(kind, Disposition::Reject, context)
    }

    /// An error with any disposition.
    pub fn new(kind: DeliveryErrorKind, disposition: Disposition, context: impl Into<String>) -> Self {
        Self {
            kind,
            disposition,
            context: context.into(),
            status: None,
            response: None,
            timing: Timing::default(),
            source: None,
        }
    }

    /// Adds the protocol's status number, such as HTTP's.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds what the endpoint answered; at most [`RESPONSE_BYTES_MAX`] bytes of it are kept.
    #[must_use]
    pub fn with_response(mut self, response: impl Into<String>) -> Self {
        self.response = Some(shortened(response.into()));
        self
    }

    /// Adds how long the parts of the attempt took.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> DeliveryErrorKind {
        self.kind
    }

    /// What the engine does about it.
    pub fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// The protocol's status number.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The start of what the endpoint answered.
    pub fn response(&self) -> Option<&str> {
        self.response.as_deref()
    }

    /// How long the parts of the attempt took.
    pub fn timing(&self) -> Timing {
        self.timing
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(f, &self.context, self.source())
    }
}

impl Error for DeliveryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Cuts `text` to what is kept, at the end of a character.
fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(RESPONSE_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_at_the_end_of_a_character() {
        let receipt = Receipt::new().with_response("é".repeat(RESPONSE_BYTES_MAX));
        assert_eq!(receipt.response().unwrap().len(), RESPONSE_BYTES_MAX);
        let receipt = Receipt::new().with_response(format!("a{}", "é".repeat(RESPONSE_BYTES_MAX)));
        assert_eq!(receipt.response().unwrap().len(), RESPONSE_BYTES_MAX - 1);
    }

    #[test]
    fn an_error_prints_its_whole_chain_in_one_line() {
        let error = DeliveryError::retry(DeliveryErrorKind::Unreachable, "no connection to 127.0.0.1:9")
            .with_source(std::io::Error::other("connection refused"));
        assert_eq!(error.to_string(), "no connection to 127.0.0.1:9: connection refused");
    }
}
