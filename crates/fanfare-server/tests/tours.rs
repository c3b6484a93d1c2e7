//! Clients that others wrote call every operation of the program, as they come from their registries.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fanfare_testkit::vectors;

/// The program, stopped when the test ends.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--listen", "127.0.0.1:0", "--egress-allow", "127.0.0.0/8"])
            .args(["--key", "AKIDEXAMPLE:a-secret/of+yours:123456789012", "--outbox", "sqs,sms,application"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the full test command installed a part.
fn installed(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| panic!("{variable} is not set: run `cargo xtask test --only ignored`")).into()
}

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tours");

/// Has `client` run `script` against a server of its own, and compares the operations that it called with the model's.
fn tour(client: impl AsRef<OsStr>, script: &str) {
    tour_of(Command::new(client).arg(format!("{SCRIPTS}/{script}")));
}

/// Has `client` call a server of its own, and compares the operations that it called with the model's.
fn tour_of(client: &mut Command) {
    let program = Program::start();
    let output = client
        .env("AWS_ENDPOINT_URL", &program.url)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "a-secret/of+yours")
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_REGION", "eu-west-1")
        // No settings of the machine's own.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", installed("FANFARE_NODE_MODULES"))
        .env("FANFARE_TOURS", SCRIPTS)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let called = String::from_utf8(output.stdout).unwrap();
    let model = vectors::cases("api-model", "operations");
    let operations = model.iter().map(|operation| operation["operation"].as_str().unwrap());
    assert_eq!(called.lines().collect::<BTreeSet<_>>(), operations.collect());
}

#[test]
#[ignore = "needs boto3 from PyPI"]
fn boto3_calls_every_operation() {
    tour(installed("FANFARE_PYTHON"), "boto3_tour.py");
}

#[test]
#[ignore = "needs awscli from PyPI"]
fn the_aws_cli_calls_every_operation() {
    tour(installed("FANFARE_PYTHON"), "aws_cli_tour.py");
}

#[test]
#[ignore = "needs @aws-sdk/client-sns from npm"]
fn the_sdk_for_javascript_calls_every_operation() {
    tour("node", "client_sns_tour.js");
}

#[test]
#[ignore = "needs the AWS SDK for Go from Debian"]
fn the_sdk_for_go_calls_every_operation() {
    let script = format!("{SCRIPTS}/sdk_go_tour.go");
    let mut go = Command::new("go");
    // Debian keeps libraries as source under one path, without modules.
    go.args(["run", &script]).env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    tour_of(go.env("GOFLAGS", "").env("CGO_ENABLED", "0").env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go")));
}
