//! Where certificates come from.

use std::error::Error;

use async_trait::async_trait;

/// Whatever went wrong when a certificate was fetched.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Fetches certificates for a [`Verifier`](super::Verifier).
///
/// - It is asked for URLs on the trusted server alone. It must not follow redirects, which may lead elsewhere.
/// - Certificates that have verified a message are not asked for again, but a forged message can make it be asked for one
///   that does not exist, again and again: bound the time, the size of the answer (64 KiB is plenty) and the rate.
/// - A closure `Fn(&str) -> Result<String, SourceError>` is a source that need not wait, such as one that reads a file.
#[async_trait]
pub trait CertificateSource: Send + Sync + 'static {
    /// The PEM text at `url`.
    async fn certificate(&self, url: &str) -> Result<String, SourceError>;
}

#[async_trait]
impl<F> CertificateSource for F
where
    F: Fn(&str) -> Result<String, SourceError> + Send + Sync + 'static,
{
    async fn certificate(&self, url: &str) -> Result<String, SourceError> {
        self(url)
    }
}
