//! How fast one subscription is delivered to (`throttlePolicy.maxReceivesPerSecond`).

use std::num::NonZeroU32;

use crate::host::Timestamp;

/// Attempts are counted in thousandths, so that a millisecond's share is a whole number at every rate.
const ATTEMPT: u64 = 1000;

/// Allows attempts at an average rate: a tenth of a second's worth may come at once, the rest is spread.
#[derive(Debug)]
pub(super) struct Pace {
    rate_per_second: NonZeroU32,
    /// Attempts a second, which is thousandths of an attempt a millisecond.
    rate: u64,
    /// Thousandths of attempts that may be made now.
    allowance: u64,
    seen: Timestamp,
}

impl Pace {
    pub(super) fn new(max_per_second: NonZeroU32, now: Timestamp) -> Self {
        let mut pace =
            Self { rate_per_second: max_per_second, rate: max_per_second.get().into(), allowance: 0, seen: now };
        pace.allowance = pace.burst();
        pace
    }

    /// Attempts a second.
    pub(super) fn rate(&self) -> NonZeroU32 {
        self.rate_per_second
    }

    /// Whether nothing was spent lately.
    pub(super) fn is_full(&mut self, now: Timestamp) -> bool {
        self.ready(now);
        self.allowance == self.burst()
    }

    /// How many attempts may begin now.
    pub(super) fn ready(&mut self, now: Timestamp) -> usize {
        let ms = u64::try_from(now.since(self.seen).as_millis()).unwrap_or(u64::MAX);
        self.seen = now;
        self.allowance = self.allowance.saturating_add(ms.saturating_mul(self.rate)).min(self.burst());
        usize::try_from(self.allowance / ATTEMPT).unwrap_or(usize::MAX)
    }

    /// Counts `attempts` that begin now; they were allowed by `ready`.
    pub(super) fn spend(&mut self, attempts: usize) {
        self.allowance = self.allowance.saturating_sub(attempts as u64 * ATTEMPT);
    }

    /// When the next attempt may begin.
    pub(super) fn next(&self) -> Timestamp {
        let missing = ATTEMPT.saturating_sub(self.allowance);
        self.seen + std::time::Duration::from_millis(missing.div_ceil(self.rate))
    }

    fn burst(&self) -> u64 {
        (self.rate * ATTEMPT / 10).max(ATTEMPT)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn attempts_are_spread_at_the_rate() {
        let start = Timestamp::EPOCH;
        let mut pace = Pace::new(NonZeroU32::new(4).unwrap(), start);
        assert_eq!(pace.ready(start), 1);
        pace.spend(1);
        assert_eq!(pace.ready(start), 0);
        assert_eq!(pace.next(), start + Duration::from_millis(250));
        assert_eq!(pace.ready(start + Duration::from_millis(249)), 0);
        assert_eq!(pace.ready(start + Duration::from_millis(250)), 1);
    }

    #[test]
    fn an_idle_hour_does_not_save_up_a_flood() {
        let mut pace = Pace::new(NonZeroU32::new(50).unwrap(), Timestamp::EPOCH);
        assert_eq!(pace.ready(Timestamp::EPOCH + Duration::from_secs(3600)), 5);
    }

    #[test]
    fn a_clock_that_goes_back_stops_nothing() {
        let later = Timestamp::EPOCH + Duration::from_secs(3600);
        let mut pace = Pace::new(NonZeroU32::MIN, later);
        pace.spend(pace.allowance as usize / 1000);
        assert_eq!(pace.ready(Timestamp::EPOCH), 0);
        assert_eq!(pace.ready(Timestamp::EPOCH + Duration::from_secs(1)), 1);
    }
}
