//! Which messages topics can replay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use crate::arn::TopicArn;
use crate::host::Timestamp;
use crate::store::Range;

/// The numbers of archived messages. Their dispatches are kept with all others.
#[derive(Debug, Default)]
pub(super) struct Archive {
    messages: HashMap<u64, Archived>,
    /// For each topic, the numbers of its messages with the times at which they were accepted.
    topics: HashMap<TopicArn, BTreeMap<u64, Timestamp>>,
    ends: BTreeSet<(Timestamp, u64)>,
}

/// A message that can be replayed.
#[derive(Debug)]
pub(super) struct Archived {
    pub(super) topic: TopicArn,
    /// When it was accepted.
    pub(super) accepted: Timestamp,
    /// When it leaves the archive.
    pub(super) until: Timestamp,
}

impl Archive {
    pub(super) fn insert(&mut self, number: u64, message: Archived) {
        self.topics.entry(message.topic.clone()).or_default().insert(number, message.accepted);
        self.ends.insert((message.until, number));
        self.messages.insert(number, message);
    }

    /// Numbers of `range` above `after`, in order.
    pub(super) fn numbers(&self, range: &Range, after: u64) -> impl Iterator<Item = u64> {
        let (from, to) = (range.from, range.to);
        let messages = self.topics.get(&range.topic).into_iter();
        let later = messages.flat_map(move |messages| messages.range((Bound::Excluded(after), Bound::Unbounded)));
        let within = later.filter(move |&(_, &at)| from <= at && to.is_none_or(|to| at <= to));
        within.map(|(&number, _)| number)
    }

    /// Whether the message can be replayed at `now`.
    pub(super) fn has(&self, number: u64, now: Timestamp) -> bool {
        self.messages.get(&number).is_some_and(|message| now < message.until)
    }

    /// Takes out the messages of `topic`, and answers their numbers.
    pub(super) fn drop_topic(&mut self, topic: &TopicArn) -> Vec<u64> {
        let numbers: Vec<_> = self.topics.get(topic).into_iter().flat_map(BTreeMap::keys).copied().collect();
        for &number in &numbers {
            self.remove(number);
        }
        numbers
    }

    /// Takes out what can be replayed at `now` no more, and answers the numbers.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Vec<u64> {
        let ended: Vec<_> =
            self.ends.iter().take_while(|(until, _)| *until <= now).map(|&(_, number)| number).collect();
        for &number in &ended {
            self.remove(number);
        }
        ended
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.topics.is_empty() && self.ends.is_empty()
    }

    fn remove(&mut self, number: u64) {
        let message = self.messages.remove(&number).expect("what is listed is archived");
        self.ends.remove(&(message.until, number));
        if let Some(numbers) = self.topics.get_mut(&message.topic) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.topics.remove(&message.topic);
            }
        }
    }
}
