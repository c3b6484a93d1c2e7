//! The private key that messages are signed with, and its certificate.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use fanfare_core::{Host as _, SignatureVersion, SystemHost, Timestamp};
use rcgen::{CertificateParams, DnType, IsCa, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use rsa::traits::PublicKeyParts as _;
use sha1::Sha1;

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
    fast: KeyPair,
    /// The same key for SHA-1, which the fast implementation refuses to sign.
    legacy: pkcs1v15::SigningKey<Sha1>,
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
        let private_key = RsaPrivateKey::from_pkcs8_der(pair.serialized_der())
            .map_err(|error| KeyError::new(KeyErrorKind::Generation, error))?;
        Self::from_parts(private_key, &x509.pem())
    }

    /// Reads a private key (PEM, PKCS #8 or PKCS #1, 2,048 to 4,096 bits) and its certificate (PEM, the first counts).
    ///
    /// # Errors
    /// [`KeyErrorKind::PrivateKey`] or [`KeyErrorKind::Certificate`] for the one that is not readable,
    /// [`KeyErrorKind::Mismatch`] when the certificate is for another key.
    pub fn from_pem(private_key: &str, certificate: &str) -> Result<Self, KeyError> {
        let private_key = RsaPrivateKey::from_pkcs8_pem(private_key)
            .or_else(|error| RsaPrivateKey::from_pkcs1_pem(private_key).map_err(|_| error))
            .map_err(|error| KeyError::new(KeyErrorKind::PrivateKey, error))?;
        Self::from_parts(private_key, certificate)
    }

    /// The private key as PEM text (PKCS #8), to keep in a safe place. The certificate is [`SigningKey::certificate`]'s.
    pub fn to_pem(&self) -> String {
        let key: &RsaPrivateKey = self.0.legacy.as_ref();
        key.to_pkcs8_pem(LineEnding::LF).expect("an rsa key has a pkcs #8 form").to_string()
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

    fn from_parts(private_key: RsaPrivateKey, certificate: &str) -> Result<Self, KeyError> {
        let certificate =
            Certificate::from_pem(certificate).map_err(|error| KeyError::new(KeyErrorKind::Certificate, error))?;
        if !KEY_BITS.contains(&private_key.n().bits()) {
            return Err(KeyError { kind: KeyErrorKind::PrivateKey, source: None });
        }
        let der = private_key.to_pkcs8_der().map_err(|error| KeyError::new(KeyErrorKind::PrivateKey, error))?;
        let fast =
            KeyPair::from_pkcs8(der.as_bytes()).map_err(|error| KeyError::new(KeyErrorKind::PrivateKey, error))?;
        if fast.public_key().as_ref() != certificate.public_key() {
            return Err(KeyError { kind: KeyErrorKind::Mismatch, source: None });
        }
        Ok(Self(Arc::new(Parts { fast, legacy: pkcs1v15::SigningKey::new(private_key), certificate })))
    }

    /// Signs `text`, in about half a millisecond (version 2) or two (version 1); nothing when there is no randomness, or no
    /// such version.
    pub(crate) fn sign(&self, version: SignatureVersion, text: &[u8]) -> Option<Vec<u8>> {
        match version {
            // With randomness, which blinds the arithmetic: it takes a time that says nothing about the key.
            SignatureVersion::V1 => self.0.legacy.try_sign_with_rng(&mut Random, text).ok().map(|made| made.to_vec()),
            SignatureVersion::V2 => {
                let mut signature = vec![0; self.0.fast.public_modulus_len()];
                self.0.fast.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
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

/// The operating system's randomness, in the shape in which the legacy implementation asks for it.
struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        SystemHost.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}

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
