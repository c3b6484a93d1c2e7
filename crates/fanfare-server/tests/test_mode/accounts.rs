//! Queues and subscriptions of several accounts, each of which is its own access key.

use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::program::Program;

const OWNER: &str = "111111111111";
const OTHER: &str = "222222222222";
const THIRD: &str = "333333333333";

/// A policy that lets everybody subscribe.
const FOR_EVERYBODY: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:Subscribe"],
    "Resource":"arn:aws:sns:us-east-1:111111111111:orders"}]}"#;

fn queue(account: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{account}:queue")
}

/// Calls an operation with an access key that is its own account: the status, and the XML that came back.
async fn call_as(program: &Program, account: &str, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
    let credential = format!("AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/sns/aws4_request");
    let request = program.client.post(&program.base).header("authorization", credential);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(form.finish()).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Calls an operation that succeeds: the text of the first element `name` in what came back.
async fn done_as(program: &Program, account: &str, action: &str, parameters: &[(&str, &str)], name: &str) -> String {
    let (status, xml) = call_as(program, account, action, parameters).await;
    assert_eq!(status, 200, "{action}: {xml}");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let element = document.descendants().find(|node| node.tag_name().name() == name);
    element.and_then(|element| element.text()).unwrap_or_default().to_owned()
}

/// A program with a topic of the owner's to which everybody may subscribe: its ARN.
async fn started() -> (Program, String) {
    let program = Program::start(&["test"]);
    let topic = done_as(&program, OWNER, "CreateTopic", &[("Name", "orders")], "TopicArn").await;
    let policy = [("TopicArn", topic.as_str()), ("AttributeName", "Policy"), ("AttributeValue", FOR_EVERYBODY)];
    done_as(&program, OWNER, "SetTopicAttributes", &policy, "").await;
    (program, topic)
}

/// What `account` is answered who subscribes `queue`.
async fn subscribe(program: &Program, account: &str, topic: &str, queue: &str) -> String {
    let parameters = [("TopicArn", topic), ("Protocol", "sqs"), ("Endpoint", queue)];
    done_as(program, account, "Subscribe", &parameters, "SubscriptionArn").await
}

fn of_type<'a>(messages: &'a [Value], kind: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["type"] == kind).collect()
}

#[tokio::test]
async fn a_queue_of_another_account_is_asked_before_it_gets_anything() {
    let (program, topic) = started().await;
    assert_eq!(subscribe(&program, OWNER, &topic, &queue(OTHER)).await, "pending confirmation");
    let request = program.outbox("protocol=sqs&type=SubscriptionConfirmation", 1).await.remove(0);
    assert_eq!(request["destination"], queue(OTHER));
    let publish = [("TopicArn", topic.as_str()), ("Message", "m")];
    done_as(&program, OWNER, "Publish", &publish, "MessageId").await;
    let confirm = [("TopicArn", topic.as_str()), ("Token", request["token"].as_str().unwrap())];
    let arn = done_as(&program, OTHER, "ConfirmSubscription", &confirm, "SubscriptionArn").await;
    assert!(arn.starts_with(&format!("{topic}:")), "{arn}");
    let second = done_as(&program, OWNER, "Publish", &publish, "MessageId").await;
    let delivered = program.outbox("protocol=sqs&type=Notification", 1).await;
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0]["messageId"], second.as_str());
}

#[tokio::test]
async fn a_queue_is_not_asked_when_its_owner_subscribes_it_or_the_topic_is_of_its_account() {
    let (program, topic) = started().await;
    assert!(subscribe(&program, OTHER, &topic, &queue(OTHER)).await.starts_with(&topic));
    assert!(subscribe(&program, OWNER, &topic, &queue(OWNER)).await.starts_with(&topic));
    assert_eq!(subscribe(&program, OTHER, &topic, &queue(THIRD)).await, "pending confirmation");
}

