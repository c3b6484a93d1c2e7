//! `peers`: the same work on another server that speaks SNS, moto's, which comes from PyPI.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::fanout::{MESSAGE_BYTES, fan_out, subscribed, warm};
use crate::comparison::compare;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::form;
use crate::process::Part;
use crate::row::{Row, Target, Unit};
use crate::sample::{Meter, Sample};
use crate::server::{self, Server, call, subscribe_form};
use crate::subscribers::Subscribers;

/// Publishers at a time.
const CALLERS: usize = 16;

pub(super) fn peers(context: &Context) -> Result<Vec<Row>> {
    let moto = Moto::start(context)?;
    let cases: &[(usize, u64, f64)] = context.of(
        &[(1, 150, 15.0), (10, 30, 40.0), (100, 4, 100.0)],
        &[(1, 40, 15.0), (100, 1, 100.0)],
        &[(2, 2, 1.0)],
    );
    cases.iter().map(|case| compared(context, &moto, *case)).collect()
}

fn compared(context: &Context, moto: &Moto, (endpoints, count, target): (usize, u64, f64)) -> Result<Row> {
    let server = Server::start(context)?;
    let mut sink = Subscribers::answering(endpoints)?;
    let topic = subscribed(&server, &mut sink, &[])?;
    let (messages, _) = warm(context, &server, &topic, &mut sink)?;
    // Two sinks, since a side must not be counted for the other.
    let mut others = Subscribers::answering(endpoints)?;
    let there = moto.subscribed(&format!("to-{endpoints}"), &others)?;
    let rounds = compare(
        context,
        &mut || fan_out(&server, &topic, &mut sink, messages),
        &mut [&mut || moto.fan_out(&there, &mut others, count)],
    )?;
    let figure = format!("deliveries/s to {endpoints} HTTP endpoints over moto's");
    Ok(Row::ratio(&format!("peer_moto_{endpoints}"), &figure, Target::AtLeast(target), rounds.over(0, Sample::rate))?
        .noise(rounds.noise(Sample::rate))
        .beside("Fanfare", rounds.ours(Sample::rate), Unit::PerSecond)
        .beside("moto", rounds.bare(0, Sample::rate), Unit::PerSecond)
        .beside("CPU of a delivery", rounds.ours(Sample::cpu_us), Unit::Microseconds)
        .beside("CPU of moto's", rounds.bare(0, Sample::cpu_us), Unit::Microseconds)
        .beside("memory", rounds.ours(super::fanout::peak_mb), Unit::Megabytes)
        .beside("memory of moto", rounds.bare(0, super::fanout::peak_mb), Unit::Megabytes))
}

/// moto's server.
struct Moto {
    part: Part,
    address: SocketAddr,
}

impl Moto {
    fn start(context: &Context) -> Result<Self> {
        let python = context.python.as_ref().ok_or_else(|| {
            Failure::new("moto is missing: give `--python` one that has it, as `cargo xtask bench` does")
        })?;
        // It takes a port alone, so a free one is looked for and let go of.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &address.port().to_string()]);
        command.stderr(Stdio::null());
        let part = Part::spawn(command)?;
        for _ in 0..600 {
            if TcpStream::connect(address).is_ok() {
                return Ok(Self { part, address });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::new("moto does not listen"))
    }

    fn subscribed(&self, name: &str, sink: &Subscribers) -> Result<String> {
        let made = call(self.address, &format!("Action=CreateTopic&Name={name}&Version=2010-03-31"))?;
        let arn = made.split_once("<TopicArn>").and_then(|(_, rest)| rest.split_once("</TopicArn>"));
        let (topic, _) = arn.ok_or_else(|| Failure::new("moto made no topic"))?;
        for url in sink.urls() {
            call(self.address, &subscribe_form(topic, &url, &[]))?;
        }
        Ok(topic.to_owned())
    }

    fn fan_out(&self, topic: &str, sink: &mut Subscribers, messages: u64) -> Result<Sample> {
        sink.forget()?;
        let deliveries = messages * sink.ports.len() as u64;
        let form = form::publish(topic, MESSAGE_BYTES, false);
        let meter = Meter::of(self.part.id())?;
        let mut load = Part::start(&server::load(self.address, CALLERS, messages, form))?;
        sink.until(deliveries)?;
        let sample = meter.stop(deliveries)?;
        load.told::<Sample>()?;
        Ok(sample)
    }
}
