//! Publishing to NATS JetStream with its own client, and nobody subscribed.

use std::net::SocketAddr;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::failure::{Failure, Result};
use crate::sample::{Meter, Sample};

/// What is published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JetStreamTask {
    /// Where the server listens.
    pub(crate) server: SocketAddr,
    /// Publishers at a time, each of which waits for its acknowledgement.
    pub(crate) in_flight: usize,
    /// Bytes of a message.
    pub(crate) message_bytes: usize,
    /// For how long.
    pub(crate) seconds: f64,
}

impl JetStreamTask {
    pub(super) fn perform(self) -> Result<Sample> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("NATS: {error}"));
            let client = async_nats::connect(self.server.to_string()).await.map_err(|error| wrong(&error))?;
            let jetstream = jetstream::new(client);
            // In a file, and synced now and then, as it is unless it is told otherwise.
            let stream = stream::Config {
                name: "bench".into(),
                storage: stream::StorageType::File,
                ..stream::Config::default()
            };
            jetstream.create_stream(stream).await.map_err(|error| wrong(&error))?;
            let text = Bytes::from("x".repeat(self.message_bytes));
            let mut publishers = JoinSet::new();
            let meter = Meter::here()?;
            let end = tokio::time::Instant::now() + Duration::from_secs_f64(self.seconds);
            for _ in 0..self.in_flight {
                let (jetstream, text) = (jetstream.clone(), text.clone());
                publishers.spawn(async move {
                    let mut published = 0;
                    while tokio::time::Instant::now() < end {
                        let sent = jetstream.publish("bench", text.clone()).await.map_err(|error| wrong(&error))?;
                        sent.await.map_err(|error| wrong(&error))?;
                        published += 1;
                    }
                    Ok::<u64, Failure>(published)
                });
            }
            let mut published = 0;
            while let Some(ended) = publishers.join_next().await {
                published += ended??;
            }
            meter.stop(published)
        })
    }
}
