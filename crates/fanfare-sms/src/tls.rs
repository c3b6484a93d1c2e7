//! Whose certificates gateways and networks may show. One cryptographic provider, handed over and never looked up.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::config::ConfigError;

/// The authorities that are trusted.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    systems: Systems,
}

/// Whether the authorities that the system trusts are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Systems {
    #[default]
    Trusted,
    LeftOut,
}

impl Trust {
    /// Trusts the authorities in `pem`, too.
    pub(crate) fn add(&mut self, pem: &[u8]) -> Result<(), ConfigError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let read = read.map_err(|error| ConfigError::because("the certificates cannot be read as PEM", error))?;
        if read.is_empty() {
            return Err(ConfigError::new("there is no certificate in the PEM text of certificates"));
        }
        self.authorities.extend(read);
        Ok(())
    }

    pub(crate) fn leave_out_the_systems(&mut self) {
        self.systems = Systems::LeftOut;
    }

    /// A client of TLS 1.2 and 1.3.
    pub(crate) fn client(&self) -> Result<ClientConfig, ConfigError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.systems {
            Systems::Trusted => {
                let verifier = Verifier::new_with_extra_roots(self.authorities.iter().cloned(), Arc::clone(&provider));
                Arc::new(verifier.map_err(|error| {
                    let words =
                        "the system's CA certificates cannot be used: install them, or leave them out and give others";
                    ConfigError::because(words, error)
                })?)
            }
            Systems::LeftOut => {
                let mut roots = RootCertStore::empty();
                for authority in &self.authorities {
                    let unusable = |error| ConfigError::because("a CA certificate cannot be used", error);
                    roots.add(authority.clone()).map_err(unusable)?;
                }
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
                let nobody = "without the system's CA certificates, at least one must be given";
                verifier.build().map_err(|error| ConfigError::because(nobody, error))?
            }
        };
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let versions = versions.map_err(|error| ConfigError::because("the TLS versions are not available", error))?;
        Ok(versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("authorities", &self.authorities.len()).field("systems", &self.systems).finish()
    }
}
