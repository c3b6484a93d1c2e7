//! JSON Web Tokens (RFC 7519) as push services want them: signed, and short-lived.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{EcdsaKeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;

/// A key that could not sign, which says nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsigned;

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key does not sign")
    }
}

impl std::error::Error for Unsigned {}

/// A token signed by `ES256`; `key` makes signatures of a fixed length.
pub(crate) fn es256(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> Result<String, Unsigned> {
    let signed = signed_part(header, claims);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| Unsigned)?;
    Ok(format!("{signed}.{}", BASE64URL.encode(signature.as_ref())))
}

/// A token signed by `RS256`.
pub(crate) fn rs256(key: &RsaKeyPair, header: &Value, claims: &Value) -> Result<String, Unsigned> {
    let signed = signed_part(header, claims);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).map_err(|_| Unsigned)?;
    Ok(format!("{signed}.{}", BASE64URL.encode(signature)))
}

fn signed_part(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, KeyPair as _, UnparsedPublicKey,
    };
    use serde_json::json;

    #[test]
    fn a_token_has_three_parts_and_its_signature_holds_for_the_first_two() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let token = es256(&key, &json!({"alg": "ES256"}), &json!({"iss": "TEAM"})).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(signed, "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNIn0");
        let signature = BASE64URL.decode(signature).unwrap();
        assert_eq!(signature.len(), 64);
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key());
        public.verify(signed.as_bytes(), &signature).unwrap();
    }
}
