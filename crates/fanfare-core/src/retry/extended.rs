//! Retry schedules beyond Amazon SNS's: any phases, for as long as a year.

use std::fmt;
use std::time::Duration;

use super::schedule::{CUSTOMER_LONG, CUSTOMER_SHORT};
use super::{BackoffFunction, RetryPhase, RetrySchedule};

/// The longest delay between two attempts.
pub const MAX_DELAY: Duration = Duration::from_secs(24 * 3600);
/// The longest that all delays of a schedule may take together.
pub const MAX_WINDOW: Duration = Duration::from_secs(366 * 24 * 3600);
/// The shortest window of [`RetrySchedule::lasting`]: what a delivery policy of Amazon SNS can express.
pub const MIN_WINDOW: Duration = Duration::from_secs(3600);
/// The most retries of a schedule.
pub const MAX_RETRIES: u32 = 1_000_000;
/// The most phases of a schedule.
pub const MAX_PHASES: usize = 16;

/// Windows that Amazon SNS does not have. Nothing in an SNS attribute leads here: whoever runs Fanfare asks for them.
impl RetrySchedule {
    /// A schedule of any phases, for any protocol: an extension, for deliveries that must outlive the hour that an
    /// Amazon SNS delivery policy can last. Phases without retries are left out.
    ///
    /// Working out the total of phases that grow takes time in the number of their retries; constant ones are free.
    ///
    /// # Errors
    /// More than [`MAX_PHASES`] phases or [`MAX_RETRIES`] retries; a phase that ends below where it starts, waits longer
    /// than [`MAX_DELAY`], or grows by multiplication from zero; delays that add up to more than [`MAX_WINDOW`].
    pub fn extended(phases: impl IntoIterator<Item = RetryPhase>) -> Result<Self, RetryScheduleError> {
        // One more than allowed is enough to know, however many follow.
        let phases: Vec<RetryPhase> = phases.into_iter().take(MAX_PHASES + 1).collect();
        if phases.len() > MAX_PHASES {
            return Err(RetryScheduleError(Problem::Phases));
        }
        for (position, phase) in phases.iter().enumerate() {
            check_phase(position + 1, phase)?;
        }
        let retries: u64 = phases.iter().map(|phase| u64::from(phase.retries())).sum();
        if retries > u64::from(MAX_RETRIES) {
            return Err(RetryScheduleError(Problem::Retries(retries)));
        }
        let schedule = Self::of(&phases);
        if schedule.total_delay() > MAX_WINDOW {
            return Err(RetryScheduleError(Problem::Window(schedule.total_delay())));
        }
        Ok(schedule)
    }

    /// A schedule that goes on for `window`: an extension for the common wish "keep trying for a week".
    ///
    /// It starts as [`RetrySchedule::customer_managed`] does, quickly and then backing off to 10 minutes, and goes on
    /// every 10 minutes for as long as whole steps fit into the window.
    ///
    /// # Errors
    /// A window shorter than [`MIN_WINDOW`] or longer than [`MAX_WINDOW`].
    pub fn lasting(window: Duration) -> Result<Self, RetryScheduleError> {
        if window < MIN_WINDOW {
            return Err(RetryScheduleError(Problem::ShortWindow(window)));
        }
        if window > MAX_WINDOW {
            return Err(RetryScheduleError(Problem::Window(window)));
        }
        let lead = [
            RetryPhase::constant(2, CUSTOMER_SHORT),
            RetryPhase::backoff(10, BackoffFunction::Exponential, CUSTOMER_SHORT, CUSTOMER_LONG),
        ];
        let rest = window.saturating_sub(Self::of(&lead).total_delay());
        let steady = u32::try_from(rest.as_secs() / CUSTOMER_LONG.as_secs()).expect("a year has few times 10 minutes");
        Self::extended([lead[0], lead[1], RetryPhase::constant(steady, CUSTOMER_LONG)])
    }
}

fn check_phase(position: usize, phase: &RetryPhase) -> Result<(), RetryScheduleError> {
    let multiplies = matches!(phase.function(), BackoffFunction::Geometric | BackoffFunction::Exponential);
    let problem = if phase.longest() < phase.shortest() {
        Problem::Shrinks(position)
    } else if phase.longest() > MAX_DELAY {
        Problem::Delay(position, phase.longest())
    } else if multiplies && phase.shortest().is_zero() && !phase.longest().is_zero() {
        Problem::FromZero(position, phase.function())
    } else {
        return Ok(());
    };
    Err(RetryScheduleError(problem))
}

/// Why an extended schedule is refused: it is a mistake in a setting, and never retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryScheduleError(Problem);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Phases,
    Shrinks(usize),
    Delay(usize, Duration),
    FromZero(usize, BackoffFunction),
    Retries(u64),
    ShortWindow(Duration),
    Window(Duration),
}

impl fmt::Display for RetryScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Phases => write!(f, "a retry schedule has at most {MAX_PHASES} phases"),
            Problem::Shrinks(position) => write!(f, "retry phase {position} ends with a shorter delay than its first"),
            Problem::Delay(position, delay) => {
                write!(f, "retry phase {position} waits {delay:?}, more than the {MAX_DELAY:?} allowed")
            }
            Problem::FromZero(position, function) => {
                write!(f, "retry phase {position} is {} and must start above zero", function.as_str())
            }
            Problem::Retries(retries) => write!(f, "a retry schedule has at most {MAX_RETRIES} retries, not {retries}"),
            Problem::ShortWindow(window) => write!(f, "a retry window lasts at least {MIN_WINDOW:?}, not {window:?}"),
            Problem::Window(window) => write!(f, "a retry window lasts at most {MAX_WINDOW:?}, not {window:?}"),
        }
    }
}

impl std::error::Error for RetryScheduleError {}
