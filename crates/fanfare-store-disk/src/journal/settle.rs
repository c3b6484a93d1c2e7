//! What became of deliveries.

use std::sync::Arc;

use fanfare_core::attempt::Attempt;
use fanfare_core::host::Timestamp;
use fanfare_core::store::{Settled, Settlement, StoreError};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::params;

use super::fan_out::give_row;
use super::holds::{hold, remove_delivery};
use crate::attempts;
use crate::lanes::Claim;
use crate::log::record;
use crate::log::replay::settle_fresh;
use crate::pending::LoggedAttempt;
use crate::store::DiskStore;
use crate::writer::{Batch, Logged};

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
    let (lane, now) = (lane.0.cast_signed(), now.unix_ms());
    let settled = Arc::new(settled);
    let can_be_logged = settled.iter().all(|settled| settled.ends_in_its_fan_out());
    let logged = Arc::clone(&settled);
    let write =
        move |batch: &mut Batch<'_>| settled.iter().try_for_each(|settled| settle_one(batch, lane, now, settled));
    let after = move |(): &()| claim.settled();
    if !can_be_logged {
        return store.writer.write(0, write, after).await;
    }
    let log = move |batch: &mut Logged<'_>| {
        logged.iter().for_each(|settled| log_one(batch, lane, settled));
        Some(())
    };
    store.writer.log(0, log, write, after).await
}

/// What became of a delivery, as it is written.
struct Prepared {
    number: i64,
    is_fresh: bool,
    settlement: Settlement,
    /// When the attempt began, and its record.
    attempt: Option<(i64, Vec<u8>)>,
}

impl Prepared {
    fn new(settled: Settled, claim: &Claim) -> Self {
        let record = |attempt: &Attempt| (attempt.started.unix_ms(), attempts::encoded(attempt));
        Self {
            number: settled.id.0.cast_signed(),
            is_fresh: claim.is_fresh(settled.id),
            attempt: settled.attempt.as_ref().map(record),
            settlement: settled.settlement,
        }
    }

    /// Whether it leaves the fan-out of its message and nothing else comes of it.
    fn ends_in_its_fan_out(&self) -> bool {
        self.is_fresh && matches!(self.settlement, Settlement::Delivered | Settlement::Discarded)
    }

    /// The attempt, to be logged.
    fn attempt(&self) -> Option<LoggedAttempt> {
        let (at, record) = self.attempt.as_ref()?;
        Some(LoggedAttempt { number: self.number, at: *at, record: record.clone() })
    }
}

/// Logs what ends in its fan-out.
fn log_one(logged: &mut Logged<'_>, lane: i64, settled: &Prepared) {
    let number = settled.number;
    let Some((_, counted)) = logged.changes.find_fresh(lane, number) else { return };
    let discarded = settled.settlement == Settlement::Discarded;
    let attempt = settled.attempt.as_ref().map(|(at, record)| (*at, record.as_slice()));
    record::Settled { lane, number, counted, discarded, attempt }.write(&mut logged.frame);
    settle_fresh(&mut logged.changes, lane, number, counted, discarded);
    logged.added.settled += 1;
    logged.added.attempts.extend(settled.attempt());
}

/// A delivery before it is settled.
struct Before {
    counted: bool,
    replayed: bool,
    group: String,
    reason: Option<String>,
}

fn settle_one(batch: &mut Batch<'_>, lane: i64, now: i64, settled: &Prepared) -> Result<(), StoreError> {
    let number = settled.number;
    if settled.is_fresh {
        let Some((_, counted)) = batch.changes.find_fresh(lane, number) else { return Ok(()) };
        if settled.ends_in_its_fan_out() {
            let discarded = settled.settlement == Settlement::Discarded;
            settle_fresh(&mut batch.changes, lane, number, counted, discarded);
            settled.attempt().into_iter().for_each(|attempt| batch.log(attempt));
            return Ok(());
        }
        // What failed goes on like any other.
        give_row(batch, lane, number)?;
    }
    settle_row(batch, lane, now, settled)
}

/// Settles a delivery that has a row.
fn settle_row(batch: &mut Batch<'_>, lane: i64, now: i64, settled: &Prepared) -> Result<(), StoreError> {
    let (number, attempt) = (settled.number, settled.attempt());
    let find = "SELECT counted, replayed, grp, reason FROM delivery
                WHERE lane = ?1 AND grp = (SELECT grp FROM message WHERE number = ?2) AND number = ?2";
    let found = batch.row(find, [lane, number], |row| {
        Ok(Before { counted: row.get(0)?, replayed: row.get(1)?, group: row.get(2)?, reason: row.get(3)? })
    })?;
    let Some(before) = found else { return Ok(()) };
    let was_tried = attempt.is_some();
    attempt.into_iter().for_each(|attempt| batch.log(attempt));
    let counted = i64::from(before.counted);
    match &settled.settlement {
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
            batch.changes.totals.delivered += counted;
            forget(batch, lane, number, &before)?;
        }
        Settlement::Discarded => {
            batch.changes.totals.dropped += counted;
            forget(batch, lane, number, &before)?;
        }
        Settlement::DeadLettered => {
            batch.changes.totals.dead_lettered += counted;
            let reason = before.reason.clone().unwrap_or_default();
            bury(batch, Grave { lane, number, at: now, dead_lettered: true, reason: &reason }, &before)?;
        }
        Settlement::Dropped { reason } => {
            batch.changes.totals.dropped += counted;
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
