//! `idle`: what the server costs while nobody calls it, and how soon it answers.

use std::time::Duration;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::row::{Row, Target, Unit};
use crate::server::Server;
use crate::statistics::Spread;

pub(super) fn idle(context: &Context) -> Result<Vec<Row>> {
    let data = context.place();
    let start = || Server::on(context, data.path(), None);
    // The first start makes the key that signs.
    let first = start()?.started_in.as_secs_f64() * 1000.0;
    let starts = (0..context.of(20, 10, 2)).map(|_| Ok(start()?.started_in.as_secs_f64() * 1000.0));
    let starts = starts.collect::<Result<Vec<_>>>()?;
    // What is done once after a start belongs to the start.
    let settle = Duration::from_millis(context.of(2000, 1000, 50));
    let megabytes = |server: &Server| Ok::<_, Failure>(server.memory()?.resident_kb as f64 * 1024.0 / 1e6);
    let mut memory = Vec::new();
    for _ in 1..context.rounds() {
        let server = start()?;
        std::thread::sleep(settle);
        memory.push(megabytes(&server)?);
    }
    let server = start()?;
    std::thread::sleep(settle);
    let mut shares = Vec::new();
    for _ in 0..context.rounds() {
        let meter = server.meter()?;
        std::thread::sleep(Duration::from_secs_f64(context.of(6.0, 1.5, 0.05)));
        let used = meter.stop(1)?;
        shares.push(used.cpu_seconds / used.seconds * 100.0);
    }
    memory.push(megabytes(&server)?);
    Ok(vec![
        Row::repeated(
            "idle_start",
            "from the start of the process to the first answer",
            Unit::Milliseconds,
            Target::AtMost(200.0),
            &starts,
        )?
        .beside("the first start", Spread::of([first]), Unit::Milliseconds),
        Row::repeated("idle_memory", "memory while nobody calls", Unit::Megabytes, Target::AtMost(20.0), &memory)?,
        Row::repeated("idle_cpu", "share of a core while nobody calls", Unit::Percent, Target::AtMost(0.1), &shares)?,
    ])
}
