//! When failed deliveries are tried again, on a clock that the test owns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::attempt::Next;
use fanfare_core::engine::{Ending, Progress};
use fanfare_core::retry::{RetryPhase, SubscriptionDeliveryPolicy, TopicDeliveryPolicy};
use fanfare_core::{
    Connectors, Destination, Fanfare, Host, Limits, Message, Protocol, RetrySchedule, Subscribe, Timestamp, TopicArn,
    TopicSettings,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, SimulatedHost, Step};

/// An engine on simulated time, where every protocol's addresses are scripted endpoints.
struct Bench {
    fanfare: Fanfare,
    topic: TopicArn,
    host: Arc<SimulatedHost>,
    endpoint: ScriptedEndpoint,
    protocol: Protocol,
}

impl Bench {
    async fn new(protocol: Protocol) -> Self {
        Self::with(protocol, TopicSettings::new()).await
    }

    async fn with(protocol: Protocol, settings: TopicSettings) -> Self {
        let connector = ScriptedConnector::new(protocol.clone(), Limits::ONE);
        let endpoint = connector.endpoint("address");
        let host = Arc::new(SimulatedHost::new(7));
        let fanfare = Fanfare::builder().host(Arc::clone(&host)).connectors(Connectors::new().with(connector)).open();
        let topic = fanfare.create_topic_with("orders", settings).await.unwrap();
        Self { fanfare, topic, host, endpoint, protocol }
    }

    fn subscribe(&self) -> Subscribe {
        Subscribe::to(self.protocol.clone(), "address").confirmed()
    }

