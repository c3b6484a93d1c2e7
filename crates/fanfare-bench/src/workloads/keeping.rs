//! `durable_append`: publishing through the library to a topic without subscribers, over a file that is appended to and synced
//! in batches of as many records.

use super::publishing::MESSAGE_BYTES;
use crate::comparison::compare;
use crate::context::Context;
use crate::failure::Result;
use crate::process;
use crate::roles::Role;
use crate::roles::append::AppendTask;
use crate::roles::keep::KeepTask;
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;

pub(super) fn append(context: &Context) -> Result<Vec<Row>> {
    Ok(vec![at_a_time(context, 16, Target::AtLeast(0.8))?, at_a_time(context, 256, Target::AtLeast(0.7))?])
}

fn at_a_time(context: &Context, in_flight: usize, target: Target) -> Result<Row> {
    let seconds = context.seconds();
    let rounds = compare(
        context,
        &mut || {
            let directory = context.place();
            let task =
                KeepTask { directory: directory.path().to_owned(), in_flight, message_bytes: MESSAGE_BYTES, seconds };
            process::perform(&Role::Keep(task))
        },
        &mut [&mut || {
            let file = context.place();
            let file = file.path().to_owned();
            process::perform(&Role::Append(AppendTask { file, batch: in_flight, record_bytes: MESSAGE_BYTES, seconds }))
        }],
    )?;
    let name = format!("durable_append_{in_flight}");
    let figure = format!("publish/s, {in_flight} in flight, over appending and syncing {in_flight} records at a time");
    Ok(Row::ratio(&name, &figure, target, rounds.over(0, Sample::rate))?
        .noise(rounds.noise(Sample::rate))
        .beside("publish", rounds.ours(Sample::rate), Unit::PerSecond)
        .beside("append", rounds.bare(0, Sample::rate), Unit::PerSecond)
        .beside("CPU of a publish", rounds.ours(Sample::cpu_us), Unit::Microseconds))
}
