//! What is known of one message: itself, where it stands, and what was tried.

use std::num::NonZeroUsize;
use std::sync::Arc;

use fanfare_core::arn::SubscriptionArn;
use fanfare_core::attempt::Attempt;
use fanfare_core::host::Timestamp;
use fanfare_core::store::{LaneCounts, MessageState, StoreError, StoredMessage};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{body, dead};
use crate::attempts;
use crate::error::Attempting;
use crate::ids;
use crate::store::DiskStore;

pub(super) async fn message(store: &DiskStore, message_id: String) -> Result<Option<StoredMessage>, StoreError> {
    let recent = Arc::clone(&store.recent);
    let read = move |connection: &Connection| {
        let find = || -> rusqlite::Result<Option<i64>> {
            for number in ids::find(connection, &message_id)?.into_iter().rev() {
                let sql = "SELECT number FROM message WHERE number = ? AND forgotten = 0";
                let kept = connection.prepare_cached(sql)?.query_row([number], |row| row.get(0)).optional()?;
                if kept.is_some() {
                    return Ok(kept);
                }
            }
            Ok(None)
        };
        let Some(number) = find().attempting("cannot look for a message")? else { return Ok(None) };
        let dispatch = body::message(connection, &recent, number)?;
        Ok(Some(StoredMessage { number: number.cast_unsigned(), dispatch }))
    };
    store.read(read).await
}

pub(super) async fn state(store: &DiskStore, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
    // Before anything is read: what leaves its fan-out meanwhile is then read as it was settled.
    if let Some((due, _)) = store.lanes.fan_outs().find(number, lane.0.cast_signed()) {
        return Ok(MessageState::Pending { due: Timestamp::from_unix_ms(due) });
    }
    store.read(move |connection| state_of_row(connection, lane, number)).await
}

fn state_of_row(connection: &Connection, lane: SubscriptionId, number: u64) -> Result<MessageState, StoreError> {
    let key = [lane.0.cast_signed(), number.cast_signed()];
    let waiting = "SELECT due FROM delivery
                   WHERE lane = ?1 AND grp = (SELECT grp FROM message WHERE number = ?2) AND number = ?2";
    let died = "SELECT dead.number, message_id, dead.at, reason FROM dead JOIN message USING (number)
                WHERE lane = ? AND dead.number = ?";
    let read = || -> rusqlite::Result<MessageState> {
        // One snapshot for both questions, so that a delivery on its way from one table to the other is in one of them.
        let transaction = connection.unchecked_transaction()?;
        let due = transaction.prepare_cached(waiting)?.query_row(key, |row| row.get(0)).optional()?;
        if let Some(due) = due {
            return Ok(MessageState::Pending { due: Timestamp::from_unix_ms(due) });
        }
        let dead = transaction.prepare_cached(died)?.query_row(key, dead::letter).optional()?;
        Ok(dead.map_or(MessageState::Absent, MessageState::Dead))
    };
    read().attempting("cannot read how a message stands")
}

pub(super) fn attempts(
    connection: &Connection,
    message_id: &str,
    subscription: Option<&SubscriptionArn>,
) -> Result<Vec<Attempt>, StoreError> {
    let act = "cannot read logged attempts";
    let mut found = Vec::new();
    for number in ids::find(connection, message_id).attempting(act)? {
        let sql = "SELECT record FROM attempt WHERE number = ? ORDER BY id";
        let mut statement = connection.prepare_cached(sql).attempting(act)?;
        let mut rows = statement.query([number]).attempting(act)?;
        while let Some(row) = rows.next().attempting(act)? {
            found.extend(attempts::of_row(bytes(row).attempting(act)?)?);
        }
    }
    found.retain(|attempt| subscription.is_none_or(|wanted| *wanted == attempt.subscription));
    Ok(found)
}

/// Nobody asks for this while messages are delivered, so that no index is kept for it.
pub(super) fn latest_attempts(
    connection: &Connection,
    subscription: &SubscriptionArn,
    max: NonZeroUsize,
) -> Result<Vec<Attempt>, StoreError> {
    let act = "cannot read logged attempts";
    let mut statement = connection.prepare_cached("SELECT record FROM attempt ORDER BY id DESC").attempting(act)?;
    let mut rows = statement.query([]).attempting(act)?;
    let mut latest = Vec::new();
    while let Some(row) = rows.next().attempting(act)? {
        let row = bytes(row).attempting(act)?;
        if !attempts::may_be_of(row, subscription) {
            continue;
        }
        let of_subscription = |attempt: &Attempt| attempt.subscription == *subscription;
        for attempt in attempts::of_row(row)?.into_iter().rev().filter(of_subscription) {
            latest.push(attempt);
            if latest.len() == max.get() {
                return Ok(latest);
            }
        }
    }
    Ok(latest)
}

pub(super) async fn lane_counts(store: &DiskStore, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
    let fresh = store.lanes.fresh_count(lane);
    let counts = store.read(move |connection| counts_of_rows(connection, lane)).await?;
    Ok(LaneCounts::new(counts.waiting + fresh, counts.dead))
}

fn counts_of_rows(connection: &Connection, lane: SubscriptionId) -> Result<LaneCounts, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM delivery WHERE lane = ?1), (SELECT count(*) FROM dead WHERE lane = ?1)";
    let read = || {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row([lane.0.cast_signed()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
    };
    let (waiting, dead) = read().attempting("cannot count what a lane holds")?;
    Ok(LaneCounts::new(waiting.cast_unsigned(), dead.cast_unsigned()))
}

/// The row of the log of attempts that a query answers.
fn bytes<'a>(row: &'a Row<'_>) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(0)?.as_bytes()?)
}
