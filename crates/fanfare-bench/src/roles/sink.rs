//! Subscribers, all of them in one process of one thread: it reads requests by hand and answers them, and counts.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::tell;
use crate::failure::{Failure, Result};
use crate::raw::{Frame, header};
use crate::sample::Sample;
use crate::{stamp, tls};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// What listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SinkTask {
    /// How the endpoints conduct themselves: that many of each kind, each on a port of its own.
    pub(crate) endpoints: Vec<(Conduct, usize)>,
    /// With TLS; the authority's certificate is written to this file.
    pub(crate) authority: Option<PathBuf>,
    /// Whether to look at the stamps of messages.
    pub(crate) stamped: bool,
}

/// How an endpoint answers notifications. Confirmations are followed in any case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Conduct {
    /// With 200, at once.
    Answers,
    /// With 200, after five seconds.
    AnswersLate,
    /// With 503.
    Refuses,
    /// Never.
    Hangs,
}

/// How long a late answer takes.
const LATE: Duration = Duration::from_secs(5);

/// What it answers when it has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The ports, in the order of the task.
    pub(crate) ports: Vec<u16>,
}

/// What it is asked, one on each line of its input.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// How things stand once that many notifications were answered at once, or after so many seconds.
    Until(u64, f64),
    /// Forget everything that was counted.
    Forget,
}

/// How things stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Notifications that were answered at once, with 200.
    pub(crate) answered: u64,
    /// Notifications to endpoints that do otherwise.
    pub(crate) others: u64,
    /// Requests that are held without an answer now.
    pub(crate) held: u64,
    /// Connections that were made.
    pub(crate) connections: u64,
    /// Subscriptions that were confirmed.
    pub(crate) confirmed: u64,
    /// Bytes of the last body.
    pub(crate) body_bytes: u64,
    /// The latencies from the stamps to the sink.
    pub(crate) latencies: Sample,
}

#[derive(Default)]
struct Book {
    answered: AtomicU64,
    others: AtomicU64,
    held: AtomicU64,
    connections: AtomicU64,
    confirmed: AtomicU64,
    body_bytes: AtomicU64,
    /// From how many on somebody wants to be woken.
    goal: AtomicU64,
    reached: Condvar,
    latencies: Mutex<Vec<u64>>,
    stamped: bool,
}

impl SinkTask {
    pub(super) fn perform(self) -> Result<()> {
        let acceptor = self.authority.as_deref().map(tls::accept_as_sink).transpose()?;
        let book = Arc::new(Book { stamped: self.stamped, goal: AtomicU64::new(u64::MAX), ..Book::default() });
        let asked = Arc::clone(&book);
        std::thread::spawn(move || {
            // Whoever asks is gone when the input ends, and then nobody needs subscribers.
            let ended = asked.answer_questions();
            std::process::exit(i32::from(ended.is_err()));
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut ports = Vec::new();
            for (conduct, count) in self.endpoints {
                for _ in 0..count {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    ports.push(listener.local_addr()?.port());
                    tokio::spawn(accept(listener, acceptor.clone(), conduct, Arc::clone(&book)));
                }
            }
            tell(&Listening { ports })?;
            std::future::pending().await
        })
    }
}

impl Book {
    fn answer_questions(&self) -> Result<()> {
        for line in std::io::stdin().lock().lines() {
            match serde_json::from_str(&line?)? {
                Ask::Until(goal, seconds) => tell(&self.until(goal, Duration::from_secs_f64(seconds)))?,
                Ask::Forget => {
                    for counter in [&self.answered, &self.others, &self.connections] {
                        counter.store(0, Ordering::SeqCst);
                    }
                    self.latencies().clear();
                    tell(&Count::default())?;
                }
            }
        }
        Ok(())
    }

