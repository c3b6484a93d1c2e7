//! Messages on their first way to many lanes: one small row for up to a thousand deliveries, instead of one for each.
//!
//! A fan-out row names the lanes that have not settled the message. Most settle it with the first attempt, and then a row is
//! written once, changed a few times and removed. What fails leaves its fan-out and gets a row of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::by_number::ByNumber;

/// Lanes that one row names at most, so that settling one of a million does not rewrite a million.
pub(crate) const ROW_LANES_MAX: usize = 1024;

/// What is left of the fan-outs, as it is committed.
#[derive(Debug, Default)]
pub(crate) struct FanOuts(Mutex<ByNumber<u64, FanOut>>);

/// One message's deliveries that wait for their first attempt or are in it.
#[derive(Debug)]
struct FanOut {
    /// When they are due, in milliseconds since 1970.
    due: i64,
    counted: bool,
    /// By their first lanes. None is empty.
    rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
struct Row {
    /// Its place among the rows of the message.
    part: i64,
    /// The lowest lane that it ever named.
    from: i64,
    /// What it names, in order.
    lanes: Vec<i64>,
}

/// What a row comes to when deliveries leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) number: u64,
    pub(crate) part: i64,
    /// In order; empty when the row is to go.
    pub(crate) lanes: Vec<i64>,
}

impl FanOuts {
    /// Adds a row: part `part` of the fan-out of message `number`. Parts come in the order of their lanes.
    pub(crate) fn add(&self, number: u64, part: i64, due: i64, counted: bool, lanes: Vec<i64>) {
        let Some(&from) = lanes.first() else { return };
        let mut all = self.lock();
        let fan_out = all.entry(number).or_insert_with(|| FanOut { due, counted, rows: Vec::with_capacity(1) });
        fan_out.rows.push(Row { part, from, lanes });
    }

    /// When the fresh delivery of message `number` to `lane` is due, and whether it is counted; nothing when there is none.
    pub(crate) fn find(&self, number: u64, lane: i64) -> Option<(i64, bool)> {
        let all = self.lock();
        let fan_out = all.get(&number)?;
        let row = &fan_out.rows[fan_out.row_of(lane)?];
        row.lanes.binary_search(&lane).ok().map(|_| (fan_out.due, fan_out.counted))
    }

    /// What is left of row `part` of the fan-out of message `number`, encoded; nothing when it has gone.
    pub(crate) fn row(&self, number: u64, part: i64) -> Option<Vec<u8>> {
        let all = self.lock();
        let rows = &all.get(&number)?.rows;
        let at = rows.binary_search_by_key(&part, |row| row.part).ok()?;
        Some(encoded(&rows[at].lanes))
    }

    /// What is left of the fan-out of message `number`: its rows, each with its part, encoded.
    pub(crate) fn rows(&self, number: u64) -> Vec<(i64, Vec<u8>)> {
        let all = self.lock();
        let rows = all.get(&number).map(|fan_out| fan_out.rows.iter()).into_iter().flatten();
        rows.map(|row| (row.part, encoded(&row.lanes))).collect()
    }

    /// What rows come to when `gone`, message and lane of each, leave them.
    pub(crate) fn without(&self, gone: &[(u64, i64)]) -> Vec<Left> {
        let all = self.lock();
        let mut left: Vec<Left> = Vec::new();
        // Deliveries of a message tend to be settled together, so that one look at a row is for many.
        let mut sorted = gone.to_vec();
        sorted.sort_unstable();
        for (number, lane) in sorted {
            let Some(fan_out) = all.get(&number) else { continue };
            let Some(row) = fan_out.row_of(lane).map(|at| &fan_out.rows[at]) else { continue };
            if left.last().is_none_or(|last| (last.number, last.part) != (number, row.part)) {
                left.push(Left { number, part: row.part, lanes: row.lanes.clone() });
            }
            let lanes = &mut left.last_mut().expect("it was just pushed").lanes;
            if let Ok(at) = lanes.binary_search(&lane) {
                lanes.remove(at);
            }
        }
        left
    }

