//! The log of attempts.

use std::collections::{HashMap, VecDeque};

use crate::arn::SubscriptionArn;
use crate::attempt::Attempt;

/// The latest attempts, the oldest first.
#[derive(Debug, Default)]
pub(super) struct AttemptLog {
    attempts: VecDeque<Attempt>,
    /// How many attempts have left the log.
    left: usize,
    /// For each message, which attempts are its own, counted from the first there ever was.
    by_message: HashMap<String, VecDeque<usize>>,
}

impl AttemptLog {
    /// Adds an attempt, and lets the oldest leave when there are more than `max`.
    pub(super) fn push(&mut self, attempt: Attempt, max: usize) {
        let position = self.left + self.attempts.len();
        self.by_message.entry(attempt.message_id.clone()).or_default().push_back(position);
        self.attempts.push_back(attempt);
        while self.attempts.len() > max
            && let Some(oldest) = self.attempts.pop_front()
        {
            self.left += 1;
            let positions = self.by_message.get_mut(&oldest.message_id).expect("what is logged is indexed");
            positions.pop_front();
            if positions.is_empty() {
                self.by_message.remove(&oldest.message_id);
            }
        }
    }

    /// The attempts for a message; with a subscription, only those for it.
    pub(super) fn of(&self, message_id: &str, subscription: Option<&SubscriptionArn>) -> Vec<Attempt> {
        let positions = self.by_message.get(message_id).into_iter().flatten();
        let attempts = positions.map(|position| &self.attempts[position - self.left]);
        attempts.filter(|attempt| subscription.is_none_or(|own| *own == attempt.subscription)).cloned().collect()
    }

    /// The latest attempts for a subscription, the newest first.
    pub(super) fn latest(&self, subscription: &SubscriptionArn, max: usize) -> Vec<Attempt> {
        self.attempts.iter().rev().filter(|attempt| attempt.subscription == *subscription).take(max).cloned().collect()
    }
}
