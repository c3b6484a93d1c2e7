//! Who wants the messages of a topic.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::filter::{FilterIndex, FilterPolicy, FilterPolicyScope};
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

/// What an audience has to know of a subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) id: SubscriptionId,
    pub(super) receives_new: bool,
    pub(super) policy: Option<&'a FilterPolicy>,
    pub(super) protocol: &'a Protocol,
    pub(super) address: Option<&'a str>,
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
    pub(super) fn put(&self, old: Option<Known<'_>>, subscription: &Subscription) {
        let new = Known::of(subscription);
        if new.receives_new {
            self.index.insert(new.id, new.policy);
        } else {
            self.index.remove(&new.id);
        }
        let (old, new) = (old.and_then(|old| Reader::of(&old)), Reader::of(&new));
        if old == new {
            return;
        }
        let mut readers = self.lock();
        if let Some(reader) = new {
            *readers.entry(reader).or_insert(0) += 1;
        }
        forget(&mut readers, old);
    }

    /// Takes in many subscriptions of which nothing is known. Nothing may change before [`Audience::filled`] is called.
    pub(super) fn fill<'a>(&self, new: impl Iterator<Item = Known<'a>>) {
        let mut readers: Vec<(Reader, usize)> = Vec::new();
        let mut index = self.index.take_in();
        for known in new.filter(|known| known.receives_new) {
            index.add(known.id, known.policy);
            let Some(reader) = Reader::of(&known) else { continue };
            match readers.iter_mut().find(|(known, _)| *known == reader) {
                Some((_, count)) => *count += 1,
                None => readers.push((reader, 1)),
            }
        }
        drop(index);
        let mut all = self.lock();
        for (reader, count) in readers {
            *all.entry(reader).or_insert(0) += count;
        }
    }

    /// Ends what [`Audience::fill`] began.
    pub(super) fn filled(&self) {
        self.index.taken_in();
    }

    /// Forgets a subscription, of which this is all that is known.
    pub(super) fn remove(&self, old: &Known<'_>) {
        self.index.remove(&old.id);
        forget(&mut self.lock(), Reader::of(old));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Reader, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Known<'a> {
    fn of(subscription: &'a Subscription) -> Self {
        Self {
            id: subscription.id,
            receives_new: subscription.receives_new(),
            policy: subscription.filter_policy(),
            protocol: subscription.protocol(),
            address: subscription.destination().address_text(),
        }
    }
}

impl Reader {
    /// Nothing for a subscription that gets nothing new, or whose policy is not on the text.
    fn of(known: &Known<'_>) -> Option<Self> {
        let policy = known.policy.filter(|_| known.receives_new)?;
        if policy.is_empty() || policy.scope() != FilterPolicyScope::MessageBody {
            return None;
        }
        let platform = Platform::of_address(known.protocol, known.address);
        Some(Self { protocol: known.protocol.clone(), platform })
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
