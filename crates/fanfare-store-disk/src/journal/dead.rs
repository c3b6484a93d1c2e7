//! Dead letters of a lane.

use std::num::NonZeroUsize;

use fanfare_core::host::Timestamp;
use fanfare_core::store::{Dead, DeliveryId, StoreError};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, Row, params};

use super::holds::{NewDelivery, hold, insert_delivery};
use crate::error::Attempting;
use crate::writer::Batch;

pub(super) fn dead_letters(
    connection: &Connection,
    lane: SubscriptionId,
    max: NonZeroUsize,
) -> Result<Vec<Dead>, StoreError> {
    let sql = "SELECT dead.number, message_id, dead.at, reason FROM dead JOIN message USING (number)
               WHERE lane = ? ORDER BY dead.at, dead.number LIMIT ?";
    let max = i64::try_from(max.get()).unwrap_or(i64::MAX);
    let read = || -> rusqlite::Result<Vec<Dead>> {
        connection.prepare_cached(sql)?.query_map([lane.0.cast_signed(), max], letter)?.collect()
    };
    read().attempting("cannot read dead letters")
}

/// Reads number, message id, time and reason.
pub(super) fn letter(row: &Row<'_>) -> rusqlite::Result<Dead> {
    Ok(Dead {
        id: DeliveryId(row.get::<_, i64>(0)?.cast_unsigned()),
        message_id: row.get(1)?,
        at: Timestamp::from_unix_ms(row.get(2)?),
        reason: row.get(3)?,
    })
}

/// A dead letter that is put back.
struct Redriven {
    id: i64,
    number: i64,
    dead_lettered: bool,
    counted: bool,
    replayed: bool,
    group: String,
}

pub(super) fn redrive(batch: &mut Batch<'_>, lane: SubscriptionId, now: Timestamp) -> Result<u64, StoreError> {
    let lane = lane.0.cast_signed();
    let mut redriven = 0;
    loop {
        // So many are in memory at a time.
        let sql = "SELECT id, number, dead_lettered, counted, replayed, grp FROM dead WHERE lane = ? LIMIT 1000";
        let letters = batch.rows(sql, [lane], |row| {
            Ok(Redriven {
                id: row.get(0)?,
                number: row.get(1)?,
                dead_lettered: row.get(2)?,
                counted: row.get(3)?,
                replayed: row.get(4)?,
                group: row.get(5)?,
            })
        })?;
        if letters.is_empty() {
            return Ok(redriven);
        }
        for letter in &letters {
            redrive_one(batch, lane, now.unix_ms(), letter)?;
        }
        redriven += letters.len() as u64;
    }
}

fn redrive_one(batch: &mut Batch<'_>, lane: i64, now: i64, letter: &Redriven) -> Result<(), StoreError> {
    let &Redriven { id, number, dead_lettered, counted, replayed, .. } = letter;
    batch.execute("DELETE FROM dead WHERE id = ?", [id])?;
    let group = letter.group.as_str();
    let find = "SELECT 1 FROM delivery WHERE lane = ? AND grp = ? AND number = ?";
    if batch.changes.is_fresh(lane, number) || batch.row(find, params![lane, group, number], |_| Ok(()))?.is_some() {
        // A replay has put the message into the lane already: it goes there once, and the dead letter stays counted.
        return hold(batch, number, -1);
    }
    let left = if dead_lettered { &mut batch.changes.totals.dead_lettered } else { &mut batch.changes.totals.dropped };
    *left -= i64::from(counted);
    insert_delivery(batch, &NewDelivery { lane, number, due: now, replayed, counted, group })
}
