//! Subscriptions as they are kept, many at a time.

use std::fmt;
use std::num::NonZeroUsize;

use serde::Deserialize;

use super::records::{CorruptRecord, SubscriptionRecord};
use super::{StoreError, StoreErrorKind};
use crate::subscription::SubscriptionId;

/// Some of the subscriptions that are kept, in the order of their ids: of each its record, as the JSON that it was written as.
///
/// A store hands the texts over as they are. The engine reads them, of several pages at a time, on threads of its own.
#[derive(Clone, Default)]
pub struct SubscriptionPage {
    /// The records, one behind the other.
    text: String,
    /// Of each, its id and where its text ends.
    ends: Vec<(SubscriptionId, usize)>,
}

impl SubscriptionPage {
    /// A page without subscriptions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the record of the subscription `id`, which is larger than those before.
    pub fn push(&mut self, id: SubscriptionId, record: &str) {
        self.text.push_str(record);
        self.ends.push((id, self.text.len()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The last one, behind which the next page begins; nothing when there is none.
    pub fn last(&self) -> Option<SubscriptionId> {
        self.ends.last().map(|(id, _)| *id)
    }

    /// The records.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn records(&self) -> Result<Vec<SubscriptionRecord>, StoreError> {
        self.read().map(|(id, record)| record.map_err(|error| Self::unreadable(id, error))).collect()
    }

    /// The records in pages, each of that length but for the last.
    pub(crate) fn pages_of(records: &[SubscriptionRecord], length: NonZeroUsize) -> impl Iterator<Item = Self> {
        records.chunks(length.get()).map(|records| {
            let mut page = Self::new();
            for record in records {
                let text = serde_json::to_string(record).expect("a record of strings and numbers is JSON");
                page.push(SubscriptionId(record.id), &text);
            }
            page
        })
    }

    /// Reads the records one after the other, each with the id that it is kept under. After one that cannot be read, others
    /// mean nothing.
    pub(crate) fn read<'a, T: Deserialize<'a>>(
        &'a self,
    ) -> impl Iterator<Item = (SubscriptionId, Result<T, CorruptRecord>)> {
        // One reader for all, whose buffer need not grow anew for each.
        let mut records = serde_json::Deserializer::from_str(&self.text).into_iter::<T>();
        self.ends.iter().map(move |&(id, end)| {
            let record = records.next().transpose().map_err(CorruptRecord::new);
            let is_whole = self.text.get(records.byte_offset()..end).is_some_and(|rest| rest.trim_ascii().is_empty());
            let record = record.and_then(|record| match record.filter(|_| is_whole) {
                Some(record) => Ok(record),
                None => Err(CorruptRecord::new("it is not one JSON object")),
            });
            (id, record)
        })
    }

    /// What is told of a record that cannot be used.
    pub(crate) fn unreadable(
        id: SubscriptionId,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError::new(StoreErrorKind::Corrupt, format!("the record of subscription {} cannot be used", id.0))
            .with_source(source)
    }
}

impl fmt::Debug for SubscriptionPage {
    /// The records may hold passwords, so they are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionPage").field("len", &self.len()).field("last", &self.last()).finish_non_exhaustive()
    }
}
