//! Why something was not taken in, as its sender is told.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fanfare::wire::{VerifyError, VerifyErrorKind};
use fanfare::{SnsError, SnsErrorCode};
use serde_json::json;

/// Something that was not taken in: a status below 500 is final, one from 500 asks the sender to try again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    /// The sender has to change something.
    pub(super) fn finally(status: StatusCode, why: impl Into<String>) -> Self {
        debug_assert!(status.is_client_error(), "a final refusal has a status of the sender's fault");
        Self { status, why: why.into() }
    }

    /// Something is wrong here, or on the way.
    pub(super) fn for_now(why: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, why: why.into() }
    }
}

impl From<VerifyError> for Refused {
    fn from(error: VerifyError) -> Self {
        match error.kind() {
            VerifyErrorKind::TooLarge => Self::finally(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            VerifyErrorKind::Malformed => Self::finally(StatusCode::BAD_REQUEST, error.to_string()),
            VerifyErrorKind::CertificateUnavailable | VerifyErrorKind::CertificateUnreadable => {
                Self::for_now(error.to_string())
            }
            _ => Self::finally(StatusCode::FORBIDDEN, error.to_string()),
        }
    }
}

impl From<SnsError> for Refused {
    /// A topic that is not there yet can still be made.
    fn from(error: SnsError) -> Self {
        match error.code() {
            SnsErrorCode::NotFound | SnsErrorCode::Throttled | SnsErrorCode::InternalError => {
                Self::for_now(error.message())
            }
            _ => Self::finally(StatusCode::BAD_REQUEST, error.message()),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.why }).to_string();
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}
