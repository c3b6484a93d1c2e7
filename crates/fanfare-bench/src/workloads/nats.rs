//! `append_vs_nats`: publishing through the library, over publishing to NATS JetStream, which keeps what it acknowledged in a file
//! as well but does not wait for the disk.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::publishing::MESSAGE_BYTES;
use crate::comparison::compare;
use crate::context::{Context, Place};
use crate::failure::{Failure, Result};
use crate::process::{self, Part};
use crate::roles::Role;
use crate::roles::jetstream::JetStreamTask;
use crate::roles::keep::KeepTask;
use crate::row::{Row, Target, Unit};
use crate::sample::{Meter, Sample};

/// Messages that are waited for at a time.
const IN_FLIGHT: usize = 256;

pub(super) fn append(context: &Context) -> Result<Vec<Row>> {
    let seconds = context.seconds();
    let rounds = compare(
        context,
        &mut || {
            let place = context.place();
            let directory = place.path().to_owned();
            process::perform(&Role::Keep(KeepTask {
                directory,
                in_flight: IN_FLIGHT,
                message_bytes: MESSAGE_BYTES,
                seconds,
            }))
        },
        &mut [&mut || {
            let nats = Nats::start(context)?;
            let meter = Meter::of(nats.part.id())?;
            let task =
                JetStreamTask { server: nats.address, in_flight: IN_FLIGHT, message_bytes: MESSAGE_BYTES, seconds };
            let published = process::perform(&Role::JetStream(task))?;
            let server = meter.stop(published.items)?;
            let cpu_seconds = server.cpu_seconds + published.cpu_seconds;
            Ok(Sample { cpu_seconds, peak_kb: server.peak_kb, ..published })
        }],
    )?;
    let figure = format!("publish/s, {IN_FLIGHT} in flight, synced, over NATS JetStream, not synced");
    let row = Row::ratio("append_vs_nats", &figure, Target::AtLeast(1.0), rounds.over(0, Sample::rate))?;
    Ok(vec![
        row.noise(rounds.noise(Sample::rate))
            .beside("publish", rounds.ours(Sample::rate), Unit::PerSecond)
            .beside("NATS", rounds.bare(0, Sample::rate), Unit::PerSecond)
            .beside("CPU of a publish", rounds.ours(Sample::cpu_us), Unit::Microseconds)
            .beside("CPU of NATS and its client", rounds.bare(0, Sample::cpu_us), Unit::Microseconds),
    ])
}

/// A NATS server with JetStream, and an empty folder.
struct Nats {
    part: Part,
    address: SocketAddr,
    _place: Place,
}

impl Nats {
    fn start(context: &Context) -> Result<Self> {
        // Its own way to a free port is a file to be waited for.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let place = context.place();
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-p", &address.port().to_string(), "-sd"]).arg(place.path());
        command.stderr(Stdio::null());
        let part = Part::spawn(command)
            .map_err(|failure| Failure::new(format!("{failure}: `cargo xtask bench` installs it from Debian")))?;
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return Ok(Self { part, address, _place: place });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new("NATS does not listen"))
    }
}
