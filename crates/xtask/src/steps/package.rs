//! The step `package`: every package can be packed for publication.

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

/// What is done with each packed package.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "one of the two is chosen below")]
enum Packed {
    /// It is unpacked and built, as crates.io's users will build it.
    Built,
    /// It is only packed; what it contains is not built.
    OnlyPacked,
}

const PACKED: Packed = Packed::OnlyPacked;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    let build: &[&str] = match PACKED {
        Packed::Built => &[],
        Packed::OnlyPacked => &["--no-verify"],
    };
    Run::cargo(context.workspace).args(["package", "--workspace", "--allow-dirty"]).args(build).stream()?;
    Ok(String::new())
}
