//! When lanes have something to do.

use std::collections::HashMap;

use fanfare_core::host::Timestamp;
use fanfare_core::store::{LaneOrder, StoreError};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, OptionalExtension};

use super::fan_out::give_rows;
use crate::error::Attempting;
use crate::lanes::Taken;
use crate::store::DiskStore;

/// When the first of what may be taken is due.
pub(super) async fn next_due(
    store: &DiskStore,
    lane: SubscriptionId,
    order: LaneOrder,
) -> Result<Option<Timestamp>, StoreError> {
    if order == LaneOrder::Group {
        // Nobody else may take what is fresh while it gets rows, which alone know of groups.
        let _turn = store.lanes.turn(lane).await;
        give_rows(store, lane).await?;
    }
    // Before its rows are looked for: one of them may have been fresh a moment ago.
    let fresh = store.lanes.first_fresh_due(lane).map(Timestamp::from_unix_ms);
    if !store.lanes.has_rows(lane) {
        return Ok(fresh);
    }
    // Before anything is read, as for `take`.
    let taken = store.lanes.taken(lane);
    let due = store.read_rows(lane, move |connection| next_row_due(connection, lane, order, &taken)).await?;
    Ok([due, fresh].into_iter().flatten().min())
}

/// When the first row of what may be taken is due, in one step for each delivery that is taken.
fn next_row_due(
    connection: &Connection,
    lane: SubscriptionId,
    order: LaneOrder,
    taken: &Taken,
) -> Result<Option<Timestamp>, StoreError> {
    let lane = lane.0.cast_signed();
    let due = match order {
        LaneOrder::Group => first_head_due(connection, lane, taken),
        _ => first_due(connection, lane, taken),
    };
    Ok(due.attempting("cannot read what is due next")?.map(Timestamp::from_unix_ms))
}

/// Every lane with the time at which its first is due.
pub(super) async fn waiting(store: &DiskStore) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
    let fresh = store.lanes.all_fresh();
    let mut waiting: HashMap<_, _> = store.read(rows_waiting).await?.into_iter().collect();
    for (lane, due) in fresh {
        let due = Timestamp::from_unix_ms(due);
        waiting.entry(lane).and_modify(|first| *first = due.min(*first)).or_insert(due);
    }
    Ok(waiting.into_iter().collect())
}

/// Every lane that has rows: one step for each lane, however much waits in it.
fn rows_waiting(connection: &Connection) -> Result<Vec<(SubscriptionId, Timestamp)>, StoreError> {
    let sql = "
        WITH RECURSIVE lanes (lane) AS (
            SELECT min(lane) FROM delivery
            UNION ALL
            SELECT (SELECT min(lane) FROM delivery WHERE delivery.lane > lanes.lane) FROM lanes WHERE lane IS NOT NULL
        )
        SELECT lane, (SELECT min(due) FROM delivery INDEXED BY delivery_lane_due WHERE delivery.lane = lanes.lane)
        FROM lanes WHERE lane IS NOT NULL";
    let read = || -> rusqlite::Result<Vec<(SubscriptionId, Timestamp)>> {
        let mut statement = connection.prepare_cached(sql)?;
        let lanes = statement.query_map([], |row| {
            Ok((SubscriptionId(row.get::<_, i64>(0)?.cast_unsigned()), Timestamp::from_unix_ms(row.get(1)?)))
        })?;
        lanes.collect()
    };
    read().attempting("cannot read which lanes have deliveries")
}

fn first_due(connection: &Connection, lane: i64, taken: &Taken) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT due, number FROM delivery INDEXED BY delivery_lane_due WHERE lane = ? ORDER BY due, number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([lane])?;
    while let Some(row) = rows.next()? {
        if !taken.contains(row.get::<_, i64>(1)?.cast_unsigned()) {
            return row.get(0);
        }
    }
    Ok(None)
}

fn first_head_due(connection: &Connection, lane: i64, taken: &Taken) -> rusqlite::Result<Option<i64>> {
    let blocked = taken.groups();
    let ungrouped = "SELECT due FROM delivery WHERE lane = ? AND grp = '' ORDER BY number LIMIT 1";
    let without = match blocked.contains("") {
        true => None,
        false => connection.prepare_cached(ungrouped)?.query_row([lane], |row| row.get(0)).optional()?,
    };
    let heads =
        "SELECT due, grp FROM delivery INDEXED BY delivery_head WHERE lane = ? AND head = 1 ORDER BY due, number";
    let mut statement = connection.prepare_cached(heads)?;
    let mut rows = statement.query([lane])?;
    while let Some(row) = rows.next()? {
        if !blocked.contains(row.get_ref(1)?.as_str()?) {
            let due: i64 = row.get(0)?;
            return Ok(Some(without.map_or(due, |other: i64| other.min(due))));
        }
    }
    Ok(without)
}
