//! What the engine asks of the machine it runs on: the time, a timer and random bytes, through one door.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// It prints as Amazon SNS prints times in messages: `2026-01-02T03:04:05.678Z`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first millisecond of 1970.
    pub const EPOCH: Self = Self(0);

    /// The time `ms` milliseconds after 1970-01-01T00:00:00Z.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The machine that an engine runs on. Tests bring their own, and so decide what time it is.
///
/// - `now` may jump in either direction, as wall clocks do; the engine keeps no promise that depends on it going forward.
/// - `sleep_until` returns at once for a time that has passed, and is cancelled by dropping it.
/// - `fill` gives bytes that nobody can guess: tokens are made of them.
#[async_trait]
pub trait Host: fmt::Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// How long the machine has been running, from any beginning: unlike the time it goes on evenly, however the clock is
    /// set.
    fn uptime(&self) -> Duration;

    /// Waits until `now` is at least `time`.
    async fn sleep_until(&self, time: Timestamp);

    /// Waits for `duration`, however the clock is set meanwhile.
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

#[async_trait]
impl<T: Host + ?Sized> Host for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn uptime(&self) -> Duration {
        (**self).uptime()
    }

    async fn sleep_until(&self, time: Timestamp) {
        (**self).sleep_until(time).await;
    }

    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }

    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// The operating system's clock and random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHost;

#[async_trait]
impl Host for SystemHost {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Duration {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGINNING.elapsed()
    }

    async fn sleep_until(&self, time: Timestamp) {
        /// The wall clock may be set while we sleep, so it is looked at again after this long.
        const LOOK_AGAIN: Duration = Duration::from_secs(60 * 60);
        loop {
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK_AGAIN)).await;
        }
    }

    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has random bytes to give");
    }
}

/// A fresh random identifier in the form of Amazon SNS's: a lower-case version 4 UUID.
pub(crate) fn new_uuid(host: &dyn Host) -> String {
    let mut bytes = [0; 16];
    host.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_with_three_decimals_and_a_zone() {
        assert_eq!(Timestamp::from_unix_ms(1_767_323_045_000).to_string(), "2026-01-02T03:04:05.000Z");
        assert_eq!(Timestamp::from_unix_ms(1_767_323_045_070).to_string(), "2026-01-02T03:04:05.070Z");
    }

    #[test]
    fn arithmetic_at_the_ends_of_time_saturates() {
        assert_eq!(Timestamp(i64::MAX) + Duration::MAX, Timestamp(i64::MAX));
        assert_eq!(Timestamp::EPOCH.since(Timestamp(5)), Duration::ZERO);
    }
}
