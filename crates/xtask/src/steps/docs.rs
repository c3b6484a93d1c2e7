//! The step `docs`: rustdoc has nothing to warn about.

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    Run::cargo(context.workspace)
        .env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--workspace", "--all-features", "--no-deps"])
        .stream()?;
    Ok(String::new())
}
