//! Something to be written, and whom to tell.

use fanfare_core::store::StoreError;
use tokio::sync::oneshot;

use super::Batch;

/// Something to be written.
pub(super) trait Command: Send {
    /// About how long it is.
    fn bytes(&self) -> usize;

    /// Writes it. What was written has to be undone when this errs.
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Failed>;

    /// What it came to when it ran and erred.
    fn error(&self) -> Option<&StoreError>;

    /// Tells whoever asked: what the command itself came to when the batch was committed, and otherwise why it was not.
    fn finish(self: Box<Self>, lost: Option<StoreError>);
}

/// The command keeps the reason.
pub(super) struct Failed;

/// A command made of closures.
pub(super) struct Job<T, W, A> {
    bytes: usize,
    work: Option<W>,
    after: A,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W, A> Job<T, W, A>
where
    T: Send,
    W: FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    pub(super) fn new(bytes: usize, work: W, after: A, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { bytes, work: Some(work), after, outcome: None, reply }
    }
}

impl<T, W, A> Command for Job<T, W, A>
where
    T: Send,
    W: FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
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
