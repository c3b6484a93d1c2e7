//! Brings a protocol of one's own: anything that implements `Endpoint` can be subscribed.
//!
//! `cargo run -p fanfare-examples --example custom_endpoint`
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare::retry::RetryPhase;
use fanfare::{
    DeliveryError, DeliveryErrorKind, Endpoint, Fanfare, Message, Notification, Outcome, Protocol, Receipt,
    RetrySchedule, Subscribe,
};

/// Says each message aloud, and is hoarse at the first attempt.
#[derive(Debug)]
struct TownCrier;

impl fmt::Display for TownCrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the town crier")
    }
}

#[async_trait]
impl Endpoint for TownCrier {
    fn protocol(&self) -> Protocol {
        Protocol::custom("voice").expect("the name is well formed")
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        if notification.attempt().get() == 1 {
            return Err(DeliveryError::retry(DeliveryErrorKind::Unavailable, "hoarse"));
        }
        println!("Hear ye! {}", notification.text());
        Ok(Receipt::new())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("news").await?;
    let soon = RetrySchedule::extended([RetryPhase::constant(3, Duration::from_millis(100))])?;
    fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(TownCrier)).retry(soon)).await?;

    let published = fanfare.publish(&topic, Message::text("a parcel left the house")?).await?;
    let report = published.settled().await;
    println!("{:?}", report.endings[0].1);
    if report.delivered() == 1 { Ok(()) } else { Err("the crier never spoke".into()) }
}
