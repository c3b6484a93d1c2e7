//! A message comes in: the message, its deliveries and its deduplication window in one piece.

use std::sync::Arc;

use fanfare_core::notification::NotificationKind;
use fanfare_core::store::{Appended, Dedup, Dispatch, Entry, StoreError};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::params;

use super::fan_out::{FRESH_MAX, FanOut, LANE_FRESH_MAX};
use super::holds::{NewDelivery, insert_delivery};
use crate::failpoint;
use crate::log::record;
use crate::log::replay::count;
use crate::options::DiskOptions;
use crate::pending::NewMessage;
use crate::store::DiskStore;
use crate::sum::sum;
use crate::writer::{Batch, Changes, Logged};

/// Bytes that a message takes beside its body, and that each of its deliveries takes, about.
pub(crate) const MESSAGE_OVERHEAD: u64 = 512;
pub(super) const DELIVERY_BYTES: u64 = 128;

pub(super) async fn append(store: &DiskStore, entry: Entry) -> Result<Appended, StoreError> {
    let written = written(store, entry).await;
    store.recent.shed();
    Ok(written?.appended)
}

async fn written(store: &DiskStore, entry: Entry) -> Result<Written, StoreError> {
    let body = Arc::new(entry.dispatch.to_bytes());
    let bytes = body.len();
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
    if !is_plain(&entry) {
        return store.writer.write(bytes, move |batch| write(batch, &entry, &body), keep).await;
    }
    let entry = Arc::new(entry);
    let (logged, logged_body) = (Arc::clone(&entry), Arc::clone(&body));
    let log = move |batch: &mut Logged<'_>| log(batch, &logged, &logged_body);
    store.writer.log(bytes, log, move |batch| write(batch, &entry, &body), keep).await
}

/// What became of an entry, and its deliveries without rows.
struct Written {
    appended: Appended,
    fan_out: Option<FanOut>,
}

/// Whether nothing has to be looked up for it, and nobody's order is kept.
fn is_plain(entry: &Entry) -> bool {
    let publication = &entry.dispatch.publication;
    entry.dedup.is_none() && !publication.topic().is_fifo() && publication.message().group_id().is_none()
}

/// Where the deliveries of a message go that has no group.
#[derive(Default)]
struct Placed {
    /// Lanes in which it is fresh, in order.
    fresh: Vec<i64>,
    /// Lanes in which it gets a row, in order.
    rows: Vec<i64>,
    refused: Vec<SubscriptionId>,
}

fn place(changes: &Changes<'_>, options: &DiskOptions, lanes: &[SubscriptionId]) -> Placed {
    let mut placed = Placed::default();
    for &lane in lanes {
        let waiting = changes.waiting(lane.0.cast_signed());
        let room = FRESH_MAX.saturating_sub(changes.fresh() + placed.fresh.len() as u64);
        if waiting.all() >= options.lane_deliveries_max {
            placed.refused.push(lane);
        } else if waiting.fresh < LANE_FRESH_MAX && room > 0 {
            placed.fresh.push(lane.0.cast_signed());
        } else {
            placed.rows.push(lane.0.cast_signed());
        }
    }
    placed.fresh.sort_unstable();
    placed.rows.sort_unstable();
    placed
}

/// Logs a plain entry; nothing when there may be no room for it, or something is wrong with it.
fn log(logged: &mut Logged<'_>, entry: &Entry, body: &Arc<Vec<u8>>) -> Option<Written> {
    let publication = &entry.dispatch.publication;
    let Placed { fresh, rows, refused } = place(&logged.changes, logged.options, &entry.lanes);
    let repeats = |lanes: &[i64]| lanes.windows(2).any(|pair| pair[0] == pair[1]);
    let room = body.len() as u64 + MESSAGE_OVERHEAD + DELIVERY_BYTES * entry.lanes.len() as u64;
    if repeats(&fresh) || repeats(&rows) || !logged.give_room(room) {
        return None;
    }
    let number = logged.changes.totals.last_number + 1;
    let counted = entry.dispatch.kind == NotificationKind::Notification;
    let archive_until = entry.archive_until.map(|until| until.unix_ms());
    let refused_count = refused.len() as u64;
    let record = record::Appended { number, counted, archive_until, refused: refused_count, fresh, rows, body };
    record.write(&mut logged.frame);
    let record::Appended { fresh, rows, .. } = record;
    let fan_out = FanOut { number, due: publication.timestamp().unix_ms(), counted, lanes: fresh };
    count(&mut logged.changes, &fan_out, &rows, refused_count);
    let (publication, body) = (publication.clone(), Arc::clone(body));
    logged.added.messages.push(NewMessage { number, publication, counted, archive_until, rows, body });
    let appended = Appended::Accepted { number: number.cast_unsigned(), refused };
    Some(Written { appended, fan_out: Some(fan_out) })
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

    let number = batch.changes.totals.last_number + 1;
    batch.changes.totals.last_number = number;
    let counted = entry.dispatch.kind == NotificationKind::Notification;
    let group = publication.message().group_id().unwrap_or_default();
    // Groups and their order are kept by rows.
    let can_be_fresh = group.is_empty() && !publication.topic().is_fifo();
    let mut fan_out = FanOut { number, due: accepted_at, counted, lanes: Vec::new() };
    let mut refused = Vec::new();
    let mut holds = 0;
    for &lane in &entry.lanes {
        batch.changes.totals.matched += i64::from(counted);
        let waiting = batch.changes.waiting(lane.0.cast_signed());
        if waiting.all() >= batch.options.lane_deliveries_max {
            batch.changes.totals.dropped += i64::from(counted);
            refused.push(lane);
            continue;
        }
        let room = FRESH_MAX.saturating_sub(batch.changes.fresh() + fan_out.lanes.len() as u64);
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
