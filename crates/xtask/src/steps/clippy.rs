//! The step `clippy`: no lint fires, in the whole workspace or in what is built by default.

use crate::arguments::Reach;
use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    let coverage: &[&str] = match context.reach {
        Reach::Full => &["--workspace", "--all-features"],
        Reach::Quick => &[],
    };
    Run::cargo(context.workspace)
        .args(["clippy", "--all-targets"])
        .args(coverage)
        .args(["--", "-D", "warnings"])
        .stream()?;
    Ok(String::new())
}
