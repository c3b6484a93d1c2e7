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
