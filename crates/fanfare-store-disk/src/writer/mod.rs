//! The one thread that writes: everything that waits is written to the log or in one transaction, and one sync makes all of
//! it safe.

mod apply;
mod batch;
mod command;
mod logged;
mod progress;
mod queue;
mod round;
mod sums;
mod thread;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::batch::{Batch, remove_fan_out, update_fan_out};
use self::command::{Command, Job, NeverLogged};
pub(crate) use self::logged::Logged;
use self::progress::Progress;
pub(crate) use self::sums::{Changes, Sums, Totals};
use self::thread::Writing;
use crate::error::Attempting;
use crate::lanes::Lanes;
use crate::options::DiskOptions;
use crate::reserve::Reserve;

/// What the thread is asked to do.
enum Request {
    /// Part of a transaction.
    Write(Box<dyn Command>),
    /// By itself, outside any transaction.
    Alone(Alone),
    /// Bring what is pending into the database.
    Apply(oneshot::Sender<Result<(), StoreError>>),
}

type Alone = Box<dyn FnOnce(&Connection, &mut Reserve) + Send>;

/// The way to the thread. Dropping this waits until everything that was accepted is done.
pub(crate) struct Writer {
    /// Emptied to end the thread.
    sender: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    progress: Arc<Progress>,
}

impl Writer {
    /// Starts the thread on `connection`.
    pub(crate) fn start(
        connection: Connection,
        directory: PathBuf,
        reserve: Reserve,
        options: &DiskOptions,
        lanes: &Arc<Lanes>,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(options.commands_max.get() as usize);
        let progress = Arc::new(Progress::default());
        let writing =
            Writing::new(connection, directory, reserve, options.clone(), Arc::clone(lanes), Arc::clone(&progress))?;
        let thread = std::thread::Builder::new().name("fanfare-write".into()).spawn(move || writing.run(receiver));
        let thread = thread.attempting("cannot start the thread that writes")?;
        Ok(Self { sender: Some(sender), thread: Some(thread), progress })
    }

    /// Writes with `work`, which is about `bytes` long, and answers when what it did is safe.
    ///
    /// - When `work` errs, what it did is undone, and nothing else.
    /// - `after` runs when what `work` did is safe, before anybody is told, whether or not the caller still waits.
    /// - A caller that goes away before there was room in the queue has asked for nothing; later, it is done all the same.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.command(bytes, None::<NeverLogged<T>>, work, after).await
    }

    /// The same with `log`, which logs what `work` would write, or answers nothing and has changed nothing.
    pub(crate) async fn log<T: Send + 'static>(
        &self,
        bytes: usize,
        log: impl FnMut(&mut Logged<'_>) -> Option<T> + Send + 'static,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.command(bytes, Some(log), work, after).await
    }

    async fn command<T: Send + 'static>(
        &self,
        bytes: usize,
        log: Option<impl FnMut(&mut Logged<'_>) -> Option<T> + Send + 'static>,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Write(Box::new(Job::new(bytes, log, work, after, reply)))).await?;
        answer.await.map_err(|_| closed())?
    }

    /// Has the database hold everything that was answered, for whoever reads it then.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn apply(&self) -> Result<(), StoreError> {
        if !self.progress.is_anything_pending() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        self.send(Request::Apply(reply)).await?;
        answer.await.map_err(|_| closed())?
    }

    /// The same for one message.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn apply_message(&self, number: u64) -> Result<(), StoreError> {
        if self.progress.is_pending(number) { self.apply().await } else { Ok(()) }
    }

    /// Does `work` between two transactions.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut Reserve) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = move |connection: &Connection, reserve: &mut Reserve| drop(reply.send(work(connection, reserve)));
        self.send(Request::Alone(Box::new(work))).await?;
        answer.await.map_err(|_| closed())?
    }

    /// Batches that were made safe.
    pub(crate) fn commits(&self) -> u64 {
        self.progress.commits()
    }

    async fn send(&self, request: Request) -> Result<(), StoreError> {
        let sender = self.sender.as_ref().ok_or_else(closed)?;
        sender.send(request).await.map_err(|_| closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the store panicked");
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("commits", &self.commits()).finish_non_exhaustive()
    }
}

fn closed() -> StoreError {
    StoreError::new(StoreErrorKind::Closed, "the store is closed")
}
