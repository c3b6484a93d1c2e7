//! Failed attempts in the log: so many a second, and the rest counted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanfare::attempt::Next;
use fanfare::{Observer, Step};

/// How many failed attempts are logged one by one in a second.
const LINES_PER_SECOND: u32 = 10;

/// Logs failed attempts: those that are tried again as information, those that are given up as warnings.
#[derive(Debug, Default)]
pub(super) struct AttemptLog(Mutex<Option<Second>>);

/// The second that the last line was logged in.
#[derive(Debug, Clone, Copy)]
struct Second {
    began: Instant,
    logged: u32,
    left_out: u64,
}

/// Whether an attempt is logged by itself, and how many were not before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Log { left_out: u64 },
    Count,
}

impl AttemptLog {
    fn turn(&self, now: Instant) -> Turn {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match second.as_mut().filter(|second| now.duration_since(second.began) < Duration::from_secs(1)) {
            Some(second) if second.logged >= LINES_PER_SECOND => {
                second.left_out += 1;
                Turn::Count
            }
            Some(second) => {
                second.logged += 1;
                Turn::Log { left_out: 0 }
            }
            None => {
                let left_out = second.map_or(0, |second| second.left_out);
                *second = Some(Second { began: now, logged: 1, left_out: 0 });
                Turn::Log { left_out }
            }
        }
    }
}

impl Observer for AttemptLog {
    fn observe(&self, step: &Step<'_>) {
        let Step::Attempted { attempt, .. } = step else { return };
        let Some(failure) = &attempt.failure else { return };
        let given_up = !matches!(attempt.next, Next::Retry { .. });
        let heard = match given_up {
            true => tracing::enabled!(target: "fanfare::attempt", tracing::Level::WARN),
            false => tracing::enabled!(target: "fanfare::attempt", tracing::Level::INFO),
        };
        let Turn::Log { left_out } = (if heard { self.turn(Instant::now()) } else { Turn::Count }) else { return };
        let (message_id, subscription, error) = (&attempt.message_id, attempt.subscription.as_str(), &failure.text);
        let (kind, number, endpoint) = (failure.kind.as_str(), attempt.number, &attempt.endpoint);
        match given_up {
            true => tracing::warn!(
                target: "fanfare::attempt",
                message_id, subscription, endpoint, number, kind, error, left_out, "a delivery was given up"
            ),
            false => tracing::info!(
                target: "fanfare::attempt",
                message_id, subscription, endpoint, number, kind, error, left_out, "an attempt failed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_logged_and_the_rest_is_counted() {
        let (log, began) = (AttemptLog::default(), Instant::now());
        let turns: Vec<_> = (0..13).map(|_| log.turn(began)).collect();
        assert!(turns[..10].iter().all(|turn| *turn == Turn::Log { left_out: 0 }));
        assert!(turns[10..].iter().all(|turn| *turn == Turn::Count));
        assert_eq!(log.turn(began + Duration::from_secs(1)), Turn::Log { left_out: 3 });
        assert_eq!(log.turn(began + Duration::from_secs(1)), Turn::Log { left_out: 0 });
    }
}
