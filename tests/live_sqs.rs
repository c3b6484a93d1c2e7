//! Deliveries to queues of servers that others wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/aws_server.rs"]
mod aws_server;
#[path = "live/queue.rs"]
mod queue;

use std::collections::BTreeSet;
use std::time::Duration;

use fanfare::attempt::Next;
use fanfare::engine::{Ending, Progress, Report};
use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::{
    Adapters, Destination, Fanfare, Message, MessageBuilder, Protocol, Published, Subscribe, TopicArn, TopicSettings,
    TraceContext,
};

use aws_server::{AwsServer, Kind};
use queue::Queue;

/// How long something may take that should happen.
const PATIENCE: Duration = Duration::from_secs(60);
const BASE: &str = "https://sns.example.com";

fn engine(server: &AwsServer) -> Fanfare {
    let adapters = Adapters::new(BASE).unwrap().aws(server.config());
    Fanfare::builder().connectors(adapters.connectors().unwrap()).open()
}

fn to(queue: Queue, server: &AwsServer) -> Subscribe {
    Subscribe::to(Protocol::Sqs, queue.arn(server.kind()))
}

async fn settled(published: &Published) -> Report {
    tokio::time::timeout(PATIENCE, published.settled()).await.expect("the message ends everywhere")
}

async fn delivered(fanfare: &Fanfare, topic: &TopicArn, message: MessageBuilder) -> String {
    let published = fanfare.publish(topic, message.build().unwrap()).await.unwrap();
    let id = published.message_id().to_owned();
    let report = settled(&published).await;
    assert_eq!(report.delivered(), report.endings.len(), "{report:?}");
    id
}

async fn envelopes_and_raw_texts_arrive_with_their_attributes(kind: Kind) {
    const ORDERS: Queue = Queue("orders");
    const RAW: Queue = Queue("raw");
    let server = AwsServer::start(kind, vec![ORDERS.made(), RAW.made()]).await;
    let fanfare = engine(&server);
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, to(ORDERS, &server)).await.unwrap();
    fanfare.subscribe(&topic, to(RAW, &server).raw()).await.unwrap();

    // fauxqs, which counts characters as JavaScript does, takes none beyond the first 65,536.
    let beyond = if kind == Kind::Moto { "😀" } else { "" };
    let text = format!("żółć \"quoted\" \\ {beyond}\ttab\nline");
    let message = Message::builder(&text)
        .subject("a parcel")
        .string("store", "Zürich → 東京")
        .number("price", "120.50")
        .binary("seal", vec![0, 1, 255]);
    let id = delivered(&fanfare, &topic, message).await;

    let envelope = ORDERS.consume(&server, 1).await.remove(0);
    assert!(envelope.attributes.is_empty(), "{envelope:?}");
    assert!(envelope.body.starts_with("{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : \""), "{}", envelope.body);
    let envelope = envelope.envelope();
    assert_eq!((&envelope["MessageId"], &envelope["Message"]), (&id.into(), &text.as_str().into()));
    assert_eq!(envelope["Subject"], "a parcel");
    assert_eq!(envelope["MessageAttributes"]["seal"], serde_json::json!({ "Type": "Binary", "Value": "AAH/" }));

    let raw = RAW.consume(&server, 1).await.remove(0);
    assert_eq!(raw.body, text);
    let attribute = |name: &str| raw.attributes[name].clone();
    assert_eq!(attribute("store"), ("String".to_owned(), "Zürich → 東京".to_owned()));
    assert_eq!(attribute("price"), ("Number".to_owned(), "120.50".to_owned()));
    assert_eq!(attribute("seal"), ("Binary".to_owned(), "AAH/".to_owned()));
    assert_eq!(raw.attributes.len(), 3);
    fanfare.close().await;
}

