//! Ranges of numbers, of which those that contain a number are found.

use std::collections::{BTreeSet, HashMap};

use crate::filter::matcher::NumericRange;

/// The ranges at one path, each with the number of a policy.
///
/// Numbers are 64 bits that are in the same order. A range lies at the first point where, halving all numbers again and again,
/// a cut goes through it; so all ranges at a point contain that point. Of a number below the point, the ranges that begin early
/// enough contain it, and of one above, those that end late enough: which is asked at each of the at most 64 points that the
/// halving passes on its way to the number. Nothing is ever moved.
///
/// Whether the ends belong to a range is not looked at: whoever is found is asked again.
#[derive(Debug)]
pub(super) struct Ranges {
    points: HashMap<u64, AtPoint>,
    /// For each number of zeros that a point may end with, how many points do.
    depths: [u32; 64],
    /// The lowest bottom and the highest top that there have been.
    reach: Option<(f64, f64)>,
}

/// The ranges at one point.
#[derive(Debug)]
enum AtPoint {
    Few(Vec<Range>),
    Many(Box<Ordered>),
}

/// A range with the number of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    bottom: u64,
    top: u64,
    number: u32,
}

/// Many ranges that have a point in common.
#[derive(Debug, Default)]
struct Ordered {
    by_bottom: BTreeSet<(u64, u32)>,
    by_top: BTreeSet<(u64, u32)>,
}

/// How many ranges are looked at one by one.
const FEW: usize = 16;

impl Default for Ranges {
    fn default() -> Self {
        Self { points: HashMap::new(), depths: [0; 64], reach: None }
    }
}

impl Ranges {
    /// Whether there are no ranges.
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// How large a part of the numbers that matter the range takes up, as far as that can be told.
    pub(super) fn share(&self, range: &NumericRange) -> f64 {
        match (range.bottom, range.top, self.reach) {
            (Some(bottom), Some(top), Some((lowest, highest))) => {
                let reach = highest.max(top.value) - lowest.min(bottom.value);
                let share = (top.value - bottom.value) / reach;
                if share.is_finite() { share } else { 1.0 }
            }
            (Some(_), Some(_), None) => 0.3,
            _ => 0.5,
        }
    }

    /// Adds a range of the policy with that number, which may have others.
    pub(super) fn insert(&mut self, range: &NumericRange, number: u32) {
        let range = Range::of(range, number);
        let (point, depths) = (range.point(), &mut self.depths);
        let at = self.points.entry(point).or_insert_with(|| {
            depths[point.trailing_zeros() as usize] += 1;
            AtPoint::Few(Vec::with_capacity(1))
        });
        at.insert(range);
        let ends = [from_ordered(range.bottom), from_ordered(range.top)];
        for end in ends.into_iter().filter(|end| end.is_finite()) {
            let (lowest, highest) = self.reach.unwrap_or((end, end));
            self.reach = Some((lowest.min(end), highest.max(end)));
        }
    }

    /// Takes a range out again.
    pub(super) fn remove(&mut self, range: &NumericRange, number: u32) {
        let range = Range::of(range, number);
        let point = range.point();
        let Some(at) = self.points.get_mut(&point) else { return };
        at.remove(range);
        if at.is_empty() {
            self.points.remove(&point);
            self.depths[point.trailing_zeros() as usize] -= 1;
        }
    }

    /// Adds to `found` whoever has a range that the number is in, and maybe some at whose end it is.
    pub(super) fn find(&self, value: f64, found: &mut Vec<u32>) {
        let value = ordered(value);
        for depth in (0..u64::BITS).filter(|depth| self.depths[*depth as usize] > 0) {
            let point = (value >> depth | 1) << depth;
            if let Some(at) = self.points.get(&point) {
                at.find(value, point, found);
            }
        }
    }

    /// Adds everybody to `found`.
    pub(super) fn all(&self, found: &mut Vec<u32>) {
        for at in self.points.values() {
            match at {
                AtPoint::Few(ranges) => found.extend(ranges.iter().map(|range| range.number)),
                AtPoint::Many(ranges) => found.extend(ranges.by_top.iter().map(|(_, number)| *number)),
            }
        }
    }
}

impl AtPoint {
    fn insert(&mut self, range: Range) {
        match self {
            Self::Few(ranges) if ranges.contains(&range) => {}
            Self::Few(ranges) if ranges.len() < FEW => ranges.push(range),
            Self::Few(ranges) => {
                let mut many = Ordered::default();
                for range in ranges.drain(..).chain([range]) {
                    many.insert(range);
                }
                *self = Self::Many(Box::new(many));
            }
            Self::Many(ranges) => ranges.insert(range),
        }
    }

    /// Takes a range out. Of one policy, all ranges go at the same time, so that what they have in common may go with the first.
    fn remove(&mut self, range: Range) {
        match self {
            Self::Few(ranges) => ranges.retain(|known| *known != range),
            Self::Many(ranges) => {
                ranges.by_bottom.remove(&(range.bottom, range.number));
                ranges.by_top.remove(&(range.top, range.number));
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Few(ranges) => ranges.is_empty(),
            Self::Many(ranges) => ranges.by_top.is_empty() && ranges.by_bottom.is_empty(),
        }
    }

    fn find(&self, value: u64, point: u64, found: &mut Vec<u32>) {
        match self {
            Self::Few(ranges) => {
                let inside = ranges.iter().filter(|range| range.bottom <= value && value <= range.top);
                found.extend(inside.map(|range| range.number));
            }
            Self::Many(ranges) if value < point => {
                found.extend(ranges.by_bottom.range(..=(value, u32::MAX)).map(|(_, number)| *number));
            }
            Self::Many(ranges) => found.extend(ranges.by_top.range((value, 0)..).map(|(_, number)| *number)),
        }
    }
}

impl Ordered {
    fn insert(&mut self, range: Range) {
        self.by_bottom.insert((range.bottom, range.number));
        self.by_top.insert((range.top, range.number));
    }
}

impl Range {
    fn of(range: &NumericRange, number: u32) -> Self {
        let bottom = range.bottom.map_or(f64::NEG_INFINITY, |bottom| bottom.value);
        let top = range.top.map_or(f64::INFINITY, |top| top.value);
        Self { bottom: ordered(bottom), top: ordered(top), number }
    }

    /// The first point of halving that is in the range.
    fn point(&self) -> u64 {
        match (self.bottom ^ self.top).checked_ilog2() {
            // The ends agree above the bit where the top has a one and the bottom has none.
            Some(bit) => self.top >> bit << bit,
            None => self.top,
        }
    }
}

/// The number as bits that are in the order of numbers.
fn ordered(number: f64) -> u64 {
    // Both zeros are one.
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn from_ordered(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}
