//! `hang_memory`, `backlog_memory` and `restart_1m`: what endpoints that do not answer cost, in memory and at the next start.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use super::fanout::{fan_out, subscribed};
use super::publishing::MESSAGE_BYTES;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::form;
use crate::roles::sink::{Conduct, SinkTask};
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::Server;
use crate::statistics::Spread;
use crate::subscribers::Subscribers;

/// Attempts that the server makes at a time for one subscription.
const ATTEMPTS_OF_A_LANE: u64 = 16;

/// Files that the server and the sinks may need beside one for each connection.
const OTHER_FILES: u64 = 1000;

/// How long the server leaves an attempt without an answer, in seconds.
const ATTEMPT_SECONDS: f64 = 15.0;

pub(super) fn hanging(context: &Context) -> Result<Vec<Row>> {
    let lanes = context.of(10_000, 2_000, 64).min(files_max()?.saturating_sub(OTHER_FILES)) / ATTEMPTS_OF_A_LANE;
    let twice = [hang(context, lanes)?, hang(context, lanes)?];
    let figure = format!("memory of each of {} attempts that nobody answers", twice[1].0);
    let of_each = twice.map(|(held, grown)| grown / held as f64);
    Ok(vec![
        Row::repeated("hang_memory", &figure, Unit::Bytes, Target::AtMost(65536.0), &of_each)?
            .why("An attempt is a task with a connection of its own, whose buffers count for it.")
            .beside("in all", Spread::of(twice.map(|(_, grown)| grown / 1e6)), Unit::Megabytes),
    ])
}

/// So many lanes with all the attempts that they make at a time: how many are held, and the memory that they take.
fn hang(context: &Context, lanes: u64) -> Result<(u64, f64)> {
    let server = Server::start(context)?;
    let mut sink = hanging_sink(usize::try_from(lanes)?)?;
    let topic = subscribed(&server, &mut sink, &[])?;
    let before = server.memory()?.resident_kb;
    let attempts = lanes * ATTEMPTS_OF_A_LANE;
    server.load(4, ATTEMPTS_OF_A_LANE, form::publish(&topic, MESSAGE_BYTES, false))?;
    let held = until_held(&mut sink, attempts)?;
    let grown = (server.memory()?.resident_kb.saturating_sub(before)) as f64 * 1024.0;
    Ok((held, grown))
}

/// Waits until the sink holds so many requests, or the first attempts end; answers how many it held.
fn until_held(sink: &mut Subscribers, goal: u64) -> Result<u64> {
    let begun = Instant::now();
    let mut most = 0;
    while most < goal && begun.elapsed().as_secs_f64() < ATTEMPT_SECONDS * 0.9 {
        most = most.max(sink.within(u64::MAX, 0.05)?.held);
    }
    if most == 0 { Err(Failure::new("nothing was delivered")) } else { Ok(most) }
}

pub(super) fn backlog(context: &Context) -> Result<Vec<Row>> {
    let data = context.place();
    let server = Server::on(context, data.path(), None)?;
    let mut healthy = Subscribers::answering(1)?;
    let raw = [("RawMessageDelivery", "true")];
    let alone = subscribed(&server, &mut healthy, &raw)?;
    let mut dead = hanging_sink(1)?;
    let down = server.create_topic("down")?;
    server.subscribe(&down, &dead.urls()[0], &raw)?;
    dead.until_confirmed(1)?;

    let count = context.of(2000, 1000, 20);
    let measured = |server: &Server, sink: &mut Subscribers| -> Result<Vec<f64>> {
        (0..context.rounds()).map(|_| fan_out(server, &alone, sink, count).map(|sample| sample.rate())).collect()
    };
    fan_out(&server, &alone, &mut healthy, count)?;
    let without = measured(&server, &mut healthy)?;
    let (first, all) = (context.of(100_000, 20_000, 50), context.of(1_000_000, 60_000, 100));
    let publish = form::publish(&down, MESSAGE_BYTES, false);
    server.load(64, first, publish.clone())?;
    let half = (all - first) / 2;
    let fill = || -> Result<(f64, f64)> {
        let before = server.memory()?.resident_kb;
        let filled: Sample = server.load(64, half, publish.clone())?;
        let grown = server.memory()?.resident_kb.saturating_sub(before) as f64 * 1024.0;
        Ok((grown / half as f64, filled.rate()))
    };
    let halves = [fill()?, fill()?];
    let with = measured(&server, &mut healthy)?;
    let beside: Option<Spread> = Spread::of(with.iter().zip(&without).map(|(with, without)| with / without));
    let waits = format!("growth of the memory for each of {all} notifications that wait for a dead endpoint");
    let mut rows = vec![
        Row::repeated("backlog_memory", &waits, Unit::Bytes, Target::AtMost(32.0), &halves.map(|(grown, _)| grown))?
            .beside("Publish", Spread::of(halves.map(|(_, rate)| rate)), Unit::PerSecond)
            .beside("memory", Spread::of([server.memory()?.resident_kb as f64 * 1024.0 / 1e6]), Unit::Megabytes),
        Row::ratio(
            "backlog_healthy",
            "deliveries/s to a healthy endpoint with the backlog over without",
            Target::AtLeast(0.97),
            beside,
        )?
        .noise(Spread::of(without.iter().map(|rate| rate / without[0])))
        .beside("with", Spread::of(with), Unit::PerSecond)
        .beside("without", Spread::of(without.clone()), Unit::PerSecond),
    ];
    drop(server);
    let bytes = scanned(data.path())?;
    let (mut starts, mut scans) = (Vec::new(), Vec::new());
    for _ in 0..context.rounds() {
        scans.push(scanned(data.path())?.1);
        starts.push(Server::on(context, data.path(), None)?.started_in.as_secs_f64());
    }
    let ratio = Spread::of(starts.iter().zip(&scans).map(|(start, scan)| start / scan));
    let noise = Spread::of_repeats(&scans);
    rows.push(
        Row::ratio(
            "restart_backlog",
            &format!("start with {all} waiting, to the first answer, over reading the same bytes"),
            Target::AtMost(1.5),
            ratio,
        )?
        .noise(noise)
        .beside("start", Spread::of(starts).map(|spread| spread.scaled(1000.0)), Unit::Milliseconds)
        .beside("read", Spread::of(scans).map(|spread| spread.scaled(1000.0)), Unit::Milliseconds)
        .beside("on disk", Spread::of([bytes.0 as f64 / 1e6]), Unit::Megabytes),
    );
    Ok(rows)
}

fn hanging_sink(endpoints: usize) -> Result<Subscribers> {
    Subscribers::start(SinkTask { endpoints: vec![(Conduct::Hangs, endpoints)], authority: None, stamped: false })
}

/// Reads every file of a folder; answers the bytes, and how long that took in seconds.
pub(super) fn scanned(folder: &Path) -> Result<(u64, f64)> {
    let (begun, mut bytes) = (Instant::now(), 0);
    let mut piece = vec![0; 1 << 20];
    for entry in fs::read_dir(folder)? {
        let mut file = fs::File::open(entry?.path())?;
        loop {
            let read = file.read(&mut piece)?;
            bytes += read as u64;
            if read == 0 {
                break;
            }
        }
    }
    Ok((bytes, begun.elapsed().as_secs_f64()))
}

/// How many files a process that is started here may have open.
fn files_max() -> Result<u64> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    Ok(soft.and_then(|soft| soft.parse().ok()).unwrap_or(u64::MAX))
}
