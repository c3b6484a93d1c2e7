//! Many policies, of which those that want a message are found without asking all.

mod candidates;
mod clause;
mod everything;
mod filed;
mod intake;
mod members;
mod ranges;
mod scoped;
mod second_look;
mod seed;
mod shape;
mod trie;

use std::fmt;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::event::Event;
use super::filtered_out::FilteredOut;
use super::policy::FilterPolicy;
use super::scope::FilterPolicyScope;
use super::verdict::FilterReason;

use candidates::Candidates;
use everything::Everything;
use scoped::Scoped;

pub(crate) use seed::Seed;

/// The filter policies of many subscribers, by which those who want a message are found at a cost that grows with how many
/// they are, and not with how many there are.
///
/// Each policy is kept under the key of its subscriber and filed under one of its conditions, the one that fewest messages are
/// likely to meet: an exact text or number, an address or block of addresses, what a text begins or ends with, a range of
/// numbers. With `$or`, it is filed under one condition of each alternative. Only what leaves nearly everything open
/// (`anything-but`, `exists`) is filed under the mere presence or absence of its key. Those whose condition a message meets are
/// then asked as [`FilterPolicy::matches`] asks, so the answers are the same.
///
/// Of a message's text, only the fields that some policy names are looked at; the rest has to be JSON nevertheless.
///
/// Changes and questions may come from any thread. A change takes some microseconds, however many policies there are, and
/// holds up questions for that long; a question holds up changes while it collects candidates, and asks them when it has let go
/// of the index. A policy that is replaced while a message is on its way is asked as it was before, or as it is afterwards.
///
/// ```
/// use fanfare_core::filter::{Event, FilterIndex, FilterPolicy, FilterPolicyScope};
/// use fanfare_core::Attributes;
///
/// let index = FilterIndex::new();
/// for tenant in 0..1000 {
///     let policy = format!(r#"{{"tenant": [{tenant}], "kind": ["created", "paid"]}}"#);
///     index.insert(tenant, Some(&FilterPolicy::parse(&policy, FilterPolicyScope::MessageBody)?));
/// }
/// index.insert(5000, None);
/// let attributes = Attributes::new();
/// let found = index.matches(&Event::new(&attributes, r#"{"tenant": 7, "kind": "paid"}"#));
/// assert_eq!(found.keys, [7, 5000]);
/// assert_eq!(found.filtered_out.total(), 999);
/// # Ok::<(), fanfare_core::filter::FilterPolicyError>(())
/// ```
pub struct FilterIndex<K> {
    /// Held for one change, or while candidates for one message are collected; never while they are asked, and never across an
    /// `.await`. Readers do not exclude each other. Nothing in here is moved as a whole when it grows: tables split a small part
    /// of themselves, and the rest lies in pieces. So there is no moment in which everybody waits for long.
    ///
    /// A copy that is swapped in whole would spare readers the lock, but have each change copy what it touches; policies change
    /// far more often than an uncontended lock is worth.
    inner: RwLock<Inner<K>>,
}

struct Inner<K> {
    everything: Everything<K>,
    /// Made when the first policy of the scope comes.
    attributes: Option<Box<Scoped<K>>>,
    body: Option<Box<Scoped<K>>>,
}

/// Who wants a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Matches<K> {
    /// Their keys, in order.
    pub keys: Vec<K>,
    /// How many do not want it, and why.
    pub filtered_out: FilteredOut,
}

impl<K> Default for Matches<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), filtered_out: FilteredOut::default() }
    }
}

impl<K> Default for FilterIndex<K> {
    fn default() -> Self {
        let inner = Inner { everything: Everything::default(), attributes: None, body: None };
        Self { inner: RwLock::new(inner) }
    }
}

impl<K: Copy + Ord + Hash> FilterIndex<K> {
    /// An index without policies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Files a policy under its subscriber's key, in the place of the one that the key had. Without a policy, the subscriber
    /// wants everything, as with the policy `{}`.
    pub fn insert(&self, key: K, policy: Option<&FilterPolicy>) {
        let policy = policy.filter(|policy| !policy.is_empty());
        // What is taken out is dropped when the lock is free.
        let _old = self.write().insert(key, policy.cloned());
    }

    /// Forgets the policy of a key, and answers whether it had one.
    pub fn remove(&self, key: &K) -> bool {
        let removed = self.write().remove(key);
        removed.is_some()
    }

    /// How many subscribers there are, those who want everything included.
    pub fn len(&self) -> usize {
        let inner = self.read();
        inner.everything.len() + inner.scoped().map(Scoped::len).sum::<usize>()
    }

