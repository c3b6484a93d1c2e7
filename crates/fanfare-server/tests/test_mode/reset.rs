//! Forgetting everything, and what a server for tests has from the start.

use std::process::Command;

use fanfare_testkit::HttpReceiver;
use serde_json::{Value, json};

use crate::program::Program;

#[tokio::test]
async fn a_server_for_tests_delivers_to_loopback_and_lists_what_can_reach_nobody() {
    for arguments in [["test"].as_slice(), &["serve", "--test"]] {
        let program = Program::start(arguments);
        let topic = program.topic("orders").await;
        let receiver = HttpReceiver::start().await;
        program.subscribe(&topic, "http", &receiver.url("/in"), &[]).await;
        let request: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
        let link = request["SubscribeURL"].as_str().unwrap();
        assert!(link.starts_with(&program.base));
        assert!(program.client.get(link).send().await.unwrap().status().is_success());
        for (protocol, address) in [
            ("email", "ann@example.com"),
            ("email-json", "ann@example.com"),
            ("sms", "+15550100"),
            ("sqs", "arn:aws:sqs:us-east-1:000000000000:orders"),
            ("lambda", "arn:aws:lambda:us-east-1:000000000000:function:orders"),
        ] {
            program.subscribe(&topic, protocol, address, &[]).await;
        }
        program.done("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;
        let delivered: Value = serde_json::from_slice(&receiver.wait_for(2).await[1].body).unwrap();
        assert_eq!(delivered["Message"], "hello");
        assert_eq!(program.outbox("type=SubscriptionConfirmation", 2).await.len(), 2);
        assert_eq!(program.outbox("type=Notification", 3).await.len(), 3);
    }
}

#[tokio::test]
async fn a_reset_leaves_nothing_and_the_server_goes_on() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    let subscription = program.subscribe(&topic, "sms", "+15550100", &[]).await;
    program.done("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;
    program.outbox("protocol=sms", 1).await;
    program.post("/_fanfare/outbox/fail", &json!({ "kind": "reject", "times": 9 })).await;
    program.post("/_fanfare/time", &json!({ "advance": "2h" })).await;

    assert_eq!(program.post("/_fanfare/reset", &Value::Null).await.0, 204);
    assert_eq!(program.get("/_fanfare/outbox").await.1["messages"], json!([]));
    assert_eq!(program.get("/_fanfare/time").await.1["aheadSeconds"], 0.0);
    assert_eq!(program.done("ListTopics", &[], "Topics").await, "");
    assert_eq!(program.call("GetTopicAttributes", &[("TopicArn", &topic)]).await.0, 404);

    assert_eq!(program.topic("orders").await, topic);
    assert_eq!(program.call("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]).await.0, 404);
    program.subscribe(&topic, "sms", "+15550100", &[]).await;
    program.done("Publish", &[("TopicArn", &topic), ("Message", "again")], "MessageId").await;
    assert_eq!(program.outbox("protocol=sms", 1).await[0]["text"], "again");
}

#[tokio::test]
async fn a_reset_cuts_off_what_is_under_way() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(fanfare_testkit::Reply::hang());
    program.subscribe(&topic, "http", &receiver.url("/in"), &[]).await;
    receiver.wait_for(1).await;
    let began = std::time::Instant::now();
    assert_eq!(program.post("/_fanfare/reset", &Value::Null).await.0, 204);
    assert!(began.elapsed().as_secs() < 10, "an attempt that hangs takes 15 s");
    assert_eq!(program.topic("orders").await, topic);
}

#[tokio::test]
async fn only_a_server_for_tests_can_be_reset() {
    let program = Program::start(&["serve", "--memory", "--auth", "off", "--outbox", "sms"]);
    let topic = program.topic("orders").await;
    assert_eq!(program.post("/_fanfare/reset", &Value::Null).await.0, 404);
    assert_eq!(program.get("/_fanfare/time").await.0, 404);
    assert_eq!(program.post("/_fanfare/time", &json!({ "advance": "1h" })).await.0, 404);
    for path in ["/_localstack/health", "/_aws/sns/sms-messages", "/_aws/sns/subscription-tokens/a"] {
        assert_eq!(program.get(path).await.0, 404, "{path}");
    }
    assert_eq!(program.call("GetTopicAttributes", &[("TopicArn", &topic)]).await.0, 200);
    let own = Program::start(&["test"]);
    let foreign = own.client.post(format!("{}/_fanfare/reset", own.base)).header("origin", "https://evil.example");
    assert_eq!(Program::json(foreign).await.0, 403);
}

#[test]
fn a_server_for_tests_takes_neither_keys_nor_a_directory() {
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_fanfare")).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&["test", "--key", "A:b:000000000000"]);
    assert_eq!(said, "fanfare: --test checks no signature, so that --key has no use\n");
    assert_eq!(refused(&["test", "--auth", "sigv4"]), "fanfare: --auth: --test checks no signatures\n");
    let said = refused(&["test", "--data", "there"]);
    assert!(said.contains("--data") && said.contains("--test"), "{said}");
}
