//! The simulated machine's time is the test's time.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Host;
use fanfare_testkit::SimulatedHost;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn time_passes_to_the_millisecond() {
    let host = SimulatedHost::new(0);
    assert_eq!(host.now().to_string(), "2026-01-02T03:04:05.678Z");
    tokio::time::advance(Duration::from_millis(1322)).await;
    assert_eq!(host.now().to_string(), "2026-01-02T03:04:07.000Z");
}

#[tokio::test(start_paused = true)]
async fn a_sleeper_wakes_at_its_time_and_not_before() {
    let host = SimulatedHost::new(0);
    let start = host.now();
    host.sleep_until(start + HOUR).await;
    assert_eq!(host.now(), start + HOUR);
    host.sleep_until(start).await;
    assert_eq!(host.now(), start + HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_jump_forward_wakes_who_sleeps_until_then() {
    let host = Arc::new(SimulatedHost::new(0));
    let start = host.now();
    let clock = tokio::time::Instant::now();
    let sleeper = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.sleep_until(start + HOUR).await }
    });
    tokio::task::yield_now().await;
    host.jump_forward(HOUR);
    sleeper.await.unwrap();
    assert_eq!(clock.elapsed(), Duration::ZERO);
    assert_eq!(host.now(), start + HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_jump_back_makes_sleepers_sleep_longer() {
    let host = Arc::new(SimulatedHost::new(0));
    let start = host.now();
    let clock = tokio::time::Instant::now();
    let sleeper = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.sleep_until(start + HOUR).await }
    });
    tokio::task::yield_now().await;
    host.jump_back(HOUR);
    sleeper.await.unwrap();
    assert_eq!(clock.elapsed(), HOUR * 2);
}

#[tokio::test(start_paused = true)]
async fn random_bytes_are_those_of_the_seed() {
    let draw = |seed: u64| {
        let mut bytes = [0; 12];
        SimulatedHost::new(seed).fill(&mut bytes);
        bytes
    };
    // The generator's published first outputs for the seed 0: e220a8397b1dcdaf, 6e789e6aa1b965f4.
    assert_eq!(draw(0), [0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2, 0xf4, 0x65, 0xb9, 0xa1]);
    assert_ne!(draw(1), draw(2));
}
