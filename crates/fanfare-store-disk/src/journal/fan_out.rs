//! Fan-out rows: deliveries that wait for their first attempt come in one row for many, and get a row of their own when the
//! attempt fails.

use fanfare_core::store::StoreError;
use fanfare_core::subscription::SubscriptionId;
use rusqlite::Connection;

use super::holds::{NewDelivery, hold, insert_delivery};
use crate::error::Attempting;
use crate::fan_outs::{ROW_LANES_MAX, decoded, encoded};
use crate::lanes::{Fresh, Lanes};
use crate::pending::insert_fan_out;
use crate::store::DiskStore;
use crate::writer::Batch;

/// Fresh deliveries of one lane beyond which further ones get rows of their own, so that a lane whose endpoint is dead costs no
/// memory for what waits.
pub(super) const LANE_FRESH_MAX: u64 = 1024;

/// Fresh deliveries of all lanes, likewise: some hundred bytes of memory each, where each is in another lane.
pub(super) const FRESH_MAX: u64 = 4 << 20;

/// A message's fresh deliveries, in rows as they are written.
#[derive(Debug)]
pub(crate) struct FanOut {
    pub(crate) number: i64,
    pub(crate) due: i64,
    pub(crate) counted: bool,
    /// In order.
    pub(crate) lanes: Vec<i64>,
}

impl FanOut {
    /// The lanes of each row.
    fn rows(&self) -> impl Iterator<Item = (i64, &[i64])> {
        (0..).zip(self.lanes.chunks(ROW_LANES_MAX))
    }

    /// Writes the rows, and answers how many they are: so many more hold the message.
    pub(super) fn write(&self, batch: &mut Batch<'_>) -> Result<i64, StoreError> {
        let mut count = 0;
        for (part, lanes) in self.rows() {
            // Undone with the rest of the command, as a statement of the batch would be.
            batch.mark()?;
            insert_fan_out(batch.connection(), self.number, part, self.due, self.counted, &encoded(lanes))
                .attempting("cannot write")?;
            count += 1;
        }
        for &lane in &self.lanes {
            batch.changes.totals.pending += i64::from(self.counted);
            batch.changes.add_fresh(lane);
        }
        Ok(count)
    }

    /// Has `lanes` know the deliveries, once they are safe.
    pub(crate) fn make_known(&self, lanes: &Lanes) {
        for (part, row) in self.rows() {
            lanes.fan_outs().add(self.number.cast_unsigned(), part, self.due, self.counted, row.to_vec());
        }
        let fresh = Fresh { number: self.number.cast_unsigned(), due: self.due };
        lanes.add_fresh(fresh, self.lanes.iter().map(|lane| SubscriptionId(lane.cast_unsigned())));
    }
}

/// Gives a fresh delivery, which is there, a row of its own.
pub(super) fn give_row(batch: &mut Batch<'_>, lane: i64, number: i64) -> Result<(), StoreError> {
    let Some((due, counted)) = batch.changes.find_fresh(lane, number) else { return Ok(()) };
    batch.changes.remove_fresh(lane, number, counted);
    insert_delivery(batch, &NewDelivery { lane, number, due, replayed: false, counted, group: "" })?;
    hold(batch, number, 1)
}

/// Gives everything fresh in `lane` that is not taken rows. The caller has the lane's turn.
pub(super) async fn give_rows(store: &DiskStore, lane: SubscriptionId) -> Result<(), StoreError> {
    let fresh = store.lanes.fresh(lane);
    if fresh.is_empty() {
        return Ok(());
    }
    let lanes = std::sync::Arc::clone(&store.lanes);
    let numbers: Vec<_> = fresh.iter().map(|fresh| fresh.number.cast_signed()).collect();
    let write = move |batch: &mut Batch<'_>| {
        numbers.iter().try_for_each(|&number| give_row(batch, lane.0.cast_signed(), number))
    };
    store.writer.write(0, write, move |()| lanes.remove_fresh(lane, &fresh)).await
}

/// Reads every row into `lanes`.
pub(crate) fn load(connection: &Connection, lanes: &Lanes) -> Result<(), StoreError> {
    let act = "cannot read the fan-outs";
    let sql = "SELECT number, part, due, counted, lanes FROM fan_out ORDER BY number, part";
    let mut statement = connection.prepare(sql).attempting(act)?;
    let mut rows = statement.query([]).attempting(act)?;
    while let Some(row) = rows.next().attempting(act)? {
        let mut counted = false;
        let mut read = || -> rusqlite::Result<[i64; 3]> {
            counted = row.get(3)?;
            Ok([row.get(0)?, row.get(1)?, row.get(2)?])
        };
        let [number, part, due] = read().attempting(act)?;
        let named = row.get_ref(4).and_then(|lanes| Ok(lanes.as_blob()?)).attempting(act)?;
        let Some(named) = decoded(named) else {
            // One damaged row must not hold up the others; a check names it.
            tracing::error!(number, "deliveries are passed over: their fan-out row cannot be read");
            continue;
        };
        let fresh = Fresh { number: number.cast_unsigned(), due };
        lanes.add_fresh(fresh, named.iter().map(|lane| SubscriptionId(lane.cast_unsigned())));
        lanes.fan_outs().add(number.cast_unsigned(), part, due, counted, named);
    }
    Ok(())
}
