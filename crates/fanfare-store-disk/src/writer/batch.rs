//! A transaction in the making, with the sums that change with it.

use std::cell::Cell;

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::{CachedStatement, Connection, Params, Row, ffi, params};

use super::command::{Command, Failed};
use super::sums::{Changes, Sums};
use crate::error::Attempting;
use crate::fan_outs::{Left, encoded};
use crate::lanes::Lanes;
use crate::options::DiskOptions;
use crate::pending::{LoggedAttempt, insert_attempts};
use crate::reserve::Reserve;

/// A transaction in the making.
pub(crate) struct Batch<'a> {
    connection: &'a Connection,
    /// The bounds.
    pub(crate) options: &'a DiskOptions,
    reserve: &'a Reserve,
    /// What it changes beside the tables.
    pub(crate) changes: Changes<'a>,
    /// Attempts to be logged. Those of a message become one row.
    attempts: Vec<LoggedAttempt>,
    /// Whether the command that runs can be undone by itself: it can once it has written something.
    marked: Cell<bool>,
    /// Bytes in use, once somebody asked.
    bytes: Option<u64>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        options: &'a DiskOptions,
        reserve: &'a Reserve,
        sums: &'a mut Sums,
        lanes: &'a Lanes,
    ) -> Self {
        let (changes, attempts, marked) = (Changes::new(sums, lanes), Vec::new(), Cell::new(false));
        Self { connection, options, reserve, changes, attempts, marked, bytes: None }
    }

    /// The connection, to read what this transaction sees.
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Lets what is written from here on be undone with the command that runs.
    pub(crate) fn mark(&self) -> Result<(), StoreError> {
        if !self.marked.replace(true) {
            self.connection
                .prepare_cached("SAVEPOINT command")
                .and_then(|mut mark| mark.execute([]))
                .attempting("cannot prepare a statement")?;
        }
        Ok(())
    }

    /// A statement, compiled once.
    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
        self.mark()?;
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

    /// Logs an attempt.
    pub(crate) fn log(&mut self, attempt: LoggedAttempt) {
        self.attempts.push(attempt);
    }

    /// Runs `command`, and undoes what it did when it errs.
    ///
    /// # Errors
    /// When the transaction is no more.
    pub(super) fn run(&mut self, command: &mut dyn Command) -> Result<(), rusqlite::Error> {
        let (mark, attempts) = (self.changes.mark(), self.attempts.len());
        self.marked.set(false);
        if let Err(Failed) = command.run(self) {
            self.changes.undo_to(mark);
            self.attempts.truncate(attempts);
            if self.connection.is_autocommit() {
                // As it does when the disk is full. The command has the reason itself.
                let why = "the database undid the transaction, as it does when the disk is full".to_owned();
                return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT), Some(why)));
            }
            if self.marked.get() {
                self.connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
            }
        }
        match self.marked.replace(true) {
            true => self.connection.prepare_cached("RELEASE command")?.execute([]).map(drop),
            false => Ok(()),
        }
    }

    /// Makes everything safe, or undoes everything.
    pub(super) fn commit(mut self) -> Result<(), rusqlite::Error> {
        let committed = self.write_rest().and_then(|left| {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(left)
        });
        match committed {
            Ok(left) => {
                self.changes.keep(left);
                Ok(())
            }
            Err(error) => {
                self.undo();
                Err(error)
            }
        }
    }

    /// Writes what is written once for all commands. Answers what fan-outs have come to.
    fn write_rest(&mut self) -> rusqlite::Result<Vec<Left>> {
        let left = self.changes.left();
        for row in &left {
            let (number, part) = (row.number.cast_signed(), row.part);
            if row.lanes.is_empty() {
                remove_fan_out(self.connection, number, part)?;
            } else {
                update_fan_out(self.connection, number, part, &encoded(&row.lanes))?;
            }
        }
        self.changes.totals.attempt_bytes += insert_attempts(self.connection, &mut self.attempts)?;
        if self.changes.totals_changed() {
            self.changes.totals.write(self.connection)?;
        }
        Ok(left)
    }

    /// Undoes everything.
    pub(super) fn undo(&mut self) {
        self.changes.undo();
        self.attempts.clear();
        roll_back(self.connection);
    }
}

/// Removes a fan-out row, which holds its message no more.
pub(crate) fn remove_fan_out(connection: &Connection, number: i64, part: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM fan_out WHERE number = ? AND part = ?")?.execute([number, part])?;
    connection.prepare_cached("UPDATE message SET holds = holds - 1 WHERE number = ?")?.execute([number]).map(drop)
}

/// Writes what a fan-out row has come to.
pub(crate) fn update_fan_out(connection: &Connection, number: i64, part: i64, lanes: &[u8]) -> rusqlite::Result<()> {
    let sql = "UPDATE fan_out SET lanes = ? WHERE number = ? AND part = ?";
    connection.prepare_cached(sql)?.execute(params![lanes, number, part]).map(drop)
}

/// Undoes the transaction of `connection`, if there is one still.
pub(crate) fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        // The next transaction cannot begin, and says so.
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

/// Bytes of the database that something is in.
pub(crate) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |sql| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok((pages * number("PRAGMA page_size")?).cast_unsigned())
}
