//! Where topics, subscriptions, messages and deliveries are kept.
//!
//! Two questions, two traits. The [`RegistryStore`] keeps what is small and read whole at the start: topics,
//! subscriptions, and documents of others. The [`Journal`] keeps what is large and never read whole: messages and their deliveries, from Publish to
//! the last attempt and for a while after. A [`Store`] is both.

mod journal;
mod memory;
mod page;
mod records;
mod registry_store;

use std::error::Error;
use std::fmt;

use crate::error::write_chain;

pub use journal::{
    Appended, Counters, Dead, Dedup, Delivery, DeliveryId, Dispatch, Entry, Journal, LaneCounts, LaneOrder,
    MessageState, Range, Settled, Settlement, Stage, StoredMessage,
};
pub use memory::{MemoryBounds, MemoryStore};
pub use page::SubscriptionPage;
pub use records::{
    ConfirmationRecord, CorruptRecord, DestinationRecord, DocumentRecord, FilterRecord, ReplayRecord,
    ReplayStatusRecord, StateRecord, SubscriptionRecord, TopicRecord,
};
pub use registry_store::{Change, RegistryPages, RegistryRecords, RegistryStore};

/// A store: both halves in one.
pub trait Store: Journal + RegistryStore {}

impl<T: Journal + RegistryStore + ?Sized> Store for T {}

/// What kind of thing stops a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It holds as much as it may. There is room again when deliveries settle.
    Full,
    /// What it keeps things on does not work: a disk is full or broken. Nothing was accepted.
    Unavailable,
    /// What it kept cannot be read back.
    Corrupt,
    /// It was closed.
    Closed,
}

/// Why a store cannot do what it was asked; nothing was done then.
///
/// `Display` is one lower-case line that says what to do where something can be done.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    context: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error with what was attempted, as a lower-case phrase.
    pub fn new(kind: StoreErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of thing stops it.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(f, &self.context, self.source())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
