//! `cargo lambda watch`, and a function behind it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::aws_server::{free_port, installed, wait_until_it_listens};

/// How long lines may take to be written.
const PATIENCE: Duration = Duration::from_secs(30);

/// The runtime's service and one function, each a program of its own; both are killed when it is dropped.
#[derive(Debug)]
pub(crate) struct LambdaWatch {
    name: &'static str,
    program: &'static str,
    environment: Vec<(&'static str, PathBuf)>,
    port: u16,
    folder: PathBuf,
    children: Vec<Child>,
}

impl LambdaWatch {
    /// Starts the function that writes down its messages, under the plain name `name`.
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_program(name, env!("CARGO_BIN_EXE_fanfare-test-function"), Vec::new()).await
    }

    /// Starts `program`, a function that reads its settings in `environment`, under the plain name `name`.
    pub(crate) async fn start_program(
        name: &'static str,
        program: &'static str,
        environment: Vec<(&'static str, PathBuf)>,
    ) -> Self {
        let port = free_port();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lambda-{port}"));
        std::fs::create_dir_all(folder.join("src")).expect("the folder can be made");
        // It wants to stand beside a package, and builds nothing of it.
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n");
        std::fs::write(folder.join("Cargo.toml"), manifest).expect("the folder takes files");
        std::fs::write(folder.join("src/main.rs"), "fn main() {}\n").expect("the folder takes files");
        let mut watch = Self { name, program, environment, port, folder, children: Vec::new() };
        watch.start_again().await;
        watch
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends service and function at once.
    pub(crate) async fn stop(&mut self) {
        for mut child in self.children.drain(..) {
            child.kill().await.expect("it runs until it is stopped");
        }
    }

    /// Starts both at the same place.
    pub(crate) async fn start_again(&mut self) {
        let port = self.port.to_string();
        let mut service = Command::new(installed("FANFARE_PYTHON").with_file_name("cargo-lambda"));
        service
            .args(["lambda", "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", &port])
            .current_dir(&self.folder);
        let mut service = spawn(service, Stdio::piped());
        wait_until_it_listens(&mut service, self.port).await;
        let mut function = Command::new(self.program);
        function.arg(self.file()).envs(self.environment.iter().cloned());
        for (name, value) in [
            ("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{port}/.rt/{}", self.name)),
            ("AWS_LAMBDA_FUNCTION_NAME", self.name.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "none".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "none".to_owned()),
        ] {
            function.env(name, value);
        }
        self.children = vec![service, spawn(function, Stdio::inherit())];
    }

    /// The lines that the function has written: identifier and text of each message. Waits until there are `count`.
    pub(crate) async fn lines(&self, count: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.file()).unwrap_or_default();
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(began.elapsed() < PATIENCE, "the function has written {} lines, not {count}", lines.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("messages")
    }
}

impl Drop for LambdaWatch {
    fn drop(&mut self) {
        // What stays is in the target folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(mut command: Command, stderr: Stdio) -> Child {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).kill_on_drop(true).spawn();
    child.expect("the program can be started")
}