    fn until(&self, goal: u64, limit: Duration) -> Count {
        let end = Instant::now() + limit;
        self.goal.store(goal, Ordering::SeqCst);
        let mut latencies = self.latencies();
        while self.answered.load(Ordering::SeqCst) < goal {
            let Some(left) = end.checked_duration_since(Instant::now()) else { break };
            // A goal that is reached between the look and the wait is seen a moment later.
            let left = left.min(Duration::from_millis(5));
            latencies = self.reached.wait_timeout(latencies, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.goal.store(u64::MAX, Ordering::SeqCst);
        let load = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Count {
            answered: load(&self.answered),
            others: load(&self.others),
            held: load(&self.held),
            connections: load(&self.connections),
            confirmed: load(&self.confirmed),
            body_bytes: load(&self.body_bytes),
            latencies: Sample { items: latencies.len() as u64, ..Sample::default() }.with_latencies(latencies.clone()),
        }
    }

    fn latencies(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, body: &[u8]) {
        self.body_bytes.store(body.len() as u64, Ordering::Relaxed);
        if let Some(age) = self.stamped.then(|| stamp::age(body)).flatten() {
            self.latencies().push(age);
        }
        let answered = self.answered.fetch_add(1, Ordering::SeqCst) + 1;
        if answered >= self.goal.load(Ordering::SeqCst) {
            self.reached.notify_all();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, conduct: Conduct, book: Arc<Book>) {
    while let Ok((stream, _)) = listener.accept().await {
        book.connections.fetch_add(1, Ordering::Relaxed);
        let (acceptor, book) = (acceptor.clone(), Arc::clone(&book));
        tokio::spawn(async move {
            // A client that breaks off is no trouble of the sink's.
            let _ = match acceptor {
                None => serve(stream, conduct, &book).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => serve(stream, conduct, &book).await,
                    Err(error) => Err(error.into()),
                },
            };
        });
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, conduct: Conduct, book: &Arc<Book>) -> Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let frame = loop {
            if let Some(frame) = Frame::of(&buffer)
                && buffer.len() >= frame.head + frame.body.unwrap_or(0)
            {
                break frame;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let whole = frame.head + frame.body.unwrap_or(0);
        let (head, body) = buffer[..whole].split_at(frame.head);
        if header(head, "x-amz-sns-message-type") == Some("SubscriptionConfirmation") {
            let (body, book) = (body.to_vec(), Arc::clone(book));
            tokio::spawn(async move {
                if confirm(&body).await.is_ok() {
                    book.confirmed.fetch_add(1, Ordering::Relaxed);
                }
            });
            stream.write_all(OK).await?;
        } else {
            match conduct {
                Conduct::Answers => {
                    stream.write_all(OK).await?;
                    book.answered(body);
                }
                Conduct::AnswersLate => {
                    book.others.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(LATE).await;
                    stream.write_all(OK).await?;
                }
                Conduct::Refuses => {
                    book.others.fetch_add(1, Ordering::Relaxed);
                    stream.write_all(UNAVAILABLE).await?;
                }
                Conduct::Hangs => {
                    book.others.fetch_add(1, Ordering::Relaxed);
                    book.held.fetch_add(1, Ordering::SeqCst);
                    let left = until_it_leaves(&mut stream).await;
                    book.held.fetch_sub(1, Ordering::SeqCst);
                    return left;
                }
            }
        }
        buffer.drain(..whole);
    }
}

/// Waits until the client gives up.
async fn until_it_leaves(stream: &mut (impl AsyncRead + Unpin)) -> Result<()> {
    let mut rest = [0; 256];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Follows the link in a request to confirm.
async fn confirm(body: &[u8]) -> Result<()> {
    let request: serde_json::Value = serde_json::from_slice(body)?;
    let link = request["SubscribeURL"].as_str().and_then(|link| link.strip_prefix("http://"));
    let (host, path) = link.and_then(|link| link.split_once('/')).ok_or_else(|| Failure::new("no link to follow"))?;
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    match crate::raw::status(&answer) {
        Some(200) => Ok(()),
        status => Err(Failure::new(format!("the confirmation was answered with {status:?}"))),
    }
}
