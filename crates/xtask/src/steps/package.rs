//! The step `package`: every package that is published can be packed, and builds from what was packed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

/// Packages that stay in this repository.
const NOT_PUBLISHED: [&str; 4] = ["xtask", "fanfare-bench", "fanfare-examples", "fanfare-tests"];

/// Cargo takes a version that it has seen at a place for unchanged, so that in the same folder as the last time it would build
/// what was packed then. Hence a new folder for each run.
pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    let folders = context.workspace.package_targets();
    remove(&folders)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let target = folders.join(now.to_string());
    let excluded = NOT_PUBLISHED.iter().flat_map(|package| ["--exclude", package]);
    Run::cargo(context.workspace)
        .args(["package", "--workspace", "--allow-dirty", "--target-dir"])
        .args([&target])
        .args(excluded)
        .stream()?;
    remove(&folders)?;
    Ok(String::new())
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}
