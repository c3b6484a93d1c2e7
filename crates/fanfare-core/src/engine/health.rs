//! How an endpoint is doing, and so how many attempts at a time it gets.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::host::Timestamp;

/// Failed attempts in a row after which an endpoint is only probed.
const FAILURES_IN_A_ROW: u32 = 8;

/// How long an endpoint that is only probed is left alone between attempts.
const PROBE_DELAY: Duration = Duration::from_secs(1);

/// A circuit breaker for one endpoint.
///
/// An endpoint that keeps failing is only probed: one attempt at a time, and a pause after each that fails, so that it ties up
/// as little as possible. When it recovers, each success doubles what it gets, so that it is not flooded with what has
/// waited.
#[derive(Debug)]
pub(super) struct Health {
    failures: u32,
    concurrency: usize,
    max: usize,
    /// When the next attempt may begin.
    quiet_until: Option<Timestamp>,
}

impl Health {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        Self { failures: 0, concurrency: max.get(), max: max.get(), quiet_until: None }
    }

    /// How many attempts may be under way at a time.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Until when no attempt may begin; nothing when one may begin now.
    pub(super) fn held_back(&self, now: Timestamp) -> Option<Timestamp> {
        self.quiet_until.filter(|&at| at > now)
    }

    /// Leaves the endpoint alone until `until`, as it asked for.
    pub(super) fn rests(&mut self, until: Timestamp) {
        self.quiet_until = self.quiet_until.max(Some(until));
    }

    /// Whether the endpoint keeps failing, so that it is only probed.
    pub(super) fn is_failing(&self) -> bool {
        self.failures >= FAILURES_IN_A_ROW
    }

    /// Whether a new lane would begin in the same way.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.failures == 0 && self.concurrency == self.max && self.held_back(now).is_none()
    }

    /// The endpoint answered as one does that works, even if it refused the notification.
    pub(super) fn works(&mut self) {
        self.failures = 0;
        self.concurrency = (self.concurrency * 2).min(self.max);
    }

    /// The endpoint did not work, as was seen at `now`.
    pub(super) fn fails(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.is_failing() {
            self.concurrency = 1;
            self.rests(now + PROBE_DELAY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn health() -> Health {
        Health::new(NonZeroUsize::new(16).unwrap())
    }

    #[test]
    fn an_endpoint_that_keeps_failing_is_probed_by_one_attempt_at_a_time() {
        let mut health = health();
        for _ in 1..FAILURES_IN_A_ROW {
            health.fails(NOW);
            assert_eq!((health.concurrency(), health.held_back(NOW)), (16, None));
        }
        health.fails(NOW);
        assert_eq!(health.concurrency(), 1);
        assert_eq!(health.held_back(NOW), Some(NOW + PROBE_DELAY));
        assert_eq!(health.held_back(NOW + PROBE_DELAY), None);
    }

    #[test]
    fn a_recovered_endpoint_gets_more_with_each_success() {
        let mut health = health();
        (0..FAILURES_IN_A_ROW).for_each(|_| health.fails(NOW));
        let mut seen = Vec::new();
        for _ in 0..5 {
            health.works();
            seen.push(health.concurrency());
        }
        assert_eq!(seen, [2, 4, 8, 16, 16]);
        assert!(health.is_fresh(NOW + PROBE_DELAY));
    }

    #[test]
    fn an_endpoint_that_asks_for_rest_gets_the_longest_that_it_asked_for() {
        let mut health = health();
        let (short, long) = (NOW + Duration::from_secs(5), NOW + Duration::from_secs(9));
        health.rests(long);
        health.rests(short);
        health.works();
        assert_eq!(health.held_back(short), Some(long));
        assert_eq!(health.held_back(long), None);
    }

    #[test]
    fn failures_that_a_success_interrupts_do_not_add_up() {
        let mut health = health();
        for _ in 0..10 {
            health.fails(NOW);
            health.works();
        }
        assert_eq!(health.concurrency(), 16);
    }
}
