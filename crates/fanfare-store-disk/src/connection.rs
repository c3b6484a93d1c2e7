//! How connections to the database are set up.

use std::path::Path;
use std::time::Duration;

use fanfare_core::store::StoreError;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::Attempting;

/// Bytes that the log keeps after it was copied into the database.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// Pages of the log after which it is copied into the database: twice as many as SQLite's own choice, as what comes into it
/// comes in transactions of a few megabytes.
const LOG_PAGES: i64 = 2000;

/// How long a connection waits for another process's: a check or a backup may have the database for a moment.
const BUSY: Duration = Duration::from_secs(10);

/// Statements that a connection keeps compiled.
const STATEMENTS: usize = 64;

/// The connection that writes. Every commit is synced.
pub(crate) fn writing(database: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = prepared(Connection::open_with_flags(database, flags)?)?;
        // Has an effect in an empty database only, and there only before the journal mode is set.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        let mut mode = String::new();
        // To the end and not to the first row: only there is the change committed, and tells when it was not.
        connection.pragma(None, "journal_mode", "WAL", |row| row.get(0).map(|now| mode = now))?;
        if mode != "wal" {
            let why = format!("the database stays in journal mode {mode}");
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), Some(why)));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |row| row.get::<_, i64>(0))?;
        connection.pragma_update(None, "cache_size", -8 * 1024)?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |row| row.get::<_, i64>(0))?;
        Ok(connection)
    };
    open().attempting("cannot open the database")
}

/// A connection that changes nothing but what a process left behind that died while it made the database.
pub(crate) fn recovering(database: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(database, flags).and_then(prepared).attempting("cannot open the database")
}

/// A connection that reads, and changes nothing.
pub(crate) fn reading(database: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        prepared(Connection::open_with_flags(database, flags)?)
    };
    open().attempting("cannot open the database for reading")
}

/// Copies the log into the database and cuts it, unless a reader holds it up.
pub(crate) fn cut_log(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).attempting("cannot cut the log")
}

fn prepared(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A damaged database must not be able to make us run what it says.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}
