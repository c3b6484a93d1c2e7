//! The step `install`: the toolchain's components, Debian, PyPI and npm packages.

use crate::failure::Failure;
use crate::install::{debian, node, python, toolchain};
use crate::steps::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    toolchain::check(context.workspace)?;
    debian::install(context.workspace)?;
    python::install(context.workspace)?;
    node::install(context.workspace)?;
    Ok(String::new())
}
