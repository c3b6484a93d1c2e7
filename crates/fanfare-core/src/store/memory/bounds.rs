//! How much a store in memory holds.

/// How much a [`MemoryStore`](super::MemoryStore) holds. What is not told apart stays as it is by default:
///
/// ```
/// use fanfare_core::store::{MemoryBounds, MemoryStore};
///
/// let store = MemoryStore::with_bounds(MemoryBounds { lane_deliveries: 1_000, ..MemoryBounds::default() });
/// ```
///
/// The size of a message is in bytes, as Amazon SNS counts it: its text and its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBounds {
    /// Deliveries that one subscription may have, waiting or taken, before further ones are dropped. 100,000 by default.
    /// Dead letters that are redriven come back all the same.
    pub lane_deliveries: usize,
    /// What the sizes of the messages of those deliveries may come to before further ones are dropped. 64 MiB by default.
    ///
    /// A subscription that has no delivery takes one, however large. Dead letters that are redriven come back all the same.
    /// Replayed deliveries are neither counted nor refused: an archive has their messages already.
    pub lane_bytes: usize,
    /// Bytes that all deliveries, dead letters and archives may hold, before the oldest dead letters leave and then Publish
    /// and replays are refused. 1 GiB by default.
    ///
    /// A message counts once, however many subscriptions have it: its size and 1 KiB for what is kept with it. Each of its
    /// deliveries and dead letters counts 256 bytes. What endpoints keep with a message comes on top: an envelope that was
    /// rendered for it is about as large as its text.
    ///
    /// The bound is one for all, so dead subscriptions that each have a full lane of messages that nobody else waits for
    /// reach it together. With the default bounds that takes 16 of them when the messages are large, and six at worst, when
    /// a lane has as many deliveries and as many bytes as it may. Where more can be dead at a time, choose smaller
    /// `lane_deliveries` and `lane_bytes`.
    pub bytes: usize,
    /// Messages that are remembered to be asked about, when nothing else needs them any more. 10,000 by default.
    pub recent_messages: usize,
    /// The sizes of those messages. 64 MiB by default.
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
            lane_bytes: 64 << 20,
            bytes: 1 << 30,
            recent_messages: 10_000,
            recent_bytes: 64 << 20,
            attempts: 100_000,
            dead_letters: 10_000,
        }
    }
}
