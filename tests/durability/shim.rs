//! A library put before the C library of a worker, which makes its disk fail as a file says.

use std::fs;
use std::path::PathBuf;

use crate::scene::Scene;
use crate::shared_library::library;

/// A way in which the disk fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The next sync, and that alone, answers `EIO`: the system tells of what it lost once.
    SyncOnce,
    /// Every write answers `ENOSPC`.
    Full,
    /// Every write answers `EIO`.
    Broken,
    /// Every write does half of what it is asked, and then answers `ENOSPC`.
    Short,
    /// Every sync waits until the fault is over, and says `sync held` on standard error.
    Held,
}

/// Where the worker's disk is told what to do.
#[derive(Debug)]
pub(crate) struct Control(PathBuf);

impl Control {
    pub(crate) fn of(scene: &Scene) -> Self {
        Self(scene.beside("fault"))
    }

    /// Puts the library before the worker's.
    pub(crate) fn attach(&self, command: &mut tokio::process::Command) {
        command.env("LD_PRELOAD", library("shim.c")).env("FANFARE_FAULT", &self.0);
    }

    /// Lets the disk fail from now on.
    pub(crate) fn begin(&self, fault: Fault) {
        let word = match fault {
            Fault::SyncOnce => "sync-once",
            Fault::Full => "full",
            Fault::Broken => "broken",
            Fault::Short => "short",
            Fault::Held => "held",
        };
        // As a whole or not at all, since it is read at any moment.
        let unfinished = self.0.with_extension("unfinished");
        fs::write(&unfinished, word).unwrap();
        fs::rename(unfinished, &self.0).unwrap();
    }

    /// Lets the disk work again.
    pub(crate) fn end(&self) {
        fs::remove_file(&self.0).unwrap();
    }

    /// Whether the fault has come to pass, for one that comes to pass once.
    pub(crate) fn is_used_up(&self) -> bool {
        !self.0.exists()
    }
}
