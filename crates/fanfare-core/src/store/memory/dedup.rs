//! The messages by which repeated ones are recognised.

use std::collections::{BTreeSet, HashMap};

use crate::host::Timestamp;
use crate::store::Dedup;

/// Messages by their deduplication keys, each until its window ends.
#[derive(Debug, Default)]
pub(super) struct DedupWindows {
    windows: HashMap<String, Window>,
    ends: BTreeSet<(Timestamp, String)>,
}

/// The first message of a window.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) message_id: String,
    pub(super) number: u64,
    until: Timestamp,
}

impl DedupWindows {
    /// The window that is open for `key` at `now`.
    pub(super) fn open_at(&self, key: &str, now: Timestamp) -> Option<&Window> {
        self.windows.get(key).filter(|window| now < window.until)
    }

    /// Opens a window, in place of the one for the same key that has ended.
    pub(super) fn open(&mut self, dedup: Dedup, message_id: String, number: u64) {
        let Dedup { key, until } = dedup;
        self.ends.insert((until, key.clone()));
        if let Some(ended) = self.windows.insert(key.clone(), Window { message_id, number, until })
            && ended.until != until
        {
            self.ends.remove(&(ended.until, key));
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.ends.is_empty()
    }

    /// Forgets the windows that have ended at `now`.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        while self.ends.first().is_some_and(|(until, _)| *until <= now)
            && let Some((_, key)) = self.ends.pop_first()
        {
            self.windows.remove(&key);
        }
    }
}
