//! The member `healthyRetryPolicy`: how many retries there are and how far apart.

use std::time::Duration;

use serde::Serialize;

use super::DeliveryPolicyErrorKind::{InvalidValue, WindowTooLong};
use super::policy_section::Section;
use super::{BackoffFunction, DeliveryPolicyError, RetryPhase, RetrySchedule};

/// The most seconds that all delays of a policy may take together, and the longest single one.
const MAX_SECONDS: u32 = 3600;
/// The most retries of a policy.
const MAX_NUM_RETRIES: u32 = 100;

const MIN_DELAY_TARGET: &str = "minDelayTarget";
const MAX_DELAY_TARGET: &str = "maxDelayTarget";
const NUM_RETRIES: &str = "numRetries";
const NUM_MAX_DELAY_RETRIES: &str = "numMaxDelayRetries";
const NUM_NO_DELAY_RETRIES: &str = "numNoDelayRetries";
const NUM_MIN_DELAY_RETRIES: &str = "numMinDelayRetries";
const BACKOFF_FUNCTION: &str = "backoffFunction";

/// How a delivery over HTTP or HTTPS is retried, complete and within Amazon SNS's bounds.
///
/// Retries come in four phases: without delay, at the shortest delay, backing off from the shortest to the longest, and
/// at the longest. All delays together take at most an hour. The default is 3 retries, 20 seconds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
// The fields stand in the order in which Amazon SNS prints them.
pub struct HealthyRetryPolicy {
    min_delay_target: u32,
    max_delay_target: u32,
    num_retries: u32,
    num_max_delay_retries: u32,
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    backoff_function: BackoffFunction,
}

impl Default for HealthyRetryPolicy {
    fn default() -> Self {
        Self {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: BackoffFunction::Linear,
        }
    }
}

impl HealthyRetryPolicy {
    /// The members that a policy may have.
    pub(super) const MEMBERS: [&str; 7] = [
        MIN_DELAY_TARGET,
        MAX_DELAY_TARGET,
        NUM_RETRIES,
        NUM_MAX_DELAY_RETRIES,
        NUM_NO_DELAY_RETRIES,
        NUM_MIN_DELAY_RETRIES,
        BACKOFF_FUNCTION,
    ];

    /// Reads a policy in which the two bounds and the number of retries must be there: that of a subscription.
    pub(super) fn read_whole(section: &Section<'_>) -> Result<Self, DeliveryPolicyError> {
        for required in [MIN_DELAY_TARGET, MAX_DELAY_TARGET, NUM_RETRIES] {
            section.require(required)?;
        }
        PartialHealthyPolicy::read(section).map(|partial| partial.complete())
    }

    /// The shortest delay of the backoff phase, in seconds: 1 to [`HealthyRetryPolicy::max_delay_target`].
    pub fn min_delay_target(&self) -> u32 {
        self.min_delay_target
    }

    /// The longest delay of the backoff phase, in seconds: at most 3600.
    pub fn max_delay_target(&self) -> u32 {
        self.max_delay_target
    }

    /// All retries of the four phases together: 0 to 100.
    pub fn num_retries(&self) -> u32 {
        self.num_retries
    }

    /// The retries after the backoff phase, at the longest delay.
    pub fn num_max_delay_retries(&self) -> u32 {
        self.num_max_delay_retries
    }

    /// The retries without any delay, which come first.
    pub fn num_no_delay_retries(&self) -> u32 {
        self.num_no_delay_retries
    }

    /// The retries before the backoff phase, at the shortest delay.
    pub fn num_min_delay_retries(&self) -> u32 {
        self.num_min_delay_retries
    }

    /// How delays grow in the backoff phase.
    pub fn backoff_function(&self) -> BackoffFunction {
        self.backoff_function
    }

