//! What operators do: pause, resume, redrive, and ask why a message did not arrive.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::engine::Standing;
use fanfare_core::filter::FilterReason;
use fanfare_core::store::LaneCounts;
use fanfare_core::{
    Destination, Fanfare, FilterPolicy, FilterPolicyScope, Host, Message, Subscribe, SubscriptionArn, TopicArn,
};
use fanfare_testkit::{ScriptedEndpoint, SimulatedHost, Step};

struct Bench {
    fanfare: Fanfare,
    topic: TopicArn,
    host: Arc<SimulatedHost>,
    endpoint: ScriptedEndpoint,
}

impl Bench {
    async fn new() -> Self {
        let host = Arc::new(SimulatedHost::new(4));
        let fanfare = Fanfare::builder().host(Arc::clone(&host)).open();
        let topic = fanfare.create_topic("orders").await.unwrap();
        Self { fanfare, topic, host, endpoint: ScriptedEndpoint::new() }
    }

    fn subscribe(&self) -> Subscribe {
        Subscribe::endpoint(Arc::new(self.endpoint.clone()))
    }

    async fn subscribed(&self) -> SubscriptionArn {
        self.fanfare.subscribe(&self.topic, self.subscribe()).await.unwrap()
    }

    async fn publish(&self, text: &str) -> fanfare_core::Published {
        let message = Message::builder(text).string("kind", "news").build().unwrap();
        self.fanfare.publish(&self.topic, message).await.unwrap()
    }

    async fn why(&self, message_id: &str, subscription: &SubscriptionArn) -> Standing {
        self.fanfare.why(message_id, subscription).await.unwrap().standing
    }
}

