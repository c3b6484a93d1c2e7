//! Retry schedules, delay by delay: Amazon SNS's fixed ones, those of policies, and the extended ones.

use std::time::Duration;

use fanfare_core::retry::{
    BackoffFunction, EffectiveDeliveryPolicy, MAX_DELAY, MAX_WINDOW, RawMessageDelivery, RetryPhase, RetrySchedule,
    SubscriptionDeliveryPolicy, after, jittered,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(schedule: &RetrySchedule) -> Vec<u128> {
    schedule.delays().map(|delay| delay.as_millis()).collect()
}

/// Tries a delivery that always fails, on a clock of its own; answers the number of retries and the time of the last.
fn walk(schedule: &RetrySchedule) -> (u32, Duration) {
    let (mut retries, mut now) = (0, Duration::ZERO);
    while let Some(delay) = schedule.delay(retries + 1) {
        retries += 1;
        now += delay;
    }
    (retries, now)
}

fn curve(function: BackoffFunction, retries: u32, from_s: u64, to_s: u64) -> Vec<u128> {
    let phase = RetryPhase::backoff(retries, function, secs(from_s), secs(to_s));
    millis(&RetrySchedule::extended([phase]).expect("a sound phase"))
}

// The four functions.

#[test]
fn linear_delays_are_evenly_spaced() {
    assert_eq!(curve(BackoffFunction::Linear, 3, 20, 40), [20_000, 30_000, 40_000]);
    assert_eq!(curve(BackoffFunction::Linear, 4, 10, 40), [10_000, 20_000, 30_000, 40_000]);
    assert_eq!(curve(BackoffFunction::Linear, 4, 1, 2), [1_000, 1_333, 1_666, 2_000]);
}

#[test]
fn arithmetic_delays_grow_by_growing_steps() {
    assert_eq!(curve(BackoffFunction::Arithmetic, 4, 10, 40), [10_000, 15_000, 25_000, 40_000]);
    assert_eq!(curve(BackoffFunction::Arithmetic, 5, 0, 10), [0, 1_000, 3_000, 6_000, 10_000]);
    assert_eq!(curve(BackoffFunction::Arithmetic, 3, 20, 40), [20_000, 26_666, 40_000]);
}

#[test]
fn geometric_delays_grow_by_the_same_factor() {
    assert_eq!(curve(BackoffFunction::Geometric, 4, 10, 80), [10_000, 20_000, 40_000, 80_000]);
    assert_eq!(curve(BackoffFunction::Geometric, 3, 1, 100), [1_000, 10_000, 100_000]);
    assert_eq!(curve(BackoffFunction::Geometric, 3, 1, 2), [1_000, 1_414, 2_000]);
}

#[test]
fn exponential_delays_double_up_to_the_longest() {
    assert_eq!(curve(BackoffFunction::Exponential, 4, 10, 100), [10_000, 20_000, 40_000, 100_000]);
    assert_eq!(curve(BackoffFunction::Exponential, 6, 10, 100), [10_000, 20_000, 40_000, 80_000, 100_000, 100_000]);
    assert_eq!(curve(BackoffFunction::Exponential, 3, 5, 5), [5_000, 5_000, 5_000]);
}

#[test]
fn a_single_backoff_retry_waits_the_shortest_delay_and_two_wait_both() {
    for function in FUNCTIONS {
        assert_eq!(curve(function, 1, 10, 40), [10_000], "{function:?}");
        assert_eq!(curve(function, 2, 10, 40), [10_000, 40_000], "{function:?}");
    }
}

#[test]
fn a_long_doubling_does_not_overflow() {
    let phase = RetryPhase::backoff(300, BackoffFunction::Exponential, secs(1), DAY);
    let schedule = RetrySchedule::extended([phase]).expect("a sound phase");
    assert_eq!(schedule.delay(17), Some(secs(65_536)));
    assert_eq!(schedule.delay(18), Some(DAY));
    assert_eq!(schedule.delay(299), Some(DAY));
    assert_eq!(schedule.delay(300), Some(DAY));
    assert_eq!(schedule.delay(301), None);
}

// The fixed schedules.

#[test]
fn without_retries_only_the_first_attempt_is_made() {
    assert_eq!(RetrySchedule::none().delay(0), Some(Duration::ZERO));
    assert_eq!(RetrySchedule::none().delay(1), None);
    assert_eq!(walk(&RetrySchedule::none()), (0, Duration::ZERO));
}

#[test]
fn http_is_retried_three_times_twenty_seconds_apart() {
    assert_eq!(millis(&RetrySchedule::http_default()), [20_000, 20_000, 20_000]);
    assert_eq!(walk(&RetrySchedule::http_default()), (3, secs(60)));
}

#[test]
fn endpoints_of_customers_are_retried_fifty_times_over_more_than_six_hours() {
    let schedule = RetrySchedule::customer_managed();
    let seconds: Vec<u64> = schedule.delays().map(|delay| delay.as_secs()).collect();
    assert_eq!(seconds[..12], [10, 10, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
    assert_eq!(seconds[12..], [600; 38]);
    // 20 s and 3,030 s and 38 times 600 s: seven hours and ten minutes.
    assert_eq!(walk(&schedule), (50, secs(25_850)));
    assert_eq!((schedule.retries(), schedule.total_delay()), (50, secs(25_850)));
    assert_eq!(schedule.delay(51), None);
}

#[test]
fn endpoints_of_aws_are_retried_a_hundred_thousand_times_over_twenty_three_days() {
    let schedule = RetrySchedule::aws_managed();
    let seconds: Vec<u64> = schedule.delays().take(16).map(|delay| delay.as_secs()).collect();
    assert_eq!(seconds, [0, 0, 0, 1, 1, 1, 2, 4, 8, 16, 20, 20, 20, 20, 20, 20]);
    // 2 s and 131 s and 100,000 times 20 s.
    assert_eq!(walk(&schedule), (100_015, secs(2_000_133)));
    assert_eq!((schedule.retries(), schedule.total_delay()), (100_015, secs(2_000_133)));
    assert_eq!(schedule.total_delay().as_secs() / DAY.as_secs(), 23);
    assert_eq!(schedule.delay(100_015), Some(secs(20)));
    assert_eq!(schedule.delay(100_016), None);
    assert_eq!(schedule.delay(u32::MAX), None);
}

// Extended schedules.

#[test]
fn a_window_beyond_an_hour_is_kept_up_to_its_last_whole_step() {
    let week = RetrySchedule::lasting(7 * DAY).expect("a week is allowed");
    // 12 retries over 3,050 s, then every 600 s: 1,002 times into the remaining 601,750 s.
    assert_eq!(walk(&week), (1_014, secs(3_050 + 1_002 * 600)));
    assert_eq!(week.delay(1), Some(secs(10)));
    assert_eq!(week.delay(1_014), Some(secs(600)));

    let hour = RetrySchedule::lasting(secs(3_600)).expect("an hour is allowed");
    assert_eq!(walk(&hour), (12, secs(3_050)));
    let year = RetrySchedule::lasting(MAX_WINDOW).expect("the longest window is allowed");
    assert!(year.total_delay() <= MAX_WINDOW && MAX_WINDOW - year.total_delay() < secs(600));
}

#[test]
fn phases_of_the_users_own_follow_one_another() {
    let schedule = RetrySchedule::extended([
        RetryPhase::immediate(1),
        RetryPhase::constant(0, secs(7)),
        RetryPhase::backoff(3, BackoffFunction::Linear, secs(60), secs(180)),
        RetryPhase::constant(2, DAY),
    ])
    .expect("sound phases");
    assert_eq!(
        schedule.delays().collect::<Vec<_>>(),
        [Duration::ZERO, secs(60), secs(120), secs(180), secs(86_400), secs(86_400)]
    );
    assert_eq!(schedule.phases().len(), 3, "the empty phase is left out");
    assert_eq!(schedule.delay(7), None);
}

#[test]
fn bounds_that_are_not_whole_milliseconds_are_kept() {
    let (from, to) = (Duration::from_nanos(1_500_001), Duration::from_nanos(2_500_001));
    for function in FUNCTIONS {
        let schedule = RetrySchedule::extended([RetryPhase::backoff(4, function, from, to)]).expect("a sound phase");
        let delays: Vec<Duration> = schedule.delays().collect();
        assert!(delays.is_sorted(), "{function:?} {delays:?}");
        assert_eq!((delays[0], delays[3]), (from, to), "{function:?}");
    }
}

#[test]
fn nonsense_is_refused_and_named() {
    let sound = RetryPhase::constant(1, secs(1));
    for (phases, expected) in [
        (vec![sound; 17], "a retry schedule has at most 16 phases"),
        (
            vec![sound, RetryPhase::backoff(2, BackoffFunction::Linear, secs(2), secs(1))],
            "retry phase 2 ends with a shorter delay than its first",
        ),
        (
            vec![RetryPhase::constant(1, MAX_DELAY + Duration::from_millis(1))],
            "retry phase 1 waits 86400.001s, more than the 86400s allowed",
        ),
        (
            vec![RetryPhase::backoff(3, BackoffFunction::Geometric, Duration::ZERO, secs(1))],
            "retry phase 1 is geometric and must start above zero",
        ),
        (
            vec![RetryPhase::backoff(3, BackoffFunction::Exponential, Duration::ZERO, secs(1))],
            "retry phase 1 is exponential and must start above zero",
        ),
        (
            vec![RetryPhase::immediate(1_000_000), RetryPhase::immediate(1)],
            "a retry schedule has at most 1000000 retries, not 1000001",
        ),
        (vec![RetryPhase::immediate(u32::MAX); 2], "a retry schedule has at most 1000000 retries, not 8589934590"),
        (vec![RetryPhase::constant(367, DAY)], "a retry window lasts at most 31622400s, not 31708800s"),
    ] {
        let error = RetrySchedule::extended(phases).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
    RetrySchedule::extended([RetryPhase::constant(366, DAY)]).expect("a year is allowed");
    RetrySchedule::extended([RetryPhase::immediate(1_000_000)]).expect("a million retries are allowed");
}

#[test]
fn windows_out_of_bounds_are_refused() {
    let short = RetrySchedule::lasting(secs(3_599)).expect_err("shorter than an hour");
    assert_eq!(short.to_string(), "a retry window lasts at least 3600s, not 3599s");
    let long = RetrySchedule::lasting(MAX_WINDOW + secs(1)).expect_err("longer than a year");
    assert_eq!(long.to_string(), "a retry window lasts at most 31622400s, not 31622401s");
}

// What is done to a delay.

#[test]
fn jitter_lengthens_a_delay_by_up_to_a_tenth() {
    assert_eq!(jittered(secs(20), 0), secs(20));
    assert_eq!(jittered(secs(20), 1 << 63), secs(21));
    assert_eq!(jittered(secs(20), u64::MAX), secs(22) - Duration::from_nanos(1));
    assert_eq!(jittered(Duration::ZERO, u64::MAX), Duration::ZERO);
    assert_eq!(jittered(Duration::MAX, u64::MAX), Duration::MAX);
}

#[test]
fn the_later_of_schedule_and_retry_after_is_waited() {
    let max = secs(3_600);
    assert_eq!(after(secs(20), None, max), secs(20));
    assert_eq!(after(secs(20), Some(secs(5)), max), secs(20));
    assert_eq!(after(secs(20), Some(secs(120)), max), secs(120));
    assert_eq!(after(Duration::ZERO, Some(secs(120)), max), secs(120));
}

#[test]
fn retry_after_counts_up_to_the_maximum_and_never_shortens() {
    assert_eq!(after(secs(20), Some(DAY), secs(3_600)), secs(3_600));
    assert_eq!(after(secs(600), Some(DAY), secs(60)), secs(600));
    assert_eq!(after(secs(20), Some(DAY), Duration::ZERO), secs(20));
}

// Policies of every kind.

const FUNCTIONS: [BackoffFunction; 4] =
    [BackoffFunction::Linear, BackoffFunction::Arithmetic, BackoffFunction::Geometric, BackoffFunction::Exponential];

#[test]
fn the_phases_of_a_policy_come_in_order() {
    let schedule = scheduled(&json!({
        "minDelayTarget": 5, "maxDelayTarget": 35, "numRetries": 10, "numNoDelayRetries": 2,
        "numMinDelayRetries": 1, "numMaxDelayRetries": 3, "backoffFunction": "arithmetic",
    }))
    .expect("a valid policy");
    assert_eq!(
        millis(&schedule),
        [0, 0, 5_000, 5_000, 10_000, 20_000, 35_000, 35_000, 35_000, 35_000],
        "two at once, one at the shortest, four backing off, three at the longest"
    );
}

fn scheduled(healthy: &Value) -> Option<RetrySchedule> {
    let text = json!({ "healthyRetryPolicy": healthy }).to_string();
    let policy = SubscriptionDeliveryPolicy::parse(&text, RawMessageDelivery::Off).ok()?;
    Some(EffectiveDeliveryPolicy::of(None, Some(&policy)).schedule())
}

/// The members of a healthy retry policy.
#[derive(Debug, Clone)]
struct Members {
    min: u32,
    max: u32,
    no_delay: usize,
    at_min: usize,
    backoff: usize,
    at_max: usize,
    function: BackoffFunction,
}

impl Members {
    fn retries(&self) -> usize {
        self.no_delay + self.at_min + self.backoff + self.at_max
    }

    fn to_json(&self) -> Value {
        json!({
            "minDelayTarget": self.min,
            "maxDelayTarget": self.max,
            "numRetries": self.retries(),
            "numNoDelayRetries": self.no_delay,
            "numMinDelayRetries": self.at_min,
            "numMaxDelayRetries": self.at_max,
            "backoffFunction": self.function.as_str(),
        })
    }
}

/// Counts of at most 100 in all, and bounds that are in order and at most `longest` for that many retries.
fn members(longest: fn(u32) -> u32) -> impl Strategy<Value = Members> {
    let counts = (0..=25_usize, 0..=25_usize, 0..=25_usize, 0..=25_usize);
    counts.prop_flat_map(move |(no_delay, at_min, backoff, at_max)| {
        let longest = longest((no_delay + at_min + backoff + at_max) as u32);
        (1..=longest, 1..=longest, prop::sample::select(&FUNCTIONS[..])).prop_map(move |(one, other, function)| {
            let (min, max) = (one.min(other), one.max(other));
            Members { min, max, no_delay, at_min, backoff, at_max, function }
        })
    })
}

proptest! {
    #[test]
    fn every_policy_within_the_bounds_is_accepted_and_kept(members in members(|retries| 3_600 / retries.max(1))) {
        let schedule = scheduled(&members.to_json()).expect("no sum of delays can exceed an hour");
        let (min, max) = (secs(members.min.into()), secs(members.max.into()));
        let delays: Vec<Duration> = (1..=schedule.retries()).filter_map(|retry| schedule.delay(retry)).collect();
        prop_assert_eq!(delays.len(), members.retries());
        prop_assert_eq!(schedule.delay(schedule.retries() + 1), None);

        let (no_delay, rest) = delays.split_at(members.no_delay);
        let (at_min, rest) = rest.split_at(members.at_min);
        let (backoff, at_max) = rest.split_at(members.backoff);
        prop_assert!(no_delay.iter().all(Duration::is_zero));
        prop_assert!(at_min.iter().all(|delay| *delay == min));
        prop_assert!(at_max.iter().all(|delay| *delay == max));

        prop_assert!(backoff.is_sorted());
        prop_assert!(backoff.iter().all(|delay| (min..=max).contains(delay)));
        prop_assert!(backoff.first().is_none_or(|first| *first == min));
        prop_assert!(backoff.len() < 2 || backoff.last() == Some(&max));

        let total: Duration = delays.iter().sum();
        prop_assert_eq!(schedule.total_delay(), total);
        prop_assert!(total <= secs(3_600));
    }

    #[test]
    fn a_policy_is_accepted_exactly_if_it_takes_no_longer_than_an_hour(members in members(|retries| 7_200 / retries.max(2))) {
        let phases = [
            RetryPhase::immediate(members.no_delay as u32),
            RetryPhase::constant(members.at_min as u32, secs(members.min.into())),
            RetryPhase::backoff(
                members.backoff as u32, members.function, secs(members.min.into()), secs(members.max.into()),
            ),
            RetryPhase::constant(members.at_max as u32, secs(members.max.into())),
        ];
        let unlimited = RetrySchedule::extended(phases).expect("extended schedules may take longer");
        let accepted = scheduled(&members.to_json());
        prop_assert_eq!(accepted, Some(unlimited.clone()).filter(|it| walk(it).1 <= secs(3_600)));
    }

    #[test]
    fn jitter_stays_within_a_tenth_above(millis in 0..=31_622_400_000_u64, random: u64) {
        let delay = Duration::from_millis(millis);
        let waited = jittered(delay, random);
        prop_assert!(delay <= waited && waited <= delay + delay / 10);
        prop_assert_eq!(waited, jittered(delay, random));
    }
}
