//! Signing on threads of its own, away from the async workers.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use fanfare_core::SignatureVersion;
use tokio::sync::{mpsc, oneshot};

use crate::certificate::Certificate;
use crate::key::{CERTIFICATE_NAME, SigningKey};

/// The most threads that sign. Signatures are made once for each text, so this is seldom what one waits for.
const THREADS_MAX: usize = 4;

/// How many texts may wait for a thread; whoever comes then waits before handing over its text.
const QUEUE_MAX: usize = 64;

/// Signs texts with one key. Clones share the key, the threads and the queue.
///
/// - The threads, one for each core and at most four, start with the first signature. They end with the last clone, whose
///   drop waits for the signature that each is making: some milliseconds.
/// - At most 64 texts wait in the queue. A text whose caller has gone is not signed.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

impl Signer {
    /// Signs with `key`.
    pub fn with_key(key: SigningKey) -> Self {
        Self::new(OnceLock::from(key))
    }

    /// Signs with a key that is made when it is first asked for, on a signing thread, in about a fifth of a second, and is
    /// forgotten with the signer. Its certificate is self-signed and has the name [`CERTIFICATE_NAME`].
    pub fn ephemeral() -> Self {
        Self::new(OnceLock::new())
    }

    fn new(key: OnceLock<SigningKey>) -> Self {
        let desk = Desk { key, making_key: Mutex::new(()), signatures: AtomicU64::new(0) };
        Self(Arc::new(Inner { desk: Arc::new(desk), pool: Mutex::new(None) }))
    }

    /// Signs `text`: RSASSA-PKCS1-v1_5 with SHA-1 (version 1) or SHA-256 (version 2).
    ///
    /// # Errors
    /// [`SignError`]; all but [`SignErrorKind::UnsupportedVersion`] may pass when it is tried again.
    pub async fn sign(&self, version: SignatureVersion, text: Bytes) -> Result<Vec<u8>, SignError> {
        let (reply, answer) = oneshot::channel();
        self.0.hand_over(Job::Sign { version, text, reply }).await?;
        Begun(answer).signature().await
    }

    /// Begins to sign a text, as [`Signer::sign`], for whoever asks for the signature later; nothing when a thread could not be
    /// asked without waiting, and then there is no need for the text. A signature whose holder has gone before a thread gets to
    /// it is not made.
    pub(crate) fn begin(&self, version: SignatureVersion, text: impl FnOnce() -> Bytes) -> Option<Begun> {
        let jobs = self.0.jobs().ok()?;
        let room = jobs.try_reserve().ok()?;
        let (reply, answer) = oneshot::channel();
        room.send(Job::Sign { version, text: text(), reply });
        Some(Begun(answer))
    }

    /// The certificate of the key. Of an ephemeral signer, it makes the key if need be.
    ///
    /// # Errors
    /// [`SignError`], when the key could not be made.
    pub async fn certificate(&self) -> Result<Certificate, SignError> {
        if let Some(certificate) = self.ready_certificate() {
            return Ok(certificate);
        }
        let (reply, answer) = oneshot::channel();
        self.0.hand_over(Job::MakeKey { reply }).await?;
        answer.await.unwrap_or_else(|_| Err(SignErrorKind::Key.into()))
    }

    /// The PEM text of the certificate, to serve at `SigningCertURL`; as [`Signer::certificate`].
    ///
    /// # Errors
    /// As [`Signer::certificate`].
    pub async fn certificate_pem(&self) -> Result<String, SignError> {
        Ok(self.certificate().await?.pem().to_owned())
    }

    /// The certificate, unless the key of an ephemeral signer is still to be made.
    pub fn ready_certificate(&self) -> Option<Certificate> {
        self.0.desk.key.get().map(|key| key.certificate().clone())
    }

    /// How many signatures have been made, for metrics.
    pub fn signatures_made(&self) -> u64 {
        self.0.desk.signatures.load(Ordering::Relaxed)
    }
}

/// A signature that a thread is making or is about to make.
#[derive(Debug)]
pub(crate) struct Begun(oneshot::Receiver<Result<Vec<u8>, SignError>>);

impl Begun {
    /// Waits for it.
    ///
    /// # Errors
    /// As [`Signer::sign`].
    pub(crate) async fn signature(self) -> Result<Vec<u8>, SignError> {
        self.0.await.unwrap_or_else(|_| Err(SignErrorKind::Signing.into()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.0.desk.key.get()).finish_non_exhaustive()
    }
}

struct Inner {
    desk: Arc<Desk>,
    /// The threads, once they run. Locked to start them or to copy the sender, never while waiting.
    pool: Mutex<Option<Pool>>,
}

impl Inner {
    /// Gives `job` to the threads; waits while the queue is full.
    async fn hand_over(&self, job: Job) -> Result<(), SignError> {
        let jobs = self.jobs()?;
        jobs.send(job).await.map_err(|_| SignErrorKind::Threads.into())
    }

