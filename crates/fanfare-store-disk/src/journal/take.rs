//! Deliveries leave a lane, to be attempted or to be given up: a window at a time, however many wait.

use std::num::NonZeroUsize;
use std::sync::Arc;

use fanfare_core::host::Timestamp;
use fanfare_core::store::{Delivery, DeliveryId, Dispatch, LaneOrder, Stage, StoreError, StoreErrorKind};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, Row, params};

use super::body;
use super::fan_out::give_rows;
use super::holds::{hold, remove_delivery};
use crate::error::Attempting;
use crate::lanes::{Fresh, Taken};
use crate::recent::Recent;
use crate::store::DiskStore;
use crate::writer::Batch;

pub(super) async fn take(
    store: &DiskStore,
    lane: SubscriptionId,
    now: Timestamp,
    max: NonZeroUsize,
    order: LaneOrder,
) -> Result<Vec<Delivery>, StoreError> {
    let turn = store.lanes.turn(lane).await;
    if order == LaneOrder::Group {
        give_rows(store, lane).await?;
    }
    let now = now.unix_ms();
    let (rows, row_trouble) = if store.lanes.has_rows(lane) {
        // Before anything is read: what is settled meanwhile is then either among these or read as it was settled.
        let taken = turn.taken();
        take_rows(store, Window { lane: lane.0.cast_signed(), now, max: max.get() }, order, taken).await?
    } else {
        (Vec::new(), None)
    };
    let mut fresh = store.lanes.fresh(lane);
    fresh.retain(|fresh| fresh.due <= now);
    let first = first_of(rows, fresh, max.get());
    let (fresh, fresh_trouble) = read_fresh(store, lane, first.fresh).await?;
    let mut deliveries: Vec<_> = first.rows.into_iter().map(|row| (row, false)).collect();
    deliveries.extend(fresh.into_iter().map(|fresh| (fresh, true)));
    deliveries.sort_by_key(|(delivery, _)| (delivery.due, delivery.id));
    if deliveries.is_empty()
        && let Some(trouble) = row_trouble.or(fresh_trouble)
    {
        return Err(trouble);
    }
    // From here to the answer nothing is awaited: a caller who went away has taken nothing.
    turn.take(deliveries.iter().map(|(delivery, is_fresh)| {
        (delivery.id, delivery.dispatch.publication.message().group_id().unwrap_or_default(), *is_fresh)
    }));
    Ok(deliveries.into_iter().map(|(delivery, _)| delivery).collect())
}

/// Deliveries, and the first of those that could not be read.
type Found = (Vec<Delivery>, Option<StoreError>);

async fn take_rows(store: &DiskStore, window: Window, order: LaneOrder, taken: Taken) -> Result<Found, StoreError> {
    let (recent, window_lane) = (Arc::clone(&store.recent), SubscriptionId(window.lane.cast_unsigned()));
    let read = move |connection: &Connection| match order {
        LaneOrder::Group => window.heads(connection, &recent, &taken),
        _ => window.due(connection, &recent, &taken),
    };
    store.read_rows(window_lane, read).await
}

/// What has been due for longest, of deliveries with rows and of fresh ones.
struct First {
    rows: Vec<Delivery>,
    fresh: Vec<Fresh>,
}

/// The first `max` of all. Rows come in their order, fresh ones mostly do.
fn first_of(mut rows: Vec<Delivery>, mut fresh: Vec<Fresh>, max: usize) -> First {
    fresh.sort_by_key(|fresh| (fresh.due, fresh.number));
    let key = |row: &Delivery| (row.due.unix_ms(), row.id.0);
    let (mut of_rows, mut of_fresh) = (0, 0);
    while of_rows + of_fresh < max {
        match (rows.get(of_rows), fresh.get(of_fresh)) {
            (Some(row), Some(fresh)) if key(row) < (fresh.due, fresh.number) => of_rows += 1,
            (_, Some(_)) => of_fresh += 1,
            (Some(_), None) => of_rows += 1,
            (None, None) => break,
        }
    }
    rows.truncate(of_rows);
    fresh.truncate(of_fresh);
    First { rows, fresh }
}