#[tokio::test]
async fn the_end_of_a_subscription_by_somebody_else_is_told_to_its_endpoint() {
    let (program, topic) = started().await;
    let arn = subscribe(&program, OTHER, &topic, &queue(OTHER)).await;
    done_as(&program, OWNER, "Unsubscribe", &[("SubscriptionArn", arn.as_str())], "").await;
    let farewell = program.outbox("protocol=sqs", 1).await;
    assert_eq!(of_type(&farewell, "UnsubscribeConfirmation").len(), 1, "{farewell:?}");
    let token = farewell[0]["token"].as_str().unwrap();
    let confirm = [("TopicArn", topic.as_str()), ("Token", token)];
    assert_eq!(done_as(&program, OTHER, "ConfirmSubscription", &confirm, "SubscriptionArn").await, arn);
    // Its owner needs no message about what they did.
    done_as(&program, OTHER, "Unsubscribe", &[("SubscriptionArn", arn.as_str())], "").await;
    program.post("/_fanfare/time", &serde_json::json!({ "advance": "1m" })).await;
    assert_eq!(program.get("/_fanfare/outbox?protocol=sqs").await.1["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_subscription_of_others_cannot_be_ended_and_one_that_is_not_there_is_no_error() {
    let (program, topic) = started().await;
    let arn = subscribe(&program, OWNER, &topic, &queue(OWNER)).await;
    let (status, xml) = call_as(&program, THIRD, "Unsubscribe", &[("SubscriptionArn", arn.as_str())]).await;
    assert_eq!(status, 403, "{xml}");
    let unknown = format!("{topic}:00000000-0000-4000-8000-000000000000");
    for _ in 0..2 {
        done_as(&program, THIRD, "Unsubscribe", &[("SubscriptionArn", unknown.as_str())], "").await;
    }
}

#[tokio::test]
async fn dead_letters_go_to_a_queue_in_the_account_and_the_region_of_the_subscription() {
    let (program, topic) = started().await;
    let arn = subscribe(&program, OTHER, &topic, &queue(OTHER)).await;
    let policy = |dead_letters: &str| format!(r#"{{"deadLetterTargetArn":"{dead_letters}"}}"#);
    let set = async |dead_letters: &str| {
        let value = policy(dead_letters);
        let parameters =
            [("SubscriptionArn", arn.as_str()), ("AttributeName", "RedrivePolicy"), ("AttributeValue", &value)];
        call_as(&program, OTHER, "SetSubscriptionAttributes", &parameters).await
    };
    let said = "Invalid parameter: RedrivePolicy: deadLetterTargetArn must be a queue in the region us-east-1 and the \
                account 222222222222 of the subscription";
    for elsewhere in [queue(OWNER), queue(OTHER).replace("us-east-1", "eu-west-1")] {
        let (status, xml) = set(&elsewhere).await;
        assert_eq!(status, 400);
        assert!(xml.contains(&format!("<Message>{said}</Message>")), "{xml}");
        let dead_letters = policy(&elsewhere);
        let parameters = [
            ("TopicArn", topic.as_str()),
            ("Protocol", "sqs"),
            ("Endpoint", "arn:aws:sqs:us-east-1:222222222222:another"),
            ("Attributes.entry.1.key", "RedrivePolicy"),
            ("Attributes.entry.1.value", &dead_letters),
        ];
        assert_eq!(call_as(&program, OTHER, "Subscribe", &parameters).await.0, 400);
    }
    assert_eq!(set(&queue(OTHER)).await.0, 200);
}

#[tokio::test]
async fn what_subscribe_refuses_leaves_no_subscription_behind() {
    let (program, topic) = started().await;
    let replay = r#"{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05.678Z"}"#;
    let own = queue(OWNER);
    let parameters = [
        ("TopicArn", topic.as_str()),
        ("Protocol", "sqs"),
        ("Endpoint", own.as_str()),
        ("Attributes.entry.1.key", "ReplayPolicy"),
        ("Attributes.entry.1.value", replay),
    ];
    let (status, xml) = call_as(&program, OWNER, "Subscribe", &parameters).await;
    assert_eq!(status, 400);
    assert!(xml.contains("ReplayPolicy Reason: the topic has no ArchivePolicy"), "{xml}");
    let listed = call_as(&program, OWNER, "ListSubscriptionsByTopic", &[("TopicArn", topic.as_str())]).await.1;
    assert!(listed.contains("<Subscriptions/>") || listed.contains("<Subscriptions></Subscriptions>"), "{listed}");
}

#[tokio::test]
async fn quotas_are_settings() {
    let flags = ["--quota-topics", "1", "--quota-fifo-topics", "0", "--quota-subscriptions", "2"];
    let more = ["--quota-pending-subscriptions", "0", "--quota-filter-policies", "1"];
    let program = Program::start(&[&["test"], &flags[..], &more[..]].concat());
    let topic = program.topic("orders").await;
    let refused = async |action: &str, parameters: &[(&str, &str)], code: &str| {
        let (status, xml) = program.call(action, parameters).await;
        assert_eq!(status, 403, "{xml}");
        assert!(xml.contains(&format!("<Code>{code}</Code>")), "{xml}");
    };
    refused("CreateTopic", &[("Name", "more")], "TopicLimitExceeded").await;
    let fifo = [("Name", "a.fifo"), ("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")];
    refused("CreateTopic", &fifo, "TopicLimitExceeded").await;
    let to = |protocol: &'static str, address: &'static str| {
        vec![("TopicArn", topic.as_str()), ("Protocol", protocol), ("Endpoint", address)]
    };
    let filter = [("Attributes.entry.1.key", "FilterPolicy"), ("Attributes.entry.1.value", r#"{"a":["b"]}"#)];
    refused("Subscribe", &to("email", "a@example.com"), "SubscriptionLimitExceeded").await;
    program.subscribe(&topic, "sms", "+15550100001", &filter).await;
    let filtered = [to("sms", "+15550100002"), filter.to_vec()].concat();
    refused("Subscribe", &filtered, "FilterPolicyLimitExceeded").await;
    program.subscribe(&topic, "sms", "+15550100002", &[]).await;
    refused("Subscribe", &to("sms", "+15550100003"), "SubscriptionLimitExceeded").await;
}

#[tokio::test]
async fn a_receiver_on_this_machine_may_be_called_localhost() {
    let program = Program::start(&["test"]);
    let receiver = fanfare_testkit::HttpReceiver::start().await;
    let topic = program.topic("orders").await;
    let url = receiver.url("/in").replace("127.0.0.1", "localhost");
    program.subscribe(&topic, "http", &url, &[]).await;
    assert_eq!(receiver.wait_for(1).await[0].header("x-amz-sns-message-type"), Some("SubscriptionConfirmation"));
}

#[tokio::test]
async fn attributes_beside_a_structure_are_delivered_when_a_setting_says_so() {
    for (flag, delivered) in [(None, false), (Some("--attributes-beside-json"), true)] {
        let arguments: Vec<_> = ["test"].into_iter().chain(flag).collect();
        let program = Program::start(&arguments);
        let topic = program.topic("orders").await;
        program.subscribe(&topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:queue", &[]).await;
        let publish = [
            ("TopicArn", topic.as_str()),
            ("MessageStructure", "json"),
            ("Message", r#"{"default":"m"}"#),
            ("MessageAttributes.entry.1.Name", "colour"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "red"),
        ];
        program.done("Publish", &publish, "MessageId").await;
        let text = program.outbox("protocol=sqs", 1).await[0]["text"].as_str().unwrap().to_owned();
        assert_eq!(text.contains(r#""Value":"red""#) || text.contains(r#""Value" : "red""#), delivered, "{text}");
    }
}
