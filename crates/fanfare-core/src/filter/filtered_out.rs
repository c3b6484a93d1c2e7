//! How many subscribers do not want a message, and why.

use super::verdict::FilterReason;

/// How many subscribers do not want a message, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilteredOut {
    message_attributes: usize,
    message_body: usize,
    invalid_attributes: usize,
    no_message_attributes: usize,
    invalid_message_body: usize,
}

/// Every reason, in the order in which reasons are told.
const REASONS: [FilterReason; 5] = [
    FilterReason::MessageAttributes,
    FilterReason::MessageBody,
    FilterReason::InvalidAttributes,
    FilterReason::NoMessageAttributes,
    FilterReason::InvalidMessageBody,
];

impl FilteredOut {
    /// All together.
    pub fn total(&self) -> usize {
        self.iter().map(|(_, count)| count).sum()
    }

    /// How many for that reason.
    pub fn of(&self, reason: FilterReason) -> usize {
        let mut counts = *self;
        *counts.at(reason)
    }

    /// The reasons that there are, each with how many.
    pub fn iter(&self) -> impl Iterator<Item = (FilterReason, usize)> {
        let counts = *self;
        REASONS.into_iter().map(move |reason| (reason, counts.of(reason))).filter(|(_, count)| *count > 0)
    }

    /// Adds so many for a reason.
    pub(crate) fn add(&mut self, reason: FilterReason, count: usize) {
        *self.at(reason) += count;
    }

    fn at(&mut self, reason: FilterReason) -> &mut usize {
        match reason {
            FilterReason::MessageAttributes => &mut self.message_attributes,
            FilterReason::MessageBody => &mut self.message_body,
            FilterReason::InvalidAttributes => &mut self.invalid_attributes,
            FilterReason::NoMessageAttributes => &mut self.no_message_attributes,
            FilterReason::InvalidMessageBody => &mut self.invalid_message_body,
        }
    }
}
