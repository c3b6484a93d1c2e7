//! `http_fanout_100`, `http_fanout_1000` and `tls_fanout`: one message to many endpoints, over bare clients that post the same
//! number of bodies of the same size to the same sink over as many connections.

use crate::comparison::compare;
use crate::context::Context;
use crate::failure::Result;
use crate::process::{self, Part};
use crate::roles::Role;
use crate::roles::post::{Client, PostTask};
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::{self, Server};
use crate::subscribers::Subscribers;

/// Bytes of a message whose envelope has about 1.5 KB.
pub(super) const MESSAGE_BYTES: usize = 512;

/// What is known of the gap to a bare client, by samples of the processor time at 100 endpoints.
/// Publishers at a time.
const CALLERS: usize = 16;

pub(super) fn to_100(context: &Context) -> Result<Vec<Row>> {
    let (rows, cpu) = over_http(context, "http_fanout_100", 100)?;
    Ok([rows, vec![cpu]].concat())
}

pub(super) fn to_1000(context: &Context) -> Result<Vec<Row>> {
    Ok(over_http(context, "http_fanout_1000", context.of(1000, 1000, 20))?.0)
}

fn over_http(context: &Context, name: &str, endpoints: usize) -> Result<(Vec<Row>, Row)> {
    let server = Server::start(context)?;
    let mut sink = Subscribers::answering(endpoints)?;
    let topic = subscribed(&server, &mut sink, &[])?;
    let (messages, body_bytes) = warm(context, &server, &topic, &mut sink)?;
    let ports = sink.ports.clone();
    let count = messages * endpoints as u64;
    let bare = |client| {
        let (ports, authority) = (ports.clone(), None);
        move || {
            process::perform(&Role::Post(PostTask {
                client,
                ports: ports.clone(),
                body_bytes,
                count,
                authority: authority.clone(),
            }))
        }
    };
    let rounds = compare(
        context,
        &mut || fan_out(&server, &topic, &mut sink, messages),
        &mut [&mut bare(Client::Hyper), &mut bare(Client::Reqwest)],
    )?;
    let over_hyper =
        Row::ratio(name, "deliveries/s over bare hyper", Target::AtLeast(0.9), rounds.over(0, Sample::rate))?
            .noise(rounds.noise(Sample::rate))
            .beside("deliveries", rounds.ours(Sample::rate), Unit::PerSecond)
            .beside("bare hyper", rounds.bare(0, Sample::rate), Unit::PerSecond)
            .beside("new connections", rounds.ours(|sample| sample.figure("connections")), Unit::Ratio)
            .beside("peak memory", rounds.ours(peak_mb), Unit::Megabytes);
    let over_reqwest = Row::ratio(
        &format!("{name}_reqwest"),
        "deliveries/s over bare reqwest",
        Target::None,
        rounds.over(1, Sample::rate),
    )?
    .noise(rounds.noise(Sample::rate))
    .beside("bare reqwest", rounds.bare(1, Sample::rate), Unit::PerSecond);
    let cpu = Row::ratio(
        "http_fanout_cpu",
        "CPU of bare hyper over CPU of a delivery, all in",
        Target::AtLeast(0.55),
        rounds.under(0, Sample::cpu_us),
    )?
    .noise(rounds.noise(Sample::cpu_us))
    .beside("a delivery", rounds.ours(Sample::cpu_us), Unit::Microseconds)
    .beside("bare hyper", rounds.bare(0, Sample::cpu_us), Unit::Microseconds)
    .beside("bare reqwest", rounds.bare(1, Sample::cpu_us), Unit::Microseconds);
    Ok((vec![over_hyper, over_reqwest], cpu))
}

pub(super) fn over_tls(context: &Context) -> Result<Vec<Row>> {
    let (endpoints, authority) = (context.of(100, 100, 10), context.place());
    let mut sink = Subscribers::answering_over_tls(endpoints, authority.path())?;
    let server = Server::start_trusting(context, Some(authority.path()))?;
    let topic = subscribed(&server, &mut sink, &[])?;
    let (messages, body_bytes) = warm(context, &server, &topic, &mut sink)?;
    let ports = sink.ports.clone();
    let count = messages * endpoints as u64;
    let bare = Role::Post(PostTask {
        client: Client::Hyper,
        ports,
        body_bytes,
        count,
        authority: Some(authority.path().to_owned()),
    });
    let rounds = compare(
        context,
        &mut || fan_out(&server, &topic, &mut sink, messages),
        &mut [&mut || process::perform(&bare)],
    )?;
    let handshakes = |sample: &Sample| sample.figure("connections") * 10_000.0 / sample.items as f64;
    Ok(vec![
        Row::ratio(
            "tls_fanout",
            "deliveries/s over bare hyper with rustls",
            Target::AtLeast(0.85),
            rounds.over(0, Sample::rate),
        )?
        .noise(rounds.noise(Sample::rate))
        .beside("deliveries", rounds.ours(Sample::rate), Unit::PerSecond)
        .beside("bare hyper", rounds.bare(0, Sample::rate), Unit::PerSecond)
        .beside("CPU of a delivery", rounds.ours(Sample::cpu_us), Unit::Microseconds),
        Row::of(
            "tls_handshakes",
            "handshakes for 10,000 deliveries over warm connections",
            Unit::Ratio,
            Target::AtMost(endpoints as f64 * 1.01),
            rounds.ours(handshakes),
        )?
        .noise(rounds.noise(Sample::rate)),
    ])
}

/// Makes a topic that all of the sink's endpoints subscribe to, and answers it when all are confirmed.
pub(super) fn subscribed(server: &Server, sink: &mut Subscribers, attributes: &[(&str, &str)]) -> Result<String> {
    let topic = server.create_topic("bench")?;
    for url in sink.urls() {
        server.subscribe(&topic, &url, attributes)?;
    }
    sink.until_confirmed(sink.ports.len() as u64)?;
    Ok(topic)
}

/// Opens connections, and finds out how many messages fill a round and how large the bodies are.
pub(super) fn warm(context: &Context, server: &Server, topic: &str, sink: &mut Subscribers) -> Result<(u64, usize)> {
    let endpoints = sink.ports.len() as u64;
    let try_out = (context.of(4000, 2000, 20) / endpoints).max(4);
    fan_out(server, topic, sink, try_out)?;
    let rate = fan_out(server, topic, sink, try_out)?.rate() / endpoints as f64;
    let messages = ((rate * context.seconds()) as u64).max(2);
    Ok((messages, usize::try_from(sink.count()?.body_bytes)?))
}

/// Publishes so many messages, and measures the server until all deliveries arrived. The sample counts `connections` that
/// were made meanwhile.
pub(super) fn fan_out(server: &Server, topic: &str, sink: &mut Subscribers, messages: u64) -> Result<Sample> {
    sink.forget()?;
    let deliveries = messages * sink.ports.len() as u64;
    let form = crate::form::publish(topic, MESSAGE_BYTES, false);
    let meter = server.meter()?;
    let mut load = Part::start(&server::load(server.address(), CALLERS, messages, form))?;
    let arrived = sink.until(deliveries)?;
    let sample = meter.stop(deliveries)?;
    load.told::<Sample>()?;
    Ok(sample.with("connections", arrived.connections as f64))
}

/// The most memory that a side's process ever used, in MB.
pub(super) fn peak_mb(sample: &Sample) -> f64 {
    sample.peak_kb as f64 * 1024.0 / 1e6
}
