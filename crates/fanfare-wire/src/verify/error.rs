//! Why a message is not to be trusted.

use std::error::Error;
use std::fmt;

/// Why a message is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// The body has more than [`BODY_BYTES_MAX`](super::BODY_BYTES_MAX) bytes.
    TooLarge,
    /// The body is no SNS message: not one JSON object, a key given twice or missing, or a value that cannot be.
    Malformed,
    /// The message has no signature, as those of FIFO topics.
    Unsigned,
    /// The signature version is not known, or is not accepted.
    UnsupportedVersion,
    /// `SigningCertURL` is not on the trusted server.
    UntrustedCertificateUrl,
    /// The certificate was not to be had. The only kind that may pass: try the same message again later.
    CertificateUnavailable,
    /// What the source gave is no certificate with an RSA key.
    CertificateUnreadable,
    /// The certificate is not valid now: it has expired, or is not valid yet.
    CertificateExpired,
    /// The signature is not one of this message by the certificate's key.
    WrongSignature,
    /// The message is genuine, but the link that was asked for does not lead to the server that signed it.
    ForeignLink,
}

/// A message that is not to be trusted. It repeats nothing of the message.
#[derive(Debug)]
pub struct VerifyError {
    kind: VerifyErrorKind,
    detail: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl VerifyError {
    /// A body that is no SNS message, for the reason `detail`.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self { kind: VerifyErrorKind::Malformed, detail: Some(detail.into()), source: None }
    }

    pub(super) fn caused(kind: VerifyErrorKind, source: Box<dyn Error + Send + Sync>) -> Self {
        Self { kind, detail: None, source: Some(source) }
    }

    /// Why it is not to be trusted.
    pub fn kind(&self) -> VerifyErrorKind {
        self.kind
    }
}

impl From<VerifyErrorKind> for VerifyError {
    fn from(kind: VerifyErrorKind) -> Self {
        Self { kind, detail: None, source: None }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            VerifyErrorKind::TooLarge => "the message is too large",
            VerifyErrorKind::Malformed => "the body is no sns message",
            VerifyErrorKind::Unsigned => "the message is not signed",
            VerifyErrorKind::UnsupportedVersion => "the signature version is not accepted",
            VerifyErrorKind::UntrustedCertificateUrl => "the certificate is not on the trusted server",
            VerifyErrorKind::CertificateUnavailable => "the certificate is not available",
            VerifyErrorKind::CertificateUnreadable => "the certificate is not usable",
            VerifyErrorKind::CertificateExpired => "the certificate is not valid at this time",
            VerifyErrorKind::WrongSignature => "the signature is wrong",
            VerifyErrorKind::ForeignLink => "the link does not lead to the server that signed the message",
        })?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
