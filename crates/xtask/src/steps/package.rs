//! The step `package`: every package that is published can be packed, and builds from what was packed.

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

/// Packages that stay in this repository.
const NOT_PUBLISHED: [&str; 3] = ["xtask", "fanfare-examples", "fanfare-tests"];

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    let excluded = NOT_PUBLISHED.iter().flat_map(|package| ["--exclude", package]);
    Run::cargo(context.workspace).args(["package", "--workspace", "--allow-dirty"]).args(excluded).stream()?;
    Ok(String::new())
}
