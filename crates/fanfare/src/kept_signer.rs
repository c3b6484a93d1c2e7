//! The key that signs envelopes, kept with the messages.

use std::fmt;

use fanfare_core::store::StoreError;
use fanfare_store_disk::DiskStore;
use fanfare_wire::{CERTIFICATE_NAME, KeyError, Signer, SigningKey};

/// The file of the key and its certificate in the store's directory.
const FILE: &str = "signing-key.pem";

/// Signs with the key that is kept in the store's directory, and makes one when there is none: so that subscribers can verify
/// tomorrow what was signed today.
///
/// Making a key computes for about a fifth of a second on the calling thread.
///
/// # Errors
/// When the key cannot be read or kept, or no key can be made.
pub fn kept_signer(store: &DiskStore) -> Result<Signer, KeptSignerError> {
    let fresh = match store.directory().join(FILE).exists() {
        true => None,
        false => Some(SigningKey::generate(CERTIFICATE_NAME).map_err(KeptSignerError::Key)?),
    };
    let bundle = store.secret(FILE, || fresh.map(|key| key.to_pem_bundle()).unwrap_or_default());
    let key = SigningKey::from_pem_bundle(&bundle.map_err(KeptSignerError::Store)?).map_err(KeptSignerError::Key)?;
    Ok(Signer::with_key(key))
}

/// Why there is no key to sign with.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeptSignerError {
    /// The store does not give or keep it.
    Store(StoreError),
    /// It cannot be made, or what is kept cannot be read: take the file `signing-key.pem` away to have another one made.
    Key(KeyError),
}

impl fmt::Display for KeptSignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "the signing key cannot be kept: {error}"),
            Self::Key(error) => write!(f, "the signing key in {FILE} cannot be used: {error}"),
        }
    }
}

impl std::error::Error for KeptSignerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Key(error) => Some(error),
        }
    }
}