    /// Takes over what rows have come to.
    pub(crate) fn keep(&self, left: Vec<Left>) {
        let mut all = self.lock();
        for Left { number, part, lanes } in left {
            let Some(fan_out) = all.get_mut(&number) else { continue };
            match fan_out.rows.binary_search_by_key(&part, |row| row.part) {
                Ok(at) if lanes.is_empty() => drop(fan_out.rows.remove(at)),
                Ok(at) => fan_out.rows[at].lanes = lanes,
                Err(_) => {}
            }
            if fan_out.rows.is_empty() {
                all.remove(&number);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByNumber<u64, FanOut>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FanOut {
    /// Where the row is that names `lane`, if any does.
    fn row_of(&self, lane: i64) -> Option<usize> {
        self.rows.partition_point(|row| row.from <= lane).checked_sub(1)
    }
}

/// Lanes in order, as a row keeps them: the distance from each to the next, seven bits to a byte.
pub(crate) fn encoded(lanes: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lanes.len() + 8);
    let mut before = 0;
    for &lane in lanes {
        let mut rest = lane.wrapping_sub(before).cast_unsigned();
        before = lane;
        while rest >= 0x80 {
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

/// Reads what [`encoded`] wrote; nothing when that cannot have been.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Vec<i64>> {
    let mut lanes = Vec::with_capacity(bytes.len());
    let (mut before, mut distance, mut shift) = (0_i64, 0_u64, 0);
    for byte in bytes {
        if shift > 63 {
            return None;
        }
        distance |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            before = before.wrapping_add(distance.cast_signed());
            if lanes.last().is_some_and(|last| *last >= before) {
                return None;
            }
            lanes.push(before);
            (distance, shift) = (0, 0);
        }
    }
    (shift == 0 && !lanes.is_empty()).then_some(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan_outs() -> FanOuts {
        let fan_outs = FanOuts::default();
        fan_outs.add(7, 0, 100, true, vec![1, 5, 9]);
        fan_outs.add(7, 1, 100, true, vec![20, 21]);
        fan_outs
    }

    #[test]
    fn a_delivery_is_found_in_whatever_row_names_it() {
        let fan_outs = fan_outs();
        for lane in [1, 5, 9, 20, 21] {
            assert_eq!(fan_outs.find(7, lane), Some((100, true)), "{lane}");
        }
        for (number, lane) in [(7, 0), (7, 2), (7, 10), (7, 22), (8, 1)] {
            assert_eq!(fan_outs.find(number, lane), None, "{number} {lane}");
        }
    }

    #[test]
    fn what_leaves_its_rows_is_gone_once_they_are_kept() {
        let fan_outs = fan_outs();
        let left = fan_outs.without(&[(7, 21), (7, 5), (7, 20), (7, 1), (9, 1)]);
        let expected = [Left { number: 7, part: 0, lanes: vec![9] }, Left { number: 7, part: 1, lanes: Vec::new() }];
        assert_eq!(left, expected);
        assert!(fan_outs.find(7, 5).is_some(), "nothing was committed yet");
        fan_outs.keep(left);
        assert_eq!((fan_outs.find(7, 9), fan_outs.find(7, 5), fan_outs.find(7, 20)), (Some((100, true)), None, None));
        fan_outs.keep(fan_outs.without(&[(7, 9)]));
        assert!(fan_outs.lock().is_empty());
    }

    #[test]
    fn lanes_are_read_back_as_they_were_written() {
        for lanes in
            [vec![0], vec![1, 2, 3], vec![5, 127, 128, 300, 1 << 40], vec![i64::MAX - 1, i64::MAX], vec![-3, 4]]
        {
            assert_eq!(decoded(&encoded(&lanes)), Some(lanes));
        }
    }

    #[test]
    fn what_was_never_written_is_not_read() {
        for bytes in [&[][..], &[0x80], &[1, 0], &[0xff; 11], &[3, 0x80]] {
            assert_eq!(decoded(bytes), None, "{bytes:?}");
        }
    }
}
