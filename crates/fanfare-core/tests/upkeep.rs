//! What operators do: pause, resume, redrive, and ask why a message did not arrive.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::engine::Standing;
use fanfare_core::filter::FilterReason;
use fanfare_core::{
    Destination, Fanfare, FilterPolicy, FilterPolicyScope, Message, Subscribe, SubscriptionArn, TopicArn,
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
