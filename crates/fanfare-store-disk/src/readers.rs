//! Threads that read beside the writer, each with a connection of its own.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::connection;
use crate::error::Attempting;
use crate::options::DiskOptions;

/// Something to be read.
type Reading = Box<dyn FnOnce(&Connection) + Send>;

/// Reads that wait for a thread before callers have to wait for room.
const READINGS_MAX: usize = 256;

/// The threads. Dropping this waits until they have ended.
pub(crate) struct Readers {
    /// Emptied to end the threads.
    sender: Option<mpsc::Sender<Reading>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(database: &Path, options: &DiskOptions) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel::<Reading>(READINGS_MAX);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut readers = Self { sender: Some(sender), threads: Vec::new() };
        for _ in 0..options.readers.get() {
            let connection = connection::reading(database)?;
            let receiver = Arc::clone(&receiver);
            let run = move || {
                loop {
                    // One thread waits for what comes next, the others for their turn to wait.
                    let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                    let Some(reading) = next else { break };
                    reading(&connection);
                }
            };
            let thread = std::thread::Builder::new().name("fanfare-read".into()).spawn(run);
            readers.threads.push(thread.attempting("cannot start a thread that reads")?);
        }
        Ok(readers)
    }

    /// Reads with `read` on one of the threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::new(StoreErrorKind::Closed, "the store is closed");
        let (reply, answer) = oneshot::channel();
        // Whoever asked may have gone: then nobody wants the answer.
        let reading: Reading = Box::new(move |connection| drop(reply.send(read(connection))));
        let sender = self.sender.as_ref().ok_or_else(closed)?;
        sender.send(reading).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that reads the store panicked");
            }
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}
