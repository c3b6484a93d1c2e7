//! What keeps a message: its deliveries. They come and go through here, so that counts and heads of groups stay right.

use fanfare_core::store::StoreError;
use rusqlite::{Connection, params};

use crate::writer::Batch;

/// A fresh delivery to the endpoint.
pub(super) struct NewDelivery<'a> {
    pub(super) lane: i64,
    pub(super) number: i64,
    pub(super) due: i64,
    pub(super) replayed: bool,
    pub(super) counted: bool,
    /// Empty when there is none.
    pub(super) group: &'a str,
}

/// Puts a delivery into its lane. The caller adds it to what holds the message.
pub(super) fn insert_delivery(batch: &mut Batch<'_>, delivery: &NewDelivery<'_>) -> Result<(), StoreError> {
    let &NewDelivery { lane, number, due, replayed, counted, group } = delivery;
    let head = !group.is_empty() && becomes_head(batch, lane, number, group)?;
    batch.execute(
        "INSERT INTO delivery (lane, grp, number, due, attempts, stage, replayed, counted, head)
         VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?)",
        params![lane, group, number, due, replayed, counted, head],
    )?;
    batch.changes.totals.pending += i64::from(counted);
    batch.changes.add_rows(lane, 1);
    Ok(())
}

/// Writes the row of a fresh delivery without a group, which is counted already.
pub(crate) fn insert_delivery_row(
    connection: &Connection,
    lane: i64,
    number: i64,
    due: i64,
    counted: bool,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO delivery (lane, grp, number, due, attempts, stage, replayed, counted, head)
               VALUES (?, '', ?, ?, 0, 0, 0, ?, 0)";
    connection.prepare_cached(sql)?.execute(params![lane, number, due, counted]).map(drop)
}

/// Takes a delivery out of its lane, and lets its group go on. What it counts as next, and what holds the message, is the
/// caller's.
pub(super) fn remove_delivery(
    batch: &mut Batch<'_>,
    lane: i64,
    number: i64,
    counted: bool,
    group: &str,
) -> Result<(), StoreError> {
    let remove = "DELETE FROM delivery WHERE lane = ? AND grp = ? AND number = ?";
    batch.execute(remove, params![lane, group, number])?;
    if !group.is_empty() {
        batch.execute(
            "UPDATE delivery SET head = 1 WHERE lane = ?1 AND grp = ?2 AND number =
                 (SELECT min(number) FROM delivery WHERE lane = ?1 AND grp = ?2)",
            params![lane, group],
        )?;
    }
    batch.changes.totals.pending -= i64::from(counted);
    batch.changes.add_rows(lane, -1);
    Ok(())
}

/// Changes how much holds a message.
pub(super) fn hold(batch: &Batch<'_>, number: i64, change: i64) -> Result<(), StoreError> {
    batch.execute("UPDATE message SET holds = holds + ? WHERE number = ?", [change, number]).map(drop)
}

/// Whether `number` precedes everything of its group. What did so before does no longer then.
fn becomes_head(batch: &Batch<'_>, lane: i64, number: i64, group: &str) -> Result<bool, StoreError> {
    let first = "SELECT min(number) FROM delivery WHERE lane = ? AND grp = ?";
    match batch.row(first, params![lane, group], |row| row.get::<_, Option<i64>>(0))?.flatten() {
        Some(first) if first < number => Ok(false),
        Some(first) => {
            let step_back = "UPDATE delivery SET head = 0 WHERE lane = ? AND grp = ? AND number = ?";
            batch.execute(step_back, params![lane, group, first])?;
            Ok(true)
        }
        None => Ok(true),
    }
}
