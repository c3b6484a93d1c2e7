//! Where the workspace lies, and what was installed for its tests.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The folder of the root manifest.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that `cargo xtask` was called in.
    ///
    /// Cargo names this package's folder when it runs the program, so that a checkout can be moved without a rebuild.
    pub(crate) fn of_this_run() -> Result<Self, Failure> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .ok_or_else(|| Failure::new("the workspace is unknown; call this program as `cargo xtask`"))?;
        let root = Path::new(&package)
            .ancestors()
            .nth(2)
            .ok_or_else(|| Failure::new("this package does not lie in `crates/` of a workspace"))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The absolute path of the folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where Cargo builds.
    pub(crate) fn target(&self) -> PathBuf {
        // A relative folder is relative to where Cargo is called, which for this program is the root.
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |folder| self.root.join(folder))
    }

    /// The lists of what to install, one file for each kind of package.
    pub(crate) fn install_lists(&self) -> PathBuf {
        self.root.join("crates/xtask/install")
    }

    /// The Python environment of the tests.
    pub(crate) fn python_environment(&self) -> PathBuf {
        self.root.join("target/xtask/python")
    }

    /// The interpreter of the Python environment.
    pub(crate) fn python(&self) -> PathBuf {
        self.python_environment().join("bin/python")
    }

    /// The folder of the target folders in which packages are verified.
    pub(crate) fn package_targets(&self) -> PathBuf {
        self.root.join("target/xtask/package")
    }

    /// The folder that the tests' npm packages are installed for.
    pub(crate) fn node_project(&self) -> PathBuf {
        self.root.join("target/xtask/node")
    }

    /// The tests' npm packages.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.node_project().join("node_modules")
    }
}

/// The absolute path of the installed program `name`, if there is one.
///
/// Debian keeps servers in `/usr/sbin`, which not every user's `PATH` has.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_absolute() && candidate.is_file())
}
