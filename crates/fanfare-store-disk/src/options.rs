//! What a store may use, and for how long it remembers what nobody waits for.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// Bounds of a [`DiskStore`](crate::DiskStore).
///
/// ```
/// use fanfare_store_disk::DiskOptions;
///
/// let mut options = DiskOptions::default();
/// options.database_bytes_max = 4 << 30;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskOptions {
    /// Bytes of the database above which Publish is refused until deliveries settle; 16 GiB. What settles, retries and
    /// is administered goes on, and the next sweep forgets every message that nothing needs any more.
    pub database_bytes_max: u64,
    /// Bytes of the file `reserve`, which takes room on the disk for when it is full; 8 MiB, and 0 for none.
    ///
    /// When the store cannot write for lack of room, the file is removed: Publish and replays are refused from then on, and
    /// what settles, retries and is administered goes on with the room that was freed. When there is room for twice as many
    /// bytes the file is made again, and Publish goes on. A store that is opened where there is less room than that, and no
    /// reserve yet, refuses Publish as well. Without a reserve nothing goes on until somebody makes room.
    pub reserve_bytes: u64,
    /// Deliveries that may wait in one lane before further ones are dropped, so that one dead endpoint cannot fill the
    /// database for all; 1,000,000.
    pub lane_deliveries_max: u64,
    /// For how long attempts are logged; 14 days.
    pub attempts_age_max: Duration,
    /// Bytes of logged attempts, beyond which the oldest are forgotten; 256 MiB.
    pub attempts_bytes_max: u64,
    /// For how long a message that nothing needs any more can still be looked up; 24 hours.
    pub recent_age_max: Duration,
    /// Messages that nothing needs any more, beyond which the oldest are forgotten; 1,000,000.
    pub recent_messages_max: usize,
    /// Bytes of messages that nothing needs any more, beyond which the oldest are forgotten; 256 MiB.
    pub recent_bytes_max: u64,
    /// For how long dead letters can be redriven; 14 days.
    pub dead_letters_age_max: Duration,
    /// Dead letters of one lane, beyond which a sweep forgets the oldest; 100,000.
    pub lane_dead_letters_max: u64,
    /// Bytes of messages kept in memory, so that the lanes of a message share what is rendered and signed for it; 32 MiB.
    pub memory_bytes_max: usize,
    /// Threads that read beside the one that writes; 3.
    pub readers: NonZeroUsize,
    /// Commands that wait for the writer before callers have to wait for room; 1,024.
    pub commands_max: NonZeroU32,
    /// What is verified when the store is opened.
    pub check: OpenCheck,
}

/// What is verified when a store is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenCheck {
    /// That the database is one of ours and can be read at its start: takes milliseconds whatever its size.
    #[default]
    Header,
    /// The structure of every page too: reads the whole database.
    Pages,
}

impl Default for DiskOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            database_bytes_max: 16 << 30,
            reserve_bytes: 8 << 20,
            lane_deliveries_max: 1_000_000,
            attempts_age_max: DAY * 14,
            attempts_bytes_max: 256 << 20,
            recent_age_max: DAY,
            recent_messages_max: 1_000_000,
            recent_bytes_max: 256 << 20,
            dead_letters_age_max: DAY * 14,
            lane_dead_letters_max: 100_000,
            memory_bytes_max: 32 << 20,
            readers: NonZeroUsize::new(3).expect("three is not zero"),
            commands_max: NonZeroU32::new(1024).expect("the bound is not zero"),
            check: OpenCheck::Header,
        }
    }
}
