//! The program `fanfare`, which lists what it would deliver.

use std::future::Future;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::runtime::{Builder, Runtime};

/// Every protocol that Amazon SNS has and Fanfare delivers over.
pub(crate) const PROTOCOLS: &str = "http,https,email,email-json,sms,sqs,lambda,application";

/// A running program, which ends with this, and the means to call it.
pub(crate) struct Program {
    child: Child,
    base: String,
    runtime: Runtime,
    client: reqwest::Client,
}

impl Program {
    /// Runs `fanfare serve` on a port of its own, and comes back when it listens. It checks no signatures, and lists what it would
    /// deliver over the protocols `outbox`.
    pub(crate) fn start(outbox: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0", "--outbox", outbox])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { child, base, runtime, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A POST to the program.
    pub(crate) fn post(&self) -> reqwest::RequestBuilder {
        self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    }

    /// A GET of a path and query.
    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// A PUT to a path.
    pub(crate) fn put(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.put(format!("{}{path}", self.base))
    }

    /// Waits for what is to come from the program.
    pub(crate) fn wait<T>(&self, coming: impl Future<Output = T>) -> T {
        self.runtime.block_on(coming)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
