//! Who wants the messages of a topic.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::filter::{FilterIndex, FilterPolicyScope};
use crate::platform::Platform;
use crate::protocol::Protocol;
use crate::subscription::{Subscription, SubscriptionId};

/// The subscriptions of a topic that get what is published now, by their filter policies.
///
/// It changes together with the registry, and a publisher asks it without holding up the registry.
#[derive(Debug, Default)]
pub(crate) struct Audience {
    index: FilterIndex<SubscriptionId>,
    /// How many of those whose policies are on the message's text get which text. Held for one change or look.
    readers: Mutex<HashMap<Reader, usize>>,
}

/// What decides which text of a message a subscriber gets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Reader {
    pub(crate) protocol: Protocol,
    pub(crate) platform: Option<Platform>,
}

impl Audience {
    /// The filter policies.
    pub(crate) fn index(&self) -> &FilterIndex<SubscriptionId> {
        &self.index
    }

    /// The kinds of readers among those whose policies are on the message's text, with how many there are of each.
    pub(crate) fn readers(&self) -> Vec<(Reader, usize)> {
        self.lock().iter().map(|(reader, count)| (reader.clone(), *count)).collect()
    }

    /// Takes a subscription in as it is now, in the place of what it was.
    pub(super) fn put(&self, old: Option<&Subscription>, subscription: &Subscription) {
        if subscription.receives_new() {
            self.index.insert(subscription.id, subscription.filter_policy());
        } else {
            self.index.remove(&subscription.id);
        }
        let (old, new) = (old.and_then(Reader::of), Reader::of(subscription));
        if old == new {
            return;
        }
        let mut readers = self.lock();
        if let Some(reader) = new {
            *readers.entry(reader).or_insert(0) += 1;
        }
        forget(&mut readers, old);
    }

    /// Forgets a subscription, of which this is all that is known.
    pub(super) fn remove(&self, old: &Subscription) {
        self.index.remove(&old.id);
        forget(&mut self.lock(), Reader::of(old));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Reader, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Nothing for a subscription that gets nothing new, or whose policy is not on the text.
    fn of(subscription: &Subscription) -> Option<Self> {
        let policy = subscription.filter_policy().filter(|_| subscription.receives_new())?;
        if policy.is_empty() || policy.scope() != FilterPolicyScope::MessageBody {
            return None;
        }
        let protocol = subscription.protocol();
        let platform = Platform::of_address(protocol, subscription.destination().address_text());
        Some(Self { protocol: protocol.clone(), platform })
    }
}

fn forget(readers: &mut HashMap<Reader, usize>, reader: Option<Reader>) {
    let Some(reader) = reader else { return };
    if let Some(count) = readers.get_mut(&reader) {
        *count -= 1;
        if *count == 0 {
            readers.remove(&reader);
        }
    }
}
