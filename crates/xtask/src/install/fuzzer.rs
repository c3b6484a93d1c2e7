//! The program that builds and runs fuzz targets.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::install::stamp::Stamp;
use crate::run::Run;
use crate::workspace::Workspace;

const VERSION: &str = "0.13.2";

/// Installs cargo-fuzz, if it is not there in the version that is wanted, and answers where it lies.
pub(crate) fn install(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let folder = workspace.root().join("target/xtask/cargo-fuzz");
    let stamp = Stamp::new(&folder, VERSION.to_owned());
    if !stamp.is_current() {
        let install =
            Run::cargo(workspace).args(["install", "cargo-fuzz", "--version", VERSION, "--locked", "--force"]);
        install.args(["--target-dir", "target/fuzz/install", "--root"]).args([&folder]).stream()?;
        stamp.write()?;
    }
    Ok(folder.join("bin/cargo-fuzz"))
}
