//! Time that a test sets forward.

use fanfare_testkit::HttpReceiver;
use serde_json::{Value, json};

use crate::program::Program;

const DEAD_LETTERS: &str = "arn:aws:sqs:us-east-1:000000000000:dead-letters";

async fn advance(program: &Program, by: &str) -> f64 {
    let (status, body) = program.post("/_fanfare/time", &json!({ "advance": by })).await;
    assert_eq!(status, 200, "{body}");
    body["aheadSeconds"].as_f64().unwrap()
}

#[tokio::test]
async fn an_hour_takes_no_time_and_makes_every_retry_that_falls_into_it() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    let receiver = HttpReceiver::start().await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{DEAD_LETTERS}"}}"#);
    let redrive = [("Attributes.entry.1.key", "RedrivePolicy"), ("Attributes.entry.1.value", redrive.as_str())];
    program.subscribe(&topic, "http", &receiver.url("/in"), &redrive).await;
    let request: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    program.client.get(request["SubscribeURL"].as_str().unwrap()).send().await.unwrap();
    receiver.reply_with(fanfare_testkit::Reply::status(503));

    let message_id = program.done("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;
    assert_eq!(advance(&program, "30s").await.round(), 30.0);
    assert_eq!(receiver.requests().len(), 1 + 2);
    assert_eq!(advance(&program, "1h").await.round(), 3630.0);
    assert_eq!(receiver.requests().len(), 1 + 4);
    // What an answer to the advance says is done: nobody has to wait for it.
    let listed = program.get(&format!("/_fanfare/outbox?destination={DEAD_LETTERS}")).await.1;
    assert_eq!(listed["messages"][0]["messageId"], message_id);
}

#[tokio::test]
async fn a_subscription_that_nobody_confirms_is_gone_after_two_days() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    let subscription = program.subscribe(&topic, "email", "ann@example.com", &[]).await;
    let token = program.outbox("protocol=email", 1).await[0]["token"].as_str().unwrap().to_owned();
    advance(&program, "47 hours").await;
    let attributes = [("SubscriptionArn", subscription.as_str())];
    assert_eq!(program.call("GetSubscriptionAttributes", &attributes).await.0, 200);
    advance(&program, "61 minutes").await;
    assert_eq!(program.call("GetSubscriptionAttributes", &attributes).await.0, 404);
    let (status, xml) = program.call("ConfirmSubscription", &[("TopicArn", &topic), ("Token", &token)]).await;
    assert!(status == 400 && xml.contains("Invalid parameter: Token"), "{xml}");
}

#[tokio::test]
async fn a_repeated_message_counts_again_after_five_minutes() {
    let program = Program::start(&["test"]);
    let fifo = [
        ("Name", "orders.fifo"),
        ("Attributes.entry.1.key", "FifoTopic"),
        ("Attributes.entry.1.value", "true"),
        ("Attributes.entry.2.key", "ContentBasedDeduplication"),
        ("Attributes.entry.2.value", "true"),
    ];
    let topic = program.done("CreateTopic", &fifo, "TopicArn").await;
    program.subscribe(&topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:orders.fifo", &[]).await;
    let publish = [("TopicArn", topic.as_str()), ("Message", "hello"), ("MessageGroupId", "g")];
    let first = program.done("Publish", &publish, "MessageId").await;
    assert_eq!(program.done("Publish", &publish, "MessageId").await, first);
    advance(&program, "5m 1s").await;
    let second = program.done("Publish", &publish, "MessageId").await;
    assert_ne!(second, first);
    let kept = program.outbox("protocol=sqs", 2).await;
    assert_eq!((&kept[0]["messageId"], &kept[1]["messageId"]), (&json!(first), &json!(second)));
}

#[tokio::test]
async fn the_time_that_is_told_is_the_one_in_messages() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    program.subscribe(&topic, "sms", "+15550100", &[]).await;
    advance(&program, "365d").await;
    let told: jiff::Timestamp = program.get("/_fanfare/time").await.1["now"].as_str().unwrap().parse().unwrap();
    let days = (told - jiff::Timestamp::now()).total(jiff::Unit::Hour).unwrap() / 24.0;
    assert!((364.9..365.1).contains(&days), "{days} days ahead");
    program.done("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;
    let kept: jiff::Timestamp = program.outbox("protocol=sms", 1).await[0]["time"].as_str().unwrap().parse().unwrap();
    assert!(kept >= told);
}

#[tokio::test]
async fn spans_that_make_no_sense_are_refused() {
    let program = Program::start(&["test"]);
    for body in [json!({ "advance": "yesterday" }), json!({ "advance": "-1h" }), json!({ "advance": "367d" })] {
        let (status, said) = program.post("/_fanfare/time", &body).await;
        let expected = "advance must be a span of time such as 90s or 1h, at most 366 days";
        assert_eq!((status, &said["error"]), (400, &json!(expected)), "{body}");
    }
    for body in [json!({}), json!({ "advance": "1h", "to": "now" }), json!(1)] {
        assert_eq!(program.post("/_fanfare/time", &body).await.0, 400, "{body}");
    }
}
