//! The step `fuzz`: the fuzz targets build, and what they claim holds for every input that was kept.
//!
//! It looks for no new inputs: that is `cargo xtask fuzz`, which takes as long as one likes.

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    const MANIFEST: [&str; 2] = ["--manifest-path", "tests/fuzz/Cargo.toml"];
    let cargo = || Run::cargo(context.workspace);
    // A package outside of the workspace, so no other step reaches it.
    cargo().args(["fmt"]).args(MANIFEST).args(["--check"]).stream()?;
    // In the folder of the workspace's own build, of which the dependencies that are the same are taken.
    cargo()
        .args(["clippy"])
        .args(MANIFEST)
        .args(["--target-dir", "target", "--all-targets", "--", "-D", "warnings"])
        .stream()?;
    // The features are those of the step `test`, so that nothing is compiled again.
    let replay = cargo().args(["test", "--workspace", "--all-features", "--test", "fuzz_corpus", "--", "--quiet"]);
    replay.stream()?;
    Ok(String::new())
}
