//! Named secrets beside the database, such as the key that messages are signed with.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fanfare_core::store::{StoreError, StoreErrorKind};

use crate::directory::{self, DATABASE, LOCK, MARK};
use crate::error::Attempting;
use crate::reserve::RESERVE;

/// Reads the secret `name`, or makes it with `make` and keeps it.
pub(crate) fn secret(directory: &Path, name: &str, make: impl FnOnce() -> String) -> Result<String, StoreError> {
    if !is_allowed(name) {
        let refused = format!("{name:?} cannot name a secret: use letters, digits, '-', '_' and '.', not in front");
        return Err(StoreError::new(StoreErrorKind::Unavailable, refused));
    }
    let path = directory.join(name);
    match fs::symlink_metadata(&path) {
        Ok(metadata) => {
            refuse_exposed(&path, &metadata)?;
            fs::read_to_string(&path).attempting(&format!("cannot read the secret {}", path.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = make();
            let act = format!("cannot keep the secret {}", path.display());
            directory::place(directory, name, secret.as_bytes()).attempting(&act)?;
            Ok(secret)
        }
        Err(error) => Err(error).attempting(&format!("cannot look for the secret {}", path.display())),
    }
}

fn refuse_exposed(path: &Path, metadata: &fs::Metadata) -> Result<(), StoreError> {
    const OTHERS: u32 = 0o077;
    let refuse = |why: String| Err(StoreError::new(StoreErrorKind::Unavailable, why));
    let mode = metadata.permissions().mode() & 0o777;
    let path = path.display();
    if !metadata.is_file() {
        refuse(format!("the secret {path} is not a file"))
    } else if mode & OTHERS != 0 {
        refuse(format!("the secret {path} is open to others (mode {mode:03o}): chmod 600 it, or make a new one"))
    } else {
        Ok(())
    }
}

fn is_allowed(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let own = name == MARK || name == LOCK || name == RESERVE || name.starts_with(DATABASE);
    plain && !own && !name.is_empty() && !name.starts_with('.')
}
