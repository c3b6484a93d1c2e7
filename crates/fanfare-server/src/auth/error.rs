//! What a caller is told whose signature is not accepted, in AWS's common codes and words.

use std::fmt;

/// The codes of refused signatures, spelled on the wire as [`AuthErrorCode::as_str`] gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorCode {
    /// The request is not signed at all.
    MissingAuthenticationToken,
    /// The signature is there, but a part of what it needs is missing, doubled or malformed.
    IncompleteSignature,
    /// There is no such access key.
    InvalidClientTokenId,
    /// The request is not the one that was signed, or it was signed with another secret, or for another service or day.
    SignatureDoesNotMatch,
    /// The signature is too old, or made for a time that has not come.
    RequestExpired,
}

impl AuthErrorCode {
    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature => "IncompleteSignature",
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            Self::RequestExpired => "RequestExpired",
        }
    }

    /// The HTTP status that goes with the code.
    pub fn http_status(self) -> u16 {
        match self {
            Self::IncompleteSignature | Self::RequestExpired => 400,
            Self::MissingAuthenticationToken | Self::InvalidClientTokenId | Self::SignatureDoesNotMatch => 403,
        }
    }
}

/// A request whose signature was not accepted: AWS's code and a message for the caller.
///
/// The message never holds a secret, nor the signature that would have been right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthError {
    code: AuthErrorCode,
    message: String,
}

impl AuthError {
    pub(super) fn new(code: AuthErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn unsigned() -> Self {
        Self::new(AuthErrorCode::MissingAuthenticationToken, "Request is missing Authentication Token")
    }

    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self::new(AuthErrorCode::IncompleteSignature, message)
    }

    pub(super) fn unknown_key() -> Self {
        Self::new(AuthErrorCode::InvalidClientTokenId, "The security token included in the request is invalid.")
    }

    /// The text is AWS's, word for word.
    pub(super) fn mismatch() -> Self {
        Self::new(
            AuthErrorCode::SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
             signing method. Consult the service documentation for details.",
        )
    }

    /// The scope of the credential is not the one that it should be.
    pub(super) fn scope(message: impl Into<String>) -> Self {
        Self::new(AuthErrorCode::SignatureDoesNotMatch, message)
    }

    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self::new(AuthErrorCode::RequestExpired, message)
    }

    /// The code.
    pub fn code(&self) -> AuthErrorCode {
        self.code
    }

    /// The text that the caller sees.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for AuthError {}

#[cfg(test)]
mod tests {
    use super::AuthErrorCode::*;

    #[test]
    fn codes_have_the_statuses_of_aws() {
        let table = [
            (MissingAuthenticationToken, "MissingAuthenticationToken", 403),
            (IncompleteSignature, "IncompleteSignature", 400),
            (InvalidClientTokenId, "InvalidClientTokenId", 403),
            (SignatureDoesNotMatch, "SignatureDoesNotMatch", 403),
            (RequestExpired, "RequestExpired", 400),
        ];
        for (code, text, status) in table {
            assert_eq!((code.as_str(), code.http_status()), (text, status));
        }
    }
}
