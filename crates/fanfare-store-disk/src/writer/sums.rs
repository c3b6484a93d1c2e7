//! The sums of a store: what stands in its counters and how many deliveries each lane has, as they are and as they will be.

use fanfare_core::store::Counters;
use fanfare_core::subscription::SubscriptionId;
use rusqlite::Connection;

use crate::by_number::{ByNumber, Numbers};
use crate::fan_outs::Left;
use crate::ids;
use crate::lanes::Lanes;

/// The row of `totals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) last_number: i64,
    pub(crate) matched: i64,
    pub(crate) delivered: i64,
    pub(crate) pending: i64,
    pub(crate) dead_lettered: i64,
    pub(crate) dropped: i64,
    pub(crate) attempt_bytes: i64,
    /// Up to which number messages are in blocks of ids, see `ids.rs`. Not in the row: the blocks tell it.
    pub(crate) indexed: i64,
}

impl Totals {
    const COLUMNS: &str = "last_number, matched, delivered, pending, dead_lettered, dropped, attempt_bytes";

    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached(&format!("SELECT {} FROM totals WHERE id = 1", Self::COLUMNS))?;
        statement.query_row([], |row| {
            Ok(Self {
                last_number: row.get(0)?,
                matched: row.get(1)?,
                delivered: row.get(2)?,
                pending: row.get(3)?,
                dead_lettered: row.get(4)?,
                dropped: row.get(5)?,
                attempt_bytes: row.get(6)?,
                indexed: 0,
            })
        })
    }

    /// As the journal tells them.
    pub(crate) fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        counters.matched = self.matched.cast_unsigned();
        counters.delivered = self.delivered.cast_unsigned();
        counters.pending = self.pending.cast_unsigned();
        counters.dead_lettered = self.dead_lettered.cast_unsigned();
        counters.dropped = self.dropped.cast_unsigned();
        counters
    }

    /// Writes it, and puts the messages that came since into blocks of ids when they are enough.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.indexed = ids::index(connection, self.indexed, self.last_number)?;
        let sql = format!("UPDATE totals SET ({}) = (?, ?, ?, ?, ?, ?, ?) WHERE id = 1", Self::COLUMNS);
        let values = [
            self.last_number,
            self.matched,
            self.delivered,
            self.pending,
            self.dead_lettered,
            self.dropped,
            self.attempt_bytes,
        ];
        connection.prepare_cached(&sql)?.execute(values).map(drop)
    }
}

/// What the writer remembers from one batch to the next.
#[derive(Debug)]
pub(crate) struct Sums {
    /// As they are safe.
    pub(crate) totals: Totals,
    /// How many deliveries each lane has, the running batch included; lanes without any are not in it.
    waiting: ByNumber<i64, Waiting>,
    /// Deliveries of all lanes that are fresh.
    fresh: u64,
}

/// How many deliveries a lane has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// With a row of their own.
    pub(crate) rows: u64,
    /// Named by the fan-out rows of their messages.
    pub(crate) fresh: u64,
}

impl Waiting {
    /// With and without rows.
    pub(crate) fn all(self) -> u64 {
        self.rows + self.fresh
    }
}

/// What is added to a lane's deliveries.
#[derive(Debug, Clone, Copy)]
enum Added {
    Rows(i64),
    Fresh(i64),
}

impl Sums {
    pub(crate) fn read(connection: &Connection, lanes: &Lanes) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT lane, count(*) FROM delivery GROUP BY lane")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
        let totals = Totals { indexed: ids::indexed(connection)?, ..Totals::read(connection)? };
        let mut sums = Self { totals, waiting: ByNumber::default(), fresh: 0 };
        for row in rows {
            let (lane, rows) = row?;
            sums.waiting.entry(lane).or_default().rows = rows;
        }
        lanes.add_rows(sums.waiting.iter().map(|(&lane, waiting)| (id(lane), waiting.rows.cast_signed())));
        for (lane, fresh) in lanes.fresh_counts() {
            sums.waiting.entry(lane.0.cast_signed()).or_default().fresh = fresh;
            sums.fresh += fresh;
        }
        Ok(sums)
    }

    fn add(&mut self, lane: i64, added: Added) {
        let waiting = self.waiting.entry(lane).or_default();
        match added {
            Added::Rows(change) => waiting.rows = waiting.rows.saturating_add_signed(change),
            Added::Fresh(change) => {
                waiting.fresh = waiting.fresh.saturating_add_signed(change);
                self.fresh = self.fresh.saturating_add_signed(change);
            }
        }
        if *waiting == Waiting::default() {
            self.waiting.remove(&lane);
        }
    }
}

