//! Keeps topics, subscriptions and documents: small, and read whole when an engine starts.

use std::fmt;
use std::num::NonZeroUsize;

use async_trait::async_trait;

use super::records::{DocumentRecord, SubscriptionRecord, TopicRecord};
use super::{StoreError, SubscriptionPage};
use crate::arn::TopicArn;
use crate::subscription::SubscriptionId;

/// A change to what is kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// Makes a topic, or replaces what is kept of it.
    PutTopic(TopicRecord),
    /// Forgets a topic. Its subscriptions are changed by changes of their own.
    RemoveTopic(TopicArn),
    /// Makes a subscription, or replaces what is kept of it.
    PutSubscription(SubscriptionRecord),
    /// Forgets a subscription.
    RemoveSubscription(SubscriptionId),
    /// Makes a document, or replaces what is kept of it.
    PutDocument(DocumentRecord),
    /// Forgets a document.
    RemoveDocument {
        /// What sort of document it is.
        kind: String,
        /// Its name among those of its kind.
        id: String,
    },
}

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegistryRecords {
    /// The topics, in any order.
    pub topics: Vec<TopicRecord>,
    /// The subscriptions, in the order of their ids.
    pub subscriptions: Vec<SubscriptionRecord>,
    /// The documents, in the order of their kinds and ids.
    pub documents: Vec<DocumentRecord>,
}

/// Keeps topics, subscriptions and documents.
///
/// - After `save` returns, the changes are as safe as this store makes anything; all of one call or none.
/// - Removing what is not there is no error.
#[async_trait]
pub trait RegistryStore: fmt::Debug + Send + Sync + 'static {
    /// Whether what is kept outlives the process. Then destinations have to be addresses: an object cannot be kept.
    fn outlives_the_process(&self) -> bool;

    /// Everything that is kept.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn load(&self) -> Result<RegistryRecords, StoreError>;

    /// The same by pages, for a store that may keep millions of subscriptions; nothing if it has no pages.
    fn pages(&self) -> Option<&dyn RegistryPages> {
        None
    }

    /// Keeps `changes`.
    ///
    /// # Errors
    /// When none of them was kept.
    async fn save(&self, changes: Vec<Change>) -> Result<(), StoreError>;
}

/// Reads what a registry keeps page by page, while nothing is changed.
#[async_trait]
pub trait RegistryPages: Send + Sync {
    /// Everything but the subscriptions.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn all_but_subscriptions(&self) -> Result<RegistryRecords, StoreError>;

    /// The subscriptions after that one, in the order of their ids, at most `max`. Their records are handed over as they were
    /// written: whoever asks for them finds out whether they can be used.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn subscriptions_after(
        &self,
        after: Option<SubscriptionId>,
        max: NonZeroUsize,
    ) -> Result<SubscriptionPage, StoreError>;
}
