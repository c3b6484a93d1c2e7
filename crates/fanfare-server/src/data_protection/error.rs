//! Why a document is not a data protection policy.

use std::fmt;

/// Why a document is not a data protection policy that this server can enforce; `Display` says it to whoever set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataProtectionError(String);

impl DataProtectionError {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for DataProtectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DataProtectionError {}
