//! A key that signs e-mails, so that receivers can tell whose they are (RFC 6376).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use lettre::Message;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::HeaderName;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, LineEnding};
use rsa::pkcs8::DecodePrivateKey as _;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::ConfigError;

/// What is signed: everything that tells who wrote what to whom, and what mail programs act upon (RFC 8058 asks for both
/// headers of the list).
const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410).
const ED25519_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Signs e-mails for a domain, whose owner publishes the key at `<selector>._domainkey.<domain>` in the DNS. `Debug` does
/// not show the key.
#[derive(Clone)]
pub struct Dkim {
    domain: String,
    selector: String,
    config: Arc<DkimConfig>,
}

impl Dkim {
    /// Signs with a private key in PEM: RSA (PKCS #1 or PKCS #8) or Ed25519 (PKCS #8), as `openssl genrsa` and
    /// `openssl genpkey` make them. `domain` should be that of the sender or a parent of it.
    ///
    /// # Errors
    /// When the key cannot be read, or `domain` or `selector` is no name in the DNS.
    pub fn new(domain: &str, selector: &str, key_pem: &str) -> Result<Self, ConfigError> {
        if !is_name(domain) || !is_name(selector) {
            return Err(ConfigError::new("the domain and the selector of DKIM are names in the DNS"));
        }
        let relaxed = DkimCanonicalizationType::Relaxed;
        let headers = SIGNED.map(|name| HeaderName::new_from_ascii(name.to_owned()).expect("it is a name"));
        let config = DkimConfig::new(
            selector.to_owned(),
            domain.to_owned(),
            signing_key(key_pem)?,
            headers.into(),
            DkimCanonicalization { header: relaxed, body: relaxed },
        );
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), config: Arc::new(config) })
    }

    pub(crate) fn sign(&self, message: &mut Message) {
        message.sign(&self.config);
    }
}

fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.split('.').all(is_label)
}

/// What the parsers say is not passed on, for it could quote the key.
fn signing_key(pem: &str) -> Result<DkimSigningKey, ConfigError> {
    let unreadable = || ConfigError::new("the DKIM key is no private key of RSA or Ed25519 in PEM");
    let pem = pem.trim();
    if pem.starts_with("-----BEGIN RSA PRIVATE KEY-----") {
        return DkimSigningKey::new(pem, DkimSigningAlgorithm::Rsa).map_err(|_| unreadable());
    }
    if let Ok(key) = RsaPrivateKey::from_pkcs8_pem(pem) {
        let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|_| unreadable())?;
        return DkimSigningKey::new(&pem, DkimSigningAlgorithm::Rsa).map_err(|_| unreadable());
    }
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())?;
    let seed = der.secret_pkcs8_der().strip_prefix(&ED25519_PREFIX).filter(|seed| seed.len() == 32);
    let seed = BASE64.encode(seed.ok_or_else(unreadable)?);
    DkimSigningKey::new(&seed, DkimSigningAlgorithm::Ed25519).map_err(|_| unreadable())
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dkim({}._domainkey.{})", self.selector, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use rsa::pkcs8::EncodePrivateKey as _;

    use super::*;

    /// The example of RFC 8410.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\n\
                           MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                           -----END PRIVATE KEY-----\n";

    #[test]
    fn keys_of_each_usual_form_are_read() {
        let rsa = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
        let pkcs1 = rsa.to_pkcs1_pem(LineEnding::LF).unwrap();
        let pkcs8 = rsa.to_pkcs8_pem(LineEnding::CRLF).unwrap();
        for pem in [pkcs1.as_str(), pkcs8.as_str(), ED25519, &format!("\n{ED25519}\n")] {
            Dkim::new("example.com", "s1", pem).unwrap();
        }
    }

    #[test]
    fn what_is_no_key_or_no_name_is_refused_without_showing_it() {
        let broken = ED25519.replace("MC4C", "MC4D");
        for (domain, selector, pem) in [
            ("example.com", "s1", ""),
            ("example.com", "s1", "hidden"),
            ("example.com", "s1", broken.as_str()),
            ("example.com", "s1", "-----BEGIN RSA PRIVATE KEY-----\nhidden\n-----END RSA PRIVATE KEY-----\n"),
            ("", "s1", ED25519),
            ("example.com; x=y", "s1", ED25519),
            ("example.com", "s 1", ED25519),
        ] {
            let error = Dkim::new(domain, selector, pem).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hidden") && !shown.contains("INTuctv5E1hK"), "{shown}");
        }
    }

    #[test]
    fn debug_names_where_the_key_is_published_and_shows_none_of_it() {
        let dkim = Dkim::new("example.com", "s1", ED25519).unwrap();
        assert_eq!(format!("{dkim:?}"), "Dkim(s1._domainkey.example.com)");
    }
}
