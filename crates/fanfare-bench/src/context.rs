//! What every workload is told: how much to do, and where the programs and the room for files are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::Result;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Enough to see that everything runs, and nothing else.
    Tiny,
    /// A look, in minutes.
    Quick,
    /// What the published figures are made with.
    Full,
}

/// What every workload is told.
pub(crate) struct Context {
    /// How much is measured.
    pub(crate) extent: Extent,
    /// The server, built with optimisation.
    pub(crate) server: PathBuf,
    /// A Python that has moto, where there is one.
    pub(crate) python: Option<PathBuf>,
    /// A folder for what is written, on a disk.
    scratch: PathBuf,
    places: AtomicU32,
}

impl Context {
    /// A context that writes below `scratch`, which is emptied.
    pub(crate) fn new(extent: Extent, server: PathBuf, python: Option<PathBuf>, scratch: PathBuf) -> Result<Self> {
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;
        Ok(Self { extent, server, python, scratch, places: AtomicU32::new(0) })
    }

    /// How often each comparison is made.
    pub(crate) fn rounds(&self) -> usize {
        self.of(5, 3, 1)
    }

    /// How long each side of a round lasts, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.of(2.0, 0.5, 0.05)
    }

    /// The value for the extent.
    pub(crate) fn of<T>(&self, full: T, quick: T, tiny: T) -> T {
        match self.extent {
            Extent::Full => full,
            Extent::Quick => quick,
            Extent::Tiny => tiny,
        }
    }

    /// A path that nothing else uses, removed when it is dropped.
    pub(crate) fn place(&self) -> Place {
        Place(self.scratch.join(self.places.fetch_add(1, Ordering::Relaxed).to_string()))
    }
}

impl Drop for Context {
    /// What the workloads wrote they have removed by now.
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.scratch);
    }
}

/// A file or a folder to be, removed when it is dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It may never have been made, and is either of the two.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}
