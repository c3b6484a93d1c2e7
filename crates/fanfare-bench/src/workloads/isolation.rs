//! `slow_isolation`: what endpoints that hang, answer late or refuse take from those that work.

use super::fanout::{MESSAGE_BYTES, subscribed};
use crate::comparison::compare;
use crate::context::Context;
use crate::failure::Result;
use crate::form;
use crate::process::Part;
use crate::roles::Role;
use crate::roles::load::LoadTask;
use crate::roles::sink::{Conduct, SinkTask};
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::Server;
use crate::subscribers::Subscribers;

/// Messages a second.
const PER_SECOND: f64 = 20.0;

/// Longer than the limit of an attempt: by then endpoints that hang are known to.
const SECONDS: f64 = 18.0;

pub(super) fn isolation(context: &Context) -> Result<Vec<Row>> {
    let tenth = context.of(5, 5, 1);
    let healthy = vec![(Conduct::Answers, 7 * tenth)];
    let bad = [Conduct::Hangs, Conduct::AnswersLate, Conduct::Refuses].map(|conduct| (conduct, tenth));
    let mut alone = Scene::new(context, healthy.clone())?;
    let mut beside = Scene::new(context, [healthy, bad.to_vec()].concat())?;
    let count = (context.of(SECONDS, 2.0, 0.5) * PER_SECOND) as u64;
    let rounds = compare(context, &mut || beside.run(count), &mut [&mut || alone.run(count)])?;
    let figure = |what: &str| format!("{what} of healthy endpoints, of which 3 in 10 are ill, over all being well");
    let (p50, p99) = (|sample: &Sample| sample.p50_us, |sample: &Sample| sample.p99_us);
    Ok(vec![
        Row::ratio("slow_isolation", &figure("deliveries/s"), Target::AtLeast(0.97), rounds.over(0, Sample::rate))?
            .noise(rounds.noise(Sample::rate))
            .beside("deliveries", rounds.ours(Sample::rate), Unit::PerSecond),
        Row::ratio("slow_isolation_p50", &figure("p50"), Target::AtMost(1.10), rounds.over(0, p50))?
            .noise(rounds.noise(p50))
            .beside("p50", rounds.ours(|sample| sample.p50_us / 1e3), Unit::Milliseconds)
            .beside("p50, all well", rounds.bare(0, |sample| sample.p50_us / 1e3), Unit::Milliseconds),
        Row::ratio("slow_isolation_p99", &figure("p99"), Target::AtMost(1.25), rounds.over(0, p99))?
            .noise(rounds.noise(p99))
            .beside("p99", rounds.ours(|sample| sample.p99_us / 1e3), Unit::Milliseconds)
            .beside("p99, all well", rounds.bare(0, |sample| sample.p99_us / 1e3), Unit::Milliseconds),
    ])
}

/// A server with its subscribers.
struct Scene {
    server: Server,
    sink: Subscribers,
    topic: String,
    healthy: u64,
}

impl Scene {
    fn new(context: &Context, endpoints: Vec<(Conduct, usize)>) -> Result<Self> {
        let healthy =
            endpoints.iter().filter(|(conduct, _)| *conduct == Conduct::Answers).map(|(_, count)| *count as u64).sum();
        let server = Server::start(context)?;
        let mut sink = Subscribers::start(SinkTask { endpoints, authority: None, stamped: true })?;
        let topic = subscribed(&server, &mut sink, &[])?;
        let mut scene = Self { server, sink, topic, healthy };
        scene.run(10)?;
        Ok(scene)
    }

    /// Publishes so many messages evenly; the latencies are those of the healthy endpoints, from publisher to subscriber.
    fn run(&mut self, count: u64) -> Result<Sample> {
        let deliveries = count * self.healthy;
        stamped(&self.server, &mut self.sink, &self.topic, count, deliveries)
    }
}

/// Publishes so many stamped messages evenly, and measures until so many deliveries arrived.
pub(super) fn stamped(
    server: &Server,
    sink: &mut Subscribers,
    topic: &str,
    count: u64,
    deliveries: u64,
) -> Result<Sample> {
    sink.forget()?;
    let meter = server.meter()?;
    let mut load = Part::start(&Role::Load(LoadTask {
        server: server.address(),
        callers: 4,
        count,
        form: form::publish(topic, MESSAGE_BYTES, true),
        words: None,
        per_second: PER_SECOND,
    }))?;
    let arrived = sink.until(deliveries)?;
    let sample = meter.stop(deliveries)?;
    load.told::<Sample>()?;
    Ok(Sample { p50_us: arrived.latencies.p50_us, p99_us: arrived.latencies.p99_us, ..sample })
}
