//! Lanes do not wait for the store to have what came of their deliveries, within bounds, and stay a moment after the last one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{
    Connector, Connectors, Endpoint, Fanfare, Host, Message, Notification, Outcome, Protocol, Receipt, SnsError,
    Subscribe,
};
use fanfare_testkit::{ScriptedEndpoint, SimulatedHost, Step};

use given::gated::GatedStore;

fn message(text: impl ToString) -> Message {
    Message::text(text.to_string()).unwrap()
}

fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

/// An engine over `store` with one subscriber, and its topic.
async fn subscribed(store: &GatedStore, endpoint: &ScriptedEndpoint) -> (Fanfare, fanfare_core::TopicArn) {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).open_store(store.clone()).await.unwrap();
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(endpoint.clone()))).await.unwrap();
    (fanfare, topic)
}

#[tokio::test(start_paused = true)]
async fn deliveries_go_on_while_the_store_settles_those_before_up_to_a_bound() {
    let (store, endpoint) = (GatedStore::new(), ScriptedEndpoint::new());
    let (fanfare, topic) = subscribed(&store, &endpoint).await;
    store.settling.close();
    let mut published = Vec::new();
    for number in 0..400 {
        published.push(fanfare.publish(&topic, message(number)).await.unwrap());
    }
    endpoint.wait_for(128).await;
    // Nothing else happens, however long it takes.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let attempts = endpoint.attempts().len();
    assert!((128..=128 + 16).contains(&attempts), "{attempts} attempts");
    assert_eq!(fanfare.counters().await.unwrap().delivered, 0);
    store.settling.open();
    for published in published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    assert_eq!(endpoint.attempts().len(), 400);
}

