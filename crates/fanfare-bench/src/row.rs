//! One line of the results: a figure with its target.

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};
use crate::statistics::Spread;

/// One line of the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The name of its workload.
    #[serde(default)]
    pub(crate) workload: String,
    /// Its own name.
    pub(crate) name: String,
    /// What is divided by what, or what is counted.
    pub(crate) figure: String,
    /// In what it is counted.
    pub(crate) unit: Unit,
    /// What it should come to.
    pub(crate) target: Target,
    /// What it came to.
    pub(crate) result: Spread,
    /// What the denominator came to over itself in the same rounds; where there is none, the figure.
    pub(crate) noise: Option<Spread>,
    /// Absolute figures of the same rounds, which depend on the machine.
    pub(crate) beside: Vec<Beside>,
    /// What is known of the gap, for a row that may miss.
    pub(crate) why: String,
}

/// An absolute figure, the middle of its rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beside {
    /// What it is of.
    pub(crate) name: String,
    /// The figure.
    pub(crate) value: f64,
    /// In what it is counted.
    pub(crate) unit: Unit,
}

/// In what a figure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// One figure over another of the same run.
    Ratio,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// MB of 1,000,000 bytes.
    Megabytes,
    /// Hundredths.
    Percent,
    /// Things a second.
    PerSecond,
}

/// What a figure should come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// It is for reading only.
    None,
}

impl Target {
    /// Whether `value` is as it should be.
    pub(crate) fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
            Self::None => true,
        }
    }
}

impl Row {
    /// A row of ratios.
    pub(crate) fn ratio(name: &str, figure: &str, target: Target, result: Option<Spread>) -> Result<Self> {
        Self::of(name, figure, Unit::Ratio, target, result)
    }

    /// A row; its figure must have come to something.
    pub(crate) fn of(name: &str, figure: &str, unit: Unit, target: Target, result: Option<Spread>) -> Result<Self> {
        let result = result.ok_or_else(|| Failure::new(format!("{name} came to nothing that is a number")))?;
        let (name, figure) = (name.to_owned(), figure.to_owned());
        let (workload, noise, beside, why) = (String::new(), None, Vec::new(), String::new());
        Ok(Self { workload, name, figure, unit, target, result, noise, beside, why })
    }

    /// A row of a single measurement.
    pub(crate) fn once(name: &str, figure: &str, unit: Unit, target: Target, result: f64) -> Result<Self> {
        Self::of(name, figure, unit, target, Spread::of([result]))
    }

    /// A row of a figure that was measured as often as there are values.
    pub(crate) fn repeated(name: &str, figure: &str, unit: Unit, target: Target, values: &[f64]) -> Result<Self> {
        let result = Spread::of(values.iter().copied());
        Ok(Self::of(name, figure, unit, target, result)?.noise(Spread::of_repeats(values)))
    }

    /// With the noise of the denominator.
    pub(crate) fn noise(mut self, noise: Option<Spread>) -> Self {
        self.noise = noise;
        self
    }

    /// With an absolute figure.
    pub(crate) fn beside(mut self, name: &str, value: Option<Spread>, unit: Unit) -> Self {
        if let Some(value) = value {
            self.beside.push(Beside { name: name.to_owned(), value: value.median, unit });
        }
        self
    }

    /// With what is known of the gap.
    pub(crate) fn why(mut self, why: &str) -> Self {
        why.clone_into(&mut self.why);
        self
    }

    /// The absolute figure of that name.
    pub(crate) fn figure_beside(&self, name: &str) -> Option<f64> {
        self.beside.iter().find(|beside| beside.name == name).map(|beside| beside.value)
    }

    /// The target for people.
    pub(crate) fn target_shown(&self) -> String {
        match self.target {
            Target::AtLeast(least) => format!("≥ {}", self.unit.shown(least)),
            Target::AtMost(most) => format!("≤ {}", self.unit.shown(most)),
            Target::None => String::new(),
        }
    }

    /// The absolute figures for people.
    pub(crate) fn beside_shown(&self) -> String {
        let shown = |beside: &Beside| format!("{} {}", beside.name, beside.unit.shown(beside.value));
        self.beside.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// Whether the target is met, by the median.
    pub(crate) fn is_met(&self) -> bool {
        self.target.is_met_by(self.result.median)
    }
}

impl Unit {
    /// `value` for people.
    pub(crate) fn shown(self, value: f64) -> String {
        let number = shown(value);
        match self {
            Self::Ratio => number,
            Self::Bytes => format!("{number} B"),
            Self::Nanoseconds => format!("{number} ns"),
            Self::Microseconds => format!("{number} µs"),
            Self::Milliseconds => format!("{number} ms"),
            Self::Seconds => format!("{number} s"),
            Self::Megabytes => format!("{number} MB"),
            Self::Percent => format!("{number} %"),
            Self::PerSecond => format!("{number}/s"),
        }
    }
}

/// A number with three significant digits or all of its whole part.
fn shown(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        _ if magnitude >= 1000.0 => {
            let digits = format!("{magnitude:.0}");
            let mut grouped = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            if value < 0.0 { format!("-{grouped}") } else { grouped }
        }
        _ if magnitude >= 100.0 => format!("{value:.0}"),
        _ if magnitude >= 10.0 => format!("{value:.1}"),
        _ if magnitude >= 0.1 || magnitude == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_precisely_as_they_are_known() {
        let all = [1_234_567.0, 123.4, 12.34, 1.234, 0.01234, 0.0, -4321.0].map(shown);
        assert_eq!(all, ["1,234,567", "123", "12.3", "1.23", "0.0123", "0.00", "-4,321"]);
        assert_eq!(Unit::PerSecond.shown(95_000.4), "95,000/s");
    }

    #[test]
    fn targets_are_met_at_their_bound() {
        assert!(Target::AtLeast(0.9).is_met_by(0.9) && !Target::AtLeast(0.9).is_met_by(0.89));
        assert!(Target::AtMost(2.0).is_met_by(2.0) && !Target::AtMost(2.0).is_met_by(2.1));
    }
}
