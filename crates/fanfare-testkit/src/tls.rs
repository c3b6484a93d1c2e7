//! A private certificate authority, and the identities that it issues.

use std::fmt;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A certificate authority of this test alone, with a fresh key.
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl TestCa {
    /// An authority that nobody trusts until they are given [`TestCa::certificate_pem`].
    #[expect(clippy::new_without_default, reason = "each one is another authority, which is no default")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "a test's own authority");
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect("a key can sign its own certificate");
        Self { issuer }
    }

    /// The authority's certificate, for a client to trust.
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server's identity for these host names and addresses.
    pub fn server_identity(&self, names: &[&str]) -> Identity {
        self.issue(server_params(names))
    }

    /// A server's identity whose time ran out long ago.
    pub fn expired_server_identity(&self, names: &[&str]) -> Identity {
        let mut params = server_params(names);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.issue(params)
    }

    /// A client's identity under this common name.
    pub fn client_identity(&self, name: &str) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> Identity {
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority can sign");
        Identity { certificate, key }
    }
}

impl fmt::Debug for TestCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestCa")
    }
}

/// A certificate and its private key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// The certificate.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key, as PKCS #8.
    pub fn private_key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Accepts TLS connections as this identity; with `clients`, only those that show a certificate of that authority.
    pub(crate) fn acceptor(&self, clients: Option<&TestCa>) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config(clients)))
    }

    /// The same for whoever speaks HTTP/2.
    #[cfg(feature = "push")]
    pub(crate) fn http2_acceptor(&self, clients: Option<&TestCa>) -> TlsAcceptor {
        let mut config = self.config(clients);
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    fn config(&self, clients: Option<&TestCa>) -> ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.issuer.der().clone()).expect("the authority's certificate is well formed");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .expect("there is an authority to trust");
                builder.with_client_cert_verifier(verifier)
            }
        };
        builder
            .with_single_cert(vec![self.certificate_der()], self.private_key_der())
            .expect("the key belongs to the certificate")
    }

    fn certificate_der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn private_key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are ASCII");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has random bytes to give")
}
