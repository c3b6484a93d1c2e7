//! The Debian packages that the tests call programs of.

use crate::failure::Failure;
use crate::run::Run;
use crate::workspace::{Workspace, find_program};

/// A program that the tests call, or a file of a library that they use, and the packages that bring it.
struct Needed {
    /// The name of a program, or the whole path of a file.
    file: &'static str,
    packages: &'static [&'static str],
}

/// Where the AWS SDK for Go shows that it is there.
const GO_SDK: &str = "/usr/share/gocode/src/github.com/aws/aws-sdk-go-v2/service/sns/doc.go";

/// The server that the benchmarks compare publishing with.
const NATS: Needed = Needed { file: "nats-server", packages: &["nats-server"] };

const NEEDED: [Needed; 14] = [
    Needed { file: "curl", packages: &["curl"] },
    Needed { file: "ffmpeg", packages: &["ffmpeg"] },
    // A gateway to phones, and a network for it that is none.
    Needed { file: "bearerbox", packages: &["kannel", "kannel-extras"] },
    Needed { file: "go", packages: &["golang-go"] },
    Needed { file: GO_SDK, packages: &["golang-github-aws-aws-sdk-go-v2-dev"] },
    NATS,
    Needed { file: "nginx", packages: &["nginx"] },
    Needed { file: "openssl", packages: &["openssl"] },
    // A mail server, which is started by hand, and the users that it lets in.
    Needed { file: "postfix", packages: &["postfix", "libsasl2-modules"] },
    Needed { file: "saslpasswd2", packages: &["sasl2-bin", "libsasl2-modules-db"] },
    Needed { file: "python3", packages: &["python3", "python3-venv"] },
    Needed { file: "node", packages: &["nodejs"] },
    Needed { file: "npm", packages: &["npm"] },
    Needed { file: "strace", packages: &["strace"] },
];

/// Installs the packages of what is missing; only root can, anyone else is told what to run.
pub(crate) fn install(workspace: &Workspace) -> Result<(), Failure> {
    bring(&NEEDED, workspace)
}

/// Installs NATS alone, as [`install`] does.
pub(crate) fn install_nats(workspace: &Workspace) -> Result<(), Failure> {
    bring(&[NATS], workspace)
}

fn bring(needed: &[Needed], workspace: &Workspace) -> Result<(), Failure> {
    let missing = missing_packages(needed, |file| find_program(file).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root(workspace)? {
        return Err(Failure::new(format!(
            "programs are missing; run `sudo apt-get install --yes {}`, then try again",
            missing.join(" ")
        )));
    }
    // The package lists may be absent or old, which shows only by trying.
    if apt_install(&missing, workspace).is_err() {
        apt(workspace).args(["update"]).capture()?;
        apt_install(&missing, workspace)?;
    }
    match missing_packages(needed, |file| find_program(file).is_some()).as_slice() {
        [] => Ok(()),
        still => Err(Failure::new(format!("programs are missing although apt-get installed {}", still.join(" ")))),
    }
}

fn missing_packages(needed: &[Needed], is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    needed.iter().filter(|needed| !is_there(needed.file)).flat_map(|needed| needed.packages).copied().collect()
}

fn is_root(workspace: &Workspace) -> Result<bool, Failure> {
    Ok(Run::program("id", workspace).args(["-u"]).capture()?.stdout.trim() == "0")
}

fn apt_install(packages: &[&str], workspace: &Workspace) -> Result<(), Failure> {
    apt(workspace).args(["install", "--yes", "--no-install-recommends"]).args(packages).capture().map(drop)
}

fn apt(workspace: &Workspace) -> Run {
    Run::program("apt-get", workspace).env("DEBIAN_FRONTEND", "noninteractive")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_packages_of_missing_programs_are_wanted() {
        assert_eq!(
            missing_packages(&NEEDED, |file| file != "nginx" && file != "python3"),
            ["nginx", "python3", "python3-venv"]
        );
    }
}