    /// The way to the threads, which are started if need be.
    fn jobs(&self) -> Result<mpsc::Sender<Job>, SignError> {
        let mut pool = lock(&self.pool);
        if let Some(pool) = &*pool {
            return Ok(pool.jobs.clone());
        }
        let started = Pool::start(&self.desk)?;
        Ok(pool.insert(started).jobs.clone())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let pool = self.pool.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(Pool { jobs, threads }) = pool.take() else { return };
        drop(jobs); // Ends the threads' loops.
        for thread in threads {
            // An answer may wake a task that is the last to have the signer, and so end here on a signing thread.
            if thread.thread().id() != thread::current().id() {
                // A thread that panicked has answered nobody, and whoever waited for it knows.
                let _ = thread.join();
            }
        }
    }
}

struct Pool {
    jobs: mpsc::Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts as many threads as there may be and the system gives; one is enough.
    fn start(desk: &Arc<Desk>) -> Result<Self, SignError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let wanted = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let mut threads = Vec::with_capacity(wanted);
        for number in 0..wanted {
            let (desk, queue) = (Arc::clone(desk), Arc::clone(&queue));
            match thread::Builder::new().name(format!("sns-sign-{number}")).spawn(move || desk.work(&queue)) {
                Ok(thread) => threads.push(thread),
                Err(_) if number > 0 => break,
                Err(error) => return Err(SignError { kind: SignErrorKind::Threads, source: Some(Box::new(error)) }),
            }
        }
        Ok(Self { jobs, threads })
    }
}

/// What a thread is asked to do, and where it answers.
enum Job {
    Sign { version: SignatureVersion, text: Bytes, reply: oneshot::Sender<Result<Vec<u8>, SignError>> },
    MakeKey { reply: oneshot::Sender<Result<Certificate, SignError>> },
}

/// What the threads share.
struct Desk {
    key: OnceLock<SigningKey>,
    /// Held by the thread that makes the key, so that only one is made.
    making_key: Mutex<()>,
    signatures: AtomicU64,
}

impl Desk {
    /// Does what is in the queue until nobody can add to it.
    fn work(&self, queue: &Mutex<mpsc::Receiver<Job>>) {
        loop {
            // One thread waits for a job; the others wait for the lock.
            let job = lock(queue).blocking_recv();
            // An answer that nobody waits for any more is no loss.
            match job {
                Some(Job::Sign { version, text, reply }) if !reply.is_closed() => {
                    let _ = reply.send(self.sign(version, &text));
                }
                Some(Job::MakeKey { reply }) if !reply.is_closed() => {
                    let _ = reply.send(self.key().map(|key| key.certificate().clone()));
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    fn sign(&self, version: SignatureVersion, text: &[u8]) -> Result<Vec<u8>, SignError> {
        if !matches!(version, SignatureVersion::V1 | SignatureVersion::V2) {
            return Err(SignErrorKind::UnsupportedVersion.into());
        }
        let signature = self.key()?.sign(version, text).ok_or(SignErrorKind::Signing)?;
        self.signatures.fetch_add(1, Ordering::Relaxed);
        Ok(signature)
    }

    fn key(&self) -> Result<&SigningKey, SignError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let _turn = lock(&self.making_key);
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = SigningKey::generate(CERTIFICATE_NAME)
            .map_err(|error| SignError { kind: SignErrorKind::Key, source: Some(Box::new(error)) })?;
        Ok(self.key.get_or_init(|| key))
    }
}

/// Locks; what these locks protect is whole at every moment, also when a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why there is no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignErrorKind {
    /// The system gives no thread to sign on. May be tried again.
    Threads,
    /// The key could not be made. May be tried again.
    Key,
    /// The key does not sign: there is no randomness. May be tried again.
    Signing,
    /// This crate does not know the signature version. Never passes.
    UnsupportedVersion,
}

/// A signature that could not be made.
#[derive(Debug)]
pub struct SignError {
    kind: SignErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SignError {
    /// Why there is no signature.
    pub fn kind(&self) -> SignErrorKind {
        self.kind
    }
}

impl From<SignErrorKind> for SignError {
    fn from(kind: SignErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SignErrorKind::Threads => "there is no thread to sign on",
            SignErrorKind::Key => "there is no key to sign with",
            SignErrorKind::Signing => "the key does not sign",
            SignErrorKind::UnsupportedVersion => "the signature version is not known",
        })
    }
}

impl Error for SignError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
