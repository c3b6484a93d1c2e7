//! CloudEvents in and out, over sockets of the program.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "test_mode/program.rs"]
mod program;

use std::path::Path;
use std::process::Command;

use fanfare_testkit::{HttpReceiver, ReceivedRequest};
use serde_json::{Value, json};

use program::Program;

const EVENT_TYPE: &str = "application/cloudevents+json";

/// A program with a topic `events` that a queue is subscribed to.
async fn program(arguments: &[&str]) -> (Program, String) {
    let program = Program::start(&[&["test"], arguments].concat());
    let topic = program.topic("events").await;
    let raw = [("Attributes.entry.1.key", "RawMessageDelivery"), ("Attributes.entry.1.value", "true")];
    program.subscribe(&topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:events", &raw).await;
    (program, topic)
}

/// Sends a body with headers to a path: the status, and the JSON that came back.
async fn send(program: &Program, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, Value) {
    let mut request = program.client.post(format!("{}{path}", program.base)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Program::json(request).await
}

async fn take(program: &Program, content_type: &str, body: &Value) -> (u16, Value) {
    send(program, "/ingest/cloudevents/events", &[("content-type", content_type)], body.to_string()).await
}

/// The event of the specification's own example.
fn example() -> Value {
    json!({
        "specversion": "1.0", "type": "com.github.pull_request.opened",
        "source": "https://github.com/cloudevents/spec/pull", "subject": "123", "id": "A234-1234-1234",
        "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value", "comexampleothervalue": 5,
        "datacontenttype": "application/json", "data": { "much": "wow" },
    })
}

fn attribute(kind: &str, value: &str) -> Value {
    json!({ "Type": kind, "Value": value })
}

/// Subscribes a receiver of CloudEvents and confirms it.
async fn subscribe(program: &Program, topic: &str, receiver: &HttpReceiver) -> String {
    let format = [("Attributes.entry.1.key", "DeliveryFormat"), ("Attributes.entry.1.value", "CloudEvents")];
    let subscription = program.subscribe(topic, "http", &receiver.url("/in"), &format).await;
    let asked: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    assert_eq!(asked["Type"], "SubscriptionConfirmation");
    assert!(program.client.get(asked["SubscribeURL"].as_str().unwrap()).send().await.unwrap().status().is_success());
    subscription
}

/// The event of a delivery.
fn event(delivery: &ReceivedRequest) -> Value {
    assert_eq!(delivery.header("content-type"), Some("application/cloudevents+json; charset=UTF-8"));
    serde_json::from_slice(&delivery.body).unwrap()
}

#[tokio::test]
async fn an_event_in_json_becomes_a_message_whose_attributes_filters_can_ask_for() {
    let (program, topic) = program(&[]).await;
    let policy = r#"{"ce-type":[{"prefix":"com.github."}],"ce-comexampleothervalue":[{"numeric":[">",4]}]}"#;
    let policy = [("Attributes.entry.1.key", "FilterPolicy"), ("Attributes.entry.1.value", policy)];
    program.subscribe(&topic, "sms", "+15550100", &policy).await;
    let (status, answer) = take(&program, EVENT_TYPE, &example()).await;
    assert_eq!(status, 200, "{answer}");
    let kept = program.outbox("protocol=sms", 1).await.remove(0);
    assert_eq!(answer, json!({ "messageIds": [kept["messageId"]] }));
    assert_eq!(kept["text"], r#"{"much":"wow"}"#);
    let attributes = json!({
        "ce-specversion": attribute("String", "1.0"),
        "ce-type": attribute("String", "com.github.pull_request.opened"),
        "ce-source": attribute("String", "https://github.com/cloudevents/spec/pull"),
        "ce-subject": attribute("String", "123"),
        "ce-id": attribute("String", "A234-1234-1234"),
        "ce-time": attribute("String", "2018-04-05T17:31:00Z"),
        "ce-comexampleextension1": attribute("String", "value"),
        "ce-comexampleothervalue": attribute("Number", "5"),
        "ce-datacontenttype": attribute("String", "application/json"),
    });
    assert_eq!(kept["attributes"], attributes);
}

#[tokio::test]
async fn an_event_in_headers_becomes_a_message_with_its_body() {
    let (program, _) = program(&[]).await;
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-source", "/mycontext"),
        ("ce-id", "1"),
        ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("content-type", "text/plain"),
    ];
    let (status, answer) = send(&program, "/ingest/cloudevents/events", &headers, "hello").await;
    assert_eq!(status, 200, "{answer}");
    let kept = program.outbox("protocol=sqs", 1).await.remove(0);
    assert_eq!((&kept["text"], &kept["attributes"]["ce-subject"]["Value"]), (&json!("hello"), &json!("Euro € 😀")));
    assert_eq!(kept["attributes"]["ce-datacontenttype"]["Value"], "text/plain");
}

#[tokio::test]
async fn data_that_is_no_text_is_published_in_base64_and_delivered_as_it_was() {
    let (program, topic) = program(&[]).await;
    let receiver = HttpReceiver::start().await;
    subscribe(&program, &topic, &receiver).await;
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "t"),
        ("ce-source", "/s"),
        ("ce-id", "1"),
        ("content-type", "image/png"),
    ];
    send(&program, "/ingest/cloudevents/events", &headers, vec![0x89, 0x50, 0xff]).await;
    let kept = program.outbox("protocol=sqs", 1).await.remove(0);
    assert_eq!(
        (&kept["text"], &kept["attributes"]["ce-datacontentencoding"]["Value"]),
        (&json!("iVD/"), &json!("base64"))
    );
    let expected = json!({
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": "image/png", "data_base64": "iVD/",
    });
    assert_eq!(event(&receiver.wait_for(2).await[1]), expected);
}

