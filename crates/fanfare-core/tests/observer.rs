//! Observers, who are told of every step on the spot.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use fanfare_core::{
    Destination, Fanfare, FilterPolicy, FilterPolicyScope, Message, Observer, Subscribe, TopicArn, TraceContext,
};
use fanfare_testkit::{ScriptedEndpoint, Step};

/// Writes down each step in a few words.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn taken(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Notes {
    fn observe(&self, step: &fanfare_core::Step<'_>) {
        use fanfare_core::Step;
        let text = match step {
            Step::Published { publication, matched } => {
                format!("published {} bytes for {matched}", publication.message().size())
            }
            Step::FilteredOut { reason, count, .. } => format!("filtered out {count}: {}", reason.metric_name()),
            Step::Attempted { attempt, .. } => {
                format!("attempt {} at {:?}: {}", attempt.number, attempt.stage, attempt.failure.is_none())
            }
            Step::Dropped { cause, .. } => format!("dropped: {}", cause.as_str()),
            _ => "something else".to_owned(),
        };
        self.0.lock().unwrap().push(text);
    }
}

async fn engine(observer: Arc<dyn Observer>) -> (Fanfare, TopicArn) {
    let fanfare = Fanfare::builder().observer(observer).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    (fanfare, topic)
}

#[tokio::test]
async fn an_observer_is_told_of_each_step_from_publishing_to_the_dead_letter() {
    let notes = Arc::new(Notes::default());
    let (fanfare, topic) = engine(Arc::clone(&notes) as _).await;
    let (failing, dead) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    failing.always(Step::Reject);
    let dead_letters = Destination::Endpoint(Arc::new(dead));
    fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(failing)).dead_letters_to(dead_letters)).await.unwrap();
    let policy = FilterPolicy::parse(r#"{"colour": ["red"]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let picky = Subscribe::endpoint(Arc::new(ScriptedEndpoint::new())).filter_policy(policy);
    fanfare.subscribe(&topic, picky).await.unwrap();

    let published = fanfare.publish(&topic, Message::text("a parcel").unwrap()).await.unwrap();
    published.settled().await;
    assert_eq!(
        notes.taken(),
        [
            "published 8 bytes for 1",
            "filtered out 1: NumberOfNotificationsFilteredOut-NoMessageAttributes",
            "attempt 1 at Endpoint: false",
            "attempt 1 at DeadLetter: true",
        ]
    );
}

#[tokio::test]
async fn an_observer_is_told_once_for_each_reason_how_many_do_not_want_a_message() {
    let notes = Arc::new(Notes::default());
    let (fanfare, topic) = engine(Arc::clone(&notes) as _).await;
    let scopes = [FilterPolicyScope::MessageAttributes, FilterPolicyScope::MessageBody, FilterPolicyScope::MessageBody];
    for scope in scopes.into_iter().cycle().take(12) {
        let policy = FilterPolicy::parse(r#"{"colour": ["red"]}"#, scope).unwrap();
        let picky = Subscribe::endpoint(Arc::new(ScriptedEndpoint::new())).filter_policy(policy);
        fanfare.subscribe(&topic, picky).await.unwrap();
    }
    let report = fanfare.publish(&topic, Message::text("a parcel").unwrap()).await.unwrap().settled().await;
    assert_eq!(report.filtered_out(), 12);
    assert_eq!(
        notes.taken(),
        [
            "published 8 bytes for 0",
            "filtered out 4: NumberOfNotificationsFilteredOut-NoMessageAttributes",
            "filtered out 8: NumberOfNotificationsFilteredOut-InvalidMessageBody",
        ]
    );
}

#[tokio::test]
async fn an_observer_misses_nothing_however_much_happens() {
    let notes = Arc::new(Notes::default());
    let (fanfare, topic) = engine(Arc::clone(&notes) as _).await;
    fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(ScriptedEndpoint::new()))).await.unwrap();
    let count = 10_000;
    let mut published = Vec::new();
    for _ in 0..count {
        published.push(fanfare.publish(&topic, Message::text("a parcel").unwrap()).await.unwrap());
    }
    for published in published {
        published.settled().await;
    }
    let told = |what: &str| notes.taken().iter().filter(|note| note.starts_with(what)).count();
    assert_eq!(
        (told("published"), told("attempt 1 at Endpoint: true"), notes.taken().len()),
        (count, count, 2 * count)
    );
}

#[tokio::test]
async fn what_waits_for_a_subscription_that_ends_is_told_as_dropped() {
    let notes = Arc::new(Notes::default());
    let (fanfare, topic) = engine(Arc::clone(&notes) as _).await;
    let subscribe = Subscribe::endpoint(Arc::new(ScriptedEndpoint::new()));
    let subscription = fanfare.subscribe(&topic, subscribe).await.unwrap();
    fanfare.pause(&subscription).await.unwrap();
    let published = fanfare.publish(&topic, Message::text("a parcel").unwrap()).await.unwrap();
    fanfare.delete_topic(&topic).await.unwrap();
    published.settled().await;
    assert_eq!(notes.taken(), ["published 8 bytes for 1", "dropped: ended"]);
}

/// Fails at everything.
#[derive(Debug)]
struct Clumsy;

impl Observer for Clumsy {
    fn observe(&self, _: &fanfare_core::Step<'_>) {
        panic!("clumsy");
    }
}

#[tokio::test]
async fn an_observer_that_panics_stops_no_delivery() {
    let (fanfare, topic) = engine(Arc::new(Clumsy)).await;
    let endpoint = ScriptedEndpoint::new();
    fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(endpoint.clone()))).await.unwrap();
    let published = fanfare.publish(&topic, Message::text("a parcel").unwrap()).await.unwrap();
    assert_eq!(published.settled().await.delivered(), 1);
    assert_eq!(endpoint.texts(), ["a parcel"]);
}

#[tokio::test]
async fn endpoints_see_the_publishers_trace_but_fifo_topics_keep_the_one_of_x_ray_back() {
    let fanfare = Fanfare::builder().fifo_over_any_protocol().open();
    let trace = TraceContext::new()
        .w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None)
        .xray("Root=1-5759e988-bd862e3fe1be46a994272793");
    let mut seen = Vec::new();
    for name in ["orders", "orders.fifo"] {
        let topic = fanfare.create_topic(name).await.unwrap();
        let endpoint = ScriptedEndpoint::new();
        fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(endpoint.clone()))).await.unwrap();
        let mut message = Message::builder("a parcel");
        if topic.is_fifo() {
            message = message.group_id("g").deduplication_id("d");
        }
        fanfare.publish(&topic, message.build().unwrap().traced(trace.clone())).await.unwrap().settled().await;
        let attempts = endpoint.attempts();
        let names: Vec<_> = attempts[0].notification.trace().headers().map(|(name, _)| name).collect();
        seen.push(names);
    }
    assert_eq!(seen, [vec!["traceparent", "x-amzn-trace-id"], vec!["traceparent"]]);
}
