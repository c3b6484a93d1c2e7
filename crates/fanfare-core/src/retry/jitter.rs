//! Spreads retries out, so that endpoints that failed together are not tried again together.

use std::time::Duration;

/// The delay made longer by up to a tenth, as `random` says.
///
/// - The answer lies in `delay ..= delay * 1.1` and is never shorter than `delay`: a delay is a promise to the endpoint,
///   whether a policy's `minDelayTarget` or its own `Retry-After`. On average a schedule lasts a twentieth longer.
/// - The same arguments give the same answer; `random` is 64 evenly distributed bits, 0 for no jitter.
/// - No delay stays no delay.
///
/// Amazon SNS adds jitter and does not say how much; this much is Fanfare's.
pub fn jittered(delay: Duration, random: u64) -> Duration {
    // The spread of a delay beyond five thousand years stops growing; the product below then fits.
    let spread = (delay.as_nanos() / 10).min(u128::from(u64::MAX));
    let extra = (spread * u128::from(random)) >> u64::BITS;
    let extra = u64::try_from(extra).expect("a 64-bit spread times a fraction below one has 64 bits");
    delay.saturating_add(Duration::from_nanos(extra))
}
