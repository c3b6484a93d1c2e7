//! What a backlog costs: many notifications wait for a dead endpoint, on the store on disk, while others are delivered.
//!
//! `cargo bench -p fanfare-tests --bench backlog [-- WAITING]`, where WAITING is 1,000,000 unless said otherwise. It prints
//! what publishing and delivering to a healthy endpoint comes to before and with the backlog, the memory that the process
//! uses, and how long a new start takes. Rates depend on the machine; the ratios are what counts.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and stops where it fails")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::{
    Connector, Connectors, Endpoint, Fanfare, Message, Notification, Outcome, Protocol, Receipt, SnsError, Subscribe,
    TopicArn,
};

/// Publishers at a time.
const PUBLISHERS: usize = 64;

/// Messages of each measured run.
const RUN: usize = 20_000;

/// Bytes of a message.
const MESSAGE_BYTES: usize = 512;

/// Opens `healthy`, which counts, and every other address, which never answers.
#[derive(Debug, Default)]
struct Places {
    delivered: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Place {
    address: String,
    delivered: Arc<AtomicUsize>,
}

impl Connector for Places {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::custom("bench").unwrap()]
    }

    fn connect(&self, _: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        Ok(Arc::new(Place { address: address.to_owned(), delivered: Arc::clone(&self.delivered) }))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.address)
    }
}

#[async_trait]
impl Endpoint for Place {
    fn protocol(&self) -> Protocol {
        Protocol::custom("bench").unwrap()
    }

    async fn deliver(&self, _: &Notification) -> Outcome {
        if self.address == "healthy" {
            self.delivered.fetch_add(1, Ordering::Relaxed);
            return Ok(Receipt::new());
        }
        std::future::pending().await
    }
}

#[tokio::main]
async fn main() {
    let waiting = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("backlog");
    let _ = std::fs::remove_dir_all(&directory);
    let (fanfare, delivered) = open(&directory).await;
    let both = fanfare.create_topic("both").await.unwrap();
    let dead = fanfare.create_topic("dead").await.unwrap();
    let alone = fanfare.create_topic("alone").await.unwrap();
    let to = |address: &str| Subscribe::to(Protocol::custom("bench").unwrap(), address);
    fanfare.subscribe(&alone, to("healthy")).await.unwrap();
    fanfare.subscribe(&both, to("healthy")).await.unwrap();
    fanfare.subscribe(&both, to("dead")).await.unwrap();
    fanfare.subscribe(&dead, to("dead")).await.unwrap();

    run(&fanfare, &alone, &delivered, RUN).await;
    println!("{:<44} {:>12} {:>12} {:>10}", "", "published/s", "delivered/s", "memory");
    let before = measure("before, healthy endpoint", &fanfare, &alone, &delivered).await;
    fill(&fanfare, &dead, waiting).await;
    let with = measure(&format!("with {waiting} waiting, healthy endpoint"), &fanfare, &alone, &delivered).await;
    let beside = measure("the same beside a dead endpoint", &fanfare, &both, &delivered).await;
    println!(
        "delivered/s with the backlog over without: {:.2}; beside a dead one: {:.2}",
        with / before,
        beside / before
    );
    let pending = fanfare.counters().await.unwrap().pending;
    drop(fanfare);

    let begun = Instant::now();
    let (fanfare, _) = open(&directory).await;
    let opened = begun.elapsed();
    fanfare.publish(&alone, message()).await.unwrap();
    println!(
        "restart with {pending} waiting: open after {opened:?}, first publish answered after {:?}",
        begun.elapsed()
    );
    println!("bytes of the store: {}", bytes_of(&directory));
    drop(fanfare);
    let _ = std::fs::remove_dir_all(&directory);
}

async fn open(directory: &Path) -> (Fanfare, Arc<AtomicUsize>) {
    let places = Places::default();
    let delivered = Arc::clone(&places.delivered);
    let mut options = DiskOptions::default();
    options.lane_deliveries_max = u64::MAX;
    // The engine before this one lets go of the directory when its last attempt has been cut off.
    let store = loop {
        match DiskStore::open(directory, options.clone()) {
            Ok(store) => break store,
            Err(error) if error.to_string().contains("in use") => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let fanfare = Fanfare::builder()
        .connectors(Connectors::new().with(places))
        .attempt_limit(Duration::from_secs(24 * 60 * 60))
        .open_store(store)
        .await
        .unwrap();
    (fanfare, delivered)
}

fn message() -> Message {
    Message::text("x".repeat(MESSAGE_BYTES)).unwrap()
}

/// Publishes `count` messages and waits until the healthy endpoint has them; answers the two times.
async fn run(fanfare: &Fanfare, topic: &TopicArn, delivered: &AtomicUsize, count: usize) -> (Duration, Duration) {
    let (begun, goal) = (Instant::now(), delivered.load(Ordering::Relaxed) + count);
    fill(fanfare, topic, count).await;
    let published = begun.elapsed();
    while delivered.load(Ordering::Relaxed) < goal {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (published, begun.elapsed())
}

async fn fill(fanfare: &Fanfare, topic: &TopicArn, count: usize) {
    let mut publishers = tokio::task::JoinSet::new();
    let left = Arc::new(AtomicUsize::new(count));
    for _ in 0..PUBLISHERS {
        let (fanfare, topic, left) = (fanfare.clone(), topic.clone(), Arc::clone(&left));
        publishers.spawn(async move {
            let take = |left: usize| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                fanfare.publish(&topic, message()).await.unwrap();
            }
        });
    }
    while let Some(publisher) = publishers.join_next().await {
        publisher.unwrap();
    }
}

/// The best of three runs, printed; answers the deliveries a second.
async fn measure(name: &str, fanfare: &Fanfare, topic: &TopicArn, delivered: &AtomicUsize) -> f64 {
    let mut best = (0.0_f64, 0.0_f64);
    for _ in 0..3 {
        let (published, arrived) = run(fanfare, topic, delivered, RUN).await;
        best.0 = best.0.max(RUN as f64 / published.as_secs_f64());
        best.1 = best.1.max(RUN as f64 / arrived.as_secs_f64());
    }
    println!("{name:<44} {:>12.0} {:>12.0} {:>7} MB", best.0, best.1, memory_mb());
    best.1
}

/// The memory that the process has in use, in megabytes.
fn memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn bytes_of(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap();
    files.filter_map(|file| file.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum()
}
