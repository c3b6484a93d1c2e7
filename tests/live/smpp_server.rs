//! The network that npm's package smpp plays.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::aws_server::{free_port, installed, wait_until_it_listens};

/// How long a message may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running network; it is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct SmppServer {
    port: u16,
    child: Child,
    parts: Arc<Mutex<Vec<Value>>>,
}

impl SmppServer {
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let parts = Arc::default();
        let child = spawn(port, &parts).await;
        Self { port, child, parts }
    }

    /// `smpp://USER:PASSWORD@HOST:PORT`
    pub(crate) fn url(&self) -> String {
        format!("smpp://fanfare:s3cret@127.0.0.1:{}", self.port)
    }

    /// Ends it at once.
    pub(crate) async fn stop(&mut self) {
        self.child.kill().await.expect("the network runs until it is stopped");
    }

    /// Starts another one at the same place.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(self.port, &self.parts).await;
    }

    /// Every part that it took, as it decoded it.
    pub(crate) fn parts(&self) -> Vec<Value> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it took as many parts as `enough` wants.
    pub(crate) async fn wait(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let parts = self.parts();
            if enough(&parts) {
                return parts;
            }
            assert!(began.elapsed() < PATIENCE, "the network has {parts:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn spawn(port: u16, parts: &Arc<Mutex<Vec<Value>>>) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("live/smpp_server.js");
    let taken = parts.lock().unwrap_or_else(PoisonError::into_inner).len();
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(port.to_string())
        .arg(taken.to_string())
        .env("NODE_PATH", installed("FANFARE_NODE_MODULES"));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = child.expect("node can be started");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
    let parts = Arc::clone(parts);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let part = serde_json::from_str(&line).expect("it prints JSON");
            parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
        }
    });
    wait_until_it_listens(&mut child, port).await;
    child
}
