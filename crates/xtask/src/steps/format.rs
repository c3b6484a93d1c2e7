//! The step `format`: rustfmt would change nothing.

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    Run::cargo(context.workspace).args(["fmt", "--all", "--", "--check"]).stream()?;
    Ok(String::new())
}