/// Fresh deliveries with their messages, which mostly are in memory.
async fn read_fresh(store: &DiskStore, lane: SubscriptionId, fresh: Vec<Fresh>) -> Result<Found, StoreError> {
    let mut found = Vec::with_capacity(fresh.len());
    let mut missing = Vec::new();
    for fresh in fresh {
        match store.recent.message(fresh.number) {
            Some(dispatch) => found.push(first_delivery(fresh, dispatch)),
            None => missing.push(fresh),
        }
    }
    if missing.is_empty() {
        return Ok((found, None));
    }
    let last = missing.iter().map(|fresh| fresh.number).max().unwrap_or(0);
    store.writer.apply_message(last).await?;
    let recent = Arc::clone(&store.recent);
    let read = move |connection: &Connection| {
        let (mut read, mut damaged) = (Vec::with_capacity(missing.len()), None);
        for fresh in missing {
            match body::message(connection, &recent, fresh.number.cast_signed()) {
                Ok(dispatch) => read.push(first_delivery(fresh, dispatch)),
                // One damaged message must not hold up those behind it.
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                    complain(lane.0.cast_signed(), &error);
                    damaged.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((read, damaged))
    };
    let (read, damaged) = store.readers.read(read).await?;
    found.extend(read);
    Ok((found, damaged))
}

fn first_delivery(fresh: Fresh, dispatch: Dispatch) -> Delivery {
    let due = Timestamp::from_unix_ms(fresh.due);
    Delivery { id: DeliveryId(fresh.number), dispatch, stage: Stage::Endpoint, due, attempts: 0, replayed: false }
}

pub(super) async fn clear(
    store: &DiskStore,
    lane: SubscriptionId,
    max: NonZeroUsize,
) -> Result<Vec<Delivery>, StoreError> {
    let turn = store.lanes.turn(lane).await;
    give_rows(store, lane).await?;
    let recent = Arc::clone(&store.recent);
    let act = move |batch: &mut Batch<'_>| give_up(batch, &recent, lane.0.cast_signed(), max, &turn.taken());
    // The turn ends with the command, not with the caller: what is given up must not be taken meanwhile.
    store.writer.write(0, act, |_| {}).await
}

fn give_up(
    batch: &mut Batch<'_>,
    recent: &Recent,
    lane: i64,
    max: NonZeroUsize,
    taken: &Taken,
) -> Result<Vec<Delivery>, StoreError> {
    let all = "SELECT number, attempts, stage, replayed, grp, due, counted FROM delivery WHERE lane = ?
               ORDER BY due, number";
    let mut rows = Vec::new();
    {
        let mut statement = batch.statement(all)?;
        let mut found = statement.query([lane]).attempting("cannot read a lane")?;
        while rows.len() < max.get()
            && let Some(row) = found.next().attempting("cannot read a lane")?
        {
            let waiting = Waiting::read(row).attempting("cannot read a lane")?;
            if !taken.contains(waiting.number.cast_unsigned()) {
                rows.push((waiting, row.get::<_, bool>("counted").attempting("cannot read a lane")?));
            }
        }
    }
    let mut deliveries = Vec::with_capacity(rows.len());
    for (waiting, counted) in rows {
        let number = waiting.number;
        remove_delivery(batch, lane, number, counted, &waiting.group)?;
        batch.changes.totals.dropped += i64::from(counted);
        hold(batch, number, -1)?;
        match body::message(batch.connection(), recent, number) {
            Ok(dispatch) => deliveries.push(waiting.delivery(dispatch)),
            // It is given up all the same, though nobody can be told what it was.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => complain(lane, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(deliveries)
}

/// What is wanted of a lane.
struct Window {
    lane: i64,
    now: i64,
    max: usize,
}

impl Window {
    /// What has been due for longest, whatever its group.
    fn due(&self, connection: &Connection, recent: &Recent, taken: &Taken) -> Result<Found, StoreError> {
        let mut deliveries = Deliveries::new(self, connection, recent);
        let sql = "SELECT number, attempts, stage, replayed, grp, due FROM delivery INDEXED BY delivery_lane_due
                   WHERE lane = ? AND due <= ? ORDER BY due, number";
        deliveries.gather(sql, self.max, |waiting| !taken.contains(waiting.number.cast_unsigned()))?;
        Ok(deliveries.into_answer())
    }

    /// The head of each group of which nothing is taken.
    fn heads(&self, connection: &Connection, recent: &Recent, taken: &Taken) -> Result<Found, StoreError> {
        let blocked = taken.groups();
        let mut deliveries = Deliveries::new(self, connection, recent);
        let sql = "SELECT number, attempts, stage, replayed, grp, due FROM delivery INDEXED BY delivery_head
                   WHERE lane = ? AND head = 1 AND due <= ? ORDER BY due, number";
        deliveries.gather(sql, self.max, |waiting| !blocked.contains(waiting.group.as_str()))?;
        if !blocked.contains("") {
            // The messages without a group are a group too, whose head is not marked: most lanes have no use for it.
            let sql = "SELECT * FROM (
                           SELECT number, attempts, stage, replayed, grp, due FROM delivery
                           WHERE lane = ?1 AND grp = '' ORDER BY number LIMIT 1)
                       WHERE due <= ?2";
            deliveries.gather(sql, 1, |_| true)?;
        }
        Ok(deliveries.into_answer())
    }
}

/// Deliveries that were found, with the first of those that could not be read.
struct Deliveries<'a> {
    window: &'a Window,
    connection: &'a Connection,
    recent: &'a Recent,
    found: Vec<Delivery>,
    damaged: Option<StoreError>,
}

impl<'a> Deliveries<'a> {
    fn new(window: &'a Window, connection: &'a Connection, recent: &'a Recent) -> Self {
        Self { window, connection, recent, found: Vec::new(), damaged: None }
    }

    /// Adds what `sql` finds of the lane and `wanted` wants, at most `max`.
    fn gather(&mut self, sql: &str, max: usize, wanted: impl Fn(&Waiting) -> bool) -> Result<(), StoreError> {
        let act = "cannot read a lane";
        let mut statement = self.connection.prepare_cached(sql).attempting(act)?;
        let mut rows = statement.query(params![self.window.lane, self.window.now]).attempting(act)?;
        let room = self.found.len().saturating_add(max);
        while self.found.len() < room
            && let Some(row) = rows.next().attempting(act)?
        {
            let waiting = Waiting::read(row).attempting(act)?;
            if !wanted(&waiting) {
                continue;
            }
            match body::message(self.connection, self.recent, waiting.number) {
                Ok(dispatch) => self.found.push(waiting.delivery(dispatch)),
                // One damaged message must not hold up those behind it.
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                    complain(self.window.lane, &error);
                    self.damaged.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What has been due for longest comes first.
    fn into_answer(mut self) -> Found {
        self.found.sort_by_key(|delivery| (delivery.due, delivery.id));
        self.found.truncate(self.window.max);
        (self.found, self.damaged)
    }
}

/// A delivery without its message.
struct Waiting {
    number: i64,
    attempts: u32,
    stage: Stage,
    replayed: bool,
    group: String,
    due: i64,
}

impl Waiting {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            attempts: row.get(1)?,
            stage: if row.get(2)? { Stage::DeadLetter } else { Stage::Endpoint },
            replayed: row.get(3)?,
            group: row.get(4)?,
            due: row.get(5)?,
        })
    }

    fn delivery(self, dispatch: Dispatch) -> Delivery {
        let Self { number, attempts, stage, replayed, due, .. } = self;
        let due = Timestamp::from_unix_ms(due);
        Delivery { id: DeliveryId(number.cast_unsigned()), dispatch, stage, due, attempts, replayed }
    }
}

fn complain(lane: i64, error: &StoreError) {
    tracing::error!(lane, %error, "a delivery is passed over: its message cannot be read");
}
