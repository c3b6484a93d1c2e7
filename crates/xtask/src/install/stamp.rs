//! The mark that a finished installation leaves, so that it is repeated only when its list changed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The mark of one installed folder.
#[derive(Debug)]
pub(crate) struct Stamp {
    path: PathBuf,
    wanted: String,
}

impl Stamp {
    /// The mark in `folder` that says that `wanted`, the whole list, is installed there.
    pub(crate) fn new(folder: &Path, wanted: String) -> Self {
        Self { path: folder.join(".installed"), wanted }
    }

    /// Whether exactly the wanted list was installed to its end.
    pub(crate) fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|found| found == self.wanted)
    }

    /// Leaves the mark; to be called once everything is installed.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        fs::write(&self.path, &self.wanted)
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}", self.path.display())))
    }
}

/// The text of the list at `path`.
pub(crate) fn read_list(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}
