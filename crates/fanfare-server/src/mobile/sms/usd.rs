//! An amount of money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Digits after the point that count.
const DECIMALS: usize = 6;

/// An amount in US dollars, to the millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// That many times as much.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The amount as a number, for metrics.
    pub(crate) fn as_f64(self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "nobody counts millionths of billions")]
        let millionths = self.0 as f64;
        millionths / 1_000_000.0
    }

    /// What is left of it; nothing below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A text that is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUsd;

impl fmt::Display for InvalidUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be an amount in US dollars, such as 0.0075, with at most {DECIMALS} decimals")
    }
}

impl std::error::Error for InvalidUsd {}

impl FromStr for Usd {
    type Err = InvalidUsd;

    fn from_str(text: &str) -> Result<Self, InvalidUsd> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
            return Err(InvalidUsd);
        }
        format!("{whole}{decimals:0<DECIMALS$}").parse().map(Self).map_err(|_| InvalidUsd)
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let decimals = format!("{decimals:06}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_millionth() {
        for (text, shown) in [("1", "1"), ("0.0075", "0.0075"), ("12.50", "12.5"), ("0", "0"), ("0.000001", "0.000001")]
        {
            assert_eq!(text.parse::<Usd>().unwrap().to_string(), shown);
        }
        for text in ["", "-1", "1.", ".5", "1e3", "0.0000001", "99999999999999999999", "1,5"] {
            assert_eq!(text.parse::<Usd>(), Err(InvalidUsd), "{text}");
        }
    }
}
