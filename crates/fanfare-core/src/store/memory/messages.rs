//! The messages that something needs, each once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::notification::NotificationKind;
use crate::store::{Dispatch, StoredMessage};

/// Messages by their numbers, each for as long as it has a use: a delivery, a dead letter, an archive, the log of recent
/// messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    kept: HashMap<u64, Kept>,
    numbers: HashMap<String, u64>,
}

/// A message that something needs.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) dispatch: Dispatch,
    /// The message group, shared by the deliveries.
    pub(super) group: Option<Arc<str>>,
    uses: usize,
}

impl Messages {
    /// Keeps a message that has `uses` uses; at least one.
    pub(super) fn insert(&mut self, number: u64, dispatch: Dispatch, uses: usize) {
        let group = dispatch.publication.message().group_id().map(Arc::from);
        self.numbers.insert(dispatch.publication.id().to_owned(), number);
        self.kept.insert(number, Kept { dispatch, group, uses });
    }

    /// A message in use.
    pub(super) fn used(&self, number: u64) -> &Kept {
        self.kept.get(&number).expect("a message is kept while it has a use")
    }

    pub(super) fn by_id(&self, message_id: &str) -> Option<StoredMessage> {
        let number = *self.numbers.get(message_id)?;
        Some(StoredMessage { number, dispatch: self.used(number).dispatch.clone() })
    }

    /// Adds a use to a message that has one.
    pub(super) fn hold(&mut self, number: u64) {
        self.kept.get_mut(&number).expect("a message is kept while it has a use").uses += 1;
    }

    /// Ends a use, and forgets the message with its last one.
    pub(super) fn release(&mut self, number: u64) {
        let kept = self.kept.get_mut(&number).expect("a message is kept while it has a use");
        kept.uses -= 1;
        if kept.uses > 0 {
            return;
        }
        let id = kept.dispatch.publication.id();
        if self.numbers.get(id) == Some(&number) {
            self.numbers.remove(id);
        }
        self.kept.remove(&number);
    }
}

impl Kept {
    /// The size that bounds count, in bytes.
    pub(super) fn size(&self) -> usize {
        self.dispatch.publication.message().size()
    }

    /// What a delivery of this message adds to the counters, which leave confirmation messages out.
    pub(super) fn counted(&self) -> u64 {
        u64::from(self.dispatch.kind == NotificationKind::Notification)
    }
}
