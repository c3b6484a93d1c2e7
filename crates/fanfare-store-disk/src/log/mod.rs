//! The log before the database: what most commands change is written here first, in one write and one sync for all that wait
//! together, and brought into the database later, in one transaction for many.
//!
//! - **What is logged.** Messages of standard topics without a message group or a deduplication window, and deliveries that
//!   are delivered or discarded with their first attempt. Everything else is a transaction of the database, as everything
//!   was before; what the log has ahead of it is brought in by the same transaction, in front.
//! - **What is pending.** What is in the log and not in the database is in memory too ([`Pending`](crate::pending::Pending)),
//!   within bounds. It is applied when the bounds are reached, when nothing was to be done for a moment, before everything
//!   that reads the database, and when the store is closed. A message that everybody has by then leaves no fan-out row.
//! - **Where it ends.** Frames ([`frame`]) are numbered. The database holds the number of the last one that was applied, and
//!   gets it in the transaction that applies. After that the file is written from its beginning again: what is left of
//!   earlier turns has numbers that are too low.
//! - **What a crash leaves.** When the store is opened, frames after the applied ones are brought in as they would have been.
//!   A frame that is not whole was acknowledged to nobody, unless whole ones lie behind it: then the log is damaged, and the
//!   store is not opened over it.
//! - **What fails.** A full disk and a failed write refuse the batch with the errors of the database; after a failed sync
//!   nothing is written until the store is opened again. While the reserve is spent nothing is logged.
//!
//! The file takes a few megabytes while the store is open, and is gone when it was closed.

pub(crate) mod codec;
mod file;
mod frame;
pub(crate) mod record;
pub(crate) mod replay;

use std::fs;
use std::io;
use std::path::Path;

use fanfare_core::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

pub(crate) use self::file::Log;
pub(crate) use self::frame::{HEAD, Scan, Trouble};
use crate::directory::DATABASE;
use crate::error::{Attempting, corrupt};

/// The file.
pub(crate) const LOG: &str = "fanfare.db-log";

/// How often a log that somebody writes is read until it is whole.
const TRIES: u32 = 5;

/// What the database knows of its log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The sequence number of the last frame that was applied.
    pub(crate) applied: u64,
    /// What the sums of the frames begin with.
    pub(crate) salt: u64,
}

impl Known {
    /// Reads it; a store of an older format has no log.
    pub(crate) fn read(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let read = || -> rusqlite::Result<Option<Self>> {
            let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'log'";
            if connection.query_row(is_there, [], |_| Ok(())).optional()?.is_none() {
                return Ok(None);
            }
            connection
                .query_row("SELECT applied, salt FROM log WHERE id = 1", [], |row| {
                    let [applied, salt] = [row.get::<_, i64>(0)?, row.get(1)?].map(i64::cast_unsigned);
                    Ok(Self { applied, salt })
                })
                .map(Some)
        };
        read().attempting("cannot read what the database knows of its log")
    }

    /// Writes that everything up to `applied` is in the database.
    pub(crate) fn write(connection: &Connection, applied: u64) -> rusqlite::Result<()> {
        connection.prepare_cached("UPDATE log SET applied = ? WHERE id = 1")?.execute([applied.cast_signed()]).map(drop)
    }
}

/// Reads the log in `directory`; one that is not there is empty.
pub(crate) fn scan(directory: &Path, salt: u64) -> Result<Scan, StoreError> {
    let path = directory.join(LOG);
    match fs::read(&path) {
        Ok(bytes) => Ok(Scan::new(bytes, salt)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Scan::new(Vec::new(), salt)),
        Err(error) => Err(error).attempting(&format!("cannot read {}", path.display())),
    }
}

/// Reads the log in `directory`, which may be in use, for whoever reads `database` after that; nothing when the store is of a
/// format that has none.
pub(crate) fn scan_in_use(directory: &Path, database: &Connection) -> Result<Option<Scan>, StoreError> {
    let mut tries = 0;
    loop {
        let Some(before) = Known::read(database)? else { return Ok(None) };
        let scan = scan(directory, before.salt)?;
        tries += 1;
        // What was written while it was read looks torn: another look tells that from damage.
        if tries == TRIES || scan.after(before.applied).is_ok() {
            return Ok(Some(scan));
        }
    }
}

/// What is said of a log that cannot be followed.
pub(crate) fn troubled(trouble: Trouble) -> String {
    match trouble {
        Trouble::Damaged { at } => {
            format!("{LOG} is damaged at byte {at} and holds acknowledged changes behind that")
        }
        Trouble::Ahead => format!("{LOG} follows a later state of {DATABASE} than the one that is there"),
    }
}

/// The same as an error.
pub(crate) fn refusal(directory: &Path, trouble: Trouble) -> StoreError {
    corrupt(directory, &format!("{} (moving it away gives up what it holds)", troubled(trouble)))
}
