//! Certificates, which a verifier fetches from a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_core::{SignatureVersion, Timestamp};
use fanfare_wire::Certificate;

/// Reads a certificate and checks a signature with it.
///
/// The whole input is the certificate in DER; when it begins with `-`, it is a PEM text.
///
/// Claims: the certificate can be read again from its own text and has the same name; nothing is signed by an empty or a
/// constant signature.
pub fn certificate(data: &[u8]) {
    let pem = match data {
        [b'-', ..] => String::from_utf8_lossy(data).into_owned(),
        _ => format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines(&BASE64.encode(data))),
    };
    let Ok(certificate) = Certificate::from_pem(&pem) else { return };
    let again = Certificate::from_pem(certificate.pem()).expect("it was read before");
    assert_eq!(again.file_name(), certificate.file_name());
    assert_eq!(certificate.file_name().len(), "SimpleNotificationService-.pem".len() + 32);
    for ms in [i64::MIN, 0, i64::MAX] {
        certificate.is_valid_at(Timestamp::from_unix_ms(ms));
    }
    for version in [SignatureVersion::V1, SignatureVersion::V2] {
        for signature in [&[][..], &[0; 256], &[0xff; 256]] {
            assert!(!certificate.verifies(version, b"Message\nx\n", signature));
        }
    }
}

/// The text in lines of 64 characters.
fn lines(base64: &str) -> String {
    let mut out = String::with_capacity(base64.len() + base64.len() / 64);
    for (at, c) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out
}
