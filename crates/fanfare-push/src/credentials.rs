//! What a push service is asked with, read once from the texts of a platform application.

use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use fanfare_core::Platform;
use serde::Deserialize;

use crate::device::{Application, Parts};
use crate::tls::Identity;

/// Where Google gives out access tokens, unless a service account names another place.
const GOOGLE_TOKENS: &str = "https://oauth2.googleapis.com/token";

/// Credentials that can be used.
pub(crate) enum Credentials {
    /// Apple, by a signing key.
    AppleKey { key_id: String, team_id: String, key: EcdsaKeyPair, bundle_id: String },
    /// Apple, by a certificate; the app that it is for stands in it.
    AppleCertificate { identity: Identity, bundle_id: String },
    /// Firebase.
    Google(ServiceAccount),
    /// Web Push.
    Vapid(Vapid),
}

/// A service account of Google's.
pub(crate) struct ServiceAccount {
    pub(crate) project_id: String,
    pub(crate) client_email: String,
    pub(crate) key_id: Option<String>,
    pub(crate) key: RsaKeyPair,
    pub(crate) token_uri: String,
}

/// By what the services of Web Push know who sends (RFC 8292).
pub(crate) struct Vapid {
    pub(crate) key: EcdsaKeyPair,
    /// The public key in base64url.
    pub(crate) public_key: String,
    pub(crate) subject: Option<String>,
}

/// Why credentials cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvalidCredentials {
    /// They are not what the service takes.
    Wrong,
    /// Nothing goes to the platform but through Amazon SNS.
    OnlyThroughSns(Platform),
}

impl InvalidCredentials {
    /// The words of the API.
    pub(crate) fn to_parameter(self) -> String {
        match self {
            Self::Wrong => "Attributes Reason: Platform credentials are invalid".to_owned(),
            Self::OnlyThroughSns(_) => format!("Platform Reason: {self}"),
        }
    }
}

impl fmt::Display for InvalidCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong => f.write_str("the platform application's credentials are not what its push service takes"),
            Self::OnlyThroughSns(platform) => write!(
                f,
                "nothing goes to {platform} directly: let the application be one of Amazon SNS, and deliver through Amazon SNS"
            ),
        }
    }
}

impl std::error::Error for InvalidCredentials {}

impl Credentials {
    /// Reads what `application` has.
    pub(crate) fn parse(application: &Application) -> Result<Self, InvalidCredentials> {
        let parts = application.parts();
        let read = match parts.platform {
            Platform::Gcm => ServiceAccount::parse(&parts.credential).map(Self::Google),
            Platform::WebPush => Vapid::parse(&parts.principal, &parts.credential).map(Self::Vapid),
            platform if platform.is_apple() => Self::apple(parts),
            platform => return Err(InvalidCredentials::OnlyThroughSns(platform)),
        };
        read.ok_or(InvalidCredentials::Wrong)
    }

    fn apple(parts: &Parts) -> Option<Self> {
        let Parts { principal, credential, team_id, bundle_id, .. } = parts;
        if principal.contains("-----BEGIN ") {
            let identity = Identity::parse(principal, credential)?;
            return Some(Self::AppleCertificate { identity, bundle_id: bundle_id.clone() });
        }
        // Ten characters each, as Apple gives them out.
        let is_id = |id: &str| id.len() == 10 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !is_id(principal) || team_id.is_empty() || bundle_id.is_empty() {
            return None;
        }
        let key = signing_key(&pem(credential, "PRIVATE KEY")?)?;
        let [key_id, team_id, bundle_id] = [principal, team_id, bundle_id].map(Clone::clone);
        Some(Self::AppleKey { key_id, team_id, key, bundle_id })
    }
}

impl ServiceAccount {
    /// Reads the JSON text of a service account's key.
    fn parse(text: &str) -> Option<Self> {
        /// The members that are needed to ask for an access token, and to name the project.
        #[derive(Deserialize)]
        struct Fields {
            r#type: String,
            project_id: String,
            client_email: String,
            private_key: String,
            private_key_id: Option<String>,
            token_uri: Option<String>,
        }

        let fields: Fields = serde_json::from_str(text).ok()?;
        // The id becomes a part of a URL's path.
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        if fields.r#type != "service_account" || !is_id(&fields.project_id) || !fields.client_email.contains('@') {
            return None;
        }
        let key = RsaKeyPair::from_pkcs8(&pem(&fields.private_key, "PRIVATE KEY")?).ok()?;
        Some(Self {
            project_id: fields.project_id,
            client_email: fields.client_email,
            key_id: fields.private_key_id,
            key,
            token_uri: fields.token_uri.unwrap_or_else(|| GOOGLE_TOKENS.to_owned()),
        })
    }
}

