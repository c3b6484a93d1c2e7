//! What became of deliveries.

use fanfare_core::attempt::Attempt;
use fanfare_core::host::Timestamp;
use fanfare_core::store::{Settled, Settlement, StoreError};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::params;

use super::fan_out::give_row;
use super::holds::{hold, remove_delivery};
use crate::lanes::Claim;
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
    // Put into words here, where the others who settle do not wait for it.
    let settled: Vec<_> = settled.into_iter().map(|settled| Prepared::new(settled, &claim)).collect();
    let write = move |batch: &mut Batch<'_>| {
        settled.into_iter().try_for_each(|settled| settle_one(batch, lane.0.cast_signed(), now.unix_ms(), settled))
    };
    store.writer.write(0, write, move |()| claim.settled()).await
}

/// What became of a delivery, as it is written.
struct Prepared {
    number: i64,
    is_fresh: bool,
    settlement: Settlement,
    /// When the attempt began, and its record.
    attempt: Option<(i64, String)>,
}

impl Prepared {
    fn new(settled: Settled, claim: &Claim) -> Self {
        let record = |attempt: &Attempt| {
            let record = serde_json::to_string(attempt).expect("an attempt is text and numbers");
            (attempt.started.unix_ms(), record)
        };
        Self {
            number: settled.id.0.cast_signed(),
            is_fresh: claim.is_fresh(settled.id),
            attempt: settled.attempt.as_ref().map(record),
            settlement: settled.settlement,
        }
    }
}

/// A delivery before it is settled.
struct Before {
    counted: bool,
    replayed: bool,
    group: String,
    reason: Option<String>,
}

fn settle_one(batch: &mut Batch<'_>, lane: i64, now: i64, settled: Prepared) -> Result<(), StoreError> {
    let Prepared { number, is_fresh, settlement, attempt } = settled;
    if is_fresh {
        let Some((_, counted)) = batch.find_fresh(lane, number) else { return Ok(()) };
        match settlement {
            Settlement::Delivered => batch.totals.delivered += i64::from(counted),
            Settlement::Discarded => batch.totals.dropped += i64::from(counted),
            // What failed goes on like any other.
            _ => {
                give_row(batch, lane, number)?;
                return settle_row(batch, lane, now, number, &settlement, attempt);
            }
        }
        batch.remove_fresh(lane, number, counted);
        if let Some((at, record)) = attempt {
            batch.log(number, at, record);
        }
        return Ok(());
    }
    settle_row(batch, lane, now, number, &settlement, attempt)
}

/// Settles a delivery that has a row.
fn settle_row(
    batch: &mut Batch<'_>,
    lane: i64,
    now: i64,
    number: i64,
    settlement: &Settlement,
    attempt: Option<(i64, String)>,
) -> Result<(), StoreError> {
    let find = "SELECT counted, replayed, grp, reason FROM delivery
                WHERE lane = ?1 AND grp = (SELECT grp FROM message WHERE number = ?2) AND number = ?2";
    let found = batch.row(find, [lane, number], |row| {
        Ok(Before { counted: row.get(0)?, replayed: row.get(1)?, group: row.get(2)?, reason: row.get(3)? })
    })?;
    let Some(before) = found else { return Ok(()) };
    let was_tried = attempt.is_some();
    if let Some((at, record)) = attempt {
        batch.log(number, at, record);
    }
    let counted = i64::from(before.counted);
    match settlement {
        Settlement::Retry { at } => {
            batch.execute(
                "UPDATE delivery SET due = ?, attempts = attempts + ? WHERE lane = ? AND grp = ? AND number = ?",
                params![at.unix_ms(), was_tried, lane, before.group, number],
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
