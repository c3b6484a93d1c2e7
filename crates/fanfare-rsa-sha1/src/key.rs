//! A private key, and the calls into AWS-LC that sign with it.
#![allow(unsafe_code, reason = "AWS-LC is a C library, and its safe wrapper does not sign with SHA-1")]

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use aws_lc_sys::{
    CBS, CBS_init, CBS_len, EVP_DigestSign, EVP_DigestSignInit, EVP_MD_CTX, EVP_MD_CTX_free, EVP_MD_CTX_new, EVP_PKEY,
    EVP_PKEY_RSA, EVP_PKEY_free, EVP_PKEY_id, EVP_PKEY_size, EVP_parse_private_key, EVP_sha1,
};

/// An RSA private key that signs with SHA-1. It may be used from several threads at a time.
///
/// The arithmetic is blinded: how long a signature takes says nothing about the key.
pub struct Key(NonNull<EVP_PKEY>);

// SAFETY: AWS-LC's keys belong to no thread.
unsafe impl Send for Key {}
// SAFETY: AWS-LC documents that a key may be used by several threads at a time as long as none changes it, and nothing here
// does; what signing keeps in it is behind a lock of its own.
unsafe impl Sync for Key {}

impl Key {
    /// Reads a private key: DER, PKCS #8, unencrypted. Nothing when it is not readable, not RSA, or something follows it.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let mut input = MaybeUninit::<CBS>::uninit();
        // SAFETY: `der` is readable for its length, and outlives the reader.
        unsafe { CBS_init(input.as_mut_ptr(), der.as_ptr(), der.len()) };
        // SAFETY: the reader was initialised above. What comes back is a key of our own, or null.
        let key = Self(NonNull::new(unsafe { EVP_parse_private_key(input.as_mut_ptr()) })?);
        // SAFETY: as above.
        let rest = unsafe { CBS_len(input.as_ptr()) };
        // SAFETY: the key is there.
        let kind = unsafe { EVP_PKEY_id(key.0.as_ptr()) };
        (rest == 0 && kind == EVP_PKEY_RSA).then_some(key)
    }

    /// Signs `text`: RSASSA-PKCS1-v1_5 with SHA-1, as many bytes as the modulus has. Nothing when there is no memory or no
    /// randomness.
    pub fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let context = Context::new()?;
        let (no_details, no_engine) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: a digest that lives for ever.
        let sha1 = unsafe { EVP_sha1() };
        // SAFETY: the context and the key are there; the context takes a reference to the key, which it does not change.
        let begun = unsafe { EVP_DigestSignInit(context.0.as_ptr(), no_details, sha1, no_engine, self.0.as_ptr()) };
        if begun != 1 {
            return None;
        }
        // SAFETY: the key is there.
        let size = unsafe { EVP_PKEY_size(self.0.as_ptr()) };
        let mut signature = vec![0; usize::try_from(size).ok()?];
        let mut length = signature.len();
        // SAFETY: `signature` is writable for `length` bytes, `text` readable for its own, and the context was set up.
        let signed = unsafe {
            EVP_DigestSign(context.0.as_ptr(), signature.as_mut_ptr(), &raw mut length, text.as_ptr(), text.len())
        };
        signature.truncate(length);
        (signed == 1).then_some(signature)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: it is our own reference, and nobody uses it after this.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) };
    }
}

impl fmt::Debug for Key {
    /// Nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// A signature in the making.
struct Context(NonNull<EVP_MD_CTX>);

impl Context {
    fn new() -> Option<Self> {
        // SAFETY: it makes a context of our own, or answers null.
        NonNull::new(unsafe { EVP_MD_CTX_new() }).map(Self)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it is our own, and nobody uses it after this.
        unsafe { EVP_MD_CTX_free(self.0.as_ptr()) };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is unwrapped is the test's own")]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        UnparsedPublicKey,
    };

    use super::*;

    fn pair() -> (Key, Vec<u8>) {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let key = Key::from_pkcs8(pair.as_der().unwrap().as_ref()).unwrap();
        (key, pair.public_key().as_ref().to_vec())
    }

    fn verifies(public: &[u8], text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, public).verify(text, signature).is_ok()
    }

    #[test]
    fn a_signature_is_of_its_text_and_key_alone() {
        let ((key, public), (_, other)) = (pair(), pair());
        for text in [&b""[..], b"text", &[0; 100_000]] {
            let signature = key.sign(text).unwrap();
            assert!(verifies(&public, text, &signature));
            assert!(!verifies(&public, b"another text", &signature));
            assert!(!verifies(&other, text, &signature));
            assert_eq!(key.sign(text).unwrap(), signature, "it is the same each time");
        }
    }

    #[test]
    fn threads_share_a_key() {
        let (key, public) = pair();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let (key, public) = (&key, &public);
                scope.spawn(move || {
                    for number in 0..50 {
                        let text = [thread, number];
                        assert!(verifies(public, &text, &key.sign(&text).unwrap()));
                    }
                });
            }
        });
    }

    #[test]
    fn what_is_no_rsa_key_in_pkcs8_is_refused() {
        let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec();
        let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let elliptic = elliptic.to_pkcs8v1().unwrap();
        let followed = [rsa.as_slice(), b"x"].concat();
        for der in [&[][..], b"key", elliptic.as_ref(), &rsa[..rsa.len() - 1], &followed] {
            assert!(Key::from_pkcs8(der).is_none());
        }
        assert!(Key::from_pkcs8(&rsa).is_some());
    }

    #[test]
    fn a_key_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", pair().0), "Key { .. }");
    }
}
