//! Each subscription has a lane of its own, with bounds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanfare_core::engine::Ending;
use fanfare_core::retry::{RetryPhase, SubscriptionDeliveryPolicy};
use fanfare_core::store::{MemoryBounds, MemoryStore};
use fanfare_core::{Connectors, Fanfare, Host, Limits, Message, Protocol, RetrySchedule, SnsErrorCode, Subscribe};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, SimulatedHost, Step};

fn subscribe(endpoint: &ScriptedEndpoint) -> Subscribe {
    Subscribe::endpoint(Arc::new(endpoint.clone()))
}

fn message(text: impl ToString) -> Message {
    Message::text(text.to_string()).unwrap()
}

fn bounded(lane_deliveries: usize, bytes: usize) -> MemoryStore {
    MemoryStore::with_bounds(MemoryBounds { lane_deliveries, bytes, ..MemoryBounds::default() })
}

fn batches_of(count: usize, bytes: usize) -> ScriptedEndpoint {
    let limits = Limits::batches_of(NonZeroUsize::new(count).unwrap(), bytes);
    ScriptedEndpoint::with("batching", Protocol::custom("batching").unwrap(), limits)
}

#[tokio::test]
async fn a_hanging_endpoint_among_five_delays_none_of_the_others() {
    let fanfare = Fanfare::builder().attempt_limit(Duration::from_secs(3600)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoints: Vec<_> = (0..5).map(|_| ScriptedEndpoint::new()).collect();
    endpoints[2].always(Step::Hang);
    for endpoint in &endpoints {
        fanfare.subscribe(&topic, subscribe(endpoint)).await.unwrap();
    }
    for number in 0..1000 {
        fanfare.publish(&topic, message(number)).await.unwrap();
    }
    for (index, endpoint) in endpoints.iter().enumerate().filter(|(index, _)| *index != 2) {
        assert_eq!(endpoint.wait_for(1000).await.len(), 1000, "endpoint {index}");
    }
    assert_eq!(endpoints[2].in_flight_max(), 16);
    assert_eq!(fanfare.counters().await.unwrap().pending, 1000);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_does_not_end_is_ended_and_tried_again() {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).attempt_limit(Duration::from_secs(5)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = ScriptedEndpoint::new();
    endpoint.script([Step::Hang]);
    let arn = fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    let report = fanfare.publish(&topic, message("x")).await.unwrap().settled().await;
    assert_eq!(report.ending(&arn), Some(&Ending::Delivered { attempts: 2 }));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_panics_is_tried_again_and_hurts_nobody_else() {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (panicking, healthy) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    panicking.script([Step::Panic]);
    fanfare.subscribe(&topic, subscribe(&panicking)).await.unwrap();
    fanfare.subscribe(&topic, subscribe(&healthy)).await.unwrap();
    let report = fanfare.publish(&topic, message("x")).await.unwrap().settled().await;
    assert_eq!(report.delivered(), 2);
    assert_eq!(panicking.attempts().len(), 2);
}

#[tokio::test]
async fn batches_are_as_large_as_the_endpoint_takes() {
    let fanfare = Fanfare::builder().lane_concurrency(NonZeroUsize::MIN).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = batches_of(10, 50);
    endpoint.script([Step::Hold]);
    fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    fanfare.publish(&topic, message("first")).await.unwrap();
    endpoint.wait_for(1).await;
    for _ in 0..20 {
        fanfare.publish(&topic, message("ten bytes.")).await.unwrap();
    }
    endpoint.release(1);
    let attempts = endpoint.wait_for(21).await;
    let mut calls: Vec<usize> = attempts.iter().map(|attempt| attempt.call).collect();
    let count = calls.len();
    calls.dedup();
    assert_eq!((count, calls.len()), (21, 5), "one alone, then twenty by five of fifty bytes");
}

#[tokio::test(start_paused = true)]
async fn each_notification_of_a_batch_has_an_outcome_of_its_own() {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).lane_concurrency(NonZeroUsize::MIN).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = batches_of(10, 1000);
    endpoint.always_by(|notification| match (notification.text(), notification.attempt().get()) {
        ("refused", _) => Step::Reject,
        ("later" | "forgotten", 2) => Step::Accept,
        ("later", _) => Step::Retry,
        ("forgotten", _) => Step::LeaveOpen,
        _ => Step::Accept,
    });
    fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    let mut endings = Vec::new();
    let mut published = Vec::new();
    for text in ["good", "refused", "later", "forgotten"] {
        published.push(fanfare.publish(&topic, message(text)).await.unwrap());
    }
    for published in published {
        endings.push(match published.settled().await.endings.remove(0).1 {
            Ending::Delivered { attempts } => attempts,
            Ending::Dropped { .. } => 0,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(endings, [1, 0, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_keep_to_the_rate_of_the_throttle_policy() {
    let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE);
    let endpoint = connector.endpoint("address");
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).connectors(Connectors::new().with(connector)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let policy = r#"{"throttlePolicy": {"maxReceivesPerSecond": 5}}"#;
    let policy = SubscriptionDeliveryPolicy::parse(policy, false.into()).unwrap();
    let subscribe = Subscribe::to(Protocol::Http, "address").delivery_policy(policy).confirmed();
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    let began = host.now();
    let mut published = Vec::new();
    for number in 0..101 {
        published.push(fanfare.publish(&topic, message(number)).await.unwrap());
    }
    for published in published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    let took = host.now().since(began).as_secs_f64();
    assert!((19.9..=20.5).contains(&took), "101 deliveries at 5 a second took {took} s");
    assert_eq!(endpoint.attempts().len(), 101);
}

#[tokio::test(start_paused = true)]
async fn deliveries_keep_to_the_rate_that_the_endpoint_asks_for_unless_a_policy_sets_one() {
    let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE.paced(NonZeroU32::new(5).unwrap()));
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).connectors(Connectors::new().with(connector)).open();
    let policy = r#"{"throttlePolicy": {"maxReceivesPerSecond": 20}}"#;
    let policy = SubscriptionDeliveryPolicy::parse(policy, false.into()).unwrap();
    let subscribe = Subscribe::to(Protocol::Http, "address").confirmed();
    for (name, subscribe, shortest, longest) in
        [("endpoint", subscribe.clone(), 9.9, 10.5), ("policy", subscribe.delivery_policy(policy), 2.4, 3.0)]
    {
        let topic = fanfare.create_topic(name).await.unwrap();
        fanfare.subscribe(&topic, subscribe).await.unwrap();
        let began = host.now();
        let mut published = Vec::new();
        for number in 0..51 {
            published.push(fanfare.publish(&topic, message(number)).await.unwrap());
        }
        for published in published {
            assert_eq!(published.settled().await.delivered(), 1);
        }
        let took = host.now().since(began).as_secs_f64();
        assert!((shortest..=longest).contains(&took), "51 deliveries at the rate of the {name} took {took} s");
    }
}

#[tokio::test]
async fn a_lane_that_is_full_drops_further_notifications_with_a_reason_and_others_go_on() {
    let fanfare = Fanfare::builder().open_store(bounded(20, 1 << 20)).await.unwrap();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (stuck, healthy) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    stuck.always(Step::Hang);
    let stuck_arn = fanfare.subscribe(&topic, subscribe(&stuck)).await.unwrap();
    fanfare.subscribe(&topic, subscribe(&healthy)).await.unwrap();
    let mut last = None;
    for number in 0..25 {
        last = Some(fanfare.publish(&topic, message(number)).await.unwrap());
        healthy.wait_for(number + 1).await;
    }
    let report = last.unwrap().settled().await;
    assert_eq!(
        report.ending(&stuck_arn),
        Some(&Ending::Dropped { reason: "too many notifications wait for the subscription".to_owned() })
    );
    let counters = fanfare.counters().await.unwrap();
    assert_eq!((counters.pending, counters.dropped, counters.delivered), (20, 5, 25));
}

#[tokio::test]
async fn a_full_journal_refuses_to_publish_and_accepts_nothing() {
    let fanfare = Fanfare::builder().open_store(bounded(1000, 2000)).await.unwrap();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let stuck = ScriptedEndpoint::new();
    stuck.always(Step::Hang);
    fanfare.subscribe(&topic, subscribe(&stuck)).await.unwrap();
    fanfare.publish(&topic, message("x".repeat(60))).await.unwrap();
    let error = fanfare.publish(&topic, message("x".repeat(60))).await.unwrap_err();
    assert_eq!(error.code(), SnsErrorCode::Throttled);
    assert_eq!(fanfare.counters().await.unwrap().matched, 1);
}

#[tokio::test]
async fn a_dead_endpoint_with_large_messages_stops_no_other_topic() {
    let fanfare = Fanfare::builder().attempt_limit(Duration::from_secs(3600)).open();
    let (large, other) = (fanfare.create_topic("large").await.unwrap(), fanfare.create_topic("other").await.unwrap());
    let (dead, healthy) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    dead.always(Step::Hang);
    fanfare.subscribe(&large, subscribe(&dead)).await.unwrap();
    let healthy_arn = fanfare.subscribe(&other, subscribe(&healthy)).await.unwrap();
    let text = message("x".repeat(256 << 10));
    // Seventeen times what a lane takes, and more than the whole store does.
    for _ in 0..17 * 256 {
        fanfare.publish(&large, text.clone()).await.unwrap();
    }
    let counters = fanfare.counters().await.unwrap();
    assert_eq!((counters.pending, counters.dropped), (256, 16 * 256), "64 MiB wait");
    let report = fanfare.publish(&other, message("small")).await.unwrap().settled().await;
    assert_eq!(report.ending(&healthy_arn), Some(&Ending::Delivered { attempts: 1 }));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_keeps_failing_is_only_probed_until_it_recovers() {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = ScriptedEndpoint::new();
    endpoint.always(Step::Retry);
    let soon = RetrySchedule::extended([RetryPhase::constant(20, Duration::from_secs(1))]).unwrap();
    fanfare.subscribe(&topic, subscribe(&endpoint).retry(soon)).await.unwrap();
    let mut published = Vec::new();
    for number in 0..50 {
        published.push(fanfare.publish(&topic, message(number)).await.unwrap());
    }
    endpoint.wait_for(8).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = endpoint.attempts().len();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let probes = endpoint.attempts().len() - before;
    assert!((8..=10).contains(&probes), "{probes} probes in ten seconds");
    endpoint.always(Step::Slow(Duration::from_millis(10)));
    for published in published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    assert!(endpoint.in_flight_max() <= 16);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_asks_for_rest_gets_it_for_every_notification() {
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).lane_concurrency(NonZeroUsize::MIN).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = ScriptedEndpoint::new();
    endpoint.script([Step::RetryAfter(Duration::from_secs(600))]);
    fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    let mut published = Vec::new();
    for number in 0..20 {
        published.push(fanfare.publish(&topic, message(number)).await.unwrap());
    }
    endpoint.wait_for(1).await;
    let began = host.now();
    published[1].settled().await;
    assert!(host.now().since(began) >= Duration::from_secs(600));
    assert_eq!(published[0].settled().await.delivered(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_across_idle_moments() {
    let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE);
    connector.endpoint("address");
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).connectors(Connectors::new().with(connector)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let policy = r#"{"throttlePolicy": {"maxReceivesPerSecond": 100}}"#;
    let policy = SubscriptionDeliveryPolicy::parse(policy, false.into()).unwrap();
    let subscribe = Subscribe::to(Protocol::Http, "address").delivery_policy(policy).confirmed();
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    let began = host.now();
    for number in 0..200 {
        fanfare.publish(&topic, message(number)).await.unwrap().settled().await;
    }
    let took = host.now().since(began).as_secs_f64();
    assert!((1.8..=2.2).contains(&took), "200 deliveries at 100 a second took {took} s");
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_made_in_time_while_another_attempt_hangs() {
    let host = Arc::new(SimulatedHost::new(1));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).attempt_limit(Duration::from_secs(24 * 3600)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = ScriptedEndpoint::new();
    endpoint.always_by(|notification| match (notification.text(), notification.attempt().get()) {
        ("hangs", _) => Step::Hang,
        (_, 1) => Step::Retry,
        _ => Step::Accept,
    });
    fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    fanfare.publish(&topic, message("hangs")).await.unwrap();
    let began = host.now();
    let published = fanfare.publish(&topic, message("fails once")).await.unwrap();
    assert_eq!(published.settled().await.delivered(), 1);
    assert!(host.now().since(began) < Duration::from_secs(23));
}

/// Panics wherever the engine asks it for something.
#[derive(Debug)]
struct Treacherous(&'static str);

impl std::fmt::Display for Treacherous {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert_ne!(self.0, "display");
        f.write_str(self.0)
    }
}

#[async_trait::async_trait]
impl fanfare_core::Endpoint for Treacherous {
    fn protocol(&self) -> Protocol {
        Protocol::custom("treacherous").unwrap()
    }

    fn limits(&self) -> Limits {
        assert_ne!(self.0, "limits");
        Limits::ONE
    }

    async fn deliver(&self, _: &fanfare_core::Notification) -> fanfare_core::Outcome {
        panic!("as ever");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_panics_in_any_method_ends_its_notifications_and_no_lane() {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    for place in ["display", "limits", "deliver"] {
        fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(Treacherous(place)))).await.unwrap();
    }
    for _ in 0..2 {
        let report = fanfare.publish(&topic, message("x")).await.unwrap().settled().await;
        assert_eq!(report.dropped(), 3, "{report:?}");
    }
}

/// An engine that delivers to so many at a time, and whose time passes only when nothing else is to be done.
fn with_places(places: usize) -> Fanfare {
    let places = NonZeroUsize::new(places).unwrap();
    let hour = Duration::from_secs(3600);
    Fanfare::builder().host(SimulatedHost::new(1)).lanes_at_work(places).attempt_limit(hour).open()
}

#[tokio::test(start_paused = true)]
async fn a_message_to_many_is_delivered_to_some_at_a_time_and_to_all_in_the_end() {
    const SUBSCRIPTIONS: usize = 200;
    let fanfare = with_places(3);
    let topic = fanfare.create_topic("orders").await.unwrap();
    let at_work = Arc::new(AtomicUsize::new(0));
    for _ in 0..SUBSCRIPTIONS {
        let endpoint = ScriptedEndpoint::new();
        let (engine, at_work) = (fanfare.downgrade(), Arc::clone(&at_work));
        endpoint.always_by(move |_| {
            at_work.fetch_max(engine.upgrade().unwrap().activity().lanes_at_work, Ordering::SeqCst);
            Step::Accept
        });
        fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    }
    let report = fanfare.publish(&topic, message("x")).await.unwrap().settled().await;
    assert_eq!(report.delivered(), SUBSCRIPTIONS);
    assert!((1..=3).contains(&at_work.load(Ordering::SeqCst)), "{at_work:?} at a time");
    assert_eq!(fanfare.activity().lanes_queued, 0);
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_hang_leave_their_places_to_others() {
    let fanfare = with_places(2);
    let topic = fanfare.create_topic("orders").await.unwrap();
    let hanging: Vec<_> = (0..20).map(|_| ScriptedEndpoint::new()).collect();
    for endpoint in &hanging {
        endpoint.always(Step::Hang);
        fanfare.subscribe(&topic, subscribe(endpoint)).await.unwrap();
    }
    let healthy = ScriptedEndpoint::new();
    fanfare.subscribe(&topic, subscribe(&healthy)).await.unwrap();
    for number in 0..50 {
        fanfare.publish(&topic, message(number)).await.unwrap();
    }
    assert_eq!(healthy.wait_for(50).await.len(), 50);
    for endpoint in &hanging {
        assert!(!endpoint.wait_for(1).await.is_empty(), "each is asked, however many hang");
    }
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_take_their_time_do_not_bound_the_rate_by_the_places() {
    let host = Arc::new(SimulatedHost::new(1));
    let places = NonZeroUsize::new(10).unwrap();
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).lanes_at_work(places).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = ScriptedEndpoint::new();
    endpoint.always(Step::Slow(Duration::from_secs(1)));
    for _ in 0..200 {
        fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    }
    let began = host.now();
    assert_eq!(fanfare.publish(&topic, message(1)).await.unwrap().settled().await.delivered(), 200);
    let took = host.now().since(began);
    assert!(took < Duration::from_secs(3), "{took:?} for 200 that take a second each, ten at a time");
}

#[tokio::test(start_paused = true)]
async fn a_message_to_few_does_not_wait_behind_one_to_very_many() {
    let fanfare = Fanfare::builder().host(SimulatedHost::new(1)).lanes_at_work(NonZeroUsize::MIN).open();
    let (many, few) = (fanfare.create_topic("many").await.unwrap(), fanfare.create_topic("few").await.unwrap());
    let (crowd, alone) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    for endpoint in [&crowd, &alone] {
        endpoint.always(Step::Slow(Duration::from_millis(10)));
    }
    for _ in 0..200 {
        fanfare.subscribe(&many, subscribe(&crowd)).await.unwrap();
    }
    fanfare.subscribe(&few, subscribe(&alone)).await.unwrap();
    let to_many = fanfare.publish(&many, message(1)).await.unwrap();
    let to_few = fanfare.publish(&few, message(2)).await.unwrap();
    assert_eq!(to_few.settled().await.delivered(), 1);
    let before = crowd.attempts().len();
    assert!(before < 10, "{before} of the crowd came first");
    assert_eq!(to_many.settled().await.delivered(), 200);
}

#[tokio::test(start_paused = true)]
async fn no_more_lanes_begin_when_the_engine_itself_comes_late() {
    let host = Arc::new(SimulatedHost::new(1));
    let places = NonZeroUsize::new(2).unwrap();
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).lanes_at_work(places).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint = ScriptedEndpoint::new();
    endpoint.always(Step::Hang);
    for _ in 0..20 {
        fanfare.subscribe(&topic, subscribe(&endpoint)).await.unwrap();
    }
    fanfare.publish(&topic, message(1)).await.unwrap();
    endpoint.wait_for(2).await;
    // As when nothing had its turn for ten seconds.
    host.jump_forward(Duration::from_secs(10));
    host.sleep(Duration::from_millis(51)).await;
    assert_eq!(fanfare.activity().lanes_at_work, 2, "nobody can tell yet who waits");
    assert_eq!(endpoint.wait_for(20).await.len(), 20, "the next look is in time");
}
