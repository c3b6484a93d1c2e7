//! What a call is refused with: Amazon SNS's errors, and those of the protocol around them.

use std::fmt;

use fanfare::{SnsError, SnsErrorCode};

use crate::auth::AuthError;
use crate::query::ErrorResponse;

/// A call that was refused, as its caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: &'static str,
    status: u16,
    message: String,
}

impl Refusal {
    /// A code that [`SnsErrorCode`] does not have, with its HTTP status.
    pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into() }
    }

    /// `InvalidParameter` with the prefix that Amazon SNS puts before most of its texts.
    pub(crate) fn invalid_parameter(detail: impl fmt::Display) -> Self {
        SnsError::invalid_parameter(detail).into()
    }

    /// A parameter that has to be there and is not.
    pub(super) fn missing(parameter: &str) -> Self {
        Self::invalid_parameter(format_args!("{parameter} Reason: no value for required parameter"))
    }

    /// A member that has to be there and is not, in the words of the layer before Amazon SNS's own checks.
    pub(super) fn null(path: &str) -> Self {
        SnsError::new(
            SnsErrorCode::ValidationError,
            format!(
                "1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
            ),
        )
        .into()
    }

    /// Something that Amazon SNS has and this server does not.
    pub(super) fn unsupported_attribute(name: &str) -> Self {
        Self::invalid_parameter(format_args!("Attributes Reason: {name} is not supported by this server"))
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the client has to change something.
    pub(super) fn is_the_senders_fault(&self) -> bool {
        self.status < 500
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn response(&self) -> ErrorResponse<'_> {
        ErrorResponse::new(self.code, self.status, &self.message)
    }
}

impl From<SnsError> for Refusal {
    fn from(error: SnsError) -> Self {
        Self::new(error.code().as_str(), error.code().http_status(), error.message())
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::new(error.code().as_str(), error.code().http_status(), error.message())
    }
}