fn many() -> NonZeroUsize {
    NonZeroUsize::new(100).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_paused_subscription_gets_what_has_waited_when_it_is_resumed() {
    let bench = Bench::new().await;
    let arn = bench.subscribed().await;
    bench.fanfare.pause(&arn).await.unwrap();
    let published = [bench.publish("one").await, bench.publish("two").await];
    let Standing::Pending { paused: true, .. } = bench.why(published[0].message_id(), &arn).await else {
        panic!("it should be said to wait because of the pause");
    };
    assert!(bench.endpoint.attempts().is_empty());
    assert!(bench.fanfare.subscription(&arn).unwrap().is_paused());
    tokio::time::sleep(Duration::from_secs(90)).await;
    bench.fanfare.resume(&arn).await.unwrap();
    for published in &published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    assert_eq!(bench.endpoint.texts(), ["one", "two"]);
    let attempt = &bench.fanfare.attempts(published[0].message_id(), None).await.unwrap()[0];
    assert_eq!((attempt.queued, attempt.dwell()), (Duration::from_secs(90), Duration::from_secs(90)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_retries_too() {
    let bench = Bench::new().await;
    bench.endpoint.script([Step::Retry]);
    let arn = bench.subscribed().await;
    let published = bench.publish("x").await;
    bench.endpoint.wait_for(1).await;
    bench.fanfare.pause(&arn).await.unwrap();
    bench.host.jump_forward(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(bench.endpoint.attempts().len(), 1);
    bench.fanfare.resume(&arn).await.unwrap();
    assert_eq!(published.settled().await.delivered(), 1);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_listed_with_their_reason_and_redriven() {
    let bench = Bench::new().await;
    bench.endpoint.always(Step::Reject);
    let morgue = ScriptedEndpoint::new();
    let subscribe = bench.subscribe().dead_letters_to(Destination::Endpoint(Arc::new(morgue.clone())));
    let arn = bench.fanfare.subscribe(&bench.topic, subscribe).await.unwrap();
    for text in ["one", "two"] {
        assert_eq!(bench.publish(text).await.settled().await.dead_lettered(), 1);
    }
    let dead = bench.fanfare.dead_letters(&arn, many()).await.unwrap();
    assert_eq!(dead.len(), 2);
    assert!(dead[0].reason.starts_with("not to be retried: "), "{}", dead[0].reason);

    bench.endpoint.always(Step::Accept);
    assert_eq!(bench.fanfare.redrive(&arn).await.unwrap(), 2);
    let attempts = bench.endpoint.wait_for(4).await;
    assert_eq!(attempts[2].notification.attempt().get(), 1);
    assert!(bench.fanfare.dead_letters(&arn, many()).await.unwrap().is_empty());
    assert_eq!(bench.fanfare.redrive(&arn).await.unwrap(), 0);
    assert!(bench.fanfare.counters().await.unwrap().balance());
}

#[tokio::test(start_paused = true)]
async fn what_is_redriven_does_not_count_for_those_who_wait_for_others() {
    let bench = Bench::new().await;
    bench.endpoint.script([Step::Reject]);
    let arn = bench.subscribed().await;
    let slow = ScriptedEndpoint::new();
    let slow_arn = Subscribe::endpoint(Arc::new(slow.clone()));
    let slow_arn = bench.fanfare.subscribe(&bench.topic, slow_arn).await.unwrap();
    bench.fanfare.pause(&slow_arn).await.unwrap();
    let published = bench.publish("x").await;
    bench.endpoint.wait_for(1).await;
    tokio::task::yield_now().await;
    bench.fanfare.redrive(&arn).await.unwrap();
    bench.endpoint.wait_for(2).await;
    bench.fanfare.resume(&slow_arn).await.unwrap();
    let report = published.settled().await;
    assert_eq!((report.dropped(), report.delivered(), report.pending), (1, 1, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_paused_subscription_is_told_to_its_endpoint_and_to_publishers() {
    let bench = Bench::new().await;
    let arn = bench.subscribed().await;
    bench.fanfare.pause(&arn).await.unwrap();
    let published = bench.publish("x").await;
    bench.fanfare.unsubscribe_by_link(&arn).await.unwrap();
    assert_eq!(published.settled().await.dropped(), 1);
    let attempts = bench.endpoint.wait_for(1).await;
    assert_eq!(attempts[0].notification.kind().as_str(), "UnsubscribeConfirmation");
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_without_a_destination_can_be_redriven_too() {
    let bench = Bench::new().await;
    bench.endpoint.always(Step::Reject);
    let arn = bench.subscribed().await;
    let published = bench.publish("x").await;
    assert_eq!(published.settled().await.dropped(), 1);
    assert!(matches!(bench.why(published.message_id(), &arn).await, Standing::Dead(_)));
    bench.endpoint.always(Step::Accept);
    assert_eq!(bench.fanfare.redrive(&arn).await.unwrap(), 1);
    bench.endpoint.wait_for(2).await;
}

#[tokio::test(start_paused = true)]
async fn why_tells_each_way_in_which_a_message_can_stand() {
    let bench = Bench::new().await;
    let delivered = bench.subscribed().await;
    let waiting_endpoint = ScriptedEndpoint::new();
    waiting_endpoint.always(Step::Retry);
    let waiting = Subscribe::endpoint(Arc::new(waiting_endpoint.clone()));
    let waiting = bench.fanfare.subscribe(&bench.topic, waiting).await.unwrap();
    let policy = FilterPolicy::parse(r#"{"kind": ["sport"]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let picky = Subscribe::endpoint(Arc::new(ScriptedEndpoint::new())).filter_policy(policy);
    let picky = bench.fanfare.subscribe(&bench.topic, picky).await.unwrap();

    let published = bench.publish("x").await;
    bench.endpoint.wait_for(1).await;
    waiting_endpoint.wait_for(1).await;
    tokio::task::yield_now().await;
    let id = published.message_id();

    let explanation = bench.fanfare.why(id, &delivered).await.unwrap();
    assert_eq!(explanation.standing, Standing::Delivered);
    assert_eq!(explanation.attempts.len(), 1);
    assert!(matches!(bench.why(id, &waiting).await, Standing::Pending { paused: false, .. }));
    assert_eq!(bench.fanfare.attempts(id, Some(&waiting)).await.unwrap()[0].number, 1);
    assert_eq!(bench.fanfare.attempts(id, None).await.unwrap().len(), 2);
    assert_eq!(
        bench.why(id, &picky).await,
        Standing::FilteredOut {
            reason: FilterReason::MessageAttributes,
            because: r#"key "kind": none of ["sport"] matched "news""#.to_owned()
        }
    );
    assert_eq!(bench.why("no such id", &delivered).await, Standing::Unknown);

    let other = bench.fanfare.create_topic("other").await.unwrap();
    let elsewhere = Subscribe::endpoint(Arc::new(ScriptedEndpoint::new()));
    let elsewhere = bench.fanfare.subscribe(&other, elsewhere).await.unwrap();
    assert_eq!(bench.why(id, &elsewhere).await, Standing::OtherTopic);
}

#[tokio::test(start_paused = true)]
async fn changed_settings_hold_from_the_next_attempt_on() {
    let bench = Bench::new().await;
    let arn = bench.subscribed().await;
    let policy = FilterPolicy::parse(r#"{"kind": ["sport"]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let mut settings = bench.fanfare.subscription(&arn).unwrap().settings().clone();
    settings.filter_policy = Some(policy);
    settings.format = fanfare_core::Format::Raw;
    bench.fanfare.change_subscription(&arn, settings.clone()).await.unwrap();
    assert_eq!(bench.publish("x").await.settled().await.filtered_out(), 1);
    settings.filter_policy = None;
    bench.fanfare.change_subscription(&arn, settings).await.unwrap();
    assert_eq!(bench.publish("y").await.settled().await.delivered(), 1);
    assert_eq!(bench.endpoint.attempts()[0].notification.format(), fanfare_core::Format::Raw);
}

#[tokio::test(start_paused = true)]
async fn a_changed_topic_decides_for_its_subscriptions_at_once() {
    use fanfare_core::retry::TopicDeliveryPolicy;
    use fanfare_core::{Connectors, Limits, Protocol, SignatureVersion};
    use fanfare_testkit::ScriptedConnector;
    let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE);
    let endpoint = connector.endpoint("address");
    endpoint.always(Step::Retry);
    let host = Arc::new(SimulatedHost::new(4));
    let fanfare = Fanfare::builder().host(Arc::clone(&host)).connectors(Connectors::new().with(connector)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, "address").confirmed()).await.unwrap();
    let once =
        r#"{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 1}}}"#;
    let settings = fanfare.topic(&topic).unwrap().settings().clone();
    let settings = settings
        .delivery_policy(TopicDeliveryPolicy::parse(once).unwrap())
        .signature_version(SignatureVersion::V2)
        .maximum_message_size(1024)
        .unwrap();
    fanfare.change_topic(&topic, settings.clone()).await.unwrap();
    let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap();
    assert_eq!(published.settled().await.dropped(), 1);
    assert_eq!(endpoint.attempts().len(), 2);
    assert_eq!(endpoint.attempts()[0].notification.signature_version(), SignatureVersion::V2);
    assert!(fanfare.publish(&topic, Message::text("x".repeat(2000)).unwrap()).await.is_err());
    let gone = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:gone").unwrap();
    assert_eq!(fanfare.change_topic(&gone, settings).await.unwrap_err().message(), "Topic does not exist");
}

#[tokio::test]
async fn topics_belong_to_the_owner_that_was_named() {
    use fanfare_core::{Owner, TopicSettings};
    let fanfare = Fanfare::builder().owner(Owner::new("eu-west-1", "123456789012").unwrap()).open();
    assert_eq!(fanfare.create_topic("a").await.unwrap().as_str(), "arn:aws:sns:eu-west-1:123456789012:a");
    let china = Owner::new("cn-north-1", "210987654321").unwrap();
    let topic = fanfare.create_topic_of(&china, "a", TopicSettings::new()).await.unwrap();
    assert_eq!(topic.as_str(), "arn:aws-cn:sns:cn-north-1:210987654321:a");
    assert!(topic.belongs_to(&china) && !topic.belongs_to(&Owner::default()));
    for (region, account) in [("", "123456789012"), ("EU", "123456789012"), ("eu-west-1", "12345678901")] {
        assert!(Owner::new(region, account).is_err(), "{region} {account}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_sees_what_a_subscription_holds_and_what_was_tried_for_it() {
    let bench = Bench::new().await;
    bench.endpoint.script([Step::Reject]);
    let arn = bench.subscribed().await;
    let first = bench.publish("one").await;
    assert_eq!(first.settled().await.dropped(), 1);
    bench.fanfare.pause(&arn).await.unwrap();
    bench.publish("two").await;
    assert_eq!(bench.fanfare.lane_counts(&arn).await.unwrap(), LaneCounts::new(1, 1));
    bench.fanfare.resume(&arn).await.unwrap();
    bench.endpoint.wait_for(2).await;
    let attempts = bench.fanfare.latest_attempts(&arn, many()).await.unwrap();
    assert_eq!(attempts.last().unwrap().message_id, first.message_id());
}

#[tokio::test(start_paused = true)]
async fn a_message_is_found_by_its_id() {
    let bench = Bench::new().await;
    let published = bench.publish("one").await;
    let found = bench.fanfare.message(published.message_id()).await.unwrap().unwrap();
    assert_eq!((found.topic(), found.message().published_text().as_ref()), (&bench.topic, "one".as_bytes()));
    assert!(bench.fanfare.message("00000000-0000-4000-8000-000000000000").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_message_from_before_the_subscription_is_told_from_one_that_is_lost() {
    let bench = Bench::new().await;
    let published = bench.publish("early").await;
    let accepted = bench.host.now();
    bench.host.jump_forward(Duration::from_secs(60));
    let arn = bench.subscribed().await;
    let made = accepted + Duration::from_secs(60);
    assert_eq!(bench.why(published.message_id(), &arn).await, Standing::SubscribedLater { made });
}
