//! What became of deliveries.

use fanfare_core::attempt::Attempt;
use fanfare_core::host::Timestamp;
use fanfare_core::store::{Settled, Settlement, StoreError};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::params;

use super::holds::{hold, remove_delivery};
use crate::store::DiskStore;
use crate::writer::Batch;

pub(super) async fn settle(
    store: &DiskStore,
    lane: SubscriptionId,
    now: Timestamp,
    mut settled: Vec<Settled>,
) -> Result<(), StoreError> {
    let claim = store.lanes.claim(lane, settled.iter().map(|settled| settled.id));
    if claim.is_empty() {
        return Ok(());
    }
    // Once each: what is named twice in one call is settled by the first.
    let mut seen = std::collections::HashSet::new();
    settled.retain(|settled| claim.contains(settled.id) && seen.insert(settled.id));
    let write = move |batch: &mut Batch<'_>| {
        settled.iter().try_for_each(|settled| settle_one(batch, lane.0.cast_signed(), now.unix_ms(), settled))
    };
    store.writer.write(0, write, move |()| claim.settled()).await
}

/// A delivery before it is settled.
struct Before {
    counted: bool,
    replayed: bool,
    group: String,
    reason: Option<String>,
}

fn settle_one(batch: &mut Batch<'_>, lane: i64, now: i64, settled: &Settled) -> Result<(), StoreError> {
    let number = settled.id.0.cast_signed();
    let find = "SELECT counted, replayed, grp, reason FROM delivery
                WHERE lane = ?1 AND grp = (SELECT grp FROM message WHERE number = ?2) AND number = ?2";
    let found = batch.row(find, [lane, number], |row| {
        Ok(Before { counted: row.get(0)?, replayed: row.get(1)?, group: row.get(2)?, reason: row.get(3)? })
    })?;
    let Some(before) = found else { return Ok(()) };
    if let Some(attempt) = &settled.attempt {
        log(batch, number, attempt)?;
    }
    let counted = i64::from(before.counted);
    match &settled.settlement {
        Settlement::Retry { at } => {
            batch.execute(
                "UPDATE delivery SET due = ?, attempts = attempts + ? WHERE lane = ? AND grp = ? AND number = ?",
                params![at.unix_ms(), settled.attempt.is_some(), lane, before.group, number],
            )?;
        }
        Settlement::ToDeadLetter { reason } => {
            batch.execute(
                "UPDATE delivery SET due = ?, attempts = 0, stage = 1, reason = ?
                 WHERE lane = ? AND grp = ? AND number = ?",
                params![now, reason, lane, before.group, number],
            )?;
        }
        Settlement::Delivered => {
            batch.totals.delivered += counted;
            forget(batch, lane, number, &before)?;
        }
        Settlement::Discarded => {
            batch.totals.dropped += counted;
            forget(batch, lane, number, &before)?;
        }
        Settlement::DeadLettered => {
            batch.totals.dead_lettered += counted;
            let reason = before.reason.clone().unwrap_or_default();
            bury(batch, Grave { lane, number, at: now, dead_lettered: true, reason: &reason }, &before)?;
        }
        Settlement::Dropped { reason } => {
            batch.totals.dropped += counted;
            bury(batch, Grave { lane, number, at: now, dead_lettered: false, reason }, &before)?;
        }
        _ => unreachable!("every settlement of this version of the engine is known"),
    }
    Ok(())
}

fn forget(batch: &mut Batch<'_>, lane: i64, number: i64, before: &Before) -> Result<(), StoreError> {
    remove_delivery(batch, lane, number, before.counted, &before.group)?;
    hold(batch, number, -1)
}

/// Where a dead letter goes.
struct Grave<'a> {
    lane: i64,
    number: i64,
    at: i64,
    dead_lettered: bool,
    reason: &'a str,
}

/// Moves a delivery to the dead letters. A message that died before in the same lane, and was replayed, is there once.
fn bury(batch: &mut Batch<'_>, grave: Grave<'_>, before: &Before) -> Result<(), StoreError> {
    let Grave { lane, number, at, dead_lettered, reason } = grave;
    remove_delivery(batch, lane, number, before.counted, &before.group)?;
    let replaced = batch.execute("DELETE FROM dead WHERE lane = ? AND number = ?", [lane, number])?;
    batch.execute(
        "INSERT INTO dead (lane, number, at, dead_lettered, counted, replayed, grp, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![lane, number, at, dead_lettered, before.counted, before.replayed, before.group, reason],
    )?;
    match replaced {
        0 => Ok(()),
        _ => hold(batch, number, -1),
    }
}

fn log(batch: &mut Batch<'_>, number: i64, attempt: &Attempt) -> Result<(), StoreError> {
    let record = serde_json::to_string(attempt).expect("an attempt is text and numbers");
    batch.totals.attempt_bytes += record.len() as i64;
    batch
        .execute(
            "INSERT INTO attempt (number, at, record) VALUES (?, ?, ?)",
            params![number, attempt.started.unix_ms(), record],
        )
        .map(drop)
}
