//! The worker as a process: started, told, read, killed.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fanfare-crash-worker");

/// How long it may say nothing before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A worker that runs.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    commands: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

/// How a worker ended, as `std` tells it.
pub(crate) const SIGKILL: i32 = 9;
pub(crate) const SIGABRT: i32 = 6;

impl Worker {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let commands = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let errors = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, commands, lines, errors }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Gives a command. A worker that is dead does not hear it, which shows when it is read.
    pub(crate) async fn tell(&mut self, command: &str) {
        let _ = self.commands.write_all(format!("{command}\n").as_bytes()).await;
    }

    /// The next line that it says; nothing when it has ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        patiently(self.lines.next_line()).await.unwrap()
    }

    /// The next line on standard error; nothing when it has ended.
    pub(crate) async fn error(&mut self) -> Option<String> {
        patiently(self.errors.next_line()).await.unwrap()
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.start_kill().unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        patiently(self.child.wait()).await.unwrap()
    }

    /// Waits until it has ended, and checks that `signal` ended it.
    pub(crate) async fn ended_by(&mut self, signal: i32) {
        let status = self.ended().await;
        if status.signal() != Some(signal) {
            let mut said = Vec::new();
            while let Some(line) = self.error().await {
                said.push(line);
            }
            panic!("the worker ended with {status}, not by signal {signal}: {}", said.join("\n"));
        }
    }
}

async fn patiently<T>(act: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, act).await {
        Ok(done) => done,
        Err(_) => panic!("waited {} s for the worker", PATIENCE.as_secs()),
    }
}
