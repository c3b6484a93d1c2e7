//! Replays of archived messages, asked for as SDKs ask.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use url::form_urlencoded::Serializer;

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:late.fifo";

/// The program with queues that are listed, stopped when the test ends.
struct Program {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0", "--outbox", "sqs"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, url, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// The answer's status and text.
    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let request = self.client.post(&self.url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form.finish()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The text of the element `name` in the answer.
    async fn one(&self, action: &str, parameters: &[(&str, &str)], name: &str) -> String {
        let (status, text) = self.call(action, parameters).await;
        assert!(status == 200 || name == "Message", "{text}");
        let document = roxmltree::Document::parse(&text).unwrap();
        let found =
            document.descendants().find(|node| node.has_tag_name(("http://sns.amazonaws.com/doc/2010-03-31/", name)));
        found.unwrap_or_else(|| panic!("{text}")).text().unwrap_or_default().to_owned()
    }

    /// The value of an attribute of the subscription or topic that `parameters` name.
    async fn attribute(&self, action: &str, parameters: &[(&str, &str)], name: &str) -> Option<String> {
        let (_, text) = self.call(action, parameters).await;
        let document = roxmltree::Document::parse(&text).unwrap();
        let mut keys = document.descendants().filter(|node| node.tag_name().name() == "key");
        let key = keys.find(|key| key.text() == Some(name))?;
        Some(key.next_sibling_element().unwrap().text().unwrap_or_default().to_owned())
    }

    /// The texts of what the queue got, once there are `count`.
    async fn delivered(&self, count: usize) -> Vec<String> {
        let url = format!("{}/_fanfare/outbox/wait?count={count}&destination={QUEUE}", self.url);
        let listed: Value =
            serde_json::from_str(&self.client.get(url).send().await.unwrap().text().await.unwrap()).unwrap();
        let messages = listed["messages"].as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_subscription_gets_archived_messages_when_its_replay_policy_asks_for_them() {
    let program = Program::start();
    let attributes = [
        ("Name", "orders.fifo"),
        ("Attributes.entry.1.key", "FifoTopic"),
        ("Attributes.entry.1.value", "true"),
        ("Attributes.entry.2.key", "ContentBasedDeduplication"),
        ("Attributes.entry.2.value", "true"),
        ("Attributes.entry.3.key", "ArchivePolicy"),
        ("Attributes.entry.3.value", r#"{"MessageRetentionPeriod":"30"}"#),
    ];
    let topic = program.one("CreateTopic", &attributes, "TopicArn").await;
    let of_topic = [("TopicArn", topic.as_str())];
    assert_eq!(program.attribute("GetTopicAttributes", &of_topic, "BeginningArchiveTime").await, None);
    for text in ["one", "two"] {
        let publish = [("TopicArn", topic.as_str()), ("Message", text), ("MessageGroupId", "g")];
        program.one("Publish", &publish, "SequenceNumber").await;
    }
    let begins = program.attribute("GetTopicAttributes", &of_topic, "BeginningArchiveTime").await.unwrap();
    let policy = format!(r#"{{"PointType":"Timestamp","StartingPoint":"{begins}"}}"#);
    let subscribe = [
        ("TopicArn", topic.as_str()),
        ("Protocol", "sqs"),
        ("Endpoint", QUEUE),
        ("Attributes.entry.1.key", "RawMessageDelivery"),
        ("Attributes.entry.1.value", "true"),
        ("Attributes.entry.2.key", "ReplayPolicy"),
        ("Attributes.entry.2.value", &policy),
    ];
    let subscription = program.one("Subscribe", &subscribe, "SubscriptionArn").await;
    assert_eq!(program.delivered(2).await, ["one", "two"]);
    let of_subscription = [("SubscriptionArn", subscription.as_str())];
    assert_eq!(program.attribute("GetSubscriptionAttributes", &of_subscription, "ReplayPolicy").await, Some(policy));
    let status = program.attribute("GetSubscriptionAttributes", &of_subscription, "ReplayStatus").await.unwrap();
    assert!(["In progress", "Completed"].contains(&status.as_str()), "{status}");

    let remove =
        [("SubscriptionArn", subscription.as_str()), ("AttributeName", "ReplayPolicy"), ("AttributeValue", "{}")];
    assert_eq!(program.call("SetSubscriptionAttributes", &remove).await.0, 200);
    assert_eq!(program.attribute("GetSubscriptionAttributes", &of_subscription, "ReplayStatus").await, None);
}

#[tokio::test]
async fn replay_policies_that_say_nothing_sensible_are_refused() {
    let program = Program::start();
    let topic = program.one("CreateTopic", &[("Name", "orders")], "TopicArn").await;
    let subscribe =
        [("TopicArn", topic.as_str()), ("Protocol", "sqs"), ("Endpoint", "arn:aws:sqs:us-east-1:000000000000:q")];
    let subscription = program.one("Subscribe", &subscribe, "SubscriptionArn").await;
    let cases = [
        (r#"{"PointType":"Number","StartingPoint":"1"}"#, "ReplayPolicy: PointType must be Timestamp, not Number"),
        (
            r#"{"PointType":"Timestamp","StartingPoint":"yesterday"}"#,
            "ReplayPolicy: StartingPoint must be a time such as 2026-01-02T03:04:05.678Z, not yesterday",
        ),
        (
            "{oops}",
            "ReplayPolicy: failed to parse JSON. Unexpected character ('o' (code 111)): was expecting double-quote to start \
             field name\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]",
        ),
        (
            " ",
            "ReplayPolicy: failed to parse JSON. No content to map due to end-of-input\n at [Source: REDACTED \
             (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 0]",
        ),
        (
            r#"{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05.678Z"}"#,
            "ReplayPolicy Reason: the topic has no ArchivePolicy",
        ),
    ];
    for (policy, said) in cases {
        let set =
            [("SubscriptionArn", subscription.as_str()), ("AttributeName", "ReplayPolicy"), ("AttributeValue", policy)];
        let message = program.one("SetSubscriptionAttributes", &set, "Message").await;
        assert_eq!(message, format!("Invalid parameter: {said}"));
    }
    let fifo =
        [("Name", "archive.fifo"), ("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")];
    let archive = program.one("CreateTopic", &fifo, "TopicArn").await;
    let set = [("TopicArn", archive.as_str()), ("AttributeName", "ArchivePolicy"), ("AttributeValue", "")];
    let message = program.one("SetTopicAttributes", &set, "Message").await;
    let said = "Invalid parameter: ArchivePolicy: failed to parse JSON. No content to map due to end-of-input";
    assert_eq!(message.lines().next(), Some(said));
}
