//! Reading JSON Web Tokens, as somebody who was sent one.

use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;

/// A token whose signature holds.
pub(super) struct Verified {
    pub(super) header: Value,
    pub(super) claims: Value,
}

/// Reads `token` if `key` signed it.
pub(super) fn verified(token: &str, algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Option<Verified> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let signature = BASE64URL.decode(signature).ok()?;
    UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature).ok()?;
    let read = |part: &str| serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok();
    Some(Verified { header: read(header)?, claims: read(claims)? })
}

/// The time in whole seconds since 1970.
pub(super) fn now() -> i64 {
    use fanfare_core::Host as _;
    fanfare_core::SystemHost.now().unix_ms() / 1000
}

/// A DER key as PEM of that label.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
