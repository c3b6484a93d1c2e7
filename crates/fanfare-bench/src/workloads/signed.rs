//! `fanout_n1_signed` and `fanout_n1_raw`: each message to one endpoint, where the signature is what costs, and without it.

use super::fanout::{MESSAGE_BYTES, fan_out, subscribed, warm};
use crate::comparison::compare;
use crate::context::Context;
use crate::failure::Result;
use crate::form;
use crate::process;
use crate::roles::Role;
use crate::roles::sign::SignTask;
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::Server;
use crate::subscribers::Subscribers;

/// The most threads that the server signs on.
const SIGNING_THREADS_MAX: usize = 4;

pub(super) fn signed(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(context)?;
    let mut sink = Subscribers::answering(1)?;
    let topic = subscribed(&server, &mut sink, &[])?;
    let (messages, _) = warm(context, &server, &topic, &mut sink)?;
    let seconds = context.seconds();
    let rounds = compare(
        context,
        &mut || fan_out(&server, &topic, &mut sink, messages),
        &mut [&mut || process::perform(&Role::Sign(SignTask { seconds }))],
    )?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(SIGNING_THREADS_MAX);
    let ratio = rounds.over(0, Sample::rate).map(|spread| spread.scaled(1.0 / threads as f64));
    let figure = "messages/s over signatures/s of one core, times the signing threads";
    Ok(vec![
        Row::ratio("fanout_n1_signed", figure, Target::AtLeast(0.8), ratio)?
            .noise(rounds.noise(Sample::rate))
            .why("The threads that sign share the machine's cores with the rest of the server, the load and the sink.")
            .beside("messages", rounds.ours(Sample::rate), Unit::PerSecond)
            .beside("signatures of one core", rounds.bare(0, Sample::rate), Unit::PerSecond)
            .beside("CPU of a message", rounds.ours(Sample::cpu_us), Unit::Microseconds),
    ])
}

pub(super) fn raw(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(context)?;
    let mut sink = Subscribers::answering(1)?;
    let topic = subscribed(&server, &mut sink, &[("RawMessageDelivery", "true")])?;
    let (messages, _) = warm(context, &server, &topic, &mut sink)?;
    let nobody = server.create_topic("nobody")?;
    let rounds = compare(
        context,
        &mut || fan_out(&server, &topic, &mut sink, messages),
        &mut [&mut || server.load(64, messages, form::publish(&nobody, MESSAGE_BYTES, false))],
    )?;
    Ok(vec![
        Row::ratio(
            "fanout_n1_raw",
            "deliveries/s over Publish/s without a subscriber",
            Target::AtLeast(0.6),
            rounds.over(0, Sample::rate),
        )?
        .noise(rounds.noise(Sample::rate))
        .beside("deliveries", rounds.ours(Sample::rate), Unit::PerSecond)
        .beside("Publish", rounds.bare(0, Sample::rate), Unit::PerSecond)
        .beside("CPU of a message", rounds.ours(Sample::cpu_us), Unit::Microseconds),
    ])
}
