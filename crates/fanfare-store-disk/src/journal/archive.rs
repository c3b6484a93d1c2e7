//! Messages that can be replayed.

use std::num::NonZeroUsize;
use std::sync::Arc;

use fanfare_core::arn::TopicArn;
use fanfare_core::host::Timestamp;
use fanfare_core::store::{Range, StoreError, StoreErrorKind, StoredMessage};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, params};

use super::append::DELIVERY_BYTES;
use super::body;
use super::holds::{NewDelivery, hold, insert_delivery};
use crate::error::Attempting;
use crate::store::DiskStore;
use crate::writer::Batch;

pub(super) async fn archived(
    store: &DiskStore,
    range: Range,
    after: u64,
    max: NonZeroUsize,
) -> Result<Vec<StoredMessage>, StoreError> {
    let recent = Arc::clone(&store.recent);
    let read = move |connection: &Connection| {
        let numbers = numbers(connection, &range, after, max).attempting("cannot read the archive")?;
        let messages = numbers.into_iter().map(|number| {
            let dispatch = body::message(connection, &recent, number)?;
            Ok(StoredMessage { number: number.cast_unsigned(), dispatch })
        });
        messages.collect()
    };
    store.read(read).await
}

fn numbers(connection: &Connection, range: &Range, after: u64, max: NonZeroUsize) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT number FROM message INDEXED BY message_archive
               WHERE archive_until IS NOT NULL AND topic = ?1 AND at BETWEEN ?3 AND ?4
                   AND number > max(?2, coalesce((SELECT number FROM archive_end WHERE topic = ?1), 0))
               ORDER BY number LIMIT ?5";
    let to = range.to.map_or(i64::MAX, Timestamp::unix_ms);
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let max = i64::try_from(max.get()).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let rows =
        statement.query_map(params![range.topic.as_str(), after, range.from.unix_ms(), to, max], |row| row.get(0))?;
    rows.collect()
}

pub(super) fn replay(
    batch: &mut Batch<'_>,
    lane: SubscriptionId,
    now: Timestamp,
    numbers: &[u64],
) -> Result<(), StoreError> {
    let lane = lane.0.cast_signed();
    let sql = "SELECT counted, grp FROM message
               WHERE number = ?1 AND archive_until > ?2
                   AND number > coalesce((SELECT number FROM archive_end WHERE archive_end.topic = message.topic), 0)
                   AND NOT EXISTS (SELECT 1 FROM delivery WHERE lane = ?3 AND delivery.grp = message.grp AND delivery.number = ?1)";
    for number in numbers.iter().map(|number| number.cast_signed()) {
        let found = batch
            .row(sql, [number, now.unix_ms(), lane], |row| Ok((row.get::<_, bool>(0)?, row.get::<_, String>(1)?)))?;
        let Some((counted, group)) = found else { continue };
        if batch.changes.is_fresh(lane, number) {
            continue;
        }
        if batch.changes.waiting(lane).all() >= batch.options.lane_deliveries_max {
            let full = "the subscription has as many deliveries as may wait for it: replay when some have settled";
            return Err(StoreError::new(StoreErrorKind::Full, full));
        }
        batch.give_room(DELIVERY_BYTES)?;
        batch.changes.totals.matched += i64::from(counted);
        let group = &group;
        insert_delivery(batch, &NewDelivery { lane, number, due: now.unix_ms(), replayed: true, counted, group })?;
        hold(batch, number, 1)?;
    }
    Ok(())
}

/// Ends the archive of a topic in one small step, however large it is. Sweeping does the rest.
pub(super) fn end(batch: &mut Batch<'_>, topic: &TopicArn) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO archive_end (topic, number) VALUES (?, ?)";
    batch.execute(sql, params![topic.as_str(), batch.changes.totals.last_number]).map(drop)
}