#[tokio::test(start_paused = true)]
async fn lanes_that_wait_for_the_store_keep_their_places() {
    for what in ["taking", "settling"] {
        let (store, endpoint) = (GatedStore::new(), ScriptedEndpoint::new());
        let places = NonZeroUsize::new(2).unwrap();
        let builder = Fanfare::builder().host(SimulatedHost::new(1)).lanes_at_work(places);
        let fanfare = builder.open_store(store.clone()).await.unwrap();
        let topic = fanfare.create_topic("orders").await.unwrap();
        for _ in 0..20 {
            fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(endpoint.clone()))).await.unwrap();
        }
        let gate = if what == "taking" { &store.taking } else { &store.settling };
        gate.close();
        let published = fanfare.publish(&topic, message(1)).await.unwrap();
        gate.waited_for().await;
        // Nothing else happens, however long it takes.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(fanfare.activity().lanes_queued, 18, "while the store is {what}");
        gate.open();
        assert_eq!(published.settled().await.delivered(), 20);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_is_asked_again_and_nothing_more_begins_meanwhile() {
    let (store, endpoint) = (GatedStore::new(), ScriptedEndpoint::new());
    let (fanfare, topic) = subscribed(&store, &endpoint).await;
    store.settling.refuse(5);
    let first = fanfare.publish(&topic, message("first")).await.unwrap();
    store.settling.refused().await;
    let second = fanfare.publish(&topic, message("second")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(endpoint.texts(), ["first"]);
    for published in [first, second] {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    assert_eq!(endpoint.texts(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn attempts_go_on_while_the_store_does_not_answer() {
    let (store, endpoint) = (GatedStore::new(), ScriptedEndpoint::new());
    let (fanfare, topic) = subscribed(&store, &endpoint).await;
    endpoint.script([Step::Hold]);
    let first = fanfare.publish(&topic, message("first")).await.unwrap();
    endpoint.wait_for(1).await;
    store.taking.close();
    let second = fanfare.publish(&topic, message("second")).await.unwrap();
    store.taking.waited_for().await;
    endpoint.release(1);
    while endpoint.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(endpoint.texts(), ["first"]);
    store.taking.open();
    for published in [first, second] {
        assert_eq!(published.settled().await.delivered(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_waits_until_the_store_has_what_came_of_the_last_attempt() {
    let (store, endpoint) = (GatedStore::new(), ScriptedEndpoint::new());
    let (fanfare, topic) = subscribed(&store, &endpoint).await;
    store.settling.close();
    fanfare.publish(&topic, message("x")).await.unwrap();
    store.settling.waited_for().await;
    let closing = tokio::spawn(fanfare.close());
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!closing.is_finished());
    store.settling.open();
    closing.await.unwrap();
    assert_eq!(store.delivered().await, 1);
}

/// Counts how often an address is opened.
#[derive(Debug, Default)]
struct Doors(Arc<AtomicUsize>);

impl Connector for Doors {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Http]
    }

    fn connect(&self, _: &Protocol, _: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(ScriptedEndpoint::new()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_steady_flow_keeps_its_endpoint_open_and_an_idle_one_lets_go_of_it() {
    let opened = Arc::new(AtomicUsize::new(0));
    let connectors = Connectors::new().with(Doors(Arc::clone(&opened)));
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).connectors(connectors).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, "address").confirmed()).await.unwrap();
    let before = opened.load(Ordering::SeqCst);
    for number in 0..10 {
        fanfare.publish(&topic, message(number)).await.unwrap().settled().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(opened.load(Ordering::SeqCst) - before, 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    fanfare.publish(&topic, message("late")).await.unwrap().settled().await;
    assert_eq!(opened.load(Ordering::SeqCst) - before, 2);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_lingers_takes_no_place_and_waits_for_one_again() {
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).lanes_at_work(one()).open();
    let mut topics = Vec::new();
    let (first, second) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    for (name, endpoint) in [("first", &first), ("second", &second)] {
        let topic = fanfare.create_topic(name).await.unwrap();
        fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(endpoint.clone()))).await.unwrap();
        topics.push(topic);
    }
    let began = host.now();
    for topic in &topics {
        assert_eq!(fanfare.publish(topic, message("x")).await.unwrap().settled().await.delivered(), 1);
    }
    fanfare.at_rest().await;
    assert_eq!(fanfare.activity().lanes_at_work, 0);
    assert_eq!(host.now(), began, "nobody waited for a place");

    second.script([Step::Hold]);
    let held = fanfare.publish(&topics[1], message("held")).await.unwrap();
    second.wait_for(2).await;
    let queued = fanfare.publish(&topics[0], message("queued")).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let activity = fanfare.activity();
    assert_eq!((activity.lanes_at_work, activity.lanes_queued), (1, 1));
    assert_eq!(first.attempts().len(), 1);
    second.release(1);
    for published in [held, queued] {
        assert_eq!(published.settled().await.delivered(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_lanes_that_linger() {
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(ScriptedEndpoint::new()))).await.unwrap();
    fanfare.publish(&topic, message("x")).await.unwrap().settled().await;
    fanfare.at_rest().await;
    let began = host.now();
    fanfare.close().await;
    assert_eq!(host.now(), began);
}

/// Remembers on which threads it was called.
#[derive(Debug, Default)]
struct Witness(Arc<Mutex<Vec<String>>>);

impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("witness")
    }
}

#[async_trait]
impl Endpoint for Witness {
    fn protocol(&self) -> Protocol {
        Protocol::custom("witness").unwrap()
    }

    async fn deliver(&self, _: &Notification) -> Outcome {
        self.0.lock().unwrap().push(std::thread::current().name().unwrap_or_default().to_owned());
        Ok(Receipt::new())
    }
}

#[tokio::test]
async fn an_engine_with_threads_of_its_own_delivers_on_them() {
    let fanfare = Fanfare::builder().delivery_threads(NonZeroUsize::new(2).unwrap()).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let threads = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..32 {
        fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(Witness(Arc::clone(&threads))))).await.unwrap();
    }
    for number in 0..10 {
        assert_eq!(fanfare.publish(&topic, message(number)).await.unwrap().settled().await.delivered(), 32);
    }
    fanfare.close().await;
    let mut threads = std::mem::take(&mut *threads.lock().unwrap());
    assert_eq!(threads.len(), 320);
    threads.sort();
    threads.dedup();
    assert_eq!(threads, ["fanfare-send-0", "fanfare-send-1"]);
}
