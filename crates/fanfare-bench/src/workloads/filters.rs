//! `filter_*`: what matching an event costs, over reading it as a `serde_json::Value` and over asking each policy.
//!
//! Amazon's engine is a Java library that cannot be had from a registry, so the targets go by its figures of the same policies
//! and events in terms of the same parse: it took 6.4 parses at 100,000 tenants, and 30 and 123 at 1,000 and 10,000 mixed
//! policies.

use crate::comparison::{Rounds, compare};
use crate::context::Context;
use crate::failure::Result;
use crate::process::Part;
use crate::roles::Role;
use crate::roles::filter::{Ask, FilterTask, Kind, Method};
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;

pub(super) fn tenants(context: &Context) -> Result<Vec<Row>> {
    let sizes = context.of(&[1, 1000, 100_000, 1_000_000][..], &[1, 1000, 30_000], &[1, 50]);
    let (mut rows, mut costs) = (Vec::new(), Vec::new());
    for &policies in sizes {
        let (_, rounds) = measure(context, Kind::Tenants, policies)?;
        let target = if policies == 100_000 { Target::AtMost(6.4 / 3.0) } else { Target::None };
        rows.push(over_parse(&format!("filter_tenant_{}", short(policies)), &rounds, target)?);
        costs.push((policies, rounds.ours(Sample::cpu_us), rounds.repeats(Sample::cpu_us)));
    }
    if let (Some((few, Some(low), _)), Some((many, Some(high), noise))) = (costs.get(1), costs.last())
        && many > few
    {
        let figure = format!("CPU of an event with {} tenants over that with {}", short(*many), short(*few));
        let ratio = high.median / low.median;
        let row = Row::once("filter_flatness", &figure, Unit::Ratio, Target::AtMost(2.0), ratio)?;
        rows.push(row.noise(*noise));
    }
    Ok(rows)
}

pub(super) fn mixed(context: &Context) -> Result<Vec<Row>> {
    let sizes = context.of(&[1000, 10_000, 100_000, 1_000_000][..], &[1000, 10_000], &[50]);
    let mut rows = Vec::new();
    for &policies in sizes {
        let (loaded, rounds) = measure(context, Kind::Mixed, policies)?;
        let name = format!("filter_mixed_{}", short(policies));
        let target = match policies {
            1000 => Target::AtMost(30.0 / 7.0),
            10_000 => Target::AtMost(123.0 / 7.0),
            _ => Target::None,
        };
        rows.push(over_parse(&name, &rounds, target)?);
        if policies >= 100_000 {
            let by_match = rounds.ours(|sample| sample.cpu_us() / sample.figure("matches").max(1.0));
            let figure = "CPU of a match";
            let row = Row::of(&format!("{name}_match"), figure, Unit::Microseconds, Target::AtMost(1.5), by_match)?;
            rows.push(row.noise(rounds.noise(Sample::cpu_us)));
        }
        if policies == sizes[sizes.len() - 1] {
            let again: Sample = Part::start(&Role::Filter(FilterTask { kind: Kind::Mixed, policies }))?.told()?;
            let bytes = [&loaded, &again].map(|loaded| loaded.figure("bytes"));
            let figure = format!("memory of each of {} policies, as text, read and indexed", short(policies));
            rows.push(Row::repeated("filter_mem", &figure, Unit::Bytes, Target::AtMost(350.0), &bytes)?);
            let figure = format!("policies/s read and indexed, of {}", short(policies));
            let (target, rates) = (Target::AtLeast(200_000.0), [loaded.rate(), again.rate()]);
            rows.push(Row::repeated("filter_load", &figure, Unit::PerSecond, target, &rates)?);
        }
    }
    Ok(rows)
}

pub(super) fn parse(context: &Context) -> Result<Vec<Row>> {
    let (_, rounds) = measure(context, Kind::Large, 5)?;
    Ok(vec![over_parse("filter_parse", &rounds, Target::AtMost(0.3))?])
}

fn over_parse(name: &str, rounds: &Rounds, target: Target) -> Result<Row> {
    let figure = "CPU of an event over reading it as a serde_json::Value";
    Ok(Row::ratio(name, figure, target, rounds.over(0, Sample::cpu_us))?
        .noise(rounds.noise(Sample::cpu_us))
        .beside("an event", rounds.ours(Sample::cpu_us), Unit::Microseconds)
        .beside("a parse", rounds.bare(0, Sample::cpu_us), Unit::Microseconds)
        .beside("asking each", rounds.bare(1, Sample::cpu_us), Unit::Microseconds)
        .beside("times slower asking each", rounds.under(1, Sample::cpu_us), Unit::Ratio)
        .beside("matches", rounds.ours(|sample| sample.figure("matches")), Unit::Ratio))
}

/// What loading came to, and the rounds: the engine's way, over a parse and over asking each policy.
fn measure(context: &Context, kind: Kind, policies: usize) -> Result<(Sample, Rounds)> {
    let mut part = Part::start(&Role::Filter(FilterTask { kind, policies }))?;
    let loaded: Sample = part.told()?;
    let seconds = context.of(1.0, 0.2, 0.02);
    let part = std::cell::RefCell::new(part);
    let ask = |method| part.borrow_mut().ask(&Ask(method, seconds));
    let rounds =
        compare(context, &mut || ask(Method::Engine), &mut [&mut || ask(Method::Parse), &mut || ask(Method::Each)])?;
    Ok((loaded, rounds))
}

/// A round number in few characters.
fn short(number: usize) -> String {
    match number {
        _ if number >= 1_000_000 && number.is_multiple_of(1_000_000) => format!("{}M", number / 1_000_000),
        _ if number >= 1000 && number.is_multiple_of(1000) => format!("{}k", number / 1000),
        _ => number.to_string(),
    }
}
