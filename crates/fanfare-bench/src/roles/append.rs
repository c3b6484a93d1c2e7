//! A file that records are appended to and that is synced after each batch: what keeping messages is compared with.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::failure::Result;
use crate::sample::{Meter, Sample};

/// What is appended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AppendTask {
    /// The file, which is made anew.
    pub(crate) file: PathBuf,
    /// Records between two syncs.
    pub(crate) batch: usize,
    /// Bytes of a record.
    pub(crate) record_bytes: usize,
    /// For how long.
    pub(crate) seconds: f64,
}

impl AppendTask {
    pub(super) fn perform(self) -> Result<Sample> {
        let mut file = File::create(&self.file)?;
        let record = vec![b'x'; self.record_bytes];
        let mut batch = Vec::with_capacity(self.batch * self.record_bytes);
        let (mut records, mut syncs) = (0, Vec::new());
        let limit = Duration::from_secs_f64(self.seconds);
        let meter = Meter::here()?;
        while meter.elapsed() < limit {
            batch.clear();
            for _ in 0..self.batch {
                batch.extend_from_slice(&record);
            }
            file.write_all(&batch)?;
            let begun = Instant::now();
            file.sync_data()?;
            syncs.push(u64::try_from(begun.elapsed().as_nanos())?);
            records += self.batch as u64;
        }
        let sample = meter.stop(records)?.with_latencies(syncs);
        std::fs::remove_file(&self.file)?;
        Ok(sample)
    }
}
