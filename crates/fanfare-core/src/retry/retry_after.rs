//! Puts a schedule's delay together with the one that an endpoint asked for.

use std::time::Duration;

/// The later of the schedule's `delay` and the `retry_after` that the endpoint asked for.
///
/// What the endpoint asks for counts up to `max`, so that no endpoint can park a notification for ever. It lengthens one
/// delay and costs no retry; it never shortens what the schedule says, even where that is longer than `max`.
pub fn after(delay: Duration, retry_after: Option<Duration>, max: Duration) -> Duration {
    match retry_after {
        Some(asked) => delay.max(asked.min(max)),
        None => delay,
    }
}
