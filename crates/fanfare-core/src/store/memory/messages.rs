//! The messages that something needs, each once.

use std::collections::HashMap;
use std::sync::Arc;

use super::uses::{Held, Use, Uses};
use crate::notification::NotificationKind;
use crate::store::{Dispatch, StoredMessage};

/// Messages by their numbers, each for as long as it has a use.
#[derive(Debug, Default)]
pub(super) struct Messages {
    kept: HashMap<u64, Kept>,
    numbers: HashMap<String, u64>,
    held: Held,
}

/// A message that something needs.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) dispatch: Dispatch,
    /// The message group, shared by the deliveries.
    pub(super) group: Option<Arc<str>>,
    uses: Uses,
}

impl Messages {
    /// Keeps a message that has `uses`; at least one.
    pub(super) fn insert(&mut self, number: u64, dispatch: Dispatch, uses: Uses) {
        let group = dispatch.publication.message().group_id().map(Arc::from);
        self.held.add(uses.held());
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

    /// What all uses together hold.
    pub(super) fn held(&self) -> Held {
        self.held
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.numbers.is_empty()
    }

    /// Adds a use to a message that has one.
    pub(super) fn hold(&mut self, number: u64, purpose: Use) {
        self.change(number, |uses| uses.begin(purpose, 1));
    }

    /// Ends a use, and forgets the message with its last one.
    pub(super) fn release(&mut self, number: u64, purpose: Use) {
        let kept = self.change(number, |uses| uses.end(purpose));
        if !kept.uses.is_none() {
            return;
        }
        let kept = self.kept.remove(&number).expect("it was changed just now");
        let id = kept.dispatch.publication.id();
        if self.numbers.get(id) == Some(&number) {
            self.numbers.remove(id);
        }
    }

    fn change(&mut self, number: u64, change: impl FnOnce(&mut Uses)) -> &Kept {
        let kept = self.kept.get_mut(&number).expect("a message is kept while it has a use");
        let before = kept.uses.held();
        change(&mut kept.uses);
        self.held.remove(before);
        self.held.add(kept.uses.held());
        kept
    }
}

impl Kept {
    /// The size that Amazon SNS counts, in bytes.
    pub(super) fn size(&self) -> usize {
        self.dispatch.publication.message().size()
    }

    /// What a delivery of this message adds to the counters, which leave confirmation messages out.
    pub(super) fn counted(&self) -> u64 {
        u64::from(self.dispatch.kind == NotificationKind::Notification)
    }
}
