//! A transaction in the making, with the sums that change with it.

use std::cell::Cell;
use std::collections::HashMap;

use fanfare_core::store::{Counters, StoreError, StoreErrorKind};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{CachedStatement, Connection, Params, Row, ffi, params};

use super::command::{Command, Failed};
use crate::error::Attempting;
use crate::fan_outs::{Left, encoded};
use crate::lanes::Lanes;
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
    waiting: HashMap<i64, Waiting>,
    /// Deliveries of all lanes that are fresh.
    fresh: u64,
}

/// How many deliveries a lane has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// With a row of their own.
    pub(crate) rows: u64,
    /// Named by the fan-out rows of their messages.
    pub(crate) fresh: u64,
}

impl Waiting {
    /// With and without rows.
    pub(crate) fn all(self) -> u64 {
        self.rows + self.fresh
    }
}

/// What is added to a lane's deliveries.
#[derive(Debug, Clone, Copy)]
enum Added {
    Rows(i64),
    Fresh(i64),
}

impl Sums {
    pub(super) fn read(connection: &Connection, lanes: &Lanes) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT lane, count(*) FROM delivery GROUP BY lane")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
        let mut sums = Self { totals: Totals::read(connection)?, waiting: HashMap::new(), fresh: 0 };
        for row in rows {
            let (lane, rows) = row?;
            sums.waiting.entry(lane).or_default().rows = rows;
        }
        lanes.add_rows(sums.waiting.iter().map(|(&lane, waiting)| (id(lane), waiting.rows.cast_signed())));
        for (lane, fresh) in lanes.fresh_counts() {
            sums.waiting.entry(lane.0.cast_signed()).or_default().fresh = fresh;
            sums.fresh += fresh;
        }
        Ok(sums)
    }

    fn add(&mut self, lane: i64, added: Added) {
        let waiting = self.waiting.entry(lane).or_default();
        match added {
            Added::Rows(change) => waiting.rows = waiting.rows.saturating_add_signed(change),
            Added::Fresh(change) => {
                waiting.fresh = waiting.fresh.saturating_add_signed(change);
                self.fresh = self.fresh.saturating_add_signed(change);
            }
        }
        if *waiting == Waiting::default() {
            self.waiting.remove(&lane);
        }
    }
}

