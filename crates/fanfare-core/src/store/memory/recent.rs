//! The log of recent messages, which are remembered to be asked about.

use std::collections::VecDeque;

/// Numbers and sizes of the latest messages, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    messages: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Recent {
    pub(super) fn push(&mut self, number: u64, size: usize) {
        self.messages.push_back((number, size));
        self.bytes += size;
    }

    /// The oldest message that has no place among at most `messages` messages of at most `bytes` bytes.
    pub(super) fn pop_beyond(&mut self, messages: usize, bytes: usize) -> Option<u64> {
        if self.messages.len() <= messages && self.bytes <= bytes {
            return None;
        }
        let (number, size) = self.messages.pop_front()?;
        self.bytes -= size;
        Some(number)
    }
}
