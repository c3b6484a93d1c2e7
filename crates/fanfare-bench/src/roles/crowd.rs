//! Many subscriptions of one topic, through the library with a store on disk and endpoints that only count.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::{
    Connector, Connectors, Endpoint, Fanfare, FilterPolicy, FilterPolicyScope, Message, Notification, Outcome,
    Protocol, Receipt, SnsError, Subscribe, TopicArn,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::post::another;
use crate::failure::{Failure, Result};
use crate::sample::{Meter, Sample};
use crate::usage;

/// The address that stands apart.
const BESIDE: &str = "https://beside.example.com/notifications";

/// How long the other topic is listened to before the crowd's message, and how long it pauses between two of its own.
const QUIET: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(5);

/// Subscribers who are asked for at a time.
const AT_A_TIME: usize = 256;

/// How many subscriptions there are, and what is published to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CrowdTask {
    /// The store's directory.
    pub(crate) directory: PathBuf,
    /// Subscriptions of the topic.
    pub(crate) subscriptions: u64,
    /// For how long subscribing may go on. When it takes longer, it is done with as many as there are.
    pub(crate) seconds_max: f64,
    /// Whether each has a filter policy of its own, which wants every message all the same.
    pub(crate) filtered: bool,
    /// Messages that are published, one after the other.
    pub(crate) messages: u64,
}

