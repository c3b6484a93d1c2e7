//! A time for scheduling: the host's, except that it never goes back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::host::{Host, Timestamp};

/// The host's time, which goes on evenly when the host's clock is set back: what is due in a minute is due in a minute. When
/// the clock is set forward, it follows.
#[derive(Debug)]
pub(super) struct Steady {
    host: Arc<dyn Host>,
    /// Held for a few instructions, never across an `.await`.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the steady time was when it was last looked at, and the host's uptime then.
    last: Timestamp,
    uptime: Duration,
}

impl Steady {
    pub(super) fn new(host: Arc<dyn Host>) -> Self {
        let state = Mutex::new(State { last: host.now(), uptime: host.uptime() });
        Self { host, state }
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let uptime = self.host.uptime();
        let at_least = state.last + uptime.saturating_sub(state.uptime);
        // Whole milliseconds are counted alone, so the rest of one is left for the next look.
        let counted = at_least.since(state.last);
        *state = State { last: at_least.max(self.host.now()), uptime: state.uptime + counted };
        state.last
    }

    /// Waits until `now` is at least `time`.
    pub(super) async fn sleep_until(&self, time: Timestamp) {
        loop {
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = self.host.sleep(left) => {}
                // The clock may be set forward.
                () = self.host.sleep_until(self.host.now() + left) => {}
            }
        }
    }
}
