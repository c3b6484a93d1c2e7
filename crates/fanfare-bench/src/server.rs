//! The server that is measured, in a process of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::context::{Context, Place};
use crate::failure::{Failure, Result};
use crate::form::encoded;
use crate::process::Part;
use crate::roles::Role;
use crate::roles::load::LoadTask;
use crate::sample::{Meter, Sample};
use crate::usage::{self, Memory};
use crate::{process, raw, sigv4};

/// A server with an empty directory, which checks signatures and may deliver to loopback. It ends when it is dropped.
pub(crate) struct Server {
    part: Part,
    address: SocketAddr,
    /// From the start of the process to the first answered request.
    pub(crate) started_in: Duration,
    // Dropped after the process that has it open.
    _data: Option<Place>,
}

impl Server {
    /// Starts the server on a disk.
    pub(crate) fn start(context: &Context) -> Result<Self> {
        Self::start_trusting(context, None)
    }

    /// Starts the server, which trusts the authority in that file when it delivers over TLS.
    pub(crate) fn start_trusting(context: &Context, authority: Option<&Path>) -> Result<Self> {
        let data = context.place();
        let mut server = Self::on(context, data.path(), authority)?;
        server._data = Some(data);
        Ok(server)
    }

    /// Starts the server on what is in the directory `data`, which stays.
    pub(crate) fn on(context: &Context, data: &Path, authority: Option<&Path>) -> Result<Self> {
        let begun = Instant::now();
        let mut command = Command::new(&context.server);
        command.args(["serve", "--listen", "127.0.0.1:0", "--egress-allow", "127.0.0.0/8"]);
        command.args(["--log-level", "error", "--key", sigv4::SERVER_KEY, "--data"]).arg(data);
        if let Some(authority) = authority {
            command.env("SSL_CERT_FILE", authority);
        }
        command.stderr(Stdio::inherit());
        let mut part = Part::spawn(command)?;
        let line = part.line()?;
        let address = line.trim().strip_prefix("fanfare listens on http://").unwrap_or(&line).parse()?;
        let mut server = Self { part, address, started_in: Duration::ZERO, _data: None };
        server.call("Action=ListTopics&Version=2010-03-31")?;
        server.started_in = begun.elapsed();
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The answer to a call, which must be answered with 200.
    pub(crate) fn call(&self, form: &str) -> Result<String> {
        call(self.address, form)
    }

    /// Makes a topic and answers its ARN.
    pub(crate) fn create_topic(&self, name: &str) -> Result<String> {
        self.call(&format!("Action=CreateTopic&Name={name}&Version=2010-03-31"))?;
        Ok(format!("arn:aws:sns:us-east-1:000000000000:{name}"))
    }

    /// Subscribes a URL with attributes.
    pub(crate) fn subscribe(&self, topic: &str, url: &str, attributes: &[(&str, &str)]) -> Result<()> {
        self.call(&subscribe_form(topic, url, attributes)).map(drop)
    }

    /// Begins to measure what the server uses.
    pub(crate) fn meter(&self) -> Result<Meter> {
        Meter::of(self.part.id())
    }

    /// The memory of the server.
    pub(crate) fn memory(&self) -> Result<Memory> {
        usage::memory(self.part.id())
    }

    /// Calls `count` times, `callers` at a time, and waits for all answers.
    pub(crate) fn load(&self, callers: usize, count: u64, form: String) -> Result<Sample> {
        process::perform(&load(self.address, callers, count, form))
    }

    /// As [`Server::load`], each call with a line of the file `words`.
    pub(crate) fn load_each(&self, callers: usize, count: u64, form: String, words: &Path) -> Result<Sample> {
        let (server, words) = (self.address, Some(words.to_owned()));
        process::perform(&Role::Load(LoadTask { server, callers, count, form, words, per_second: 0.0 }))
    }
}

/// The task to call `count` times, `callers` at a time.
pub(crate) fn load(server: SocketAddr, callers: usize, count: u64, form: String) -> Role {
    Role::Load(LoadTask { server, callers, count, form, words: None, per_second: 0.0 })
}

/// The form that subscribes a URL with attributes.
pub(crate) fn subscribe_form(topic: &str, url: &str, attributes: &[(&str, &str)]) -> String {
    let protocol = url.split(':').next().unwrap_or_default();
    let mut form = format!("Action=Subscribe&TopicArn={topic}&Protocol={protocol}&Endpoint={}", encoded(url));
    for (number, (key, value)) in attributes.iter().enumerate() {
        let entry = format!("&Attributes.entry.{}", number + 1);
        form.push_str(&format!("{entry}.key={key}{entry}.value={}", encoded(value)));
    }
    form + "&Version=2010-03-31"
}

/// The answer of the SNS server at `address` to a call, which must be answered with 200.
pub(crate) fn call(address: SocketAddr, form: &str) -> Result<String> {
    let request = sigv4::request(&address.to_string(), form, Timestamp::now());
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&request)?;
    let mut answer = Vec::new();
    loop {
        let mut piece = [0; 16 << 10];
        let read = stream.read(&mut piece)?;
        answer.extend_from_slice(&piece[..read]);
        let frame = raw::Frame::of(&answer);
        let is_whole = frame.is_some_and(|frame| frame.body.is_some_and(|body| answer.len() >= frame.head + body));
        if is_whole || read == 0 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    match raw::status(&answer) {
        Some(200) => Ok(text),
        _ => Err(Failure::new(format!("{form} was answered with {text}"))),
    }
}
