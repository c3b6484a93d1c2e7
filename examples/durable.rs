//! Keeps messages on disk: the first engine ends before its subscriber works, the second delivers what the first left.
//!
//! `cargo run -p fanfare-examples --example durable --features http,store-disk`
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::path::Path;
use std::time::Duration;

use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::egress::EgressPolicy;
use fanfare::retry::RetryPhase;
use fanfare::{Adapters, Fanfare, Message, Protocol, RetrySchedule, Subscribe, SubscriptionArn};
use fanfare_testkit::{HttpReceiver, Reply};

async fn open(directory: &Path) -> Result<Fanfare, Box<dyn std::error::Error>> {
    let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse()?);
    let store = DiskStore::open(directory, DiskOptions::default())?;
    // The key that signs is kept with the messages.
    let adapters = Adapters::new("https://sns.example.com")?.egress(egress).signer(fanfare::kept_signer(&store)?);
    Ok(Fanfare::builder().connectors(adapters.connectors()?).open_store(store).await?)
}

/// Publishes while the subscriber has a problem, and ends.
async fn first(directory: &Path, url: &str) -> Result<(String, SubscriptionArn), Box<dyn std::error::Error>> {
    let fanfare = open(directory).await?;
    let topic = fanfare.create_topic("orders").await?;
    let patiently = RetrySchedule::extended([RetryPhase::constant(1000, Duration::from_millis(200))])?;
    let subscribe = Subscribe::to(Protocol::Http, url).retry(patiently).confirmed();
    let subscription = fanfare.subscribe(&topic, subscribe).await?;
    let mut watch = fanfare.watch();
    let published = fanfare.publish(&topic, Message::text("a parcel left the house")?).await?;
    watch.next().await;
    let id = published.message_id().to_owned();
    println!("the first engine: {:?}", fanfare.why(&id, &subscription).await?.standing);
    fanfare.close().await;
    Ok((id, subscription))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("fanfare-durable-{}", std::process::id()));
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(503).body("come back later"));
    let (id, subscription) = first(&directory, &receiver.url("/orders")).await?;

    receiver.reply_with(Reply::status(200));
    let before = receiver.requests().len();
    let fanfare = open(&directory).await?;
    receiver.wait_for(before + 1).await;
    fanfare.close().await;

    // The log has the attempts of both engines.
    let fanfare = open(&directory).await?;
    let explanation = fanfare.why(&id, &subscription).await?;
    println!("the second engine: {:?}", explanation.standing);
    for attempt in &explanation.attempts {
        println!("  attempt {}: {:?} {:?}", attempt.number, attempt.status, attempt.next);
    }
    fanfare.close().await;
    std::fs::remove_dir_all(&directory)?;
    match explanation.standing {
        fanfare::engine::Standing::Delivered => Ok(()),
        other => Err(format!("the message was not delivered: {other:?}").into()),
    }
}
