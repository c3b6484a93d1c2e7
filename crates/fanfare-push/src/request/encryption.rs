//! Message encryption for Web Push (RFC 8291), in one record of `aes128gcm` (RFC 8188).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use fanfare_core::Host;

/// The most bytes that fit into the 4,096 that every push service takes: without header, delimiter and authentication tag.
pub(crate) const PLAINTEXT_BYTES_MAX: usize = 4096 - HEADER_BYTES - 1 - 16;

/// Salt, size of a record, length of the key, key.
const HEADER_BYTES: usize = 16 + 4 + 1 + 65;

/// The size of a record. There is one alone, and it is never longer.
const RECORD_BYTES: u32 = 4096;

/// What marks the end of the last record.
const LAST_RECORD: u8 = 2;

/// What a browser has given out for whoever sends to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ReceiverKeys {
    /// `p256dh`: a point of P-256, uncompressed.
    pub(crate) public: [u8; 65],
    /// `auth`.
    pub(crate) secret: [u8; 16],
}

/// What is drawn anew for each message.
#[derive(Debug)]
pub(crate) struct Drawn {
    private: PrivateKey,
    salt: [u8; 16],
}

/// Keys that no message can be encrypted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unencrypted;

impl Drawn {
    /// Draws from `host`.
    pub(crate) fn from(host: &dyn Host) -> Result<Self, Unencrypted> {
        let (mut salt, mut scalar) = ([0; 16], [0; 32]);
        host.fill(&mut salt);
        host.fill(&mut scalar);
        // Of all 32 bytes, one in four thousand million is no scalar of P-256.
        let private = PrivateKey::from_private_key(&ECDH_P256, &scalar).or_else(|_| PrivateKey::generate(&ECDH_P256));
        Ok(Self { private: private.map_err(|_| Unencrypted)?, salt })
    }
}

/// The body for the browser of these keys.
pub(crate) fn encrypted(text: &[u8], keys: &ReceiverKeys, drawn: &Drawn) -> Result<Vec<u8>, Unencrypted> {
    let public = drawn.private.compute_public_key().map_err(|_| Unencrypted)?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, &keys.public[..]);
    let key_info = [b"WebPush: info\0", &keys.public[..], public.as_ref()];
    let combined = agreement::agree(&drawn.private, peer, Unencrypted, |shared| {
        expanded::<32>(&Salt::new(HKDF_SHA256, &keys.secret).extract(shared), &key_info)
    })?;
    let prk = Salt::new(HKDF_SHA256, &drawn.salt).extract(&combined);
    let key: [u8; 16] = expanded(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expanded(&prk, &[b"Content-Encoding: nonce\0"])?;

    let mut record = Vec::with_capacity(text.len() + 1 + 16);
    record.extend_from_slice(text);
    record.push(LAST_RECORD);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).map_err(|_| Unencrypted)?);
    // The key is used this once.
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).map_err(|_| Unencrypted)?;

    let mut body = Vec::with_capacity(HEADER_BYTES + record.len());
    body.extend_from_slice(&drawn.salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(65);
    body.extend_from_slice(public.as_ref());
    body.extend_from_slice(&record);
    Ok(body)
}

/// So many bytes.
#[derive(Debug, Clone, Copy)]
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expanded<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unencrypted> {
    let mut bytes = [0; N];
    let okm = prk.expand(info, Length(N)).map_err(|_| Unencrypted)?;
    okm.fill(&mut bytes).map_err(|_| Unencrypted)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        BASE64URL.decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_by_byte() {
        // RFC 8291, section 5 and appendix A.
        let keys = ReceiverKeys {
            public: bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            secret: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        let scalar: [u8; 32] = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let drawn = Drawn {
            private: PrivateKey::from_private_key(&ECDH_P256, &scalar).unwrap(),
            salt: bytes("DGv6ra1nlYgDCS1FRnbzlw"),
        };
        let body = encrypted(b"When I grow up, I want to be a watermelon", &keys, &drawn).unwrap();
        assert_eq!(
            BASE64URL.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y\
             l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn a_key_that_is_no_point_is_refused() {
        let keys = ReceiverKeys { public: [4; 65], secret: [0; 16] };
        let drawn = Drawn::from(&fanfare_core::SystemHost).unwrap();
        assert_eq!(encrypted(b"x", &keys, &drawn), Err(Unencrypted));
    }
}