fn id(lane: i64) -> SubscriptionId {
    SubscriptionId(lane.cast_unsigned())
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
    lanes: &'a Lanes,
    /// What was added to `sums`, to be undone.
    added: Vec<(i64, Added)>,
    /// Fresh deliveries that leave their fan-outs, by message and lane. Their rows are written once, before the commit.
    left: Vec<(u64, i64)>,
    /// Attempts to be logged, by message: each with its time and its record. Those of a message become one row.
    attempts: Vec<(i64, i64, String)>,
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
        let (added, left, attempts) = (Vec::new(), Vec::new(), Vec::new());
        let (totals, marked) = (sums.totals, Cell::new(false));
        Self { connection, options, reserve, totals, sums, lanes, added, left, attempts, marked, bytes: None }
    }

    /// The connection, to read what this transaction sees.
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// A statement, compiled once.
    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
        let act = "cannot prepare a statement";
        if !self.marked.replace(true) {
            self.connection
                .prepare_cached("SAVEPOINT command")
                .and_then(|mut mark| mark.execute([]))
                .attempting(act)?;
        }
        self.connection.prepare_cached(sql).attempting(act)
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
    pub(crate) fn waiting(&self, lane: i64) -> Waiting {
        self.sums.waiting.get(&lane).copied().unwrap_or_default()
    }

    /// How many deliveries are fresh, of all lanes.
    pub(crate) fn fresh(&self) -> u64 {
        self.sums.fresh
    }

    /// Counts deliveries with rows that came to `lane`, or went.
    pub(crate) fn add_rows(&mut self, lane: i64, change: i64) {
        self.add(lane, Added::Rows(change));
    }

    /// Counts a fresh delivery that came to `lane`.
    pub(crate) fn add_fresh(&mut self, lane: i64) {
        self.add(lane, Added::Fresh(1));
    }

    /// Whether message `number` was fresh in `lane` before this transaction: since when it has been due, and whether it is
    /// counted.
    pub(crate) fn find_fresh(&self, lane: i64, number: i64) -> Option<(i64, bool)> {
        self.lanes.fan_outs().find(number.cast_unsigned(), lane)
    }

    /// Whether message `number` is fresh in `lane` still.
    pub(crate) fn is_fresh(&self, lane: i64, number: i64) -> bool {
        self.find_fresh(lane, number).is_some() && !self.left.contains(&(number.cast_unsigned(), lane))
    }

    /// Takes a fresh delivery out of the fan-out of its message. What it counts as next is the caller's.
    pub(crate) fn remove_fresh(&mut self, lane: i64, number: i64, counted: bool) {
        self.totals.pending -= i64::from(counted);
        self.left.push((number.cast_unsigned(), lane));
        self.add(lane, Added::Fresh(-1));
    }

    /// Logs an attempt at message `number` that began at `at`.
    pub(crate) fn log(&mut self, number: i64, at: i64, record: String) {
        self.attempts.push((number, at, record));
    }

    fn add(&mut self, lane: i64, added: Added) {
        self.sums.add(lane, added);
        self.added.push((lane, added));
    }

    /// Runs `command`, and undoes what it did when it errs.
    ///
    /// # Errors
    /// When the transaction is no more.
    pub(super) fn run(&mut self, command: &mut dyn Command) -> Result<(), rusqlite::Error> {
        let (totals, lengths) = (self.totals, (self.added.len(), self.left.len(), self.attempts.len()));
        self.marked.set(false);
        if let Err(Failed) = command.run(self) {
            self.totals = totals;
            self.undo_to(lengths);
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
                self.sums.totals = self.totals;
                self.lanes.fan_outs().keep(left);
                let rows = self.added.into_iter().filter_map(|(lane, added)| match added {
                    Added::Rows(change) => Some((id(lane), change)),
                    Added::Fresh(_) => None,
                });
                self.lanes.add_rows(rows);
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
        let left = self.lanes.fan_outs().without(&self.left);
        for row in &left {
            let (number, part) = (row.number.cast_signed(), row.part);
            if row.lanes.is_empty() {
                let sql = "DELETE FROM fan_out WHERE number = ? AND part = ?";
                self.connection.prepare_cached(sql)?.execute([number, part])?;
                let sql = "UPDATE message SET holds = holds - 1 WHERE number = ?";
                self.connection.prepare_cached(sql)?.execute([number])?;
            } else {
                let sql = "UPDATE fan_out SET lanes = ? WHERE number = ? AND part = ?";
                self.connection.prepare_cached(sql)?.execute(params![encoded(&row.lanes), number, part])?;
            }
        }
        // By message, and of each in the order in which they were made.
        self.attempts.sort_by_key(|(number, ..)| *number);
        for of_message in self.attempts.chunk_by(|(one, ..), (other, ..)| one == other) {
            let at = of_message.iter().map(|(_, at, _)| *at).max();
            let records: Vec<_> = of_message.iter().map(|(.., record)| record.as_str()).collect();
            let records = records.join("\n");
            self.totals.attempt_bytes += records.len() as i64;
            let sql = "INSERT INTO attempt (number, at, record) VALUES (?, ?, ?)";
            self.connection.prepare_cached(sql)?.execute(params![of_message[0].0, at, records])?;
        }
        if self.totals != self.sums.totals {
            self.totals.write(self.connection)?;
        }
        Ok(left)
    }

    /// Undoes everything.
    pub(super) fn undo(&mut self) {
        self.undo_to((0, 0, 0));
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            // The next transaction cannot begin, and says so.
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn undo_to(&mut self, (added, left, attempts): (usize, usize, usize)) {
        for (lane, added) in self.added.drain(added..).rev() {
            self.sums.add(
                lane,
                match added {
                    Added::Rows(change) => Added::Rows(-change),
                    Added::Fresh(change) => Added::Fresh(-change),
                },
            );
        }
        self.left.truncate(left);
        self.attempts.truncate(attempts);
    }
}

/// Bytes of the database that something is in.
pub(crate) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |sql| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok((pages * number("PRAGMA page_size")?).cast_unsigned())
}
