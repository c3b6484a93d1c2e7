//! The npm packages of the tests, in a folder of their own.

use std::fs;

use crate::failure::Failure;
use crate::install::stamp::{Stamp, read_list};
use crate::run::Run;
use crate::workspace::Workspace;

const LISTS: [&str; 2] = ["package.json", "package-lock.json"];

/// What has to load. The package `fauxqs` is for a newer Node than Debian's.
const LOADED: [&str; 6] = [
    "@aws-sdk/client-sns",
    "@parse/node-apn",
    "smpp",
    "sns-payload-validator",
    "sns-validator",
    "web-push-testing/src/PushApiModel",
];

/// Installs `install/package-lock.json`, if it changed, and checks that the packages load.
pub(crate) fn install(workspace: &Workspace) -> Result<(), Failure> {
    let project = workspace.node_project();
    let mut wanted = String::new();
    for list in LISTS {
        wanted += &read_list(&workspace.install_lists().join(list))?;
    }
    let stamp = Stamp::new(&project, wanted);
    if !stamp.is_current() {
        copy_lists(workspace)?;
        // No package needs to run code of its own to be installed, so none may.
        Run::program("npm", workspace)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"])
            .args([&project])
            .capture()?;
        stamp.write()?;
    }
    Run::program("node", workspace)
        .env("NODE_PATH", workspace.node_modules())
        .args(["--eval", &LOADED.map(|package| format!("require('{package}');")).concat()])
        .capture()
        .map(drop)
}

fn copy_lists(workspace: &Workspace) -> Result<(), Failure> {
    let project = workspace.node_project();
    fs::create_dir_all(&project)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", project.display())))?;
    for list in LISTS {
        fs::copy(workspace.install_lists().join(list), project.join(list))
            .map_err(|error| Failure::new(format!("{list} cannot be copied to {}: {error}", project.display())))?;
    }
    Ok(())
}
