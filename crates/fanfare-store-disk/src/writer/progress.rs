//! How far the thread that writes has come, for those who do not wait for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::pending::Pending;

/// Told by the writing thread before it answers anybody.
#[derive(Debug, Default)]
pub(super) struct Progress {
    commits: AtomicU64,
    /// Whether something that was answered is not in the database.
    pending: AtomicBool,
    /// The number of the first message that is not, 0 for none.
    first_number: AtomicU64,
}

impl Progress {
    /// Batches that were made safe.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn add_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells what is pending.
    pub(super) fn tell(&self, pending: &Pending) {
        let first = pending.first_number().map_or(0, i64::cast_unsigned);
        self.first_number.store(first, Ordering::Release);
        self.pending.store(!pending.is_empty(), Ordering::Release);
    }

    pub(super) fn is_anything_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// Whether message `number` is pending.
    pub(super) fn is_pending(&self, number: u64) -> bool {
        let first = self.first_number.load(Ordering::Acquire);
        first != 0 && number >= first
    }
}
