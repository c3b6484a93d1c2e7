//! `durable_publish_http` and `durable_publish_lat`: Publish over HTTP, signed by its caller and kept on disk before it is
//! answered, over a bare server that does nothing and the sync of a file.

use std::net::SocketAddr;

use crate::comparison::compare;
use crate::context::Context;
use crate::failure::Result;
use crate::form;
use crate::process::{self, Part};
use crate::roles::Role;
use crate::roles::append::AppendTask;
use crate::roles::echo::EchoTask;
use crate::roles::sink::Listening;
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::{self, Server};
use crate::statistics::Spread;

/// Bytes of a message.
pub(super) const MESSAGE_BYTES: usize = 1024;

/// Bytes of an answer to `Publish`.
const ANSWER_BYTES: usize = 300;

/// Callers at a time, where throughput is measured.
const CALLERS: usize = 64;

pub(super) fn throughput(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(context)?;
    let form = form::publish(&server.create_topic("bench")?, MESSAGE_BYTES, false);
    let (echo, address) = echo()?;
    let rate = server.load(CALLERS, context.of(5000, 2000, 100), form.clone())?.rate();
    let count = ((rate * context.seconds()) as u64).max(100);
    let rounds = compare(
        context,
        &mut || {
            let meter = server.meter()?;
            let load = server.load(CALLERS, count, form.clone())?;
            let used = meter.stop(count)?;
            Ok(Sample { cpu_seconds: used.cpu_seconds, peak_kb: used.peak_kb, ..load })
        },
        &mut [&mut || {
            let meter = crate::sample::Meter::of(echo.id())?;
            let load = process::perform(&server::load(address, CALLERS, count, form.clone()))?;
            Ok(Sample { cpu_seconds: meter.stop(count)?.cpu_seconds, ..load })
        }],
    )?;
    Ok(vec![
        Row::ratio(
            "durable_publish_http",
            "Publish/s over a bare hyper echo",
            Target::AtLeast(0.35),
            rounds.over(0, Sample::rate),
        )?
        .noise(rounds.noise(Sample::rate))
        .why(
            "The store's writer has a third of the processor time; in the rest, reading a call, checking it and \
             answering it, allocation stands out.",
        )
        .beside("Publish", rounds.ours(Sample::rate), Unit::PerSecond)
        .beside("echo", rounds.bare(0, Sample::rate), Unit::PerSecond)
        .beside("CPU of a Publish", rounds.ours(Sample::cpu_us), Unit::Microseconds)
        .beside("CPU of an echo", rounds.bare(0, Sample::cpu_us), Unit::Microseconds)
        .beside("p50", rounds.ours(|sample| sample.p50_us), Unit::Microseconds)
        .beside("p99", rounds.ours(|sample| sample.p99_us), Unit::Microseconds),
    ])
}

pub(super) fn latency(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(context)?;
    let form = form::publish(&server.create_topic("bench")?, MESSAGE_BYTES, false);
    let (_echo, address) = echo()?;
    let rate = server.load(1, context.of(500, 200, 20), form.clone())?.rate();
    let count = ((rate * context.seconds()) as u64).max(20);
    let rounds = compare(
        context,
        &mut || server.load(1, count, form.clone()),
        &mut [&mut || synced(context, context.seconds() / 2.0), &mut || {
            process::perform(&server::load(address, 1, count, form.clone()))
        }],
    )?;
    let p50 = |sample: &Sample| sample.p50_us;
    let (syncs, echoes) = (rounds.side(0, &p50), rounds.side(1, &p50));
    let ours = rounds.ours.iter().map(p50);
    let ratio = Spread::of(ours.zip(syncs.iter().zip(&echoes)).map(|(ours, (sync, echo))| ours / (sync + echo)));
    Ok(vec![
        Row::ratio(
            "durable_publish_lat",
            "p50 over p50 of fdatasync + p50 of a bare echo",
            Target::AtMost(2.0),
            ratio,
        )?
        .noise(rounds.noise(p50))
        .beside("Publish p50", rounds.ours(p50), Unit::Microseconds)
        .beside("Publish p99", rounds.ours(|sample| sample.p99_us), Unit::Microseconds)
        .beside("fdatasync p50", rounds.bare(0, p50), Unit::Microseconds)
        .beside("echo p50", rounds.bare(1, p50), Unit::Microseconds),
    ])
}

/// A bare server and where it listens.
pub(super) fn echo() -> Result<(Part, SocketAddr)> {
    let mut part = Part::start(&Role::Echo(EchoTask { answer_bytes: ANSWER_BYTES }))?;
    let Listening { ports } = part.told()?;
    Ok((part, SocketAddr::from(([127, 0, 0, 1], ports[0]))))
}

/// Syncs one record after the other for so many seconds; the latencies are those of the syncs.
pub(super) fn synced(context: &Context, seconds: f64) -> Result<Sample> {
    let file = context.place();
    let task = AppendTask { file: file.path().to_owned(), batch: 1, record_bytes: MESSAGE_BYTES, seconds };
    process::perform(&Role::Append(task))
}
