//! The private key that messages are signed with, and its certificate.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_core::{Host as _, SignatureVersion, SystemHost, Timestamp};
use rcgen::{CertificateParams, DnType, IsCa, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::certificate::Certificate;

/// The name on Amazon SNS's own certificates. Some verifiers compare it.
pub const CERTIFICATE_NAME: &str = "sns.amazonaws.com";

/// The sizes of keys that are accepted, in bits. Amazon SNS's have 2,048; a signature costs the cube of the size.
const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// How long a certificate that we make is valid: ten years, since whoever runs a server of their own seldom renews it.
const VALIDITY: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How long before it is made a certificate is valid already, for verifiers whose clock is slow.
const VALID_BEFORE: Duration = Duration::from_secs(24 * 60 * 60);

/// The line with which a certificate begins in PEM.
const CERTIFICATE_BEGINS: &str = "-----BEGIN CERTIFICATE-----";

/// An RSA private key with a certificate for it. Cloning copies a pointer.
#[derive(Clone)]
pub struct SigningKey(Arc<Parts>);

struct Parts {
    /// Signs with SHA-256.
    pair: KeyPair,
    /// The same key for SHA-1, which the other implementation refuses to sign.
    legacy: fanfare_rsa_sha1::Key,
    certificate: Certificate,
}

impl SigningKey {
    /// Makes a key of 2,048 bits and a self-signed certificate with the common name and the alternative name `name` (see
    /// [`CERTIFICATE_NAME`]), valid for ten years from now.
    ///
    /// It computes for about a fifth of a second: call it on a thread that may block.
    ///
    /// # Errors
    /// [`KeyErrorKind::Generation`] when there is no randomness or `name` cannot stand in a certificate.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let failed = |error: rcgen::Error| KeyError::new(KeyErrorKind::Generation, error);
        let pair = rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failed)?;
        let x509 =
            certificate_params(name, SystemHost.now()).and_then(|params| params.self_signed(&pair)).map_err(failed)?;
        let pair = KeyPair::from_pkcs8(pair.serialized_der())
            .map_err(|error| KeyError::new(KeyErrorKind::Generation, error))?;
        Self::from_parts(pair, &x509.pem())
    }

    /// Reads a private key (PEM, PKCS #8 or PKCS #1, 2,048 to 4,096 bits) and its certificate (PEM, the first counts).
    ///
    /// # Errors
    /// [`KeyErrorKind::PrivateKey`] or [`KeyErrorKind::Certificate`] for the one that is not readable,
    /// [`KeyErrorKind::Mismatch`] when the certificate is for another key.
    pub fn from_pem(private_key: &str, certificate: &str) -> Result<Self, KeyError> {
        // What the parser says could quote the key.
        let unreadable = || KeyError { kind: KeyErrorKind::PrivateKey, source: None };
        let pair = match PrivateKeyDer::from_pem_slice(private_key.as_bytes()).map_err(|_| unreadable())? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(unreadable()),
        };
        Self::from_parts(pair.map_err(|error| KeyError::new(KeyErrorKind::PrivateKey, error))?, certificate)
    }

    /// The private key as PEM text (PKCS #8), to keep in a safe place. The certificate is [`SigningKey::certificate`]'s.
    pub fn to_pem(&self) -> String {
        let der = pkcs8(&self.0.pair).expect("it had a form in DER when it was read");
        let body = BASE64.encode(der);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    }

    /// The private key and the certificate in one PEM text, to keep in a safe place.
    pub fn to_pem_bundle(&self) -> String {
        format!("{}{}", self.to_pem(), self.certificate().pem())
    }

    /// Reads what [`SigningKey::to_pem_bundle`] wrote.
    ///
    /// # Errors
    /// As [`SigningKey::from_pem`].
    pub fn from_pem_bundle(bundle: &str) -> Result<Self, KeyError> {
        let (private_key, certificate) = bundle.split_at(bundle.find(CERTIFICATE_BEGINS).unwrap_or(bundle.len()));
        Self::from_pem(private_key, certificate)
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    fn from_parts(pair: KeyPair, certificate: &str) -> Result<Self, KeyError> {
        let certificate =
            Certificate::from_pem(certificate).map_err(|error| KeyError::new(KeyErrorKind::Certificate, error))?;
        let unusable = || KeyError { kind: KeyErrorKind::PrivateKey, source: None };
        if !KEY_BITS.contains(&(pair.public_modulus_len() * 8)) {
            return Err(unusable());
        }
        if pair.public_key().as_ref() != certificate.public_key() {
            return Err(KeyError { kind: KeyErrorKind::Mismatch, source: None });
        }
        let legacy = pkcs8(&pair).and_then(|der| fanfare_rsa_sha1::Key::from_pkcs8(&der)).ok_or_else(unusable)?;
        Ok(Self(Arc::new(Parts { pair, legacy, certificate })))
    }

    /// Signs `text`, in about half a millisecond; nothing when there is no randomness, or no such version.
    pub(crate) fn sign(&self, version: SignatureVersion, text: &[u8]) -> Option<Vec<u8>> {
        match version {
            SignatureVersion::V1 => self.0.legacy.sign(text),
            SignatureVersion::V2 => {
                let mut signature = vec![0; self.0.pair.public_modulus_len()];
                self.0.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
            _ => None,
        }
    }
}

impl fmt::Debug for SigningKey {
    /// The private key stays out of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("certificate", self.certificate()).finish_non_exhaustive()
    }
}

fn certificate_params(name: &str, now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let from = |time: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + time.since(Timestamp::EPOCH);
    params.not_before = from(now - VALID_BEFORE);
    params.not_after = from(now + VALIDITY);
    Ok(params)
}

/// The key in DER, PKCS #8.
fn pkcs8(pair: &KeyPair) -> Option<Vec<u8>> {
    pair.as_der().ok().map(|der| der.as_ref().to_vec())
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// No key could be made, or no certificate of that name.
    Generation,
    /// The private key is not readable, is not RSA, or has an unacceptable size.
    PrivateKey,
    /// The certificate is not readable.
    Certificate,
    /// The certificate is for another key.
    Mismatch,
}

/// A key that cannot be used, or could not be made. It never tells the key.
#[derive(Debug)]
pub struct KeyError {
    kind: KeyErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl KeyError {
    fn new(kind: KeyErrorKind, source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind, source: Some(Box::new(source)) }
    }

    /// What is wrong.
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            KeyErrorKind::Generation => "no signing key could be made",
            KeyErrorKind::PrivateKey => "the private key is not an rsa key of 2048 to 4096 bits in pem",
            KeyErrorKind::Certificate => "the signing key's certificate is not usable",
            KeyErrorKind::Mismatch => "the certificate is for another private key",
        })
    }
}

impl Error for KeyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