impl Vapid {
    fn parse(principal: &str, credential: &str) -> Option<Self> {
        let key = if credential.contains("-----BEGIN ") {
            signing_key(&pem(credential, "PRIVATE KEY")?)?
        } else {
            let bytes = BASE64URL.decode(credential.trim().trim_end_matches('=')).ok()?;
            let private = agreement::PrivateKey::from_private_key(&ECDH_P256, &bytes).ok()?;
            let public = private.compute_public_key().ok()?;
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &bytes, public.as_ref()).ok()?
        };
        let public_key = BASE64URL.encode(key.public_key());
        let is_contact = principal.starts_with("mailto:") || principal.starts_with("https://");
        // Without somebody to write to, the public key says that no other private key was meant.
        let is_own = principal.trim_end_matches('=') == public_key;
        (is_contact || is_own).then(|| Self { key, public_key, subject: is_contact.then(|| principal.to_owned()) })
    }
}

fn signing_key(pkcs8: &[u8]) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()
}

/// What the first PEM section (RFC 7468) of that label holds.
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    BASE64.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;

    fn wrapped(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der))
    }

    fn p8() -> String {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        wrapped("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref())
    }

    fn service_account(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let mut account = serde_json::json!({
            "type": "service_account",
            "project_id": "parcels-7",
            "client_email": "push@parcels-7.iam.gserviceaccount.com",
            "private_key": wrapped("PRIVATE KEY", key.as_der().unwrap().as_ref()),
        });
        change(&mut account);
        account.to_string()
    }

    fn invalid(application: &Application) -> Option<InvalidCredentials> {
        Credentials::parse(application).err()
    }

    #[test]
    fn apple_is_asked_with_a_key_and_its_ids() {
        let key = p8();
        let of = |id: &str, key: &str, team: &str, bundle: &str| {
            invalid(&Application::new(Platform::Apns, id, key).apple(team, bundle))
        };
        assert_eq!(of("KEY1234567", &key, "TEAM123456", "com.example.app"), None);
        for (id, key, team, bundle) in [
            ("", key.as_str(), "TEAM123456", "com.example.app"),
            ("KEY1234567", "no key", "TEAM123456", "com.example.app"),
            ("KEY1234567", key.as_str(), "", "com.example.app"),
            ("KEY1234567", key.as_str(), "TEAM123456", ""),
        ] {
            assert_eq!(of(id, key, team, bundle), Some(InvalidCredentials::Wrong));
        }
    }

    #[test]
    fn firebase_is_asked_with_a_service_account() {
        let of = |text: &str| invalid(&Application::new(Platform::Gcm, "", text));
        assert_eq!(of(&service_account(|_| {})), None);
        for broken in [
            service_account(|account| account["type"] = "authorized_user".into()),
            service_account(|account| account["project_id"] = "../other".into()),
            service_account(|account| account["private_key"] = "x".into()),
            "AIzaSyLegacy".to_owned(),
        ] {
            assert_eq!(of(&broken), Some(InvalidCredentials::Wrong));
        }
    }

    #[test]
    fn web_push_takes_a_key_as_it_is_usually_written_or_in_pem() {
        // The keys of the example in RFC 8291, appendix A.
        let raw = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
        let public = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        let of = |principal: &str, key: &str| Credentials::parse(&Application::new(Platform::WebPush, principal, key));
        let Ok(Credentials::Vapid(vapid)) = of("mailto:ops@example.com", raw) else { panic!("it is a key") };
        assert_eq!((vapid.public_key.as_str(), vapid.subject.as_deref()), (public, Some("mailto:ops@example.com")));
        let Ok(Credentials::Vapid(by_key)) = of(&vapid.public_key, raw) else { panic!("it is its public key") };
        assert_eq!((&by_key.public_key, by_key.subject), (&vapid.public_key, None));
        assert!(of("https://example.com/contact", &p8()).is_ok());
        for (principal, key) in [("ops@example.com", raw), ("mailto:ops@example.com", "AAAA"), ("", raw)] {
            assert_eq!(of(principal, key).err(), Some(InvalidCredentials::Wrong), "{principal}");
        }
        let another = BASE64URL.encode([9; 32]);
        assert!(of(&vapid.public_key, &another).is_err());
    }

    #[test]
    fn platforms_without_a_direct_way_say_which_way_there_is() {
        let refused = Application::new(Platform::Adm, "id", "secret").check().unwrap_err();
        assert_eq!(
            refused.message(),
            "Invalid parameter: Platform Reason: nothing goes to ADM directly: let the application be one of Amazon SNS, and \
             deliver through Amazon SNS"
        );
    }
}