async fn the_publishers_trace_arrives_beside_the_message(kind: Kind) {
    const ORDERS: Queue = Queue("orders");
    let server = AwsServer::start(kind, vec![ORDERS.made()]).await;
    let fanfare = engine(&server);
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, to(ORDERS, &server)).await.unwrap();
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let message = Message::text("hello").unwrap().traced(TraceContext::new().xray(header));
    assert_eq!(settled(&fanfare.publish(&topic, message).await.unwrap()).await.delivered(), 1);
    assert_eq!(ORDERS.consume(&server, 1).await[0].system["AWSTraceHeader"], header);
    fanfare.close().await;
}

async fn many_messages_arrive_once_each(kind: Kind) {
    const ORDERS: Queue = Queue("orders");
    let server = AwsServer::start(kind, vec![ORDERS.made()]).await;
    let fanfare = engine(&server);
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, to(ORDERS, &server)).await.unwrap();
    let mut waiting = Vec::new();
    for number in 0..60 {
        let message = Message::text(format!("message {number:02}")).unwrap();
        waiting.push(fanfare.publish(&topic, message).await.unwrap());
    }
    for published in waiting {
        assert_eq!(settled(&published).await.delivered(), 1);
    }
    let consumed = ORDERS.consume(&server, 60).await;
    let texts: BTreeSet<_> = consumed.iter().map(|message| message.envelope()["Message"].to_string()).collect();
    assert_eq!(texts.len(), 60);
    ORDERS.is_empty(&server).await;
    fanfare.close().await;
}

async fn a_fifo_queue_gets_ids_and_order_and_a_standard_queue_neither(kind: Kind) {
    const FIFO: Queue = Queue("orders.fifo");
    const STANDARD: Queue = Queue("history");
    let server = AwsServer::start(kind, vec![FIFO.made(), STANDARD.made()]).await;
    let fanfare = engine(&server);
    let settings = TopicSettings::new().content_based_deduplication();
    let topic = fanfare.create_topic_with("orders.fifo", settings).await.unwrap();
    fanfare.subscribe(&topic, to(FIFO, &server)).await.unwrap();
    fanfare.subscribe(&topic, to(STANDARD, &server)).await.unwrap();
    let mut waiting = Vec::new();
    for number in 0..12 {
        let message = Message::builder(format!("{number:02}")).group_id(format!("group-{}", number % 3));
        waiting.push(fanfare.publish(&topic, message.build().unwrap()).await.unwrap());
    }
    for published in waiting {
        assert_eq!(settled(&published).await.delivered(), 2);
    }

    let consumed = FIFO.consume(&server, 12).await;
    for group in ["group-0", "group-1", "group-2"] {
        let of_group = consumed.iter().filter(|message| message.system["MessageGroupId"] == group);
        let texts: Vec<_> =
            of_group.map(|message| message.envelope()["Message"].as_str().unwrap().to_owned()).collect();
        assert_eq!(texts.len(), 4, "{group}");
        assert!(texts.is_sorted(), "{group}: {texts:?}");
    }
    // SHA-256 of the text, as the topic works it out.
    let first = consumed.iter().find(|message| message.envelope()["Message"] == "00").unwrap();
    let id = "f1534392279bddbf9d43dde8701cb5be14b82f76ec6607bf8d6ad557f60f304e";
    assert_eq!(first.system["MessageDeduplicationId"], id);
    assert!(first.envelope()["SequenceNumber"].is_string() && first.envelope().get("Signature").is_none());

    for message in STANDARD.consume(&server, 12).await {
        assert!(!message.system.contains_key("MessageGroupId"), "{message:?}");
        assert!(message.envelope()["SequenceNumber"].is_string());
    }
    fanfare.close().await;
}

