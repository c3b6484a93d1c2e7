//! A machine whose clock and random numbers belong to the test.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{Host, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

/// When a simulated machine starts, unless the test says otherwise: 2026-01-02T03:04:05.678Z.
const START_MS: i64 = 1_767_323_045_678;

/// A machine on tokio's clock: when that is paused, time passes only when the test advances it or nothing else is to be
/// done. Random bytes are the same for the same seed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use fanfare_core::Host;
/// use fanfare_testkit::SimulatedHost;
///
/// let host = SimulatedHost::new(1);
/// let before = host.now();
/// host.jump_forward(Duration::from_secs(3600));
/// assert!(host.now() >= before + Duration::from_secs(3600));
/// # });
/// ```
#[derive(Debug)]
pub struct SimulatedHost {
    start: Timestamp,
    /// When `start` was.
    origin: Instant,
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
    /// Told after each jump.
    jumped: Notify,
}

#[derive(Debug)]
struct State {
    /// What the jumps so far add up to.
    ahead_ms: i64,
    /// The state of the generator.
    seed: u64,
}

impl SimulatedHost {
    /// A machine that is started now, at a fixed time of day.
    pub fn new(seed: u64) -> Self {
        Self::started_at(Timestamp::from_unix_ms(START_MS), seed)
    }

    /// A machine that is started now, at the time `start`.
    pub fn started_at(start: Timestamp, seed: u64) -> Self {
        Self { start, origin: Instant::now(), state: Mutex::new(State { ahead_ms: 0, seed }), jumped: Notify::new() }
    }

    /// Sets the wall clock forward, to the millisecond. Who sleeps until a time that is now past wakes up.
    pub fn jump_forward(&self, by: Duration) {
        self.jump(whole_ms(by));
    }

    /// Sets the wall clock back, to the millisecond. Who sleeps until a time sleeps longer.
    pub fn jump_back(&self, by: Duration) {
        self.jump(-whole_ms(by));
    }

    fn jump(&self, ms: i64) {
        let mut state = self.state();
        state.ahead_ms = state.ahead_ms.saturating_add(ms);
        drop(state);
        self.jumped.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Host for SimulatedHost {
    fn now(&self) -> Timestamp {
        let passed = self.start + self.origin.elapsed();
        Timestamp::from_unix_ms(passed.unix_ms().saturating_add(self.state().ahead_ms))
    }

    fn uptime(&self) -> Duration {
        self.origin.elapsed()
    }

    async fn sleep_until(&self, time: Timestamp) {
        /// The longest that tokio is asked to sleep at once: it cannot count to the end of time.
        const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        loop {
            let jumped = self.jumped.notified();
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(LONGEST)) => {}
                () = jumped => {}
            }
        }
    }

    /// SplitMix64: each step adds an odd constant and mixes the sum.
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state();
        for chunk in bytes.chunks_mut(8) {
            state.seed = state.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state.seed;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A duration that a test jumps by, in milliseconds.
fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
