//! How much a store in memory holds.

/// How much a [`MemoryStore`](super::MemoryStore) holds. What is not told apart stays as it is by default:
///
/// ```
/// use fanfare_core::store::{MemoryBounds, MemoryStore};
///
/// let store = MemoryStore::with_bounds(MemoryBounds { lane_deliveries: 1_000, ..MemoryBounds::default() });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBounds {
    /// Deliveries that one subscription may have, waiting or taken, before further ones are dropped. 100,000 by default.
    /// Dead letters that are redriven come back all the same.
    pub lane_deliveries: usize,
    /// Bytes of messages, as Amazon SNS counts a message's size, counted once for each delivery, for each dead letter and
    /// for each message in an archive, before the oldest dead letters leave and then Publish is refused. 1 GiB by default.
    pub bytes: usize,
    /// Messages that are remembered to be asked about, when nothing else needs them any more. 10,000 by default.
    pub recent_messages: usize,
    /// Bytes of those messages. 64 MiB by default.
    pub recent_bytes: usize,
    /// Attempts in the log. 100,000 by default; the oldest leave first.
    pub attempts: usize,
    /// Dead letters of one subscription. 10,000 by default; the oldest leave first.
    pub dead_letters: usize,
}

impl Default for MemoryBounds {
    fn default() -> Self {
        Self {
            lane_deliveries: 100_000,
            bytes: 1 << 30,
            recent_messages: 10_000,
            recent_bytes: 64 << 20,
            attempts: 100_000,
            dead_letters: 10_000,
        }
    }
}
