//! Two or more sides measured in turn, so that what disturbs the machine disturbs all of them.

use crate::context::Context;
use crate::failure::Result;
use crate::sample::Sample;
use crate::statistics::Spread;

/// One side of a comparison: measures once.
pub(crate) type Side<'s> = &'s mut dyn FnMut() -> Result<Sample>;

/// What all rounds came to.
pub(crate) struct Rounds {
    /// Ours, by round.
    pub(crate) ours: Vec<Sample>,
    /// What ours is compared with, each by round. The first one is measured twice in each round, before all others and
    /// after them.
    bare: Vec<Vec<Sample>>,
    again: Vec<Sample>,
}

/// Measures all sides as often as the context says.
pub(crate) fn compare(context: &Context, ours: Side<'_>, bare: &mut [Side<'_>]) -> Result<Rounds> {
    let mut rounds = Rounds { ours: Vec::new(), bare: vec![Vec::new(); bare.len()], again: Vec::new() };
    for _ in 0..context.rounds() {
        rounds.bare[0].push(bare[0]()?);
        rounds.ours.push(ours()?);
        for (side, samples) in bare.iter_mut().zip(&mut rounds.bare).skip(1) {
            samples.push(side()?);
        }
        rounds.again.push(bare[0]()?);
    }
    Ok(rounds)
}

impl Rounds {
    /// A figure of ours over the same of side `index`, by round.
    pub(crate) fn over(&self, index: usize, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.ours.iter().zip(self.side(index, &figure)).map(|(ours, bare)| figure(ours) / bare))
    }

    /// A figure of side `index` over the same of ours, by round.
    pub(crate) fn under(&self, index: usize, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.ours.iter().zip(self.side(index, &figure)).map(|(ours, bare)| bare / figure(ours)))
    }

    /// What the same comes to over itself: the first side's second measurement of each round over its first.
    pub(crate) fn noise(&self, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.again.iter().zip(&self.bare[0]).map(|(again, first)| figure(again) / figure(first)))
    }

    /// What a figure of ours comes to over that of the round before.
    pub(crate) fn repeats(&self, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of_repeats(&self.ours.iter().map(figure).collect::<Vec<_>>())
    }

    /// A figure of ours.
    pub(crate) fn ours(&self, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.ours.iter().map(figure))
    }

    /// A figure of side `index`.
    pub(crate) fn bare(&self, index: usize, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.side(index, &figure))
    }

    /// A figure of side `index` by round; of the first side, the mean of its two measurements.
    pub(crate) fn side(&self, index: usize, figure: &impl Fn(&Sample) -> f64) -> Vec<f64> {
        let first = self.bare[index].iter().map(figure);
        match index {
            0 => first.zip(&self.again).map(|(first, again)| f64::midpoint(first, figure(again))).collect(),
            _ => first.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Extent;

    fn of(items: u64) -> Sample {
        Sample { items, seconds: 1.0, ..Sample::default() }
    }

    #[test]
    fn sides_take_turns_and_ratios_are_made_within_a_round() {
        let context = Context::new(Extent::Quick, "".into(), None, std::env::temp_dir().join("bench-turns")).unwrap();
        let order = std::cell::RefCell::new(String::new());
        let (mut first, mut second) = ([10, 20, 10, 10, 30, 30].into_iter(), [5, 5, 15].into_iter());
        let mut ours = [30, 10, 60].into_iter();
        let rounds = compare(
            &context,
            &mut || {
                order.borrow_mut().push('o');
                Ok(of(ours.next().unwrap()))
            },
            &mut [
                &mut || {
                    order.borrow_mut().push('a');
                    Ok(of(first.next().unwrap()))
                },
                &mut || {
                    order.borrow_mut().push('b');
                    Ok(of(second.next().unwrap()))
                },
            ],
        )
        .unwrap();
        assert_eq!(order.into_inner(), "aobaaobaaoba");
        assert_eq!(rounds.over(0, Sample::rate), Some(Spread { median: 2.0, low: 1.0, high: 2.0 }));
        assert_eq!(rounds.under(1, Sample::rate), Some(Spread { median: 0.25, low: 1.0 / 6.0, high: 0.5 }));
        assert_eq!(rounds.noise(Sample::rate), Some(Spread { median: 1.0, low: 1.0, high: 2.0 }));
    }
}
