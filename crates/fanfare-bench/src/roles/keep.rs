//! Publishing through the library, with a store on disk and nobody subscribed.

use std::path::PathBuf;

use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::{Fanfare, Message};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::failure::{Failure, Result};
use crate::sample::{Meter, Sample};

/// What is published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeepTask {
    /// The store's directory.
    pub(crate) directory: PathBuf,
    /// Publishers at a time.
    pub(crate) in_flight: usize,
    /// Bytes of a message.
    pub(crate) message_bytes: usize,
    /// For how long.
    pub(crate) seconds: f64,
}

impl KeepTask {
    pub(super) fn perform(self) -> Result<Sample> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = DiskStore::open(&self.directory, DiskOptions::default())?;
            let fanfare = Fanfare::builder().open_store(store).await?;
            let topic = fanfare.create_topic("bench").await?;
            let text = "x".repeat(self.message_bytes);
            let mut publishers = JoinSet::new();
            let meter = Meter::here()?;
            let end = tokio::time::Instant::now() + std::time::Duration::from_secs_f64(self.seconds);
            for _ in 0..self.in_flight {
                let (fanfare, topic, text) = (fanfare.clone(), topic.clone(), text.clone());
                publishers.spawn(async move {
                    let mut published = 0;
                    while tokio::time::Instant::now() < end {
                        fanfare.publish(&topic, Message::text(text.clone())?).await?;
                        published += 1;
                    }
                    Ok::<u64, Failure>(published)
                });
            }
            let mut published = 0;
            while let Some(ended) = publishers.join_next().await {
                published += ended??;
            }
            let sample = meter.stop(published)?;
            fanfare.close().await;
            Ok(sample)
        })
    }
}
