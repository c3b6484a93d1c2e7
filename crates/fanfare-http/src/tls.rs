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

/// Whose certificates are accepted, and the certificate that is shown to whoever asks.
#[derive(Default)]
pub(crate) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    system: System,
    identity: Option<Identity>,
}

/// Whether the authorities that the system trusts are trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum System {
    #[default]
    Trusted,
    LeftOut,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Trust {
    pub(crate) fn add_authorities(&mut self, pem: &[u8]) -> Result<(), ConfigError> {
        self.authorities.extend(certificates(pem)?);
        Ok(())
    }

    pub(crate) fn leave_out_the_systems(&mut self) {
        self.system = System::LeftOut;
    }

    pub(crate) fn set_identity(&mut self, chain_pem: &[u8], key_pem: &[u8]) -> Result<(), ConfigError> {
        let chain = certificates(chain_pem)?;
        // What the parser says could quote the key.
        let key = PrivateKeyDer::from_pem_slice(key_pem)
            .map_err(|_| ConfigError::new("there is no private key in the PEM text of the client's key"))?;
        self.identity = Some(Identity { chain, key });
        Ok(())
    }

    /// A client of TLS 1.2 and 1.3 that speaks HTTP/1.1.
    pub(crate) fn client(&self) -> Result<ClientConfig, ConfigError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::because("the TLS versions are not available", error))?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let mut client = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| ConfigError::because("the client's certificate and key cannot be used", error))?,
        };
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(client)
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
        if self.system == System::Trusted {
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

impl Clone for Trust {
    fn clone(&self) -> Self {
        Self {
            authorities: self.authorities.clone(),
            system: self.system,
            identity: self
                .identity
                .as_ref()
                .map(|Identity { chain, key }| Identity { chain: chain.clone(), key: key.clone_key() }),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("authorities", &self.authorities.len())
            .field("system", &self.system)
            .field("client_certificate", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// The certificates in `pem`, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| ConfigError::because("a PEM text of certificates cannot be read", error))?;
    if certificates.is_empty() {
        return Err(ConfigError::new("there is no certificate in a PEM text of certificates"));
    }
    Ok(certificates)
}
