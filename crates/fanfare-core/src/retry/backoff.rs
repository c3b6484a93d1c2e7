//! How the delays of one phase grow from the first to the last.

use std::time::Duration;

use serde::Serialize;

/// The curve between the shortest and the longest delay of a backoff phase, by Amazon SNS's names.
///
/// With `n` retries in the phase, `i` counting them from 0 and `f = i / (n - 1)` (0 where `n` is 1), every curve starts
/// at exactly the shortest delay and, from two retries on, ends at exactly the longest. Amazon SNS publishes the names
/// and the two ends but not the formulas; these are Fanfare's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: Amazon SNS has had these four from the start, and a schedule must answer each.
pub enum BackoffFunction {
    /// `min + (max - min) * f`: evenly spaced.
    #[default]
    Linear,
    /// `min + (max - min) * i * (i + 1) / ((n - 1) * n)`: the steps grow evenly.
    Arithmetic,
    /// `min * (max / min) ^ f`: each delay is the same multiple of the one before.
    Geometric,
    /// `min * 2 ^ i`, never above `max`, and `max` for the last.
    Exponential,
}

impl BackoffFunction {
    /// The name, as it stands in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Arithmetic => "arithmetic",
            Self::Geometric => "geometric",
            Self::Exponential => "exponential",
        }
    }

    /// The function of that name; case counts.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Linear, Self::Arithmetic, Self::Geometric, Self::Exponential].into_iter().find(|f| f.as_str() == name)
    }

    /// The delay before retry `step`, counted from 0, of a phase of `steps` retries.
    ///
    /// Between the two ends, delays are whole milliseconds: parts are dropped, so that a sum never exceeds the exact
    /// one, except that geometric delays, which are not exact anyway, go to the nearest.
    ///
    /// The caller has seen to `step < steps`, `from <= to <= 24 h`, and `from > 0` for geometric delays that grow.
    pub(super) fn delay(self, step: u32, steps: u32, from: Duration, to: Duration) -> Duration {
        if step == 0 || from == to {
            return from;
        }
        if step + 1 >= steps {
            return to;
        }
        let (i, n) = (u128::from(step), u128::from(steps));
        let low = from.as_nanos();
        let range = to.as_nanos() - low;
        let nanos = match self {
            Self::Linear => low + range * i / (n - 1),
            Self::Arithmetic => low + range * (i * (i + 1)) / ((n - 1) * n),
            Self::Geometric => return geometric(step, steps, from, to),
            // A delay of a day has 47 bits, so 64 doublings cannot overflow and are more than any phase can use.
            Self::Exponential => low << step.min(64),
        };
        whole_millis(nanos / NANOS_PER_MILLI, from, to)
    }
}

const NANOS_PER_MILLI: u128 = 1_000_000;

fn geometric(step: u32, steps: u32, from: Duration, to: Duration) -> Duration {
    let share = f64::from(step) / f64::from(steps - 1);
    let seconds = from.as_secs_f64() * (to.as_secs_f64() / from.as_secs_f64()).powf(share);
    whole_millis((seconds * 1000.0).round() as u128, from, to)
}

/// Rounding must not lead out of the phase's bounds where these are not whole milliseconds.
fn whole_millis(millis: u128, from: Duration, to: Duration) -> Duration {
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    Duration::from_millis(millis).clamp(from, to)
}
