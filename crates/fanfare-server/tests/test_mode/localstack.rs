//! What tests ask LocalStack.

use fanfare_testkit::HttpReceiver;
use serde_json::{Value, json};

use crate::program::Program;

#[tokio::test]
async fn the_health_of_localstack_is_answered() {
    let program = Program::start(&["test"]);
    let (status, health) = program.get("/_localstack/health").await;
    assert_eq!((status, &health["services"]), (200, &json!({ "sns": "running" })));
}

#[tokio::test]
async fn text_messages_are_listed_by_number_and_deleted() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    let subscription = program.subscribe(&topic, "sms", "+15550100", &[]).await;
    let parameters = [
        ("TopicArn", topic.as_str()),
        ("Message", "hello"),
        ("MessageAttributes.entry.1.Name", "size"),
        ("MessageAttributes.entry.1.Value.DataType", "Number"),
        ("MessageAttributes.entry.1.Value.StringValue", "42"),
    ];
    let message_id = program.done("Publish", &parameters, "MessageId").await;
    program.outbox("protocol=sms", 1).await;

    let message = json!({
        "PhoneNumber": "+15550100", "TopicArn": topic, "SubscriptionArn": subscription, "MessageId": message_id,
        "Message": "hello", "MessageAttributes": { "size": { "DataType": "Number", "StringValue": "42" } },
        "MessageStructure": null, "Subject": null,
    });
    let all = json!({ "sms_messages": { "+15550100": [message] }, "region": "us-east-1" });
    assert_eq!(program.get("/_aws/sns/sms-messages").await, (200, all.clone()));
    assert_eq!(program.get("/_aws/sns/sms-messages?phoneNumber=%2B15550100&accountId=000000000000").await.1, all);
    let none = json!({ "sms_messages": { "+15550199": [] }, "region": "us-east-1" });
    assert_eq!(program.get("/_aws/sns/sms-messages?phoneNumber=%2B15550199").await.1, none);
    let elsewhere = json!({ "sms_messages": {}, "region": "eu-west-1" });
    assert_eq!(program.get("/_aws/sns/sms-messages?region=eu-west-1").await.1, elsewhere);
    assert_eq!(program.get("/_aws/sns/sms-messages?accountId=1").await.0, 400);

    let delete = async |query: &str| {
        Program::json(program.client.delete(format!("{}/_aws/sns/sms-messages{query}", program.base))).await.0
    };
    assert_eq!(delete("?phoneNumber=%2B15550199").await, 204);
    assert_eq!(program.get("/_aws/sns/sms-messages").await.1, all);
    assert_eq!(delete("").await, 204);
    assert_eq!(program.get("/_aws/sns/sms-messages").await.1["sms_messages"], json!({}));
}

#[tokio::test]
async fn the_token_of_a_subscription_is_told_whatever_its_protocol() {
    let program = Program::start(&["test"]);
    let topic = program.topic("orders").await;
    let receiver = HttpReceiver::start().await;
    let subscription = program.subscribe(&topic, "http", &receiver.url("/in"), &[]).await;
    let request: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    let told = program.get(&format!("/_aws/sns/subscription-tokens/{subscription}")).await;
    let expected = json!({ "subscription_token": request["Token"], "subscription_arn": subscription });
    assert_eq!(told, (200, expected));
    let unknown = format!("{topic}:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43");
    let missing = json!({ "error": "The provided SubscriptionARN is not found", "subscription_arn": unknown });
    assert_eq!(program.get(&format!("/_aws/sns/subscription-tokens/{unknown}")).await, (404, missing));
    let invalid = json!({ "error": "The provided SubscriptionARN is invalid", "subscription_arn": "hello" });
    assert_eq!(program.get("/_aws/sns/subscription-tokens/hello").await, (400, invalid));
}
