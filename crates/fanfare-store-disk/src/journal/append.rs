//! A message comes in: the message, its deliveries and its deduplication window in one piece.

use std::sync::Arc;

use fanfare_core::notification::NotificationKind;
use fanfare_core::store::{Appended, Dedup, Dispatch, Entry, StoreError};
use rusqlite::params;

use super::fan_out::{FRESH_MAX, FanOut, LANE_FRESH_MAX};
use super::holds::{NewDelivery, insert_delivery};
use crate::failpoint;
use crate::store::DiskStore;
use crate::sum::sum;
use crate::writer::Batch;

/// Bytes that a message takes beside its body, and that each of its deliveries takes, about.
const MESSAGE_OVERHEAD: u64 = 512;
pub(super) const DELIVERY_BYTES: u64 = 128;

pub(super) async fn append(store: &DiskStore, entry: Entry) -> Result<Appended, StoreError> {
    let bytes = entry.dispatch.to_bytes();
    let (recent, lanes) = (Arc::clone(&store.recent), Arc::clone(&store.lanes));
    let dispatch = entry.dispatch.clone();
    let keep = move |written: &Written| {
        let Appended::Accepted { number, .. } = written.appended else { return };
        let publication = dispatch.publication.numbered(number);
        recent.keep(number, Dispatch { kind: dispatch.kind, publication });
        if let Some(fan_out) = &written.fan_out {
            fan_out.make_known(&lanes);
        }
    };
    let written = store.writer.write(bytes.len(), move |batch| write(batch, &entry, &bytes), keep).await?;
    Ok(written.appended)
}

/// What became of an entry, and its deliveries without rows.
struct Written {
    appended: Appended,
    fan_out: Option<FanOut>,
}

fn write(batch: &mut Batch<'_>, entry: &Entry, bytes: &[u8]) -> Result<Written, StoreError> {
    let publication = &entry.dispatch.publication;
    let accepted_at = publication.timestamp().unix_ms();
    if let Some(dedup) = &entry.dedup
        && let Some(first) = repeated(batch, dedup, accepted_at)?
    {
        return Ok(Written { appended: first, fan_out: None });
    }
    let size = bytes.len() as u64 + MESSAGE_OVERHEAD;
    batch.give_room(size + DELIVERY_BYTES * entry.lanes.len() as u64)?;

    let number = batch.totals.last_number + 1;
    batch.totals.last_number = number;
    let counted = entry.dispatch.kind == NotificationKind::Notification;
    let group = publication.message().group_id().unwrap_or_default();
    // Groups and their order are kept by rows.
    let can_be_fresh = group.is_empty() && !publication.topic().is_fifo();
    let mut fan_out = FanOut { number, due: accepted_at, counted, lanes: Vec::new() };
    let mut refused = Vec::new();
    let mut holds = 0;
    for &lane in &entry.lanes {
        batch.totals.matched += i64::from(counted);
        let waiting = batch.waiting(lane.0.cast_signed());
        if waiting.all() >= batch.options.lane_deliveries_max {
            batch.totals.dropped += i64::from(counted);
            refused.push(lane);
            continue;
        }
        let room = FRESH_MAX.saturating_sub(batch.fresh() + fan_out.lanes.len() as u64);
        if can_be_fresh && waiting.fresh < LANE_FRESH_MAX && room > 0 {
            fan_out.lanes.push(lane.0.cast_signed());
            continue;
        }
        let delivery =
            NewDelivery { lane: lane.0.cast_signed(), number, due: accepted_at, replayed: false, counted, group };
        insert_delivery(batch, &delivery)?;
        holds += 1;
        failpoint::reach("between-fan-out-rows");
    }
    fan_out.lanes.sort_unstable();
    holds += fan_out.write(batch)?;
    batch.execute(
        "INSERT INTO message (number, message_id, topic, at, size, holds, counted, archive_until, grp)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            number,
            publication.id(),
            publication.topic().as_str(),
            accepted_at,
            size.cast_signed(),
            holds,
            counted,
            entry.archive_until.map(|until| until.unix_ms()),
            group
        ],
    )?;
    batch.execute("INSERT INTO body (number, sum, bytes) VALUES (?, ?, ?)", params![number, sum(bytes), bytes])?;
    if let Some(dedup) = &entry.dedup {
        batch.execute(
            "INSERT OR REPLACE INTO dedup (key, until, number, message_id) VALUES (?, ?, ?, ?)",
            params![dedup.key, dedup.until.unix_ms(), number, publication.id()],
        )?;
    }
    let appended = Appended::Accepted { number: number.cast_unsigned(), refused };
    Ok(Written { appended, fan_out: Some(fan_out) })
}

fn repeated(batch: &Batch<'_>, dedup: &Dedup, now: i64) -> Result<Option<Appended>, StoreError> {
    batch.row("SELECT number, message_id FROM dedup WHERE key = ? AND until > ?", params![dedup.key, now], |row| {
        Ok(Appended::Duplicate { number: row.get::<_, i64>(0)?.cast_unsigned(), message_id: row.get(1)? })
    })
}
