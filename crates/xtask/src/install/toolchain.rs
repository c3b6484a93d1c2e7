//! The components of the Rust toolchain that the steps call.

use crate::failure::Failure;
use crate::run::Run;
use crate::workspace::Workspace;

const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

/// Checks that rustfmt and Clippy are there; which toolchain a developer has is theirs to change.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    for (component, subcommand) in COMPONENTS {
        Run::cargo(workspace).args([subcommand, "--version"]).capture().map_err(|failure| {
            Failure::new(format!("{component} is missing ({failure}); run `rustup component add {component}`"))
        })?;
    }
    Ok(())
}
