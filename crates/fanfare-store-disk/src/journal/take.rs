//! Deliveries leave a lane, to be attempted or to be given up: a window at a time, however many wait.

use std::num::NonZeroUsize;
use std::sync::Arc;

use fanfare_core::host::Timestamp;
use fanfare_core::store::{Delivery, DeliveryId, Dispatch, LaneOrder, Stage, StoreError, StoreErrorKind};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, Row, params};

use super::body;
use super::holds::{hold, remove_delivery};
use crate::error::Attempting;
use crate::lanes::Taken;
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
    // Before anything is read: what is settled meanwhile is then either among these or read as it was settled.
    let taken = turn.taken();
    let recent = Arc::clone(&store.recent);
    let window = Window { lane: lane.0.cast_signed(), now: now.unix_ms(), max: max.get() };
    let read = move |connection: &Connection| match order {
        LaneOrder::Group => window.heads(connection, &recent, &taken),
        _ => window.due(connection, &recent, &taken),
    };
    let deliveries = store.readers.read(read).await?;
    // From here to the answer nothing is awaited: a caller who went away has taken nothing.
    turn.take(&deliveries);
    Ok(deliveries)
}

pub(super) async fn clear(
    store: &DiskStore,
    lane: SubscriptionId,
    max: NonZeroUsize,
) -> Result<Vec<Delivery>, StoreError> {
    let turn = store.lanes.turn(lane).await;
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
        batch.totals.dropped += i64::from(counted);
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
    fn due(&self, connection: &Connection, recent: &Recent, taken: &Taken) -> Result<Vec<Delivery>, StoreError> {
        let mut deliveries = Deliveries::new(self, connection, recent);
        let sql = "SELECT number, attempts, stage, replayed, grp, due FROM delivery INDEXED BY delivery_lane_due
                   WHERE lane = ? AND due <= ? ORDER BY due, number";
        deliveries.gather(sql, self.max, |waiting| !taken.contains(waiting.number.cast_unsigned()))?;
        deliveries.into_answer()
    }

    /// The head of each group of which nothing is taken.
    fn heads(&self, connection: &Connection, recent: &Recent, taken: &Taken) -> Result<Vec<Delivery>, StoreError> {
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
        deliveries.into_answer()
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
    fn into_answer(mut self) -> Result<Vec<Delivery>, StoreError> {
        self.found.sort_by_key(|delivery| (delivery.due, delivery.id));
        self.found.truncate(self.window.max);
        match self.damaged {
            Some(error) if self.found.is_empty() => Err(error),
            _ => Ok(self.found),
        }
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