fn id(lane: i64) -> SubscriptionId {
    SubscriptionId(lane.cast_unsigned())
}

/// What a batch changes in the sums and the fan-outs: seen by the batch at once, and by everybody else when it is safe.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    /// The sums with what this batch changes.
    pub(crate) totals: Totals,
    sums: &'a mut Sums,
    lanes: &'a Lanes,
    /// What was added to `sums`, to be undone.
    added: Vec<(i64, Added)>,
    /// Fresh deliveries that leave their fan-outs, by message and lane.
    left: Vec<(u64, i64)>,
    /// The same.
    has_left: Numbers<(u64, i64)>,
}

/// How far changes have come, to be undone from there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    totals: Totals,
    added: usize,
    left: usize,
}

impl<'a> Changes<'a> {
    pub(crate) fn new(sums: &'a mut Sums, lanes: &'a Lanes) -> Self {
        Self { totals: sums.totals, sums, lanes, added: Vec::new(), left: Vec::new(), has_left: Numbers::default() }
    }

    /// How many deliveries `lane` has.
    pub(crate) fn waiting(&self, lane: i64) -> Waiting {
        self.sums.waiting.get(&lane).copied().unwrap_or_default()
    }

    /// How many deliveries are fresh, of all lanes.
    pub(crate) fn fresh(&self) -> u64 {
        self.sums.fresh
    }

    /// Makes room for changes of so many lanes, of which those may be known that are.
    pub(crate) fn reserve(&mut self, lanes: usize) {
        self.sums.waiting.reserve(lanes.saturating_sub(self.sums.waiting.len()));
        self.added.reserve(lanes);
    }

    /// Counts deliveries with rows that came to `lane`, or went.
    pub(crate) fn add_rows(&mut self, lane: i64, change: i64) {
        self.add(lane, Added::Rows(change));
    }

    /// Counts a fresh delivery that came to `lane`.
    pub(crate) fn add_fresh(&mut self, lane: i64) {
        self.add(lane, Added::Fresh(1));
    }

    /// Whether message `number` was fresh in `lane` before this batch: since when it has been due, and whether it is counted.
    pub(crate) fn find_fresh(&self, lane: i64, number: i64) -> Option<(i64, bool)> {
        self.lanes.fan_outs().find(number.cast_unsigned(), lane)
    }

    /// Whether message `number` is fresh in `lane` still.
    pub(crate) fn is_fresh(&self, lane: i64, number: i64) -> bool {
        self.find_fresh(lane, number).is_some() && !self.has_left.contains(&(number.cast_unsigned(), lane))
    }

    /// Takes a fresh delivery out of the fan-out of its message. What it counts as next is the caller's.
    pub(crate) fn remove_fresh(&mut self, lane: i64, number: i64, counted: bool) {
        self.totals.pending -= i64::from(counted);
        self.left.push((number.cast_unsigned(), lane));
        self.has_left.insert((number.cast_unsigned(), lane));
        self.add(lane, Added::Fresh(-1));
    }

    /// Whether the totals are others than before.
    pub(crate) fn totals_changed(&self) -> bool {
        self.totals != self.sums.totals
    }

    /// What fan-outs come to.
    pub(crate) fn left(&self) -> Vec<Left> {
        self.lanes.fan_outs().without(&self.left)
    }

    /// Lets everybody see the changes, which are safe. `left` is what fan-outs have come to.
    pub(crate) fn keep(self, left: Vec<Left>) {
        self.sums.totals = self.totals;
        self.lanes.fan_outs().keep(left);
        let rows = self.added.into_iter().filter_map(|(lane, added)| match added {
            Added::Rows(change) => Some((id(lane), change)),
            Added::Fresh(_) => None,
        });
        self.lanes.add_rows(rows);
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { totals: self.totals, added: self.added.len(), left: self.left.len() }
    }

    /// Undoes what came after `mark`.
    pub(crate) fn undo_to(&mut self, mark: Mark) {
        self.totals = mark.totals;
        for back in self.left.drain(mark.left..) {
            self.has_left.remove(&back);
        }
        for (lane, added) in self.added.drain(mark.added..).rev() {
            let back = match added {
                Added::Rows(change) => Added::Rows(-change),
                Added::Fresh(change) => Added::Fresh(-change),
            };
            self.sums.add(lane, back);
        }
    }

    /// Undoes everything.
    pub(crate) fn undo(&mut self) {
        self.undo_to(Mark { totals: self.sums.totals, added: 0, left: 0 });
    }

    fn add(&mut self, lane: i64, added: Added) {
        self.sums.add(lane, added);
        self.added.push((lane, added));
    }
}
