//! The TLS client: whom it trusts and what it shows of itself. One cryptographic provider, handed over and never looked up.

use std::fmt;
use std::sync::Arc;

use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::config::ConfigError;

/// What the TLS clients of a connector share, so that the authorities are read once.
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// Whose certificates are accepted.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    leaves_out_the_systems: bool,
}

/// A client's certificate and its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads a certificate, with those that it depends on, and its private key, both PEM; nothing when one does not belong to
    /// the other.
    pub(crate) fn parse(chain_pem: &str, key_pem: &str) -> Option<Self> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain_pem.as_bytes()).collect::<Result<_, _>>().ok()?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).ok()?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        rustls::sign::CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).ok()?;
        Some(Self { chain, key })
    }
}

impl Tls {
    pub(crate) fn new(trust: &Trust) -> Result<Self, ConfigError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(Self { verifier: trust.verifier(Arc::clone(&provider))?, provider })
    }

    /// A client of TLS 1.2 and 1.3 that speaks the first of `protocols` that the server speaks.
    pub(crate) fn client(&self, identity: Option<&Identity>, protocols: &[&str]) -> Result<ClientConfig, ConfigError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::because("the TLS versions are not available", error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier));
        let mut client = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| ConfigError::because("the client's certificate and key cannot be used", error))?,
        };
        client.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(client)
    }
}

impl Trust {
    pub(crate) fn add_authorities(&mut self, pem: &[u8]) -> Result<(), ConfigError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| ConfigError::because("a PEM text of certificates cannot be read", error))?;
        if certificates.is_empty() {
            return Err(ConfigError::new("there is no certificate in a PEM text of certificates"));
        }
        self.authorities.extend(certificates);
        Ok(())
    }

    pub(crate) fn leave_out_the_systems(&mut self) {
        self.leaves_out_the_systems = true;
    }

    /// What can be seen without reading the system's authorities.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.leaves_out_the_systems && self.authorities.is_empty() {
            return Err(ConfigError::new("without the system's CA certificates, at least one must be given"));
        }
        Ok(())
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
        if !self.leaves_out_the_systems {
            return match Verifier::new_with_extra_roots(self.authorities.iter().cloned(), provider) {
                Ok(verifier) => Ok(Arc::new(verifier)),
                Err(error) => Err(ConfigError::because(
                    "the system's CA certificates cannot be used: install them, or give your own and leave out the \
                     system's",
                    error,
                )),
            };
        }
        let mut roots = RootCertStore::empty();
        for certificate in &self.authorities {
            roots
                .add(certificate.clone())
                .map_err(|error| ConfigError::because("a CA certificate cannot be used", error))?;
        }
        match WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build() {
            Ok(verifier) => Ok(verifier),
            Err(error) => {
                Err(ConfigError::because("without the system's CA certificates, at least one must be given", error))
            }
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("authorities", &self.authorities.len())
            .field("leaves_out_the_systems", &self.leaves_out_the_systems)
            .finish()
    }
}
