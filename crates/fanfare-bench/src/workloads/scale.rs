//! `subs_1m`, `subs_12m`: what very many subscriptions cost, through the library.

use super::memory::scanned;
use crate::context::Context;
use crate::failure::Result;
use crate::process;
use crate::roles::Role;
use crate::roles::crowd::CrowdTask;
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::statistics::Spread;

pub(super) fn subscriptions(context: &Context) -> Result<Vec<Row>> {
    let subscriptions = context.of(1_000_000, 30_000, 300);
    let seconds_max = context.of(300.0, 5.0, 5.0);
    let (plain, _, _) = crowd(context, subscriptions, false, 1, seconds_max)?;
    // As many as were made in the time that there is.
    let subscriptions = plain.items;
    let (filtered, bytes, read) = crowd(context, subscriptions, true, 1, seconds_max)?;
    let with_policy = filtered.items;
    let few = subscriptions.div_ceil(1000);
    let (of_few, _, _) = crowd(context, few, false, 1000.min(subscriptions / few), seconds_max)?;
    // Smaller ones of each, to see what noise there is.
    let smaller = subscriptions.div_ceil(10);
    let twice = |filtered| -> Result<_> {
        let once = || crowd(context, smaller, filtered, 1, seconds_max);
        Ok([once()?, once()?])
    };
    let (plains, filtereds) = (twice(false)?, twice(true)?);
    let noise = |twice: &[Crowd; 2], figure: &dyn Fn(&Crowd) -> f64| Spread::of_repeats(&twice.each_ref().map(figure));
    let noise_of = |twice, name: &str| noise(twice, &|(sample, ..)| sample.figure(name));
    let of = |sample: &Sample, name: &str| Spread::of([sample.figure(name)]);
    let memory = format!("memory of each of {subscriptions} subscriptions of one topic");
    let floor = read + filtered.figure("parse");
    Ok(vec![
        Row::of("subs_memory", &memory, Unit::Bytes, Target::AtMost(300.0), of(&plain, "bytes"))?
            .noise(noise_of(&plains, "bytes"))
            .beside("made", of(&plain, "made"), Unit::PerSecond)
            .beside("ended", of(&plain, "ended"), Unit::PerSecond),
        Row::of("subs_memory_filtered", &format!("memory of each of {with_policy} subscriptions, each with a policy"), Unit::Bytes, Target::AtMost(650.0), of(&filtered, "bytes"))?
            .noise(noise_of(&filtereds, "bytes"))
            .beside("made", of(&filtered, "made"), Unit::PerSecond)
            .beside("ended", of(&filtered, "ended"), Unit::PerSecond),
        Row::of("subs_bookkeeping", "until publish answers, for each subscription", Unit::Nanoseconds, Target::AtMost(200.0), of(&plain, "publish_ns"))?
            .noise(noise_of(&plains, "publish_ns"))
            .beside("filtered", of(&filtered, "publish_ns"), Unit::Nanoseconds),
        Row::once(
            "subs_deliveries",
            &format!("deliveries/s of one message to {subscriptions} over those of many to {few}, to endpoints that only count"),
            Unit::Ratio,
            Target::AtLeast(0.8),
            plain.rate() / of_few.rate(),
        )?
        .noise(noise(&plains, &|(sample, ..)| sample.rate()))
        .beside("to all", Spread::of([plain.rate()]), Unit::PerSecond)
        .beside("to few", Spread::of([of_few.rate()]), Unit::PerSecond),
        Row::once(
            "subs_meanwhile",
            &format!("p99 of another topic's messages, from publish to delivery, while one goes to {subscriptions}, over before"),
            Unit::Ratio,
            Target::None,
            plain.p99_us / plain.figure("quiet_p99_us"),
        )?
        .noise(noise(&plains, &|(sample, ..)| sample.p99_us / sample.figure("quiet_p99_us")))
        .beside("p50", Spread::of([plain.p50_us]), Unit::Microseconds)
        .beside("p99", Spread::of([plain.p99_us]), Unit::Microseconds)
        .beside("p50 before", of(&plain, "quiet_p50_us"), Unit::Microseconds)
        .beside("p99 before", of(&plain, "quiet_p99_us"), Unit::Microseconds),
        Row::once(
            "restart_subs",
            &format!("opening {with_policy} filtered subscriptions over reading the bytes and the policies"),
            Unit::Ratio,
            Target::AtMost(1.5),
            filtered.figure("open") / floor,
        )?
        .noise(noise(&filtereds, &|(sample, _, read)| sample.figure("open") / (read + sample.figure("parse"))))
        .beside("open", of(&filtered, "open"), Unit::Seconds)
        .beside("read", Spread::of([read]), Unit::Seconds)
        .beside("policies", of(&filtered, "parse"), Unit::Seconds)
        .beside("on disk", Spread::of([bytes as f64 / 1e6]), Unit::Megabytes),
    ])
}

/// As many as Amazon SNS lets one topic have.
pub(super) fn most_subscriptions(context: &Context) -> Result<Vec<Row>> {
    let (sample, bytes, read) = crowd(context, context.of(12_500_000, 2_500_000, 300), false, 1, 3600.0)?;
    let of = |name: &str| Spread::of([sample.figure(name)]);
    let memory = format!("memory of each of {} subscriptions of one topic", sample.items);
    Ok(vec![
        Row::of("subs_most_memory", &memory, Unit::Bytes, Target::AtMost(300.0), of("bytes"))?
            .beside("made", of("made"), Unit::PerSecond)
            .beside("ended", of("ended"), Unit::PerSecond)
            .beside("publish, for each", of("publish_ns"), Unit::Nanoseconds)
            .beside("deliveries", Spread::of([sample.rate()]), Unit::PerSecond)
            .beside("peak", Spread::of([sample.peak_kb as f64 / 1e3]), Unit::Megabytes)
            .beside("open", of("open"), Unit::Seconds)
            .beside("read", Spread::of([read]), Unit::Seconds)
            .beside("on disk", Spread::of([bytes as f64 / 1e6]), Unit::Megabytes),
    ])
}

/// What a crowd came to, the bytes of its store, and the seconds that reading them takes.
type Crowd = (Sample, u64, f64);

fn crowd(context: &Context, subscriptions: u64, filtered: bool, messages: u64, seconds_max: f64) -> Result<Crowd> {
    let place = context.place();
    let directory = place.path().to_owned();
    let task = CrowdTask { directory, subscriptions, seconds_max, filtered, messages };
    let sample = process::perform(&Role::Crowd(task))?;
    let (bytes, seconds) = scanned(place.path())?;
    Ok((sample, bytes, seconds))
}
