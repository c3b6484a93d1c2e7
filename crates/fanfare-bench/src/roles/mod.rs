//! What a process of the benchmark can be: the program starts itself for each part of a workload, so that each has its own
//! processor time and memory.

pub(crate) mod append;
pub(crate) mod crowd;
pub(crate) mod echo;
pub(crate) mod filter;
pub(crate) mod jetstream;
pub(crate) mod keep;
pub(crate) mod load;
pub(crate) mod post;
pub(crate) mod sign;
pub(crate) mod sink;

use std::io::Read as _;

use serde::{Deserialize, Serialize};

use crate::failure::Result;

/// A part, with its task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Subscribers, until the input ends.
    Sink(sink::SinkTask),
    /// A bare server, until the input ends.
    Echo(echo::EchoTask),
    /// A bare client.
    Post(post::PostTask),
    /// Callers of an SNS server.
    Load(load::LoadTask),
    /// A file that is appended to and synced.
    Append(append::AppendTask),
    /// A publisher to NATS JetStream.
    JetStream(jetstream::JetStreamTask),
    /// Publishers of the library.
    Keep(keep::KeepTask),
    /// Many subscriptions of one topic.
    Crowd(crowd::CrowdTask),
    /// Matching, until the input ends.
    Filter(filter::FilterTask),
    /// A signer.
    Sign(sign::SignTask),
}

impl Role {
    /// Does the task to its end. What it came to stands on standard output, one JSON value on each line.
    pub(crate) fn perform(self) -> Result<()> {
        match self {
            Self::Sink(task) => task.perform(),
            Self::Echo(task) => task.perform(),
            Self::Post(task) => tell(&task.perform()?),
            Self::Load(task) => tell(&task.perform()?),
            Self::Append(task) => tell(&task.perform()?),
            Self::JetStream(task) => tell(&task.perform()?),
            Self::Keep(task) => tell(&task.perform()?),
            Self::Crowd(task) => tell(&task.perform()?),
            Self::Filter(task) => task.perform(),
            Self::Sign(task) => tell(&task.perform()?),
        }
    }
}

/// Tells whoever started this process.
fn tell(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Ends the process when whoever started it is gone.
fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