impl CrowdTask {
    /// The sample is of the deliveries; its latencies are those of another topic's messages, from publish to delivery,
    /// meanwhile. Beside it: how many `subscriptions` there are, `bytes` of each subscription, `made` and `ended`
    /// subscriptions a second, `publish_ns` for each subscription until `publish` answers, `quiet_p50_us` and `quiet_p99_us`
    /// of the other topic before, `open` and `parse` seconds for another start and for reading all policies.
    pub(super) fn perform(self) -> Result<Sample> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.work())
    }

    async fn work(self) -> Result<Sample> {
        let places = Places::default();
        let delivered = Arc::clone(&places.delivered);
        let fanfare = open(&self.directory, &places).await?;
        let topic = fanfare.create_topic("crowd").await?;
        let before = usage::memory(std::process::id())?.resident_kb;
        let begun = Instant::now();
        let subscriptions = self.subscribe(&fanfare, &topic).await?;
        let made = subscriptions as f64 / begun.elapsed().as_secs_f64();
        let grown = usage::memory(std::process::id())?.resident_kb.saturating_sub(before);

        let deliveries = self.messages * subscriptions;
        let mut beside = Beside::start(&fanfare, &places).await?;
        let soon = Instant::now() + QUIET;
        let quiet = Sample::default().with_latencies(beside.until(&fanfare, || Instant::now() > soon).await?);
        let meter = Meter::here()?;
        let publish = async {
            let mut publishing = Duration::ZERO;
            for _ in 0..self.messages {
                let begun = Instant::now();
                fanfare.publish(&topic, message()?).await?;
                publishing += begun.elapsed();
            }
            while delivered.load(Ordering::Relaxed) < deliveries {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok::<_, Failure>((publishing, meter.stop(deliveries)?))
        };
        let meanwhile = beside.until(&fanfare, || delivered.load(Ordering::Relaxed) >= deliveries);
        let (published, meanwhile) = tokio::join!(publish, meanwhile);
        let (publishing, sample) = published?;
        let sample = sample.with_latencies(meanwhile?);
        fanfare.close().await;

        let begun = Instant::now();
        let fanfare = open(&self.directory, &places).await?;
        fanfare.create_topic("alone").await?;
        let opened = begun.elapsed();
        let begun = Instant::now();
        unsubscribe(&fanfare, &topic).await?;
        let ended = subscriptions as f64 / begun.elapsed().as_secs_f64();
        fanfare.close().await;
        let begun = Instant::now();
        for number in 0..if self.filtered { subscriptions } else { 0 } {
            policy(number)?;
        }
        Ok(sample
            .with("bytes", grown as f64 * 1024.0 / subscriptions as f64)
            .with("subscriptions", subscriptions as f64)
            .with("made", made)
            .with("ended", ended)
            .with("quiet_p50_us", quiet.p50_us)
            .with("quiet_p99_us", quiet.p99_us)
            .with("publish_ns", publishing.as_nanos() as f64 / deliveries as f64)
            .with("open", opened.as_secs_f64())
            .with("parse", begun.elapsed().as_secs_f64()))
    }

    /// Answers how many subscriptions were made.
    async fn subscribe(&self, fanfare: &Fanfare, topic: &TopicArn) -> Result<u64> {
        let end = Instant::now() + Duration::from_secs_f64(self.seconds_max);
        let mut subscribing = JoinSet::new();
        let left = Arc::new(AtomicU64::new(self.subscriptions));
        let numbers = Arc::new(AtomicU64::new(0));
        for _ in 0..AT_A_TIME {
            let (fanfare, topic, filtered) = (fanfare.clone(), topic.clone(), self.filtered);
            let (left, numbers) = (Arc::clone(&left), Arc::clone(&numbers));
            subscribing.spawn(async move {
                while Instant::now() < end && another(&left) {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let address = format!("https://subscriber-{number:07}.example.com/notifications");
                    let mut subscribe = Subscribe::to(Protocol::custom("bench")?, address);
                    if filtered {
                        subscribe = subscribe.filter_policy(policy(number)?);
                    }
                    fanfare.subscribe(&topic, subscribe.confirmed()).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(ended) = subscribing.join_next().await {
            ended??;
        }
        Ok(numbers.load(Ordering::Relaxed))
    }
}

/// Another topic with one subscription, to which a message goes now and then.
struct Beside {
    topic: TopicArn,
    heard: watch::Receiver<u64>,
    published: u64,
}

impl Beside {
    async fn start(fanfare: &Fanfare, places: &Places) -> Result<Self> {
        let topic = fanfare.create_topic("beside").await?;
        let subscribe = Subscribe::to(Protocol::custom("bench")?, BESIDE);
        fanfare.subscribe(&topic, subscribe.confirmed()).await?;
        Ok(Self { topic, heard: places.heard.subscribe(), published: 0 })
    }

    /// Publishes until `is_over`; answers how long each message took until it was delivered, in nanoseconds.
    async fn until(&mut self, fanfare: &Fanfare, is_over: impl Fn() -> bool) -> Result<Vec<u64>> {
        let mut took = Vec::new();
        loop {
            let begun = Instant::now();
            fanfare.publish(&self.topic, message()?).await?;
            self.published += 1;
            let published = self.published;
            self.heard.wait_for(|heard| *heard >= published).await?;
            took.push(u64::try_from(begun.elapsed().as_nanos())?);
            if is_over() {
                return Ok(took);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Ends every subscription of the topic, page by page.
async fn unsubscribe(fanfare: &Fanfare, topic: &TopicArn) -> Result<()> {
    let mut after = None;
    loop {
        let page = fanfare.subscriptions_page(topic, after, AT_A_TIME)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id());
        let mut ending = JoinSet::new();
        for subscription in page {
            let fanfare = fanfare.clone();
            ending.spawn(async move { fanfare.unsubscribe(subscription.arn()).await });
        }
        while let Some(ended) = ending.join_next().await {
            ended??;
        }
    }
}

/// A policy of the subscriber's own that wants the message.
fn policy(number: u64) -> Result<FilterPolicy> {
    let text = format!(r#"{{"tenant":["tenant-{number}",{{"prefix":"all"}}],"amount":[{{"numeric":[">=",0]}}]}}"#);
    Ok(FilterPolicy::parse(&text, FilterPolicyScope::MessageBody)?)
}

fn message() -> Result<Message> {
    Ok(Message::text(r#"{"tenant":"all of them","amount":12,"note":"by the side door"}"#)?)
}

async fn open(directory: &Path, places: &Places) -> Result<Fanfare> {
    let store = DiskStore::open(directory, DiskOptions::default())?;
    Ok(Fanfare::builder().connectors(Connectors::new().with(places.clone())).open_store(store).await?)
}

/// Opens every address.
#[derive(Clone, Debug, Default)]
struct Places {
    delivered: Arc<AtomicU64>,
    /// What the one that stands apart got.
    heard: watch::Sender<u64>,
}

/// An endpoint that counts what it gets.
#[derive(Debug)]
struct Counts(Arc<AtomicU64>);

/// The endpoint of the other topic, which tells of what it gets.
#[derive(Debug)]
struct Hears(watch::Sender<u64>);

impl Connector for Places {
    fn protocols(&self) -> Vec<Protocol> {
        Protocol::custom("bench").into_iter().collect()
    }

    fn connect(&self, _: &Protocol, address: &str) -> std::result::Result<Arc<dyn Endpoint>, SnsError> {
        Ok(match address {
            BESIDE => Arc::new(Hears(self.heard.clone())),
            _ => Arc::new(Counts(Arc::clone(&self.delivered))),
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a counter")
    }
}

#[async_trait]
impl Endpoint for Counts {
    fn protocol(&self) -> Protocol {
        Protocol::custom("bench").expect("the name is good")
    }

    async fn deliver(&self, _: &Notification) -> Outcome {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Receipt::new())
    }
}

impl fmt::Display for Hears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a listener")
    }
}

#[async_trait]
impl Endpoint for Hears {
    fn protocol(&self) -> Protocol {
        Protocol::custom("bench").expect("the name is good")
    }

    async fn deliver(&self, _: &Notification) -> Outcome {
        self.0.send_modify(|heard| *heard += 1);
        Ok(Receipt::new())
    }
}
