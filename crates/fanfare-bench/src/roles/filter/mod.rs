//! Matching: one process that has read many policies and matches events when it is asked to.

mod generate;
mod index;

use std::hint::black_box;
use std::io::BufRead as _;

use fanfare::filter::Event;
use fanfare::{Attributes, FilterPolicy, FilterPolicyScope};
use serde::{Deserialize, Serialize};

use super::tell;
use crate::failure::Result;
use crate::sample::{Meter, Sample};
use crate::usage;

pub(crate) use generate::Kind;

/// What is matched.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct FilterTask {
    /// What policies and events look like.
    pub(crate) kind: Kind,
    /// How many policies there are.
    pub(crate) policies: usize,
}

/// What each event is put through.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Method {
    /// What the engine matches with.
    Engine,
    /// Each policy by itself.
    Each,
    /// Nothing but being read as a `serde_json::Value`.
    Parse,
}

/// A question: by which method, for how many seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ask(pub(crate) Method, pub(crate) f64);

impl FilterTask {
    pub(super) fn perform(self) -> Result<()> {
        let texts = self.kind.policies(self.policies);
        let events = self.kind.events(self.policies);
        let before = usage::memory(std::process::id())?.resident_kb;
        let meter = Meter::here()?;
        let read = texts.iter().map(|text| FilterPolicy::parse(text, FilterPolicyScope::MessageBody));
        let policies = read.collect::<std::result::Result<Vec<_>, _>>()?;
        let index = index::Index::of(&policies);
        let loaded = meter.stop(policies.len() as u64)?;
        let grown = usage::memory(std::process::id())?.resident_kb.saturating_sub(before);
        tell(&loaded.with("bytes", grown as f64 * 1024.0 / policies.len() as f64))?;
        for line in std::io::stdin().lock().lines() {
            let Ask(method, seconds) = serde_json::from_str(&line?)?;
            tell(&match method {
                Method::Engine => measure(&events, seconds, |body| index.matches(body))?,
                Method::Each => measure(&events, seconds, |body| each(&policies, body))?,
                Method::Parse => measure(&events, seconds, |body| {
                    black_box(serde_json::from_str::<serde_json::Value>(body)).is_ok().into()
                })?,
            })?;
        }
        Ok(())
    }
}

/// How many of the policies want an event, asking each.
fn each(policies: &[FilterPolicy], body: &str) -> usize {
    let attributes = Attributes::new();
    let event = Event::new(&attributes, body);
    policies.iter().filter(|policy| policy.matches(&event).is_match()).count()
}

/// Puts events through `matching`, which answers how many matched, for so many seconds.
fn measure(events: &[String], seconds: f64, matching: impl Fn(&str) -> usize) -> Result<Sample> {
    let (mut done, mut matches) = (0_u64, 0);
    let meter = Meter::here()?;
    'time: loop {
        for event in events {
            matches += matching(black_box(event));
            done += 1;
            // Looking at the clock costs less than a hundredth of what it stands beside.
            if (done.is_multiple_of(16) || seconds < 0.1 || events.len() < 16 || matches > 100_000)
                && meter.elapsed().as_secs_f64() >= seconds
            {
                break 'time;
            }
        }
    }
    Ok(meter.stop(done)?.with("matches", matches as f64 / done as f64))
}
