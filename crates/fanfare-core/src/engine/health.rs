//! How an endpoint is doing, and so how many attempts at a time it gets.

use std::num::NonZeroUsize;

/// Failed attempts in a row after which an endpoint gets one attempt at a time.
const FAILURES_IN_A_ROW: u32 = 4;

/// An endpoint that keeps failing gets one attempt at a time, so that it ties up as little as possible; when it recovers,
/// each success doubles what it gets, so that it is not flooded with what has waited.
#[derive(Debug)]
pub(super) struct Health {
    failures: u32,
    concurrency: usize,
    max: usize,
}

impl Health {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        Self { failures: 0, concurrency: max.get(), max: max.get() }
    }

    /// How many attempts may be under way at a time.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The endpoint answered as one does that works, even if it refused the notification.
    pub(super) fn works(&mut self) {
        self.failures = 0;
        self.concurrency = (self.concurrency * 2).min(self.max);
    }

    /// The endpoint did not work.
    pub(super) fn fails(&mut self) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES_IN_A_ROW {
            self.concurrency = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health::new(NonZeroUsize::new(16).unwrap())
    }

    #[test]
    fn an_endpoint_that_keeps_failing_gets_one_attempt_at_a_time() {
        let mut health = health();
        for _ in 1..FAILURES_IN_A_ROW {
            health.fails();
            assert_eq!(health.concurrency(), 16);
        }
        health.fails();
        assert_eq!(health.concurrency(), 1);
    }

    #[test]
    fn a_recovered_endpoint_gets_more_with_each_success() {
        let mut health = health();
        (0..FAILURES_IN_A_ROW).for_each(|_| health.fails());
        let mut seen = Vec::new();
        for _ in 0..5 {
            health.works();
            seen.push(health.concurrency());
        }
        assert_eq!(seen, [2, 4, 8, 16, 16]);
    }

    #[test]
    fn failures_that_a_success_interrupts_do_not_add_up() {
        let mut health = health();
        for _ in 0..10 {
            health.fails();
            health.works();
        }
        assert_eq!(health.concurrency(), 16);
    }
}
