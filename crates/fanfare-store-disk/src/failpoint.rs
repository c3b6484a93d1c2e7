//! Points at which a process that was built with the feature `failpoints` can be made to die, as if it were killed there.
//!
//! `FANFARE_CRASH_AT=label` aborts when the point of that label is reached, `FANFARE_CRASH_AT=label:3` when it is reached
//! for the third time. The labels:
//!
//! | label | what has happened |
//! | --- | --- |
//! | `before-write` | the writer has a command and has done nothing about it |
//! | `between-fan-out-rows` | one more row with deliveries of a message was written, not committed |
//! | `after-accept-before-commit` | every command of a batch was written, none is committed; or none is in the log |
//! | `before-log-sync` | a batch was written to the log, not synced |
//! | `after-commit-before-reply` | the batch is committed, or safe in the log, nobody was told |
//! | `after-reply` | everybody was told |
//! | `before-apply` | what is in the log is about to be brought into the database |
//! | `during-apply` | it was written there, not committed |
//! | `after-apply` | it is committed, the log was not begun anew |
//! | `during-sweep` | a step of a sweep is about to begin |
//! | `before-checkpoint` | the log is about to be copied into the database and cut |
//! | `during-migration` | a step to a newer format was written, not committed |
//! | `during-creation` | the database was made, the directory is not marked as a store |
//! | `during-backup` | a copy was made, and is not a store yet |
//!
//! What the operating system was given survives an abort. For power loss, and for disks that fail, put a library with its
//! own `fsync`, `fdatasync` and `pwrite64` before the C library's (`LD_PRELOAD`): SQLite calls them by these names.

/// Dies here when asked to.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(label: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("FANFARE_CRASH_AT").ok()?;
        Some(match text.rsplit_once(':') {
            Some((label, times)) => {
                (label.to_owned(), times.parse().expect("FANFARE_CRASH_AT is label or label:times"))
            }
            None => (text, 1),
        })
    });
    if let Some((wanted, times)) = wanted
        && wanted == label
        && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *times
    {
        std::process::abort();
    }
}

/// Does nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn reach(_label: &str) {}