    /// Whether there are no subscribers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds those who want the message, all of them as they stand at one moment.
    pub fn matches(&self, event: &Event<'_>) -> Matches<K> {
        let (everything, attributes, body) = {
            let inner = self.read();
            (
                inner.everything.clone(),
                Answer::of(inner.attributes.as_deref(), event),
                Answer::of(inner.body.as_deref(), event),
            )
        };
        let mut matches = Matches { keys: everything.iter().collect(), filtered_out: FilteredOut::default() };
        attributes.add_to(&mut matches, FilterReason::MessageAttributes);
        body.add_to(&mut matches, FilterReason::MessageBody);
        // Runs that are in order are told from each other and merged.
        matches.keys.sort();
        matches
    }

    /// As [`FilterIndex::matches`], but looks at nobody whose policy is on the message's text.
    pub(crate) fn matches_but_body(&self, event: &Event<'_>) -> Matches<K> {
        let (everything, attributes) = {
            let inner = self.read();
            (inner.everything.clone(), Answer::of(inner.attributes.as_deref(), event))
        };
        let mut matches = Matches { keys: everything.iter().collect(), filtered_out: FilteredOut::default() };
        attributes.add_to(&mut matches, FilterReason::MessageAttributes);
        matches
    }

    /// Finds those whose policy is on the message's text and who want it, and says why the others do not.
    pub(crate) fn matches_of_body(&self, event: &Event<'_>) -> (Vec<K>, FilterReason) {
        let body = Answer::of(self.read().body.as_deref(), event);
        let reason = body.found.as_ref().err().copied().unwrap_or(FilterReason::MessageBody);
        let mut matches = Matches::default();
        body.add_to(&mut matches, reason);
        (matches.keys, reason)
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner<K>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<K>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> fmt::Debug for FilterIndex<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterIndex").finish_non_exhaustive()
    }
}

impl<K: Copy + Ord + Hash> Inner<K> {
    fn insert(&mut self, key: K, policy: Option<FilterPolicy>) -> Option<FilterPolicy> {
        let Some(policy) = policy else {
            let old = self.remove(&key).flatten();
            self.everything.insert(key);
            return old;
        };
        if self.scoped().any(|scoped| scoped.policy(&key) == Some(&policy)) {
            return None;
        }
        let old = self.remove(&key).flatten();
        self.place(policy.scope()).insert(key, policy);
        old
    }

    /// Where the policies of that scope are filed.
    fn place(&mut self, scope: FilterPolicyScope) -> &mut Scoped<K> {
        let place = match scope {
            FilterPolicyScope::MessageAttributes => &mut self.attributes,
            FilterPolicyScope::MessageBody => &mut self.body,
        };
        place.get_or_insert_with(|| Box::new(Scoped::new(scope)))
    }

    /// Answers the policy, if there was one, of a key that was there.
    #[allow(
        clippy::option_option,
        reason = "whether the key was there, and whether it had a policy, are two questions"
    )]
    fn remove(&mut self, key: &K) -> Option<Option<FilterPolicy>> {
        if self.everything.remove(key) {
            return Some(None);
        }
        for place in [&mut self.attributes, &mut self.body] {
            let Some(scoped) = place else { continue };
            if let Some(policy) = scoped.remove(key) {
                if scoped.len() == 0 {
                    // Tables keep their room for those to come, and here are none.
                    *place = None;
                }
                return Some(Some(policy));
            }
        }
        None
    }

    fn scoped(&self) -> impl Iterator<Item = &Scoped<K>> {
        self.attributes.as_deref().into_iter().chain(self.body.as_deref())
    }
}

/// What the policies of one scope have to say of a message.
struct Answer<'a, K> {
    asked: usize,
    found: Result<Option<Candidates<'a, K>>, FilterReason>,
}

impl<'a, K: Copy + Ord + Hash> Answer<'a, K> {
    fn of(scoped: Option<&Scoped<K>>, event: &Event<'a>) -> Self {
        // Where nobody asks, the message is not read.
        let scoped = scoped.filter(|scoped| scoped.len() > 0);
        let found = scoped.map(|scoped| scoped.candidates(event)).transpose();
        Self { asked: scoped.map_or(0, Scoped::len), found }
    }

    /// Asks the candidates; `mismatch` is why the others are left out if the message could be read.
    fn add_to(self, matches: &mut Matches<K>, mismatch: FilterReason) {
        let before = matches.keys.len();
        let reason = match &self.found {
            Ok(candidates) => {
                matches.keys.extend(candidates.iter().flat_map(Candidates::verified));
                mismatch
            }
            Err(reason) => *reason,
        };
        matches.filtered_out.add(reason, self.asked - (matches.keys.len() - before));
    }
}
