//! A clock that a test sets forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fanfare::{Host, SystemHost, Timestamp};
use tokio::sync::Notify;

/// The operating system's clock, and how far ahead of it the time of a test is. Clones share the time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    ahead_ms: AtomicI64,
    /// Told after each change.
    changed: Notify,
}

impl Clock {
    /// A clock that is right.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time forward, to the millisecond. Who sleeps until a time that is now past wakes up.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let forward = |ahead: i64| Some(ahead.saturating_add(by));
        // Nothing is refused, so there is nothing to answer.
        let _ = self.0.ahead_ms.fetch_update(Ordering::SeqCst, Ordering::SeqCst, forward);
        self.0.changed.notify_waiters();
    }

    /// Sets the time right.
    pub fn set_right(&self) {
        self.0.ahead_ms.store(0, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }

    /// How far ahead of the operating system's clock it is.
    pub fn ahead(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.ahead_ms.load(Ordering::SeqCst)).unwrap_or_default())
    }
}

#[async_trait]
impl Host for Clock {
    fn now(&self) -> Timestamp {
        SystemHost.now() + self.ahead()
    }

    fn uptime(&self) -> Duration {
        SystemHost.uptime()
    }

    async fn sleep_until(&self, time: Timestamp) {
        /// The operating system's clock may be set while we sleep, so it is looked at again after this long.
        const LOOK_AGAIN: Duration = Duration::from_secs(60 * 60);
        loop {
            // Made before the look, so that no change is missed in between.
            let changed = self.0.changed.notified();
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(LOOK_AGAIN)) => {}
                () = changed => {}
            }
        }
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemHost.fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_time_is_set_forward_far_enough() {
        let clock = Clock::new();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(clock.now() + Duration::from_secs(3600)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1800));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1800));
        tokio::time::timeout(Duration::from_secs(10), sleeper).await.unwrap().unwrap();
        assert_eq!(clock.ahead(), Duration::from_secs(3600));
        clock.set_right();
        assert_eq!(clock.ahead(), Duration::ZERO);
    }
}
