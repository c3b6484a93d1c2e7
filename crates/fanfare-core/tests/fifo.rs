//! FIFO topics: order by message group, repeated messages, archive and replay.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::engine::Ending;
use fanfare_core::retry::RetryPhase;
use fanfare_core::topic::DeduplicationScope;
use fanfare_core::{
    Connectors, Destination, Fanfare, FilterPolicy, FilterPolicyScope, Host, Limits, Message, Protocol, RetrySchedule,
    SnsErrorCode, Subscribe, Timestamp, TopicArn, TopicSettings,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, SimulatedHost, Step};

struct Bench {
    fanfare: Fanfare,
    topic: TopicArn,
    host: Arc<SimulatedHost>,
}

impl Bench {
    async fn new(name: &str, settings: TopicSettings) -> Self {
        let host = Arc::new(SimulatedHost::new(9));
        let fanfare = Fanfare::builder().host(Arc::clone(&host)).open();
        let topic = fanfare.create_topic_with(name, settings).await.unwrap();
        Self { fanfare, topic, host }
    }

    async fn fifo() -> Self {
        Self::new("orders.fifo", TopicSettings::new().content_based_deduplication()).await
    }

    async fn subscribe(&self) -> ScriptedEndpoint {
        let endpoint = ScriptedEndpoint::new();
        let soon = RetrySchedule::extended([RetryPhase::constant(3, Duration::from_secs(1))]).unwrap();
        let subscribe = Subscribe::endpoint(Arc::new(endpoint.clone())).retry(soon);
        self.fanfare.subscribe(&self.topic, subscribe).await.unwrap();
        endpoint
    }

