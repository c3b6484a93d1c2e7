//! How long to wait before each retry of one delivery.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::BackoffFunction;

/// The delays before the retries of one delivery: a pure value, cheap to clone and to ask.
///
/// A schedule is a few phases, one after the other; asking for a delay walks the phases, never the retries, so that the
/// 100,015 retries of [`RetrySchedule::aws_managed`] cost no more than three. Delays run from the end of the attempt
/// that failed. They carry no jitter; see [`super::jittered`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    phases: Arc<[RetryPhase]>,
    retries: u32,
    total_delay: Duration,
}

impl RetrySchedule {
    /// No retry at all: the first attempt is the only one.
    pub fn none() -> Self {
        static NONE: LazyLock<RetrySchedule> = LazyLock::new(|| RetrySchedule::of(&[]));
        NONE.clone()
    }

    /// What Amazon SNS does for HTTP and HTTPS where no policy says otherwise: 3 retries, 20 s apart.
    pub fn http_default() -> Self {
        static HTTP_DEFAULT: LazyLock<RetrySchedule> = LazyLock::new(|| {
            let spacing = Duration::from_secs(20);
            RetrySchedule::of(&[RetryPhase::backoff(3, BackoffFunction::Linear, spacing, spacing)])
        });
        HTTP_DEFAULT.clone()
    }

    /// What Amazon SNS does for endpoints that AWS runs (`sqs`, `lambda`): 3 retries at once, 2 that are 1 s apart,
    /// 10 from 1 s up to 20 s, 100,000 that are 20 s apart; 100,015 in all, over 23 days.
    pub fn aws_managed() -> Self {
        static AWS_MANAGED: LazyLock<RetrySchedule> = LazyLock::new(|| {
            let (short, long) = (Duration::from_secs(1), Duration::from_secs(20));
            RetrySchedule::of(&[
                RetryPhase::immediate(3),
                RetryPhase::constant(2, short),
                RetryPhase::backoff(10, BackoffFunction::Exponential, short, long),
                RetryPhase::constant(100_000, long),
            ])
        });
        AWS_MANAGED.clone()
    }

    /// What Amazon SNS does for endpoints that customers run (`email`, `email-json`, `sms`, `application`): 2 retries
    /// that are 10 s apart, 10 from 10 s up to 10 min, 38 that are 10 min apart; 50 in all, over more than 6 hours.
    pub fn customer_managed() -> Self {
        static CUSTOMER_MANAGED: LazyLock<RetrySchedule> = LazyLock::new(|| {
            RetrySchedule::of(&[
                RetryPhase::constant(2, CUSTOMER_SHORT),
                RetryPhase::backoff(10, BackoffFunction::Exponential, CUSTOMER_SHORT, CUSTOMER_LONG),
                RetryPhase::constant(38, CUSTOMER_LONG),
            ])
        });
        CUSTOMER_MANAGED.clone()
    }

    /// The delay before retry number `retry`, where 1 is the first retry, or `None` when the schedule has ended and the
    /// notification becomes a dead letter.
    ///
    /// Number 0 is the first attempt, which never waits.
    pub fn delay(&self, retry: u32) -> Option<Duration> {
        let Some(mut step) = retry.checked_sub(1) else { return Some(Duration::ZERO) };
        for phase in self.phases.iter() {
            if step < phase.retries {
                return Some(phase.delay(step));
            }
            step -= phase.retries;
        }
        None
    }

    /// Every delay in turn, [`RetrySchedule::retries`] of them.
    pub fn delays(&self) -> impl Iterator<Item = Duration> + '_ {
        self.phases.iter().flat_map(|phase| (0..phase.retries).map(|step| phase.delay(step)))
    }

    /// How many retries there are after the first attempt.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// The sum of all delays: how long a delivery is tried when attempts take no time and nothing is jittered.
    pub fn total_delay(&self) -> Duration {
        self.total_delay
    }

    /// The phases, in order; none of them is empty.
    pub fn phases(&self) -> &[RetryPhase] {
        &self.phases
    }

    /// A schedule of phases that are known to be sound: see `extended.rs` for those that are not.
    pub(super) fn of(phases: &[RetryPhase]) -> Self {
        let phases: Arc<[RetryPhase]> = phases.iter().copied().filter(|phase| phase.retries > 0).collect();
        let retries = phases.iter().map(|phase| phase.retries).sum();
        let total_delay = phases.iter().map(RetryPhase::total_delay).sum();
        Self { phases, retries, total_delay }
    }
}

/// The shortest delay of [`RetrySchedule::customer_managed`].
pub(super) const CUSTOMER_SHORT: Duration = Duration::from_secs(10);
/// The longest delay of [`RetrySchedule::customer_managed`].
pub(super) const CUSTOMER_LONG: Duration = Duration::from_secs(600);

/// A run of retries whose delays follow one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPhase {
    retries: u32,
    function: BackoffFunction,
    from: Duration,
    to: Duration,
}

impl RetryPhase {
    /// Retries without any delay.
    pub const fn immediate(retries: u32) -> Self {
        Self::constant(retries, Duration::ZERO)
    }

    /// Retries that are all the same `delay` apart.
    pub const fn constant(retries: u32, delay: Duration) -> Self {
        Self::backoff(retries, BackoffFunction::Linear, delay, delay)
    }

    /// Retries whose delays grow by `function`, the first being `from` and the last `to`; a single one waits `from`.
    pub const fn backoff(retries: u32, function: BackoffFunction, from: Duration, to: Duration) -> Self {
        Self { retries, function, from, to }
    }

    /// How many retries the phase has.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// The curve of the delays.
    pub fn function(&self) -> BackoffFunction {
        self.function
    }

    /// The shortest delay, which is the first.
    pub fn shortest(&self) -> Duration {
        self.from
    }

    /// The longest delay, which is the last.
    pub fn longest(&self) -> Duration {
        self.to
    }

    fn delay(&self, step: u32) -> Duration {
        self.function.delay(step, self.retries, self.from, self.to)
    }

    fn total_delay(&self) -> Duration {
        if self.from == self.to {
            // Long phases are constant in practice; they must not cost a walk.
            return self.from.saturating_mul(self.retries);
        }
        (0..self.retries).map(|step| self.delay(step)).sum()
    }
}
