//! Something to be written, and whom to tell.

use fanfare_core::store::StoreError;
use tokio::sync::oneshot;

use super::{Batch, Logged};

/// Something to be written.
pub(super) trait Command: Send {
    /// About how long it is.
    fn bytes(&self) -> usize;

    /// Whether it is of a kind that can be logged.
    fn is_for_the_log(&self) -> bool;

    /// Logs it, when that can be done as things stand; otherwise it has changed nothing.
    fn log(&mut self, logged: &mut Logged<'_>) -> bool;

    /// Writes it. What was written has to be undone when this errs.
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Failed>;

    /// What it came to when it ran and erred.
    fn error(&self) -> Option<&StoreError>;

    /// Tells whoever asked: what the command itself came to when the batch was committed, and otherwise why it was not.
    fn finish(self: Box<Self>, lost: Option<StoreError>);
}

/// The command keeps the reason.
pub(super) struct Failed;

/// Has a [`Job`] know that it is never logged.
pub(super) type NeverLogged<T> = fn(&mut Logged<'_>) -> Option<T>;

/// A command made of closures.
pub(super) struct Job<T, L, W, A> {
    bytes: usize,
    /// Logs it, when it is of a kind that can be. It answers nothing when that cannot be done.
    log: Option<L>,
    work: Option<W>,
    after: A,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, L, W, A> Job<T, L, W, A>
where
    T: Send,
    L: FnMut(&mut Logged<'_>) -> Option<T> + Send,
    W: FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    pub(super) fn new(
        bytes: usize,
        log: Option<L>,
        work: W,
        after: A,
        reply: oneshot::Sender<Result<T, StoreError>>,
    ) -> Self {
        Self { bytes, log, work: Some(work), after, outcome: None, reply }
    }
}

impl<T, L, W, A> Command for Job<T, L, W, A>
where
    T: Send,
    L: FnMut(&mut Logged<'_>) -> Option<T> + Send,
    W: FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_for_the_log(&self) -> bool {
        self.log.is_some()
    }

    fn log(&mut self, logged: &mut Logged<'_>) -> bool {
        let answer = self.log.as_mut().and_then(|log| log(logged));
        self.outcome = answer.map(Ok);
        self.outcome.is_some()
    }

    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Failed> {
        let work = self.work.take().expect("a command runs once");
        let outcome = self.outcome.insert(work(batch));
        outcome.as_ref().map(drop).map_err(|_| Failed)
    }

    fn error(&self) -> Option<&StoreError> {
        self.outcome.as_ref()?.as_ref().err()
    }

    fn finish(self: Box<Self>, lost: Option<StoreError>) {
        let outcome = match (self.outcome, lost) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(lost)) => Err(lost),
            (Some(Ok(value)), None) => {
                (self.after)(&value);
                Ok(value)
            }
            (None, None) => unreachable!("a batch is committed after its commands ran"),
        };
        // Whoever asked may have gone: then nobody wants the answer.
        drop(self.reply.send(outcome));
    }
}
