//! What one run of one side of a comparison came to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::failure::Result;
use crate::statistics::percentile;
use crate::usage;

/// What one run of one side of a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sample {
    /// How many things were done.
    pub(crate) items: u64,
    /// How long that took.
    pub(crate) seconds: f64,
    /// Processor time of the side's own process.
    pub(crate) cpu_seconds: f64,
    /// The most memory that the process ever used.
    pub(crate) peak_kb: u64,
    /// The middle latency, where single things were timed.
    pub(crate) p50_us: f64,
    /// The latency that one in a hundred exceeded.
    pub(crate) p99_us: f64,
    /// Whatever else the workload wants to know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) other: BTreeMap<String, f64>,
}

impl Sample {
    /// Things a second.
    pub(crate) fn rate(&self) -> f64 {
        self.items as f64 / self.seconds.max(1e-9)
    }

    /// Processor time for each thing, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu_seconds * 1e6 / (self.items.max(1)) as f64
    }

    /// Adds the middle and the tail of these latencies.
    pub(crate) fn with_latencies(mut self, mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        self.p50_us = percentile(&nanoseconds, 0.50) as f64 / 1000.0;
        self.p99_us = percentile(&nanoseconds, 0.99) as f64 / 1000.0;
        self
    }

    /// Adds another figure.
    pub(crate) fn with(mut self, name: &str, value: f64) -> Self {
        self.other.insert(name.to_owned(), value);
        self
    }

    /// Another figure by its name; not a number when it is missing.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.other.get(name).copied().unwrap_or(f64::NAN)
    }
}

/// Measures what a process uses from one moment to another.
pub(crate) struct Meter {
    process: u32,
    begun: Instant,
    cpu: Duration,
}

impl Meter {
    /// Begins to measure the process.
    pub(crate) fn of(process: u32) -> Result<Self> {
        Ok(Self { process, cpu: usage::cpu(process)?, begun: Instant::now() })
    }

    /// Begins to measure this very process.
    pub(crate) fn here() -> Result<Self> {
        Self::of(std::process::id())
    }

    /// For how long it has been measuring.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What it came to, now that `items` things are done.
    pub(crate) fn stop(&self, items: u64) -> Result<Sample> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let cpu_seconds = usage::cpu(self.process)?.saturating_sub(self.cpu).as_secs_f64();
        let peak_kb = usage::memory(self.process)?.peak_kb;
        Ok(Sample { items, seconds, cpu_seconds, peak_kb, ..Sample::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_are_by_item() {
        let sample = Sample { items: 200, seconds: 2.0, cpu_seconds: 0.001, ..Sample::default() };
        assert_eq!((sample.rate(), sample.cpu_us()), (100.0, 5.0));
    }

    #[test]
    fn a_sample_survives_the_way_between_processes() {
        let sample = Sample { items: 3, seconds: 0.5, ..Sample::default() }.with_latencies(vec![3000, 1000, 2000]);
        let line = serde_json::to_string(&sample.clone().with("handshakes", 4.0)).unwrap();
        let read: Sample = serde_json::from_str(&line).unwrap();
        assert_eq!((read.p50_us, read.p99_us, read.figure("handshakes")), (2.0, 3.0, 4.0));
        assert!(read.figure("missing").is_nan());
    }
}