async fn what_a_missing_queue_cannot_take_goes_to_the_dead_letter_queue(kind: Kind) {
    const NOWHERE: Queue = Queue("nowhere");
    const DEAD: Queue = Queue("dead-letters");
    let server = AwsServer::start(kind, vec![DEAD.made()]).await;
    let fanfare = engine(&server);
    let topic = fanfare.create_topic("orders").await.unwrap();
    let dead_letters = || Destination::address(Protocol::Sqs, DEAD.arn(kind));
    let subscription = fanfare.subscribe(&topic, to(NOWHERE, &server).dead_letters_to(dead_letters())).await.unwrap();
    let message = Message::builder("nobody is at home").build().unwrap();
    let published = fanfare.publish(&topic, message).await.unwrap();
    let id = published.message_id().to_owned();
    let report = settled(&published).await;
    assert!(matches!(report.endings[..], [(_, Ending::DeadLettered)]), "{report:?}");

    let letter = DEAD.consume(&server, 1).await.remove(0).envelope();
    assert_eq!((&letter["MessageId"], &letter["Message"]), (&id.into(), &"nobody is at home".into()));
    assert!(letter["UnsubscribeURL"].as_str().unwrap().ends_with(subscription.as_str()));
    fanfare.close().await;
}

async fn nothing_is_lost_while_the_server_is_away(kind: Kind) {
    const ORDERS: Queue = Queue("orders");
    let mut server = AwsServer::start(kind, vec![ORDERS.made()]).await;
    let fanfare = engine(&server);
    let topic = fanfare.create_topic("orders").await.unwrap();
    let schedule = RetrySchedule::extended([RetryPhase::constant(10_000, Duration::from_millis(100))]).unwrap();
    fanfare.subscribe(&topic, to(ORDERS, &server).raw().retry(schedule)).await.unwrap();
    let publish = async |numbers: std::ops::Range<usize>| {
        let mut waiting = Vec::new();
        for number in numbers {
            let message = Message::text(format!("message {number:02}")).unwrap();
            waiting.push(fanfare.publish(&topic, message).await.unwrap());
        }
        waiting
    };

    let mut waiting = publish(0..15).await;
    // The server keeps nothing over its end, so that what it has is taken out first.
    let mut consumed = ORDERS.consume(&server, 15).await;
    server.stop().await;
    let mut watch = fanfare.watch();
    waiting.extend(publish(15..40).await);
    let failed = async {
        while !matches!(watch.next().await.unwrap(), Progress::Attempted(a) if matches!(a.next, Next::Retry { .. })) {}
    };
    tokio::time::timeout(PATIENCE, failed).await.expect("an attempt fails");
    server.start_again().await;
    waiting.extend(publish(40..45).await);
    for published in waiting {
        assert_eq!(settled(&published).await.delivered(), 1);
    }
    consumed.extend(ORDERS.consume(&server, 30).await);

    let texts: BTreeSet<_> = consumed.into_iter().map(|message| message.body).collect();
    let expected: BTreeSet<_> = (0..45).map(|number| format!("message {number:02}")).collect();
    assert_eq!(texts, expected);
    assert!(fanfare.counters().await.unwrap().balance());
    fanfare.close().await;
}

/// Makes a test of each claim for each server.
macro_rules! servers {
    ($($server:ident, $kind:expr, $needs:literal: { $($claim:ident),* $(,)? })*) => {
        $(mod $server {
            use super::Kind;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = $needs]
                async fn $claim() {
                    super::$claim($kind).await;
                }
            )*
        })*
    };
}

servers! {
    moto, Kind::Moto, "needs moto from PyPI": {
        envelopes_and_raw_texts_arrive_with_their_attributes,
        the_publishers_trace_arrives_beside_the_message,
        many_messages_arrive_once_each,
        a_fifo_queue_gets_ids_and_order_and_a_standard_queue_neither,
        what_a_missing_queue_cannot_take_goes_to_the_dead_letter_queue,
        nothing_is_lost_while_the_server_is_away,
    }
    // Without the case of the trace: fauxqs reads no `MessageSystemAttributes`, and so keeps no `AWSTraceHeader`.
    fauxqs, Kind::Fauxqs, "needs fauxqs from npm and a newer Node from PyPI": {
        envelopes_and_raw_texts_arrive_with_their_attributes,
        many_messages_arrive_once_each,
        a_fifo_queue_gets_ids_and_order_and_a_standard_queue_neither,
        what_a_missing_queue_cannot_take_goes_to_the_dead_letter_queue,
        nothing_is_lost_while_the_server_is_away,
    }
}
