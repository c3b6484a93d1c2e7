//! `e2e_latency`: from the publisher's call to the body at the subscriber, 20 messages a second, over what it cannot go below:
//! a sync, a signature and two exchanges on loopback.

use super::fanout::subscribed;
use super::isolation::stamped;
use super::publishing::{echo, synced};
use crate::comparison::compare;
use crate::context::Context;
use crate::failure::Result;
use crate::process;
use crate::roles::Role;
use crate::roles::sign::SignTask;
use crate::roles::sink::{Conduct, SinkTask};
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::{self, Server};
use crate::statistics::Spread;
use crate::subscribers::Subscribers;

pub(super) fn end_to_end(context: &Context) -> Result<Vec<Row>> {
    context.of(&[1, 10, 100][..], &[1, 100], &[2]).iter().map(|endpoints| to(context, *endpoints)).collect()
}

fn to(context: &Context, endpoints: usize) -> Result<Row> {
    let server = Server::start(context)?;
    let task = SinkTask { endpoints: vec![(Conduct::Answers, endpoints)], authority: None, stamped: true };
    let mut sink = Subscribers::start(task)?;
    let topic = subscribed(&server, &mut sink, &[])?;
    let (_echo, address) = echo()?;
    let count = context.of(100, 20, 4);
    let deliveries = count * endpoints as u64;
    stamped(&server, &mut sink, &topic, count, deliveries)?;
    let seconds = context.of(1.0, 0.3, 0.05);
    let exchanges = server::load(address, 1, context.of(5000, 1000, 10), "x".repeat(1500));
    let rounds = compare(
        context,
        &mut || stamped(&server, &mut sink, &topic, count, deliveries),
        &mut [
            &mut || synced(context, seconds),
            &mut || process::perform(&Role::Sign(SignTask { seconds })),
            &mut || process::perform(&exchanges),
        ],
    )?;
    let p50 = |sample: &Sample| sample.p50_us;
    let parts = [rounds.side(0, &p50), rounds.side(1, &|sample| 1e6 / sample.rate()), rounds.side(2, &p50)];
    let least = |round: usize| parts[0][round] + parts[1][round] + 2.0 * parts[2][round];
    let ratio = Spread::of(rounds.ours.iter().enumerate().map(|(round, sample)| sample.p50_us / least(round)));
    let figure = "p50 from publisher to subscriber over fdatasync + signature + two exchanges";
    Ok(Row::ratio(&format!("e2e_latency_{endpoints}"), figure, Target::AtMost(2.5), ratio)?
        .noise(rounds.noise(p50))
        .beside("p50", rounds.ours(|sample| sample.p50_us / 1e3), Unit::Milliseconds)
        .beside("p99", rounds.ours(|sample| sample.p99_us / 1e3), Unit::Milliseconds)
        .beside("fdatasync", rounds.bare(0, p50), Unit::Microseconds)
        .beside("signature", rounds.bare(1, |sample| 1e6 / sample.rate()), Unit::Microseconds)
        .beside("exchange", rounds.bare(2, p50), Unit::Microseconds))
}