#[tokio::test]
async fn a_batch_is_published_as_a_whole_or_not_at_all() {
    let (program, _) = program(&[]).await;
    let batch = "application/cloudevents-batch+json";
    let with_id = |id: &str| {
        let mut event = example();
        event["id"] = json!(id);
        event
    };
    let mut wrong = with_id("3");
    wrong.as_object_mut().unwrap().remove("source");
    let refused = take(&program, batch, &json!([with_id("1"), wrong])).await;
    assert_eq!(refused, (400, json!({ "error": "the attribute source is missing" })));
    let (status, answer) = take(&program, batch, &json!([with_id("1"), with_id("2")])).await;
    assert_eq!((status, answer["messageIds"].as_array().unwrap().len()), (200, 2));
    assert_eq!(program.outbox("protocol=sqs", 2).await.len(), 2);
    let too_many: Vec<_> = (0..101).map(|n| with_id(&n.to_string())).collect();
    assert_eq!(take(&program, batch, &json!(too_many)).await.0, 413);
}

#[tokio::test]
async fn an_event_that_comes_again_is_published_once() {
    let (program, _) = program(&[]).await;
    let (_, first) = take(&program, EVENT_TYPE, &example()).await;
    assert_eq!(take(&program, EVENT_TYPE, &example()).await, (200, first));
    let mut of_another = example();
    of_another["source"] = json!("https://github.com/cloudevents/spec/issue");
    take(&program, EVENT_TYPE, &of_another).await;
    assert_eq!(program.outbox("protocol=sqs", 2).await.len(), 2);
    program.post("/_fanfare/time", &json!({ "advance": "5m 1s" })).await;
    take(&program, EVENT_TYPE, &example()).await;
    assert_eq!(program.outbox("protocol=sqs", 3).await.len(), 3);
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_what_is_wrong() {
    let (program, _) = program(&[]).await;
    for (name, value, why) in [
        ("specversion", json!("0.3"), "the attribute specversion must be 1.0"),
        ("id", json!(""), "the attribute id is empty"),
        ("type", json!(7), "the attribute type must be a text"),
        ("time", json!("yesterday"), "the attribute time must be a time such as 2026-01-02T03:04:05Z"),
        ("Upper", json!("x"), "\"Upper\" cannot be the name of an attribute"),
        ("extension", json!({ "a": 1 }), "the attribute extension has a value that none can have"),
        ("extension", json!(3_000_000_000_u64), "the attribute extension has a value that none can have"),
        ("data_base64", json!("AA=="), "there are both data and data_base64"),
    ] {
        let mut event = example();
        event[name] = value;
        assert_eq!(take(&program, EVENT_TYPE, &event).await, (400, json!({ "error": why })), "{name}");
    }
    let (status, said) = take(&program, "application/json", &example()).await;
    assert_eq!((status, &said["error"]), (400, &json!("the attribute specversion is missing")));
    assert_eq!(take(&program, EVENT_TYPE, &json!("hello")).await.0, 400);
    let missing =
        send(&program, "/ingest/cloudevents/elsewhere", &[("content-type", EVENT_TYPE)], example().to_string());
    assert_eq!(missing.await, (503, json!({ "error": "Topic does not exist" })));
}

#[tokio::test]
async fn an_event_goes_out_as_it_came_in() {
    let (program, topic) = program(&[]).await;
    let receiver = HttpReceiver::start().await;
    subscribe(&program, &topic, &receiver).await;
    take(&program, EVENT_TYPE, &example()).await;
    assert_eq!(event(&receiver.wait_for(2).await[1]), example());
    let bare = json!({ "specversion": "1.0", "id": "2", "source": "/s", "type": "t" });
    take(&program, EVENT_TYPE, &bare).await;
    assert_eq!(event(&receiver.wait_for(3).await[2]), bare);
}

#[tokio::test]
async fn a_message_goes_out_as_an_event_of_its_topic() {
    let (program, topic) = program(&[]).await;
    let receiver = HttpReceiver::start().await;
    let subscription = subscribe(&program, &topic, &receiver).await;
    let attributes = program.call("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]).await.1;
    assert!(attributes.contains("<key>DeliveryFormat</key><value>CloudEvents</value>"), "{attributes}");
    let publish = [
        ("TopicArn", topic.as_str()),
        ("Message", r#"{"n": 1e400}"#),
        ("Subject", "News"),
        ("MessageAttributes.entry.1.Name", "Store-Name"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "example"),
    ];
    let id = program.done("Publish", &publish, "MessageId").await;
    let delivery = &receiver.wait_for(2).await[1];
    assert_eq!(delivery.header("x-amz-sns-message-id"), Some(id.as_str()));
    // The data is what was published, to the character: no reader of numbers came between.
    assert!(delivery.text().ends_with(r#","data":{"n": 1e400}}"#), "{}", delivery.text());

    let id = program.done("Publish", &[("TopicArn", &topic), ("Message", "\"hello\"\n")], "MessageId").await;
    let made = event(&receiver.wait_for(3).await[2]);
    let expected = json!({
        "specversion": "1.0", "id": id, "source": topic, "type": "fanfare.sns.notification", "time": made["time"],
        "datacontenttype": "text/plain", "data": "\"hello\"\n",
    });
    assert_eq!(made, expected);
    assert!(made["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[tokio::test]
async fn the_format_of_deliveries_is_kept_through_a_restart() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cloudevents-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let serve = ["serve", "--auth", "off", "--egress-allow", "127.0.0.0/8", "--data", folder.to_str().unwrap()];
    let receiver = HttpReceiver::start().await;
    let subscription = {
        let program = Program::start(&serve);
        let topic = program.topic("events").await;
        subscribe(&program, &topic, &receiver).await
    };
    let program = Program::start(&serve);
    let attributes = program.call("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]).await.1;
    assert!(attributes.contains("<key>DeliveryFormat</key><value>CloudEvents</value>"), "{attributes}");
    drop(program);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_format_of_deliveries_excludes_raw_delivery_and_is_for_http_alone() {
    let (program, topic) = program(&[]).await;
    let receiver = HttpReceiver::start().await;
    let subscription = subscribe(&program, &topic, &receiver).await;
    let set = async |name: &str, value: &str| {
        let parameters =
            [("SubscriptionArn", subscription.as_str()), ("AttributeName", name), ("AttributeValue", value)];
        program.call("SetSubscriptionAttributes", &parameters).await
    };
    let (status, xml) = set("RawMessageDelivery", "true").await;
    let why = "DeliveryFormat: CloudEvents is not possible together with RawMessageDelivery.";
    assert!(status == 400 && xml.contains(why), "{xml}");
    assert!(set("DeliveryFormat", "Avro").await.1.contains("Invalid value [Avro]. Must be CloudEvents."));
    assert_eq!(set("DeliveryFormat", "").await.0, 200);
    assert_eq!(set("RawMessageDelivery", "true").await.0, 200);
    assert_eq!(set("DeliveryFormat", "CloudEvents").await.0, 400);
    let subscribe = [
        ("TopicArn", topic.as_str()),
        ("Protocol", "sms"),
        ("Endpoint", "+15550100"),
        ("Attributes.entry.1.key", "DeliveryFormat"),
        ("Attributes.entry.1.value", "CloudEvents"),
    ];
    let (status, xml) = program.call("Subscribe", &subscribe).await;
    assert!(status == 400 && xml.contains("Delivery protocol [sms] does not support DeliveryFormat."), "{xml}");
}

#[tokio::test]
async fn a_token_lets_its_holder_publish_on_its_topic_alone() {
    let key = "AKID:secret:123456789012";
    let token = "arn:aws:sns:us-east-1:123456789012:events=a-token-for-events";
    let program = Program::start(&["serve", "--memory", "--key", key, "--ingest-token", token, "--outbox", "sqs"]);
    let send = async |topic: &str, authorization: &str| {
        let headers = [("content-type", EVENT_TYPE), ("authorization", authorization)];
        send(&program, &format!("/ingest/cloudevents/{topic}"), &headers, example().to_string()).await
    };
    // That the topic is asked for says that the token was right.
    let missing = (503, json!({ "error": "Topic does not exist" }));
    assert_eq!(send("events", "Bearer a-token-for-events").await, missing);
    let wrong = (401, json!({ "error": "the token is not one for this topic" }));
    assert_eq!(send("events", "Bearer a-token-for-event").await, wrong);
    assert_eq!(send("others", "Bearer a-token-for-events").await, wrong);
    assert_eq!(send("events", "Basic a-token-for-events").await.0, 400);
}

#[tokio::test]
async fn a_topic_that_is_named_alone_is_the_one_of_the_default_account() {
    let (program, topic) = program(&["--ingest-token", "events=a-token-for-events"]).await;
    let headers = [("content-type", EVENT_TYPE), ("authorization", "bearer a-token-for-events")];
    let (status, answer) = send(&program, "/ingest/cloudevents/events", &headers, example().to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(program.outbox("protocol=sqs", 1).await[0]["topicArn"], topic);
}

#[tokio::test]
async fn a_policy_that_denies_publishing_denies_it_to_events_too() {
    let (program, topic) = program(&[]).await;
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": topic },
    ] });
    let policy = policy.to_string();
    let set = [("TopicArn", topic.as_str()), ("AttributeName", "Policy"), ("AttributeValue", policy.as_str())];
    assert_eq!(program.call("SetTopicAttributes", &set).await.0, 200);
    let refused = (403, json!({ "error": "the topic's policy denies the publishing" }));
    assert_eq!(take(&program, EVENT_TYPE, &example()).await, refused);
}

#[test]
fn a_token_that_could_be_guessed_is_refused() {
    let serve = ["serve", "--memory", "--auth", "off", "--ingest-token", "events=short"];
    let output = Command::new(env!("CARGO_BIN_EXE_fanfare")).args(serve).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let why = "a token has at least 16 characters of ASCII and no white space";
    assert!(said.contains(why) && !said.contains("short"), "{said}");
}

#[tokio::test]
async fn a_data_protection_policy_keeps_a_batch_out_or_masks_it() {
    let (program, topic) = program(&[]).await;
    let policy = |operation: Value| {
        let statement = json!({
            "DataDirection": "Inbound", "Principal": ["*"], "Operation": operation,
            "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
        });
        json!({ "Name": "p", "Version": "2021-06-01", "Statement": [statement] }).to_string()
    };
    let put = async |policy: String| {
        let parameters = [("ResourceArn", topic.as_str()), ("DataProtectionPolicy", policy.as_str())];
        let (status, answer) = program.call("PutDataProtectionPolicy", &parameters).await;
        assert_eq!(status, 200, "{answer}");
    };
    let event = |id: &str, data: &str| json!({ "specversion": "1.0", "type": "t", "source": "s", "id": id, "datacontenttype": "text/plain", "data": data });
    let batch = json!([event("1", "nothing to hide"), event("2", "write to a@example.com")]);
    put(policy(json!({ "Deny": {} }))).await;
    let (status, answer) = take(&program, "application/cloudevents-batch+json", &batch).await;
    assert_eq!(status, 403, "{answer}");
    put(policy(json!({ "Deidentify": { "MaskConfig": { "MaskWithCharacter": "#" } } }))).await;
    let (status, answer) = take(&program, "application/cloudevents-batch+json", &batch).await;
    assert_eq!(status, 200, "{answer}");
    let kept = program.outbox("protocol=sqs", 2).await;
    assert_eq!(kept.len(), 2, "nothing of the first batch was kept");
    assert_eq!((&kept[0]["text"], &kept[1]["text"]), (&json!("nothing to hide"), &json!("write to #############")));
}
