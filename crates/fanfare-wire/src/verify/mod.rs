//! Checking that a received message comes from a trusted SNS server.
//!
//! What is checked, in this order: the size and structure of the body; that the certificate's URL is on the trusted server;
//! that the certificate's key made the signature. What is deliberately not checked: the certificate's chain and name, which
//! trust in the server's own URL replaces; and its dates, unless [`Verifier::verify_at`] is called, since a queue may hand
//! out messages that are older than a change of certificate.
//!
//! `SignatureVersion` is believed, so an event of Lambda that says 1 while its signature is over SHA-256 is refused; Amazon
//! has been seen to make such events for topics that use version 2.
//!
//! Nothing here opens a connection. `SubscribeURL` is never followed: whether to is the subscriber's decision.

mod body;
mod error;
mod message;
mod source;
mod trust;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use fanfare_core::{SignatureVersion, Timestamp};

use crate::canonical::canonical_string;
use crate::certificate::Certificate;
use crate::links::LinksError;

use body::Received;
use trust::Trust;

pub use body::BODY_BYTES_MAX;
pub use error::{VerifyError, VerifyErrorKind};
pub use message::{ReceivedAttribute, VerifiedConfirmation, VerifiedMessage, VerifiedNotification};
pub use source::{CertificateSource, SourceError};

/// How many certificates are kept. A server has one, or two while it changes to a new one; Amazon SNS has them by region.
const CERTIFICATES_MAX: usize = 32;

/// Verifies messages of Amazon SNS, or of one server of one's own.
///
/// Certificates are kept by URL, at most 32 of them; only those that have verified a message are, so forged messages cannot
/// displace them.
pub struct Verifier {
    trust: Trust,
    source: Box<dyn CertificateSource>,
    sha1: Sha1,
    /// The certificates by URL, the oldest first. Locked to look or to add, never while waiting.
    certificates: Mutex<Vec<(String, Certificate)>>,
}

/// Whether signatures of version 1, which are over SHA-1, count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sha1 {
    Accepted,
    Refused,
}

impl Verifier {
    /// Trusts Amazon SNS: certificates at
    /// `https://sns.<region>.amazonaws.com[.cn]/SimpleNotificationService-<hex digits>.pem` and nowhere else, however
    /// similar. A region is a name such as `us-gov-east-1`; that of a bucket of files is none. Regions under another domain than
    /// `amazonaws.com` are for [`Verifier::trusting`].
    pub fn amazon(source: impl CertificateSource) -> Self {
        Self::new(Trust::Amazon, source)
    }

    /// Trusts the server whose links begin with `base`, such as `https://sns.example.com`: certificates at
    /// `<base>/SimpleNotificationService-<hex digits>.pem`, and nowhere else.
    ///
    /// With an `http` base, whoever can change what the network carries can forge messages: for tests alone.
    ///
    /// # Errors
    /// As [`Links::new`](crate::Links::new).
    pub fn trusting(base: &str, source: impl CertificateSource) -> Result<Self, LinksError> {
        Ok(Self::new(Trust::base(base)?, source))
    }

    fn new(trust: Trust, source: impl CertificateSource) -> Self {
        Self { trust, source: Box::new(source), sha1: Sha1::Accepted, certificates: Mutex::default() }
    }

    /// Refuses `SignatureVersion` 1, which is over SHA-1 and what topics use unless they are told otherwise.
    #[must_use]
    pub fn refusing_sha1(mut self) -> Self {
        self.sha1 = Sha1::Refused;
        self
    }

    /// Verifies `body`: the JSON that came by HTTP, SQS or email, or the `Sns` object of a Lambda event.
    ///
    /// The certificate may have expired: this is what the validators that Amazon SNS recommends do.
    ///
    /// # Errors
    /// [`VerifyError`]: the message is not to be trusted, or its certificate was not to be had now.
    pub async fn verify(&self, body: &[u8]) -> Result<VerifiedMessage, VerifyError> {
        self.verify_with(body, |_| true).await
    }

    /// As [`Verifier::verify`], and the certificate has to be valid at `now`.
    ///
    /// # Errors
    /// As [`Verifier::verify`], and [`VerifyErrorKind::CertificateExpired`].
    pub async fn verify_at(&self, body: &[u8], now: Timestamp) -> Result<VerifiedMessage, VerifyError> {
        self.verify_with(body, |certificate| certificate.is_valid_at(now)).await
    }

    async fn verify_with(
        &self,
        body: &[u8],
        acceptable: impl Fn(&Certificate) -> bool + Send,
    ) -> Result<VerifiedMessage, VerifyError> {
        let received = Received::parse(body)?;
        if received.version == SignatureVersion::V1 && self.sha1 == Sha1::Refused {
            return Err(VerifyErrorKind::UnsupportedVersion.into());
        }
        let url = &*received.signing_cert_url;
        let base = self.trust.base_of(url).ok_or(VerifyErrorKind::UntrustedCertificateUrl)?.to_owned();
        let known = self.known(url);
        let is_new = known.is_none();
        let certificate = match known {
            Some(certificate) => certificate,
            None => self.fetch(url).await?,
        };
        if !acceptable(&certificate) {
            return Err(VerifyErrorKind::CertificateExpired.into());
        }
        let text = canonical_string(&received.signed_parts());
        if !certificate.verifies(received.version, text.as_bytes(), &received.signature) {
            return Err(VerifyErrorKind::WrongSignature.into());
        }
        if is_new {
            self.keep(url, certificate);
        }
        Ok(VerifiedMessage::new(received, base))
    }

    async fn fetch(&self, url: &str) -> Result<Certificate, VerifyError> {
        let pem = self
            .source
            .certificate(url)
            .await
            .map_err(|error| VerifyError::caused(VerifyErrorKind::CertificateUnavailable, error))?;
        Certificate::from_pem(&pem)
            .map_err(|error| VerifyError::caused(VerifyErrorKind::CertificateUnreadable, error.into()))
    }

    fn known(&self, url: &str) -> Option<Certificate> {
        let certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        certificates.iter().find(|(known, _)| known == url).map(|(_, certificate)| certificate.clone())
    }

    fn keep(&self, url: &str, certificate: Certificate) {
        let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        // Another message may have brought the same one meanwhile.
        certificates.retain(|(known, _)| known != url);
        if certificates.len() == CERTIFICATES_MAX {
            certificates.remove(0);
        }
        certificates.push((url.to_owned(), certificate));
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("trust", &self.trust).field("sha1", &self.sha1).finish_non_exhaustive()
    }
}
