//! Programs around validators that others wrote: a message goes in, a verdict comes out.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::nginx::{Nginx, installed};

/// A validator and how it is told where the certificate lies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Validator {
    Sns,
    SnsPayload,
    Python,
}

impl Validator {
    /// The npm package sns-validator.
    pub(crate) fn sns_validator() -> Self {
        Self::Sns
    }

    /// The npm package sns-payload-validator.
    pub(crate) fn sns_payload_validator() -> Self {
        Self::SnsPayload
    }

    /// The PyPI package aws-sns-message-validator.
    pub(crate) fn python() -> Self {
        Self::Python
    }

    /// What the validator says of `message`: `valid`, or `invalid: why`. The certificate comes through nginx.
    pub(crate) async fn judge(&self, nginx: &Nginx, message: &str) -> String {
        let mut child = self
            .command(nginx)
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the validator starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        stdin.write_all(message.as_bytes()).await.expect("the validator reads the message");
        drop(stdin);
        let output = child.wait_with_output().await.expect("the validator ends");
        let verdict = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success() && !verdict.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        verdict
    }

    fn command(self, nginx: &Nginx) -> Command {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/live");
        let (host, port) = ("127.0.0.1", nginx.port().to_string());
        let node = || {
            let mut command = Command::new("node");
            command.env("NODE_PATH", installed("FANFARE_NODE_MODULES")).env("NODE_EXTRA_CA_CERTS", nginx.ca_path());
            command
        };
        match self {
            Self::Sns => {
                let mut command = node();
                command.arg(format!("{scripts}/sns_validator.js")).arg(format!("{host}:{port}"));
                command
            }
            Self::SnsPayload => {
                let mut command = node();
                command.arg(format!("{scripts}/sns_payload_validator.js")).args([host, &port]);
                command
            }
            Self::Python => {
                let mut command = Command::new(installed("FANFARE_PYTHON"));
                command.env("REQUESTS_CA_BUNDLE", nginx.ca_path());
                command.arg(format!("{scripts}/aws_sns_message_validator.py")).arg(format!("{}/", nginx.url()));
                command
            }
        }
    }
}