    /// The delays that the policy comes to.
    pub fn schedule(&self) -> RetrySchedule {
        if *self == Self::default() {
            // The same delays, but one value that all the many subscriptions without a policy share.
            return RetrySchedule::http_default();
        }
        let min = Duration::from_secs(self.min_delay_target.into());
        let max = Duration::from_secs(self.max_delay_target.into());
        let others = self.num_no_delay_retries + self.num_min_delay_retries + self.num_max_delay_retries;
        RetrySchedule::of(&[
            RetryPhase::immediate(self.num_no_delay_retries),
            RetryPhase::constant(self.num_min_delay_retries, min),
            RetryPhase::backoff(self.num_retries - others, self.backoff_function, min, max),
            RetryPhase::constant(self.num_max_delay_retries, max),
        ])
    }

    fn check(&self, section: &Section<'_>) -> Result<(), DeliveryPolicyError> {
        if self.max_delay_target < self.min_delay_target {
            let what = "must be greater than or equal to minDelayTarget";
            return Err(section.error(InvalidValue, MAX_DELAY_TARGET, what));
        }
        let counts = [self.num_no_delay_retries, self.num_min_delay_retries, self.num_max_delay_retries];
        if counts.into_iter().map(u64::from).sum::<u64>() > u64::from(self.num_retries) {
            let what = "must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and \
                        numMaxDelayRetries";
            return Err(section.error(InvalidValue, NUM_RETRIES, what));
        }
        let total = self.schedule().total_delay();
        if total > Duration::from_secs(MAX_SECONDS.into()) {
            let what = format!(
                "{} must not take more than {MAX_SECONDS} seconds for all retries together, not {}",
                section.path(),
                total.as_secs_f64(),
            );
            return Err(DeliveryPolicyError::new(WindowTooLong, what));
        }
        Ok(())
    }
}

/// A policy as it was set on a topic, where any member may be left out.
///
/// One that exists is sound when it is completed with the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartialHealthyPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_delay_target: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_delay_target: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_max_delay_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_no_delay_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_min_delay_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff_function: Option<BackoffFunction>,
}

impl PartialHealthyPolicy {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, DeliveryPolicyError> {
        let partial = Self {
            min_delay_target: section.integer(MIN_DELAY_TARGET, 1, MAX_SECONDS)?,
            max_delay_target: section.integer(MAX_DELAY_TARGET, 1, MAX_SECONDS)?,
            num_retries: section.integer(NUM_RETRIES, 0, MAX_NUM_RETRIES)?,
            // Held below numRetries by the check of their sum.
            num_max_delay_retries: section.integer(NUM_MAX_DELAY_RETRIES, 0, u32::MAX)?,
            num_no_delay_retries: section.integer(NUM_NO_DELAY_RETRIES, 0, u32::MAX)?,
            num_min_delay_retries: section.integer(NUM_MIN_DELAY_RETRIES, 0, u32::MAX)?,
            backoff_function: read_function(section)?,
        };
        partial.complete().check(section)?;
        Ok(partial)
    }

    /// The policy with the defaults where nothing was set.
    pub(super) fn complete(&self) -> HealthyRetryPolicy {
        let default = HealthyRetryPolicy::default();
        HealthyRetryPolicy {
            min_delay_target: self.min_delay_target.unwrap_or(default.min_delay_target),
            max_delay_target: self.max_delay_target.unwrap_or(default.max_delay_target),
            num_retries: self.num_retries.unwrap_or(default.num_retries),
            num_max_delay_retries: self.num_max_delay_retries.unwrap_or(default.num_max_delay_retries),
            num_no_delay_retries: self.num_no_delay_retries.unwrap_or(default.num_no_delay_retries),
            num_min_delay_retries: self.num_min_delay_retries.unwrap_or(default.num_min_delay_retries),
            backoff_function: self.backoff_function.unwrap_or(default.backoff_function),
        }
    }
}

fn read_function(section: &Section<'_>) -> Result<Option<BackoffFunction>, DeliveryPolicyError> {
    let Some(name) = section.text(BACKOFF_FUNCTION)? else { return Ok(None) };
    match BackoffFunction::named(name) {
        None => {
            let path = section.path_of(BACKOFF_FUNCTION);
            let what = format!("{path}: the value [{name}] is not a valid backoff function");
            Err(DeliveryPolicyError::new(InvalidValue, what))
        }
        function => Ok(function),
    }
}
