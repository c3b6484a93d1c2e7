//! Whose certificates relays may show.

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
    without_system: bool,
}

impl Trust {
    /// Trusts the authorities in `pem`, too.
    pub(crate) fn add(&mut self, pem: &[u8]) -> Result<(), ConfigError> {
        let before = self.authorities.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let unreadable = |error| ConfigError::because("a PEM text of certificates cannot be read", error);
            self.authorities.push(certificate.map_err(unreadable)?);
        }
        match self.authorities.len() > before {
            true => Ok(()),
            false => Err(ConfigError::new("there is no certificate in a PEM text of certificates")),
        }
    }

    /// Trusts none of the system's authorities.
    pub(crate) fn leave_out_the_systems(&mut self) {
        self.without_system = true;
    }

    /// A client of TLS 1.2 and 1.3, whose cryptographic provider is given and never looked up.
    pub(crate) fn client(&self) -> Result<ClientConfig, ConfigError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.without_system {
            false => {
                let verifier = Verifier::new_with_extra_roots(self.authorities.iter().cloned(), Arc::clone(&provider));
                Arc::new(verifier.map_err(|error| {
                    ConfigError::because(
                        "the system's CA certificates cannot be used: install them or give others",
                        error,
                    )
                })?)
            }
            true => {
                let mut roots = RootCertStore::empty();
                for certificate in &self.authorities {
                    let unusable = |error| ConfigError::because("a CA certificate cannot be used", error);
                    roots.add(certificate.clone()).map_err(unusable)?;
                }
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().map_err(
                    |error| ConfigError::because("without the system's CA certificates others must be given", error),
                )?
            }
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::because("the TLS versions are not available", error))?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("authorities", &self.authorities.len())
            .field("without_system", &self.without_system)
            .finish()
    }
}
