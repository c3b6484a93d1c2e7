//! Callers of an SNS server: hand-written HTTP over connections that stay open, one call at a time on each.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::failure::{Failure, Result};
use crate::raw::{Frame, is_kept_open, status};
use crate::sample::{Meter, Sample};
use crate::{form, sigv4};

/// What is called, and how often.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadTask {
    /// The server.
    pub(crate) server: SocketAddr,
    /// Calls at a time.
    pub(crate) callers: usize,
    /// Calls in all.
    pub(crate) count: u64,
    /// The call, with places to fill in. A call that is always the same is signed once, before the measurement.
    pub(crate) form: String,
    /// A file with a line for each call, which is filled in as its word.
    pub(crate) words: Option<PathBuf>,
    /// Calls a second, evenly; 0 for as many as are answered.
    pub(crate) per_second: f64,
}

impl LoadTask {
    pub(super) fn perform(self) -> Result<Sample> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.call())
    }

    async fn call(self) -> Result<Sample> {
        let host = self.server.to_string();
        let fixed = form::is_fixed(&self.form).then(|| sigv4::request(&host, &self.form, Timestamp::now()));
        let words = Arc::new(self.words.as_ref().map(Words::read).transpose()?);
        let (task, next) = (Arc::new(self), Arc::new(AtomicU64::new(0)));
        let mut callers = JoinSet::new();
        let meter = Meter::here()?;
        let begun = Instant::now();
        for _ in 0..task.callers {
            let (task, next, words) = (Arc::clone(&task), Arc::clone(&next), Arc::clone(&words));
            let (fixed, host) = (fixed.clone(), host.clone());
            callers.spawn(async move {
                let mut caller = Caller::new(task.server);
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= task.count {
                        return Ok::<_, Failure>(latencies);
                    }
                    if task.per_second > 0.0 {
                        let due = begun + Duration::from_secs_f64(number as f64 / task.per_second);
                        tokio::time::sleep_until(due.into()).await;
                    }
                    let asked = Instant::now();
                    match &fixed {
                        Some(request) => caller.call(request).await?,
                        None => {
                            let word = words.as_ref().as_ref().map_or("", |words| words.line(number));
                            let form = form::filled(&task.form, number, word);
                            caller.call(&sigv4::request(&host, &form, Timestamp::now())).await?;
                        }
                    }
                    latencies.push(u64::try_from(asked.elapsed().as_nanos())?);
                }
            });
        }
        let mut latencies = Vec::new();
        while let Some(ended) = callers.join_next().await {
            latencies.extend(ended??);
        }
        Ok(meter.stop(task.count)?.with_latencies(latencies))
    }
}

/// The lines of a file.
struct Words {
    text: String,
    /// Where each line begins, and the text ends.
    places: Vec<usize>,
}

impl Words {
    fn read(path: &PathBuf) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place + 1);
        let places = std::iter::once(0).chain(ends).collect();
        Ok(Self { text, places })
    }

    /// The line of that number; nothing when there are fewer.
    fn line(&self, number: u64) -> &str {
        let number = usize::try_from(number).unwrap_or(usize::MAX - 1);
        match self.places.get(number..=number + 1) {
            Some(&[begin, end]) => &self.text[begin..end - 1],
            _ => "",
        }
    }
}

/// One connection at a time.
struct Caller {
    server: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Caller {
    fn new(server: SocketAddr) -> Self {
        Self { server, stream: None, buffer: Vec::with_capacity(4096) }
    }

    /// Sends the request and reads the answer, which must be 200.
    async fn call(&mut self, request: &[u8]) -> Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.server).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let mut frame = None;
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                break;
            }
            frame = frame.or_else(|| Frame::of(&self.buffer));
            if let Some(Frame { head, body: Some(body) }) = frame
                && self.buffer.len() >= head + body
            {
                break;
            }
        }
        if status(&self.buffer) != Some(200) {
            return Err(Failure::new(format!("the server answered: {}", String::from_utf8_lossy(&self.buffer))));
        }
        if frame.is_some_and(|frame| frame.body.is_some() && is_kept_open(&self.buffer[..frame.head])) {
            self.stream = Some(stream);
        }
        Ok(())
    }
}
