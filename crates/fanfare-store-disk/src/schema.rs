//! The tables, and the steps from each format to the next.
//!
//! `number` is a message's place among all messages, never used twice. `lane` is the id of a subscription. Times are
//! milliseconds since 1970.

use std::path::Path;

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Attempting, corrupt};
use crate::failpoint;

/// The mark of our databases (`PRAGMA application_id`): "FANF".
pub(crate) const APPLICATION_ID: i32 = 0x4641_4e46;

/// The format that this code reads and writes.
pub(crate) const FORMAT: u32 = STEPS.len() as u32;

/// The step at index `i` leads from format `i` to format `i + 1`; format 0 is an empty database. A step that was ever
/// released stays as it is.
const STEPS: &[&str] = &[
    "
    -- One row that is rewritten with every change, so that its sums are never apart from what they sum up.
    CREATE TABLE totals (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        last_number INTEGER NOT NULL DEFAULT 0,
        matched INTEGER NOT NULL DEFAULT 0,
        delivered INTEGER NOT NULL DEFAULT 0,
        pending INTEGER NOT NULL DEFAULT 0,
        dead_lettered INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0,
        attempt_bytes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO totals (id) VALUES (1);

    -- `holds`: deliveries and dead letters. `forgotten`: it has no body any more and stays for its attempts.
    CREATE TABLE message (
        number INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        holds INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        forgotten INTEGER NOT NULL DEFAULT 0,
        archive_until INTEGER,
        grp TEXT NOT NULL
    ) STRICT;
    CREATE INDEX message_idle ON message (number, at, size)
        WHERE holds = 0 AND archive_until IS NULL AND forgotten = 0;
    CREATE INDEX message_archive ON message (topic, number, at, archive_until) WHERE archive_until IS NOT NULL;
    CREATE INDEX message_archive_end ON message (archive_until) WHERE archive_until IS NOT NULL;

    -- Apart from `message`, so that a large body is not rewritten whenever `holds` changes.
    CREATE TABLE body (number INTEGER PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;

    -- `grp`: the message group; empty when there is none. `counted`: it is in the counters. `head`: it has a group and
    -- nothing of it precedes it.
    CREATE TABLE delivery (
        lane INTEGER NOT NULL,
        grp TEXT NOT NULL,
        number INTEGER NOT NULL,
        due INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        stage INTEGER NOT NULL,
        replayed INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        head INTEGER NOT NULL,
        reason TEXT,
        PRIMARY KEY (lane, grp, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_lane_due ON delivery (lane, due, number);
    CREATE INDEX delivery_head ON delivery (lane, due, number) WHERE head = 1;

    CREATE TABLE dead (
        id INTEGER PRIMARY KEY,
        lane INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        dead_lettered INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        replayed INTEGER NOT NULL,
        grp TEXT NOT NULL,
        reason TEXT NOT NULL,
        UNIQUE (lane, number)
    ) STRICT;
    CREATE INDEX dead_lane ON dead (lane, at, number);
    CREATE INDEX dead_at ON dead (at);

    CREATE TABLE dedup (
        key TEXT PRIMARY KEY,
        until INTEGER NOT NULL,
        number INTEGER NOT NULL,
        message_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX dedup_until ON dedup (until);

    -- Archives that were ended: messages of the topic up to and including `number` are archived no more.
    CREATE TABLE archive_end (topic TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE attempt (
        id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attempt_number ON attempt (number);

    CREATE TABLE topic (arn TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    CREATE TABLE subscription (id INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT;
    CREATE TABLE platform_application (arn TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    CREATE TABLE platform_endpoint (arn TEXT PRIMARY KEY, application TEXT NOT NULL, record TEXT NOT NULL) STRICT;
    CREATE INDEX platform_endpoint_application ON platform_endpoint (application);
",
    "
    -- Nothing was ever written to these.
    DROP TABLE platform_endpoint;
    DROP TABLE platform_application;
    CREATE TABLE document (kind TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (kind, id))
        STRICT, WITHOUT ROWID;
",
    "
    -- Deliveries of standard topics that wait for their first attempt or are in it: each row names the lanes that have not
    -- settled the message, see `fan_outs.rs` for the encoding. `holds` of a message counts its rows here too.
    CREATE TABLE fan_out (
        number INTEGER NOT NULL,
        part INTEGER NOT NULL,
        due INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        lanes BLOB NOT NULL,
        PRIMARY KEY (number, part)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- What is known of the log before the database, see `log/mod.rs`: the number of the last frame that is in the tables, and
    -- a secret that its sums begin with.
    CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), applied INTEGER NOT NULL, salt INTEGER NOT NULL) STRICT;
    INSERT INTO log VALUES (1, 0, random());

    -- As before, but nothing is sorted by `message_id`, which is random: a change of many messages changes few pages.
    CREATE TABLE new_message (
        number INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL,
        topic TEXT NOT NULL,
        at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        holds INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        forgotten INTEGER NOT NULL DEFAULT 0,
        archive_until INTEGER,
        grp TEXT NOT NULL
    ) STRICT;
    INSERT INTO new_message SELECT * FROM message ORDER BY number;
    DROP TABLE message;
    ALTER TABLE new_message RENAME TO message;
    CREATE INDEX message_idle ON message (number, at, size)
        WHERE holds = 0 AND archive_until IS NULL AND forgotten = 0;
    CREATE INDEX message_archive ON message (topic, number, at, archive_until) WHERE archive_until IS NOT NULL;
    CREATE INDEX message_archive_end ON message (archive_until) WHERE archive_until IS NOT NULL;

    -- See `ids.rs`.
    CREATE TABLE message_ids (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, ids BLOB NOT NULL) STRICT;

    -- As before, but `record` is bytes, see `attempts.rs`.
    CREATE TABLE new_attempt (
        id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        record BLOB NOT NULL
    ) STRICT;
    INSERT INTO new_attempt SELECT id, number, at, CAST(record AS BLOB) FROM attempt ORDER BY id;
    DROP TABLE attempt;
    ALTER TABLE new_attempt RENAME TO attempt;
    CREATE INDEX attempt_number ON attempt (number);
",
];

/// What a database says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// It is empty.
    Empty,
    /// It is a store of that format.
    Format(u32),
    /// It is something else.
    Foreign,
}

/// Reads what a database says about itself.
pub(crate) fn marked(connection: &Connection) -> Result<Marked, StoreError> {
    let read = || -> rusqlite::Result<(i32, i64, i64)> {
        Ok((
            connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
            connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        ))
    };
    Ok(match read().attempting("cannot read the database")? {
        (0, 0, 0) => Marked::Empty,
        (APPLICATION_ID, format, _) => u32::try_from(format).map_or(Marked::Foreign, Marked::Format),
        _ => Marked::Foreign,
    })
}

/// Refuses databases that are not ours to read.
pub(crate) fn refuse_unknown(directory: &Path, marked: Marked) -> Result<(), StoreError> {
    let name = directory.display();
    match marked {
        Marked::Foreign => Err(corrupt(directory, "fanfare.db is a database of something else")),
        Marked::Format(0) => Err(corrupt(directory, "fanfare.db has no format")),
        Marked::Format(format) if format > FORMAT => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!("the store in {name} has format {format}, this program knows {FORMAT}: use a newer Fanfare"),
        )),
        Marked::Empty | Marked::Format(_) => Ok(()),
    }
}

/// Brings an empty or older database to [`FORMAT`], one committed step after the other.
pub(crate) fn migrate(connection: &mut Connection, from: Marked) -> Result<(), StoreError> {
    let from = match from {
        Marked::Format(format) => format,
        Marked::Empty | Marked::Foreign => 0,
    };
    for (step, format) in STEPS.iter().zip(1..).skip(from as usize) {
        let act = format!("cannot bring the database to format {format}");
        let mut change = || -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", format)?;
            failpoint::reach("during-migration");
            transaction.commit()
        };
        change().attempting(&act)?;
        tracing::info!(format, "store brought to a newer format");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_database_becomes_a_store_of_the_present_format_and_stays_one() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(marked(&connection).unwrap(), Marked::Empty);
        migrate(&mut connection, Marked::Empty).unwrap();
        assert_eq!(marked(&connection).unwrap(), Marked::Format(FORMAT));
        // A step that was taken is not taken again: it would fail, as the tables are there.
        migrate(&mut connection, Marked::Format(FORMAT)).unwrap();
        assert_eq!(marked(&connection).unwrap(), Marked::Format(FORMAT));
    }

    #[test]
    fn a_step_that_fails_leaves_the_database_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE attempt (id)").unwrap();
        migrate(&mut connection, Marked::Empty).expect_err("the table is there already");
        assert_eq!(marked(&connection).unwrap(), Marked::Foreign);
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }
}
