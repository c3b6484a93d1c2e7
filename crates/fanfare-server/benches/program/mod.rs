//! The program that is measured, in a process of its own.
#![allow(dead_code, reason = "each benchmark uses a part")]
#![allow(clippy::unwrap_used, reason = "a benchmark stops where it fails")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program, ended when it is dropped.
pub(crate) struct Program {
    child: Child,
    caller: Caller,
    /// From the start of the process to the first answered request.
    pub(crate) started_in: Duration,
}

/// What calls the program.
#[derive(Clone)]
pub(crate) struct Caller {
    url: String,
    client: reqwest::Client,
}

impl Program {
    /// Starts it with `place`, which says where it keeps things, without signatures, and with queues that are listed only.
    pub(crate) fn start(place: &[String]) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--auth", "off", "--listen", "127.0.0.1:0", "--outbox", "sqs"])
            .args(place)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        answered(&url);
        let started_in = begun.elapsed();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, caller: Caller { url, client }, started_in }
    }

    pub(crate) fn caller(&self) -> Caller {
        self.caller.clone()
    }

    pub(crate) async fn call(&self, call: &str) -> String {
        self.caller.call(call).await
    }

    /// The ARN of the topic `name`.
    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:sns:us-east-1:000000000000:{name}")
    }

    /// The memory that the process holds, in MB.
    pub(crate) fn memory_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// The processor time that the process has used, to a hundredth of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in parentheses may hold spaces.
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Caller {
    /// The answer to a call, which must be answered.
    pub(crate) async fn call(&self, call: &str) -> String {
        let request = self.client.post(&self.url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("{call}&Version=2010-03-31")).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{call}: {text}");
        text
    }
}

/// Asks for the topics over a connection of its own, without a client that would have to be set up first.
fn answered(url: &str) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /?Action=ListTopics HTTP/1.1\r\nhost: fanfare\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
