//! What is in the log and not in the database yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanfare_core::publication::Publication;
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, params};

use crate::attempts;
use crate::failpoint;
use crate::fan_outs::{FanOuts, Left};
use crate::journal::{MESSAGE_OVERHEAD, insert_delivery_row};
use crate::lanes::Lanes;
use crate::log::Known;
use crate::sum::sum;
use crate::writer::{Totals, remove_fan_out, update_fan_out};

/// Bytes of the log after which what is pending is applied.
pub(crate) const BYTES_MAX: usize = 2 << 20;

/// Changes after which it is, however small they are.
pub(crate) const CHANGES_MAX: usize = 4096;

/// A message that came in.
#[derive(Debug)]
pub(crate) struct NewMessage {
    pub(crate) number: i64,
    pub(crate) publication: Publication,
    pub(crate) counted: bool,
    pub(crate) archive_until: Option<i64>,
    /// Lanes in which it has a row.
    pub(crate) rows: Vec<i64>,
    /// The message as JSON.
    pub(crate) body: Arc<Vec<u8>>,
}

/// An attempt for the log of attempts.
#[derive(Debug)]
pub(crate) struct LoggedAttempt {
    /// The message.
    pub(crate) number: i64,
    /// When it began.
    pub(crate) at: i64,
    /// As [`attempts`] writes it.
    pub(crate) record: Vec<u8>,
}

/// What one batch adds.
#[derive(Debug, Default)]
pub(crate) struct Added {
    pub(crate) messages: Vec<NewMessage>,
    pub(crate) attempts: Vec<LoggedAttempt>,
    /// How many deliveries were settled.
    pub(crate) settled: usize,
}

impl Added {
    /// The lanes in which its messages have rows.
    pub(crate) fn lanes_with_rows(&self) -> impl Iterator<Item = SubscriptionId> {
        lanes_with_rows(&self.messages)
    }
}

fn lanes_with_rows(messages: &[NewMessage]) -> impl Iterator<Item = SubscriptionId> {
    messages.iter().flat_map(|message| &message.rows).map(|lane| SubscriptionId(lane.cast_unsigned()))
}

/// What is pending. The fan-outs of its messages and what has left those of others are in [`FanOuts`], whose present state
/// is what is applied.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// In the order of their numbers.
    messages: Vec<NewMessage>,
    /// Fan-out rows in the database that something has left, by number and part.
    touched: BTreeSet<(i64, i64)>,
    attempts: Vec<LoggedAttempt>,
    /// Frames of the log that hold it.
    frames: usize,
    bytes: usize,
    changes: usize,
    /// Bytes that its messages need in the database, about.
    room: u64,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Whether it is to be applied before more comes.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX || self.changes >= CHANGES_MAX
    }

    /// Bytes that it needs in the database, about.
    pub(crate) fn room(&self) -> u64 {
        self.room
    }

    /// The lanes in which its messages have rows.
    pub(crate) fn lanes_with_rows(&self) -> impl Iterator<Item = SubscriptionId> {
        lanes_with_rows(&self.messages)
    }

    /// The number of its first message.
    pub(crate) fn first_number(&self) -> Option<i64> {
        self.messages.first().map(|message| message.number)
    }

    /// Takes over what a frame of `bytes` bytes tells. `left` is what fan-outs come to by it.
    pub(crate) fn add(&mut self, added: Added, left: &[Left], bytes: usize, room: u64) {
        self.frames += 1;
        self.bytes += bytes;
        self.room += room;
        self.changes += added.messages.len() + added.settled;
        self.messages.extend(added.messages);
        self.attempts.extend(added.attempts);
        let first = self.first_number().unwrap_or(i64::MAX);
        let in_database = left.iter().map(|left| (left.number.cast_signed(), left.part));
        self.touched.extend(in_database.filter(|(number, _)| *number < first));
    }

    /// Writes all of it into the tables, in a transaction that has begun; `totals` are those that it has led to. `sequence` is
    /// the number of the last frame. After the commit it is to be [forgotten](Self::forget).
    pub(crate) fn write(
        &mut self,
        connection: &Connection,
        totals: &mut Totals,
        lanes: &Lanes,
        sequence: u64,
    ) -> rusqlite::Result<()> {
        for message in &self.messages {
            message.write(connection, lanes.fan_outs())?;
        }
        for &(number, part) in &self.touched {
            match lanes.fan_outs().row(number.cast_unsigned(), part) {
                Some(lanes) => update_fan_out(connection, number, part, &lanes)?,
                None => remove_fan_out(connection, number, part)?,
            }
        }
        totals.attempt_bytes += insert_attempts(connection, &mut self.attempts)?;
        totals.write(connection)?;
        Known::write(connection, sequence)?;
        failpoint::reach("during-apply");
        Ok(())
    }

    /// Forgets all of it, which is safe in the database.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl NewMessage {
    fn write(&self, connection: &Connection, fan_outs: &FanOuts) -> rusqlite::Result<()> {
        let Self { number, counted, .. } = *self;
        let (publication, due) = (&self.publication, self.publication.timestamp().unix_ms());
        let mut holds = self.rows.len();
        for (part, lanes) in fan_outs.rows(number.cast_unsigned()) {
            insert_fan_out(connection, number, part, due, counted, &lanes)?;
            holds += 1;
        }
        for &lane in &self.rows {
            insert_delivery_row(connection, lane, number, due, counted)?;
        }
        let size = self.body.len() as u64 + MESSAGE_OVERHEAD;
        connection
            .prepare_cached(
                "INSERT INTO message (number, message_id, topic, at, size, holds, counted, archive_until, grp)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
            )?
            .execute(params![
                number,
                publication.id(),
                publication.topic().as_str(),
                due,
                size.cast_signed(),
                holds as i64,
                counted,
                self.archive_until,
            ])?;
        let body = self.body.as_slice();
        let sql = "INSERT INTO body (number, sum, bytes) VALUES (?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![number, sum(body), body]).map(drop)
    }
}

/// Writes a row of the fan-out of a message.
pub(crate) fn insert_fan_out(
    connection: &Connection,
    number: i64,
    part: i64,
    due: i64,
    counted: bool,
    lanes: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO fan_out (number, part, due, counted, lanes) VALUES (?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![number, part, due, counted, lanes])?;
    failpoint::reach("between-fan-out-rows");
    Ok(())
}

/// Logs attempts, those of a message in one row, and answers how many bytes that is.
pub(crate) fn insert_attempts(connection: &Connection, logged: &mut [LoggedAttempt]) -> rusqlite::Result<i64> {
    // By message, and of each in the order in which they were made.
    logged.sort_by_key(|attempt| attempt.number);
    let mut bytes = 0;
    for of_message in logged.chunk_by(|one, other| one.number == other.number) {
        let at = of_message.iter().map(|attempt| attempt.at).max();
        let row = attempts::row(of_message.iter().map(|attempt| attempt.record.as_slice()));
        bytes += row.len() as i64;
        let sql = "INSERT INTO attempt (number, at, record) VALUES (?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![of_message[0].number, at, row])?;
    }
    Ok(bytes)
}
