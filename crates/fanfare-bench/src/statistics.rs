//! The middle and the spread of repeated measurements.

use serde::{Deserialize, Serialize};

/// What repeated measurements of one figure came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub(crate) median: f64,
    /// The lowest.
    pub(crate) low: f64,
    /// The highest.
    pub(crate) high: f64,
}

impl Spread {
    /// The spread of `values`; nothing when there are none, or one that is not a finite number.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
        Some(Self { median, low: values[0], high: values[values.len() - 1] })
    }

    /// What repeated measurements of the same come to over the one before each; nothing when there are fewer than two, or a
    /// zero among them.
    pub(crate) fn of_repeats(values: &[f64]) -> Option<Self> {
        Self::of(values.windows(2).map(|pair| pair[1] / pair[0]))
    }

    /// Every value times `factor`, which is not negative.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { median: self.median * factor, low: self.low * factor, high: self.high * factor }
    }
}

/// The value that the share `part` (0 to 1) of `sorted` does not exceed, by the nearest rank; 0 of none.
pub(crate) fn percentile(sorted: &[u64], part: f64) -> u64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).or(sorted.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_one() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, low: 1.0, high: 3.0 }));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, low: 1.0, high: 4.0 }));
    }

    #[test]
    fn nothing_and_what_is_not_a_number_have_no_spread() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, f64::NAN]), None);
    }

    #[test]
    fn repeats_are_held_against_the_one_before() {
        assert_eq!(Spread::of_repeats(&[2.0, 4.0, 2.0]), Some(Spread { median: 1.25, low: 0.5, high: 2.0 }));
        assert_eq!(Spread::of_repeats(&[2.0]), None);
        assert_eq!(Spread::of_repeats(&[0.0, 0.0]), None);
    }

    #[test]
    fn percentiles_go_by_the_nearest_rank() {
        let sorted: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&sorted, 0.5), 100);
        assert_eq!(percentile(&sorted, 0.99), 198);
        assert_eq!(percentile(&sorted, 1.0), 200);
        assert_eq!(percentile(&[7], 0.01), 7);
        assert_eq!(percentile(&[], 0.5), 0);
    }
}