    /// Publishes one message and answers, once it has ended, how it ended and when each attempt began, in seconds.
    async fn story(&self, subscribe: Subscribe) -> (Ending, Vec<f64>) {
        let subscription = self.fanfare.subscribe(&self.topic, subscribe).await.unwrap();
        let began = self.host.now();
        let mut watch = self.fanfare.watch();
        let published = self.fanfare.publish(&self.topic, Message::text("x").unwrap()).await.unwrap();
        let mut starts = Vec::new();
        loop {
            match watch.next().await {
                Some(Progress::Attempted(attempt)) => {
                    starts.push(attempt.started.since(began).as_secs_f64());
                    if !matches!(attempt.next, Next::Retry { .. } | Next::ToDeadLetter) {
                        break;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        let report = published.settled().await;
        (report.ending(&subscription).unwrap().clone(), starts)
    }
}

/// The waits between attempts, in seconds.
fn waits(starts: &[f64]) -> Vec<f64> {
    starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Whether each wait is the one planned, or up to a tenth longer as the jitter has it.
fn assert_near(waits: &[f64], planned: &[f64]) {
    assert_eq!(waits.len(), planned.len(), "{waits:?}");
    for (wait, plan) in waits.iter().zip(planned) {
        assert!((*plan..=plan * 1.1 + 0.002).contains(wait), "waited {wait} s for {plan} s in {waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn http_is_tried_four_times_twenty_seconds_apart() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.always(Step::Retry);
    let (ending, starts) = bench.story(bench.subscribe()).await;
    assert_near(&waits(&starts), &[20.0, 20.0, 20.0]);
    assert!(matches!(ending, Ending::Dropped { reason } if reason.starts_with("gave up after 4 attempts: ")));
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_tried_for_twenty_three_days() {
    let bench = Bench::new(Protocol::Sqs).await;
    bench.endpoint.always(Step::Retry);
    let (ending, starts) = bench.story(bench.subscribe()).await;
    assert_eq!(starts.len(), 100_016);
    let days = starts.last().unwrap() / 86_400.0;
    assert!((23.0..=26.0).contains(&days), "{days} days");
    assert_near(&waits(&starts[..8]), &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0]);
    assert!(matches!(ending, Ending::Dropped { .. }));
}

/// The clock that runs is the machine's: nothing passes by itself in the time that this takes.
#[tokio::test]
async fn whoever_owns_the_time_goes_from_one_retry_to_the_next_without_waiting() {
    let bench = Bench::new(Protocol::Email).await;
    bench.endpoint.always(Step::Retry);
    bench.fanfare.subscribe(&bench.topic, bench.subscribe()).await.unwrap();
    assert_eq!(bench.fanfare.at_rest().await, None);
    let published = bench.fanfare.publish(&bench.topic, Message::text("x").unwrap()).await.unwrap();
    let began = bench.host.now();
    while let Some(left) = bench.fanfare.at_rest().await {
        bench.host.jump_forward(left);
    }
    assert_eq!(bench.endpoint.attempts().len(), 51);
    let hours = bench.host.now().since(began).as_secs_f64() / 3600.0;
    assert!((6.0..=8.0).contains(&hours), "{hours} hours");
    let report = published.settled().await;
    assert_eq!(report.dropped(), 1);
}

/// A lane that keeps to a rate is neither at work nor gone.
#[tokio::test]
async fn an_engine_rests_while_a_rate_holds_its_only_lane_back() {
    let bench = Bench::new(Protocol::Http).await;
    let policy = SubscriptionDeliveryPolicy::parse(r#"{"throttlePolicy":{"maxReceivesPerSecond":1}}"#, false.into());
    let mut subscribe = bench.subscribe();
    subscribe = subscribe.delivery_policy(policy.unwrap());
    bench.fanfare.subscribe(&bench.topic, subscribe).await.unwrap();
    for _ in 0..3 {
        bench.fanfare.publish(&bench.topic, Message::text("x").unwrap()).await.unwrap();
    }
    let mut seen = Vec::new();
    while let Some(left) = bench.fanfare.at_rest().await {
        seen.push(bench.endpoint.attempts().len());
        bench.host.jump_forward(left);
    }
    seen.dedup();
    assert_eq!(seen, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_email_is_tried_for_hours() {
    let bench = Bench::new(Protocol::Email).await;
    bench.endpoint.always(Step::Retry);
    let (_, starts) = bench.story(bench.subscribe()).await;
    assert_eq!(starts.len(), 51);
    let hours = starts.last().unwrap() / 3600.0;
    assert!((6.0..=8.0).contains(&hours), "{hours} hours");
    assert_near(&waits(&starts[..4]), &[10.0, 10.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_policy_sets_every_phase() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.always(Step::Retry);
    let policy = r#"{"healthyRetryPolicy": {"minDelayTarget": 2, "maxDelayTarget": 10, "numRetries": 9,
        "numNoDelayRetries": 2, "numMinDelayRetries": 1, "numMaxDelayRetries": 1, "backoffFunction": "linear"}}"#;
    let policy = SubscriptionDeliveryPolicy::parse(policy, false.into()).unwrap();
    let (_, starts) = bench.story(bench.subscribe().delivery_policy(policy)).await;
    assert_near(&waits(&starts), &[0.0, 0.0, 2.0, 2.0, 4.0, 6.0, 8.0, 10.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_disables_overrides_decides_for_its_subscriptions() {
    let policy = r#"{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 1},
        "disableSubscriptionOverrides": true}}"#;
    let settings = TopicSettings::new().delivery_policy(TopicDeliveryPolicy::parse(policy).unwrap());
    let bench = Bench::with(Protocol::Http, settings).await;
    bench.endpoint.always(Step::Retry);
    let own = r#"{"healthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 5, "numRetries": 5}}"#;
    let own = SubscriptionDeliveryPolicy::parse(own, false.into()).unwrap();
    let (_, starts) = bench.story(bench.subscribe().delivery_policy(own)).await;
    assert_near(&waits(&starts), &[1.0]);
}

#[tokio::test(start_paused = true)]
async fn any_protocol_is_retried_for_as_long_as_the_subscription_says() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.always(Step::Retry);
    let weeks = RetrySchedule::extended([RetryPhase::constant(90, Duration::from_secs(86_400))]).unwrap();
    let (_, starts) = bench.story(bench.subscribe().retry(weeks)).await;
    assert_eq!(starts.len(), 91);
    assert!(*starts.last().unwrap() >= 90.0 * 86_400.0);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_asks_to_wait_longer_is_left_alone_up_to_the_maximum() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.script([
        Step::RetryAfter(Duration::from_secs(90)),
        Step::RetryAfter(Duration::from_secs(1)),
        Step::RetryAfter(Duration::from_secs(365 * 86_400)),
    ]);
    let (ending, starts) = bench.story(bench.subscribe()).await;
    assert_near(&waits(&starts), &[90.0, 20.0, 3600.0]);
    assert_eq!(ending, Ending::Delivered { attempts: 4 });
}

#[tokio::test(start_paused = true)]
async fn a_refusal_goes_to_the_dead_letters_at_once_and_those_are_retried_by_their_own_protocol() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.always(Step::Reject);
    let morgue = ScriptedEndpoint::new();
    morgue.script([Step::Retry]);
    let subscribe = bench.subscribe().dead_letters_to(Destination::Endpoint(Arc::new(morgue.clone())));
    let (ending, starts) = bench.story(subscribe).await;
    assert_eq!(ending, Ending::DeadLettered);
    assert_near(&waits(&starts), &[0.0, 20.0]);
    assert_eq!(morgue.texts(), ["x", "x"]);
    assert!(morgue.attempts().iter().all(|attempt| attempt.notification.is_dead_letter()));
    let [direct] = &bench.endpoint.attempts()[..] else { panic!("it is refused once") };
    assert!(!direct.notification.is_dead_letter());
}

#[tokio::test(start_paused = true)]
async fn dead_letters_that_are_refused_end_as_dropped_with_the_reason() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.always(Step::Reject);
    let morgue = ScriptedEndpoint::new();
    morgue.always(Step::Reject);
    let (ending, _) = bench.story(bench.subscribe().dead_letters_to(Destination::Endpoint(Arc::new(morgue)))).await;
    let expected = "the dead-letter destination did not take it: not to be retried: ";
    assert!(matches!(&ending, Ending::Dropped { reason } if reason.starts_with(expected)), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_forward_makes_retries_due_and_one_that_jumps_back_puts_none_off() {
    let bench = Bench::new(Protocol::Http).await;
    bench.endpoint.script([Step::Retry]);
    bench.fanfare.subscribe(&bench.topic, bench.subscribe()).await.unwrap();
    let published = bench.fanfare.publish(&bench.topic, Message::text("x").unwrap()).await.unwrap();
    bench.endpoint.wait_for(1).await;
    bench.host.jump_back(Duration::from_secs(365 * 86_400));
    let began = tokio::time::Instant::now();
    assert_eq!(published.settled().await.delivered(), 1);
    assert!(began.elapsed() <= Duration::from_secs(23), "waited {:?}", began.elapsed());

    bench.endpoint.script([Step::Retry]);
    let published = bench.fanfare.publish(&bench.topic, Message::text("y").unwrap()).await.unwrap();
    bench.endpoint.wait_for(3).await;
    // Further than it was set back before.
    bench.host.jump_forward(Duration::from_secs(2 * 365 * 86_400));
    let began = tokio::time::Instant::now();
    assert_eq!(published.settled().await.delivered(), 1);
    assert!(began.elapsed() <= Duration::from_secs(1), "waited {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retries_that_are_due_in_the_same_second_are_spread() {
    let connector = Arc::new(ScriptedConnector::new(Protocol::Http, Limits::ONE));
    let fanfare = Fanfare::builder()
        .host(SimulatedHost::new(7))
        .connectors(Connectors::new().with(Arc::clone(&connector)))
        .open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    for number in 0..200 {
        let address = format!("address {number}");
        connector.endpoint(&address).script([Step::Retry]);
        fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, address).confirmed()).await.unwrap();
    }
    let mut watch = fanfare.watch();
    let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap();
    assert_eq!(published.settled().await.delivered(), 200);
    let mut seconds = std::collections::BTreeSet::<Timestamp>::new();
    while let Some(progress) = watch.try_next() {
        if let Progress::Attempted(attempt) = progress
            && attempt.number == 2
        {
            seconds.insert(attempt.started);
        }
    }
    assert!(seconds.len() > 100, "200 retries began at {} moments", seconds.len());
}
