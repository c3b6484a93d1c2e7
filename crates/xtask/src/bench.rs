//! `cargo xtask bench`: builds the server and what measures it, and measures.

use std::path::PathBuf;

use crate::arguments::BenchOptions;
use crate::failure::Failure;
use crate::install::{debian, python};
use crate::run::Run;
use crate::workspace::Workspace;

/// The workloads that need other servers.
const PEERS: &str = "peers";
const NATS: &str = "append_vs_nats";

/// Measures what `options` name, or everything.
pub(crate) fn perform(options: &BenchOptions, workspace: &Workspace) -> Result<(), Failure> {
    // One build, so that what the two have in common is built once. `import` would bring another of Amazon's SDKs.
    Run::cargo(workspace)
        .args(["build", "--profile", "bench", "--no-default-features"])
        .args(["--package", "fanfare-bench", "--package", "fanfare-server", "--bins"])
        .stream()?;
    let program = |name: &str| workspace.target().join("release").join(name);
    let mut arguments = options.arguments.clone();
    if options.measures(NATS) {
        debian::install_nats(workspace)?;
    }
    if options.measures(PEERS) {
        python::install(workspace)?;
        arguments.extend(["--python".to_owned(), workspace.python().display().to_string()]);
    }
    Run::program(program("fanfare-bench"), workspace)
        .args(["--server"])
        .args([program("fanfare")])
        .args(["--json"])
        .args([results(options, workspace)])
        .args(arguments)
        .stream()?;
    if !options.page {
        return Ok(());
    }
    Run::program(program("fanfare-bench"), workspace)
        .args(["--page"])
        .args([results(options, workspace), workspace.root().join("crates/fanfare-bench")])
        .stream()
}

/// Where the results go.
fn results(options: &BenchOptions, workspace: &Workspace) -> PathBuf {
    options.json.clone().unwrap_or_else(|| workspace.target().join("bench/results.json"))
}
