//! A transaction in the making, with the sums that change with it.

use std::collections::HashMap;

use fanfare_core::store::{Counters, StoreError, StoreErrorKind};
use rusqlite::{CachedStatement, Connection, Params, Row, ffi};

use super::command::{Command, Failed};
use crate::error::Attempting;
use crate::options::DiskOptions;
use crate::reserve::Reserve;

/// The row of `totals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) last_number: i64,
    pub(crate) matched: i64,
    pub(crate) delivered: i64,
    pub(crate) pending: i64,
    pub(crate) dead_lettered: i64,
    pub(crate) dropped: i64,
    pub(crate) attempt_bytes: i64,
}

impl Totals {
    const COLUMNS: &str = "last_number, matched, delivered, pending, dead_lettered, dropped, attempt_bytes";

    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached(&format!("SELECT {} FROM totals WHERE id = 1", Self::COLUMNS))?;
        statement.query_row([], |row| {
            Ok(Self {
                last_number: row.get(0)?,
                matched: row.get(1)?,
                delivered: row.get(2)?,
                pending: row.get(3)?,
                dead_lettered: row.get(4)?,
                dropped: row.get(5)?,
                attempt_bytes: row.get(6)?,
            })
        })
    }

    /// As the journal tells them.
    pub(crate) fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        counters.matched = self.matched.cast_unsigned();
        counters.delivered = self.delivered.cast_unsigned();
        counters.pending = self.pending.cast_unsigned();
        counters.dead_lettered = self.dead_lettered.cast_unsigned();
        counters.dropped = self.dropped.cast_unsigned();
        counters
    }

    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = format!("UPDATE totals SET ({}) = (?, ?, ?, ?, ?, ?, ?) WHERE id = 1", Self::COLUMNS);
        let values = [
            self.last_number,
            self.matched,
            self.delivered,
            self.pending,
            self.dead_lettered,
            self.dropped,
            self.attempt_bytes,
        ];
        connection.prepare_cached(&sql)?.execute(values).map(drop)
    }
}

/// What the writer remembers from one transaction to the next.
#[derive(Debug)]
pub(super) struct Sums {
    /// As they are committed.
    totals: Totals,
    /// How many deliveries each lane has, the running batch included; lanes without any are not in it.
    waiting: HashMap<i64, u64>,
}

impl Sums {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT lane, count(*) FROM delivery GROUP BY lane")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
        Ok(Self { totals: Totals::read(connection)?, waiting: rows.collect::<Result<_, _>>()? })
    }

    fn add(&mut self, lane: i64, change: i64) {
        let waiting = self.waiting.entry(lane).or_default();
        *waiting = waiting.saturating_add_signed(change);
        if *waiting == 0 {
            self.waiting.remove(&lane);
        }
    }
}

/// A transaction in the making.
pub(crate) struct Batch<'a> {
    connection: &'a Connection,
    /// The bounds.
    pub(crate) options: &'a DiskOptions,
    reserve: &'a Reserve,
    /// The sums with what this transaction changes.
    pub(crate) totals: Totals,
    sums: &'a mut Sums,
    /// What was added to `sums.waiting`, to be undone.
    added: Vec<(i64, i64)>,
    /// Bytes in use, once somebody asked.
    bytes: Option<u64>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        options: &'a DiskOptions,
        reserve: &'a Reserve,
        sums: &'a mut Sums,
    ) -> Self {
        Self { connection, options, reserve, totals: sums.totals, sums, added: Vec::new(), bytes: None }
    }

    /// The connection, to read what this transaction sees.
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// A statement, compiled once.
    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
        self.connection.prepare_cached(sql).attempting("cannot prepare a statement")
    }

    /// Executes `sql`, and answers how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: impl Params) -> Result<usize, StoreError> {
        self.statement(sql)?.execute(values).attempting("cannot write")
    }

    /// The first row that `sql` finds.
    pub(crate) fn row<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        let found = || statement.query(values)?.next()?.map(read).transpose();
        found().attempting("cannot read")
    }

    /// Every row that `sql` finds.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        let found = || statement.query_map(values, read)?.collect::<rusqlite::Result<Vec<T>>>();
        found().attempting("cannot read")
    }

    /// Whether the disk has so little room that only what makes room is to be written.
    pub(crate) fn is_short_of_room(&self) -> bool {
        self.reserve.is_missing()
    }

    /// Gives room for `bytes` more.
    pub(crate) fn give_room(&mut self, bytes: u64) -> Result<(), StoreError> {
        if let Some(refusal) = self.reserve.refusal() {
            return Err(refusal);
        }
        let used = match self.bytes {
            Some(used) => used,
            None => used_bytes(self.connection).attempting("cannot read the size of the database")?,
        };
        let wanted = used.saturating_add(bytes);
        let max = self.options.database_bytes_max;
        if wanted > max {
            self.bytes = Some(used);
            let full = format!("the store is full: {used} of {max} bytes are in use");
            return Err(StoreError::new(StoreErrorKind::Full, full));
        }
        self.bytes = Some(wanted);
        Ok(())
    }

    /// How many deliveries `lane` has.
    pub(crate) fn waiting(&self, lane: i64) -> u64 {
        self.sums.waiting.get(&lane).copied().unwrap_or(0)
    }

    /// Counts deliveries that came to `lane`, or went.
    pub(crate) fn add_waiting(&mut self, lane: i64, change: i64) {
        self.sums.add(lane, change);
        self.added.push((lane, change));
    }

    /// Runs `command`, and undoes what it did when it errs.
    ///
    /// # Errors
    /// When the transaction is no more.
    pub(super) fn run(&mut self, command: &mut dyn Command) -> Result<(), rusqlite::Error> {
        let (totals, added) = (self.totals, self.added.len());
        self.connection.prepare_cached("SAVEPOINT command")?.execute([])?;
        if let Err(Failed) = command.run(self) {
            self.totals = totals;
            self.undo_to(added);
            if self.connection.is_autocommit() {
                // As it does when the disk is full. The command has the reason itself.
                let why = "the database undid the transaction, as it does when the disk is full".to_owned();
                return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT), Some(why)));
            }
            self.connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
        }
        self.connection.prepare_cached("RELEASE command")?.execute([]).map(drop)
    }

    /// Makes everything safe, or undoes everything.
    pub(super) fn commit(mut self) -> Result<(), rusqlite::Error> {
        let commit = || -> rusqlite::Result<()> {
            if self.totals != self.sums.totals {
                self.totals.write(self.connection)?;
            }
            self.connection.execute_batch("COMMIT")
        };
        let committed = commit();
        match committed {
            Ok(()) => self.sums.totals = self.totals,
            Err(_) => self.undo(),
        }
        committed
    }

    /// Undoes everything.
    pub(super) fn undo(&mut self) {
        self.undo_to(0);
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            // The next transaction cannot begin, and says so.
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn undo_to(&mut self, length: usize) {
        for (lane, change) in self.added.drain(length..).rev() {
            self.sums.add(lane, -change);
        }
    }
}

/// Bytes of the database that something is in.
pub(crate) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |sql| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok((pages * number("PRAGMA page_size")?).cast_unsigned())
}
