//! What the suite needs to know of a store.

use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::store::Store;

/// A store under test, with the place where it keeps things.
#[async_trait]
pub trait Subject: Send + Sync + Sized + 'static {
    /// Opens an empty store in a place of its own.
    async fn open() -> Self;

    /// The store; each call gives the same one.
    fn store(&self) -> Arc<dyn Store>;

    /// Closes the store, of which nobody has a handle any more, and opens it again in the same place, as a program does
    /// that was ended and started. Nothing for a store that does not outlive the process: the cases that reopen are to be
    /// ignored with that reason then.
    async fn reopen(self) -> Option<Self>;

    /// What the store was opened with.
    fn bounds(&self) -> Bounds;
}

/// How much a store under test holds. Open it with small bounds, such as a few hundred, so that the cases that reach them
/// are quick; but with room for 250 deliveries in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Messages that the log of recent messages has room for.
    pub recent_messages: usize,
    /// Deliveries that one lane has room for. Nothing when there is no bound to it: the case about it is to be ignored then.
    pub lane_deliveries: Option<usize>,
    /// Dead letters that one lane has room for. Nothing when there is no bound to it: the case about it is to be ignored
    /// then.
    pub dead_letters: Option<usize>,
}