    async fn publish(&self, group: &str, text: &str) -> fanfare_core::Published {
        let message = Message::builder(text).group_id(group).build().unwrap();
        self.fanfare.publish(&self.topic, message).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_message_holds_its_group_back_and_no_other() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    endpoint.always_by(|notification| match (notification.text(), notification.attempt().get()) {
        ("a1", 1..=2) => Step::Retry,
        _ => Step::Accept,
    });
    let mut published = Vec::new();
    for (group, text) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3"), ("b", "b2")] {
        published.push(bench.publish(group, text).await);
    }
    for published in &published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    let texts = endpoint.texts();
    let of = |group: &str| texts.iter().filter(|text| text.starts_with(group)).cloned().collect::<Vec<_>>();
    assert_eq!(of("a"), ["a1", "a1", "a1", "a2", "a3"]);
    assert_eq!(of("b"), ["b1", "b2"]);
    let position = |text| texts.iter().position(|known| known == text).unwrap();
    assert!(position("b2") < position("a2"), "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn order_holds_among_many_groups_and_failures() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    endpoint.always_by(|n| if n.attempt().get() == 1 && n.text().len() % 3 == 0 { Step::Retry } else { Step::Accept });
    let mut published = Vec::new();
    for number in 0..300 {
        let text = format!("{}:{number}:{}", number % 7, "x".repeat(number % 5));
        published.push(bench.publish(&(number % 7).to_string(), &text).await);
    }
    for published in &published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    let mut last = std::collections::HashMap::new();
    for text in endpoint.texts() {
        let mut parts = text.split(':');
        let (group, number): (String, u32) = (parts.next().unwrap().into(), parts.next().unwrap().parse().unwrap());
        let before = last.insert(group, number).unwrap_or(0);
        assert!(before <= number, "{number} came after {before}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_given_up_lets_its_group_go_on() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    endpoint.always_by(|notification| if notification.text() == "a1" { Step::Reject } else { Step::Accept });
    let first = bench.publish("a", "a1").await;
    let second = bench.publish("a", "a2").await;
    assert_eq!(first.settled().await.dropped(), 1);
    assert_eq!(second.settled().await.delivered(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_out_of_the_way_before_its_group_goes_on() {
    let bench = Bench::fifo().await;
    let (endpoint, morgue) = (ScriptedEndpoint::new(), ScriptedEndpoint::new());
    endpoint.always_by(|notification| if notification.text() == "a1" { Step::Reject } else { Step::Accept });
    morgue.script([Step::Retry]);
    let subscribe = Subscribe::endpoint(Arc::new(endpoint.clone()))
        .dead_letters_to(Destination::Endpoint(Arc::new(morgue.clone())));
    bench.fanfare.subscribe(&bench.topic, subscribe).await.unwrap();
    let first = bench.publish("a", "a1").await;
    let second = bench.publish("a", "a2").await;
    morgue.wait_for(1).await;
    assert_eq!(endpoint.texts(), ["a1"]);
    assert_eq!(first.settled().await.dead_lettered(), 1);
    assert_eq!(second.settled().await.delivered(), 1);
}

#[tokio::test(start_paused = true)]
async fn sequence_numbers_grow_and_have_twenty_digits() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    let mut numbers = Vec::new();
    for number in 0..5 {
        let published = bench.publish("a", &number.to_string()).await;
        published.settled().await;
        numbers.push(published.sequence_number().unwrap().to_owned());
    }
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    assert!(numbers.iter().all(|number| number.len() == 20), "{numbers:?}");
    let delivered: Vec<_> =
        endpoint.attempts().iter().map(|a| a.notification.sequence_number().unwrap().to_owned()).collect();
    assert_eq!(delivered, numbers);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_message_gets_the_ids_of_the_first_and_goes_nowhere() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    let first = bench.publish("a", "same").await;
    let again = bench.publish("b", "same").await;
    assert_eq!(again.message_id(), first.message_id());
    assert_eq!(again.sequence_number(), first.sequence_number());
    assert!(again.settled().await.endings.is_empty());
    assert_eq!(first.settled().await.delivered(), 1);
    drop(again);

    bench.host.jump_forward(Duration::from_secs(299));
    assert_eq!(bench.publish("a", "same").await.message_id(), first.message_id());
    bench.host.jump_forward(Duration::from_secs(2));
    let later = bench.publish("a", "same").await;
    assert_ne!(later.message_id(), first.message_id());
    later.settled().await;
    assert_eq!(endpoint.texts(), ["same", "same"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_made_again_remembers_no_messages_of_the_one_before() {
    let bench = Bench::fifo().await;
    let first = bench.publish("a", "same").await;
    bench.fanfare.delete_topic(&bench.topic).await.unwrap();
    bench.host.jump_forward(Duration::from_secs(1));
    let settings = TopicSettings::new().content_based_deduplication();
    bench.fanfare.create_topic_with("orders.fifo", settings).await.unwrap();
    assert_ne!(bench.publish("a", "same").await.message_id(), first.message_id());
}

#[tokio::test(start_paused = true)]
async fn an_explicit_id_overrides_the_content_and_equals_a_computed_one() {
    let bench = Bench::fifo().await;
    let explicit = |text: &str, id: &str| Message::builder(text).group_id("a").deduplication_id(id).build().unwrap();
    // The SHA-256 of "Test" in hexadecimal digits, as Amazon SNS was recorded to compute it.
    let computed = "532eaabd9574880dbf76b9b8cc00832c20a6ec113d682299550d7a6e0f345e25";
    let first = bench.publish("a", "Test").await;
    let same = bench.fanfare.publish(&bench.topic, explicit("other text", computed)).await.unwrap();
    assert_eq!(same.message_id(), first.message_id());
    let other = bench.fanfare.publish(&bench.topic, explicit("Test", "1")).await.unwrap();
    assert_ne!(other.message_id(), first.message_id());
}

#[tokio::test(start_paused = true)]
async fn deduplication_by_group_lets_other_groups_repeat() {
    let settings =
        TopicSettings::new().content_based_deduplication().deduplication_scope(DeduplicationScope::MessageGroup);
    let bench = Bench::new("orders.fifo", settings).await;
    let first = bench.publish("a", "same").await;
    assert_ne!(bench.publish("b", "same").await.message_id(), first.message_id());
    assert_eq!(bench.publish("a", "same").await.message_id(), first.message_id());
}

#[tokio::test(start_paused = true)]
async fn a_standard_topic_can_recognise_repeated_messages_too() {
    let bench = Bench::new("orders", TopicSettings::new().deduplication()).await;
    let publish = async |id: &str| {
        let message = Message::builder("x").deduplication_id(id).build().unwrap();
        bench.fanfare.publish(&bench.topic, message).await.unwrap().message_id().to_owned()
    };
    assert_eq!(publish("1").await, publish("1").await);
    assert_ne!(publish("1").await, publish("2").await);
}

#[tokio::test(start_paused = true)]
async fn what_a_fifo_topic_asks_for_is_asked_for_in_the_words_of_sns() {
    let bench = Bench::new("orders.fifo", TopicSettings::new()).await;
    let cases = [
        (Message::builder("x"), "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"),
        (
            Message::builder("x").group_id("a"),
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        ),
    ];
    for (message, text) in cases {
        let error = bench.fanfare.publish(&bench.topic, message.build().unwrap()).await.unwrap_err();
        assert_eq!(error.message(), text);
    }
}

#[tokio::test]
async fn a_fifo_topic_delivers_to_queues_and_own_endpoints_and_over_http_only_when_asked() {
    let connectors = || {
        let http = ScriptedConnector::new(Protocol::Http, Limits::ONE);
        Connectors::new().with(http).with(ScriptedConnector::new(Protocol::Sqs, Limits::ONE))
    };
    let strict = Fanfare::builder().connectors(connectors()).open();
    let topic = strict.create_topic("orders.fifo").await.unwrap();
    let http = || Subscribe::to(Protocol::Http, "address").confirmed();
    let error = strict.subscribe(&topic, http()).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: Invalid protocol type: http");
    assert!(strict.subscribe(&topic, Subscribe::to(Protocol::Sqs, "queue")).await.is_ok());

    let open = Fanfare::builder().connectors(connectors()).fifo_over_any_protocol().open();
    let topic = open.create_topic("orders.fifo").await.unwrap();
    assert!(open.subscribe(&topic, http()).await.is_ok());
}

#[tokio::test]
async fn a_fifo_topic_takes_a_hundred_subscriptions() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders.fifo").await.unwrap();
    let subscribe = || fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(ScriptedEndpoint::new())));
    for _ in 0..100 {
        subscribe().await.unwrap();
    }
    assert_eq!(subscribe().await.unwrap_err().code(), SnsErrorCode::SubscriptionLimitExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_replay_delivers_what_the_policy_wants_marked_and_in_order_and_goes_on_with_what_is_new() {
    let bench = Bench::new("orders.fifo", TopicSettings::new().content_based_deduplication().archive(1).unwrap()).await;
    let start = bench.host.now();
    for number in 0..10 {
        let kind = if number % 2 == 0 { "even" } else { "odd" };
        let message = Message::builder(number.to_string()).group_id("a").string("kind", kind).build().unwrap();
        bench.fanfare.publish(&bench.topic, message).await.unwrap();
        bench.host.jump_forward(Duration::from_secs(60));
    }
    let endpoint = ScriptedEndpoint::new();
    let even = FilterPolicy::parse(r#"{"kind": ["even"]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let subscribe = Subscribe::endpoint(Arc::new(endpoint.clone())).filter_policy(even);
    let arn = bench.fanfare.subscribe(&bench.topic, subscribe).await.unwrap();
    let count = bench.fanfare.replay(&arn, start + Duration::from_secs(120), None).await.unwrap();
    assert_eq!(count, 4);
    let attempts = endpoint.wait_for(4).await;
    assert_eq!(endpoint.texts(), ["2", "4", "6", "8"]);
    let replayed = attempts[0].notification.attributes().get("Replayed").unwrap();
    assert_eq!((replayed.data_type().as_str(), &*replayed.to_text()), ("String", "true"));
    assert_eq!(attempts[0].notification.timestamp(), start + Duration::from_secs(120));

    let new = Message::builder("new").group_id("a").string("kind", "even").build().unwrap();
    bench.fanfare.publish(&bench.topic, new).await.unwrap().settled().await;
    let attempts = endpoint.attempts();
    assert_eq!(attempts[4].text(), "new");
    assert!(attempts[4].notification.attributes().get("Replayed").is_none());
    assert!(bench.fanfare.counters().await.unwrap().balance());
}

#[tokio::test(start_paused = true)]
async fn a_replay_with_an_end_stops_new_messages_until_one_without() {
    let bench = Bench::new("orders", TopicSettings::new().archive(1).unwrap()).await;
    let endpoint = bench.subscribe().await;
    let arn = bench.fanfare.subscriptions(&bench.topic).unwrap()[0].arn().clone();
    let publish = async |text: &str| {
        let message = Message::text(text).unwrap();
        bench.fanfare.publish(&bench.topic, message).await.unwrap().settled().await.delivered()
    };
    let start = bench.host.now();
    assert_eq!(publish("one").await, 1);
    bench.host.jump_forward(Duration::from_secs(60));
    let end = bench.host.now();
    assert_eq!(bench.fanfare.replay(&arn, start, Some(end)).await.unwrap(), 1);
    bench.host.jump_forward(Duration::from_secs(60));
    assert_eq!(publish("two").await, 0);
    assert_eq!(bench.fanfare.replay(&arn, end + Duration::from_millis(1), None).await.unwrap(), 1);
    assert_eq!(publish("three").await, 1);
    endpoint.wait_for(4).await;
    let mut texts = endpoint.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "one", "three", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_a_topic_without_an_archive_is_refused() {
    let bench = Bench::fifo().await;
    bench.subscribe().await;
    let arn = bench.fanfare.subscriptions(&bench.topic).unwrap()[0].arn().clone();
    let error = bench.fanfare.replay(&arn, Timestamp::EPOCH, None).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: ReplayPolicy Reason: the topic has no ArchivePolicy");
    assert!(TopicSettings::new().archive(0).is_err());
    assert!(TopicSettings::new().archive(366).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_message_of_a_group_counts_as_an_ending() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    endpoint.always(Step::Retry);
    let published = bench.publish("a", "x").await;
    let report = published.settled().await;
    assert!(
        matches!(&report.endings[0].1, Ending::Dropped { reason } if reason.starts_with("gave up after 4 attempts"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_replay_tells_how_it_goes_and_can_be_ended() {
    let bench = Bench::new("orders", TopicSettings::new().archive(1).unwrap()).await;
    let endpoint = bench.subscribe().await;
    let arn = bench.fanfare.subscriptions(&bench.topic).unwrap()[0].arn().clone();
    let start = bench.host.now();
    assert_eq!(bench.fanfare.archive_begins(&bench.topic).await.unwrap(), None);
    bench.fanfare.publish(&bench.topic, Message::text("one").unwrap()).await.unwrap().settled().await;
    assert_eq!(bench.fanfare.archive_begins(&bench.topic).await.unwrap(), Some(start));
    bench.fanfare.start_replay(&arn, start, Some(start)).await.unwrap();
    endpoint.wait_for(2).await;
    let replay = bench.fanfare.subscription(&arn).unwrap().replay().unwrap();
    assert_eq!((replay.from, replay.to), (start, Some(start)));
    let missed = bench.fanfare.publish(&bench.topic, Message::text("two").unwrap()).await.unwrap();
    assert_eq!(missed.settled().await.delivered(), 0);
    bench.fanfare.end_replay(&arn).await.unwrap();
    assert_eq!(bench.fanfare.subscription(&arn).unwrap().replay(), None);
    let three = bench.fanfare.publish(&bench.topic, Message::text("three").unwrap()).await.unwrap();
    assert_eq!(three.settled().await.delivered(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_an_outcome_for_each_message_in_its_order() {
    let bench = Bench::fifo().await;
    let endpoint = bench.subscribe().await;
    let grouped = |text: &str| Message::builder(text).group_id("a").build().unwrap();
    let long = grouped(&"x".repeat(300_000));
    let batch = vec![grouped("one"), long, Message::text("no group").unwrap(), grouped("one"), grouped("two")];
    let outcomes = bench.fanfare.publish_all(&bench.topic, batch).await.unwrap();
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().map(|published| published.message_id())).collect();
    assert_eq!(ids[1].unwrap_err().message(), "Invalid parameter: Message too long");
    assert_eq!(
        ids[2].unwrap_err().message(),
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    );
    assert_eq!(ids[0].unwrap(), ids[3].unwrap());
    let numbers: Vec<_> = [0, 4].map(|at| outcomes[at].as_ref().unwrap().sequence_number().unwrap()).to_vec();
    assert!(numbers[0] < numbers[1], "{numbers:?}");
    endpoint.wait_for(2).await;
    assert_eq!(endpoint.texts(), ["one", "two"]);
}
