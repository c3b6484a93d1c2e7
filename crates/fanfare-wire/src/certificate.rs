//! The certificate that a message's signature is checked with.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use fanfare_core::{SignatureVersion, Timestamp};
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::public_key::PublicKey;

/// The most bytes of PEM text that are read.
const PEM_BYTES_MAX: usize = 64 * 1024;

/// An X.509 certificate with an RSA key. Cloning copies a pointer.
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

struct Parts {
    pem: String,
    file_name: String,
    /// PKCS #1, DER.
    public_key: Vec<u8>,
    not_before_s: i64,
    not_after_s: i64,
}

impl Certificate {
    /// Reads the first certificate of a PEM text of at most 64 KiB; others, such as those of a chain, are carried along.
    ///
    /// # Errors
    /// [`CertificateError`] when there is none, it has no RSA key, or a private key is among the text: the text is published.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        if pem.len() > PEM_BYTES_MAX {
            return Err(CertificateError("is too large"));
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(CertificateError("comes with a private key"));
        }
        let block = Pem::iter_from_buffer(pem.as_bytes())
            .map_while(Result::ok)
            .find(|block| block.label == "CERTIFICATE")
            .ok_or(CertificateError("is not pem"))?;
        let x509 = block.parse_x509().map_err(|_| CertificateError("is not x.509"))?;
        Ok(Self(Arc::new(Parts {
            pem: pem.to_owned(),
            file_name: file_name(&block.contents),
            public_key: rsa_public_key(&x509)?,
            not_before_s: x509.validity().not_before.timestamp(),
            not_after_s: x509.validity().not_after.timestamp(),
        })))
    }

    /// The PEM text, as `SigningCertURL` serves it.
    pub fn pem(&self) -> &str {
        &self.0.pem
    }

    /// The last part of its `SigningCertURL`: `SimpleNotificationService-`, 32 lower-case hex digits and `.pem`. The digits
    /// are a hash of the certificate, so no two certificates share a name.
    pub fn file_name(&self) -> &str {
        &self.0.file_name
    }

    /// Whether `time` is within the period for which the certificate is valid, both ends included.
    pub fn is_valid_at(&self, time: Timestamp) -> bool {
        (self.0.not_before_s..=self.0.not_after_s).contains(&time.unix_ms().div_euclid(1000))
    }

    /// Whether `signature` is a signature of `text` by the certificate's key.
    pub fn verifies(&self, version: SignatureVersion, text: &[u8], signature: &[u8]) -> bool {
        let algorithm: &RsaParameters = match version {
            SignatureVersion::V1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            SignatureVersion::V2 => &RSA_PKCS1_2048_8192_SHA256,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, self.public_key()).verify(text, signature).is_ok()
    }

    /// The key: PKCS #1, DER.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.0.public_key
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.0.file_name).finish()
    }
}

/// The name under which the certificate of these DER bytes is served.
fn file_name(der: &[u8]) -> String {
    let hash = digest(&SHA256, der);
    let hex: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("SimpleNotificationService-{hex}.pem")
}

fn rsa_public_key(x509: &X509Certificate<'_>) -> Result<Vec<u8>, CertificateError> {
    let info = x509.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(_)) => Ok(info.subject_public_key.data.to_vec()),
        _ => Err(CertificateError("has no rsa key")),
    }
}

/// A text that is no certificate that messages can be signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateError(&'static str);

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate {}", self.0)
    }
}

impl Error for CertificateError {}
