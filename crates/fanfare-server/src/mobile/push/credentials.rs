//! Whether credentials can be those of a push service: what can be seen without asking it.

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare::{Platform, SnsError};

use super::Application;

/// Refuses credentials that the service of `platform` would refuse as well.
///
/// - Those that this server reaches itself: what [`fanfare::push::Application::check`] says.
/// - Microsoft's older one: a certificate and its key, both PEM.
/// - Others: anything that is not empty.
pub(super) fn check(platform: Platform, application: &Application) -> Result<(), SnsError> {
    let principal = application.attribute("PlatformPrincipal").unwrap_or_default();
    let credential = application.attribute("PlatformCredential").unwrap_or_default();
    let right = match platform {
        Platform::Adm | Platform::Baidu | Platform::Wns => !principal.is_empty() && !credential.is_empty(),
        Platform::Mpns => is_pem(principal) && is_private_key(credential),
        _ => return application.for_push(platform).check(),
    };
    if right { Ok(()) } else { Err(SnsError::invalid_parameter("Attributes Reason: Platform credentials are invalid")) }
}

fn is_pem(text: &str) -> bool {
    pem(text).is_some_and(|(label, _)| label == "CERTIFICATE")
}

/// Whether this is an RSA or elliptic key: of its own kind, or PKCS#8.
fn is_private_key(text: &str) -> bool {
    let Some((label, der)) = pem(text) else { return false };
    match label {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).is_ok(),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der).is_ok() || is_p256(&der),
        "EC PRIVATE KEY" => EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).is_ok(),
        _ => false,
    }
}

fn is_p256(pkcs8: &[u8]) -> bool {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).is_ok()
}

/// The label and the content of the first PEM section (RFC 7468).
fn pem(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    Some((label, BASE64.decode(body).ok().filter(|der| !der.is_empty())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;

    fn wrapped(label: &str, der: &[u8]) -> String {
        let body = BASE64.encode(der);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn p8() -> String {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        wrapped("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref())
    }

    fn rsa() -> String {
        wrapped("PRIVATE KEY", RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref())
    }

    fn accepts(platform: Platform, attributes: &[(&str, &str)]) -> bool {
        let application = Application::of(attributes.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        check(platform, &application).is_ok()
    }

    #[test]
    fn a_service_account_is_taken_for_firebase_and_nothing_else_is() {
        let account = |kind: &str, key: &str| {
            let email = "push@project.iam.gserviceaccount.com";
            let account =
                serde_json::json!({"type": kind, "project_id": "p", "client_email": email, "private_key": key});
            account.to_string()
        };
        let rsa = rsa();
        assert!(accepts(Platform::Gcm, &[("PlatformCredential", &account("service_account", &rsa))]));
        for wrong in
            [account("authorized_user", &rsa), account("service_account", "x"), "AIzaSyLegacy".into(), "{}".into()]
        {
            assert!(!accepts(Platform::Gcm, &[("PlatformCredential", &wrong)]), "{wrong}");
        }
    }

    #[test]
    fn apple_takes_a_certificate_with_its_key_or_a_signing_key_with_its_ids() {
        let identity = fanfare_testkit::TestCa::new().client_identity("Apple Push Services: com.example.app");
        let (certificate, its_key, rsa, p8) = (identity.certificate_pem(), identity.private_key_pem(), rsa(), p8());
        let with = |principal, credential, rest: &[(&'static str, &'static str)]| {
            let own = [("PlatformPrincipal", principal), ("PlatformCredential", credential)];
            accepts(Platform::Apns, &[&own[..], rest].concat())
        };
        let ids = [("ApplePlatformTeamID", "TEAM123456"), ("ApplePlatformBundleID", "com.example.app")];
        assert!(with(&certificate, &its_key, &[]));
        assert!(!with(&certificate, &rsa, &[]));
        assert!(with("KEY1234567", &p8, &ids));
        assert!(!with("KEY1234567", &p8, &ids[..1]));
        assert!(!with("KEY1234567", &rsa, &ids));
        assert!(!with("dummy", "dummy", &ids));
        assert!(!with(&certificate, &certificate, &[]));
    }

    #[test]
    fn web_push_takes_somebody_to_write_to_and_a_private_key() {
        let key = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
        let with = |principal, credential| {
            accepts(Platform::WebPush, &[("PlatformPrincipal", principal), ("PlatformCredential", credential)])
        };
        assert!(with("mailto:ops@example.com", key));
        assert!(!with("ops@example.com", key));
        assert!(!with("mailto:ops@example.com", "dummy"));
    }

    #[test]
    fn services_whose_credentials_have_no_shape_take_anything_but_nothing() {
        assert!(accepts(Platform::Adm, &[("PlatformPrincipal", "dummy"), ("PlatformCredential", "dummy")]));
        assert!(!accepts(Platform::Adm, &[("PlatformPrincipal", ""), ("PlatformCredential", "dummy")]));
        assert!(!accepts(Platform::Adm, &[]));
    }
}
