//! What has to be there before a recorded call is made. Everything that is made here is made again without harm.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::account::Account;

/// A region that is not the one of the calls.
pub(crate) const ELSEWHERE: &str = "eu-west-1";

/// The topic of the recordings.
pub(crate) fn topic(account: &Account) -> Result<String, Failed> {
    account.done("CreateTopic", &json!({ "Name": "topic" }))?.one("TopicArn")
}

/// The topic of the recordings with these attributes.
pub(crate) fn topic_with(account: &Account, attributes: Value) -> Result<String, Failed> {
    account.done("CreateTopic", &json!({ "Name": "topic", "Attributes": attributes }))?.one("TopicArn")
}

/// The FIFO topic of the recordings.
pub(crate) fn fifo_topic(account: &Account) -> Result<String, Failed> {
    let parameters = json!({ "Name": "topic.fifo", "Attributes": { "FifoTopic": "true" } });
    account.done("CreateTopic", &parameters)?.one("TopicArn")
}

/// A FIFO topic that keeps its messages.
pub(crate) fn archived_topic(account: &Account) -> Result<String, Failed> {
    let attributes = json!({ "FifoTopic": "true", "ArchivePolicy": r#"{"MessageRetentionPeriod":"1"}"# });
    let parameters = json!({ "Name": "archived.fifo", "Attributes": attributes });
    account.done("CreateTopic", &parameters)?.one("TopicArn")
}

/// An address of that protocol, of the kind that is subscribed without ado.
pub(crate) fn address(account: &Account, protocol: &str) -> String {
    match protocol {
        "sqs" => account.arn("sqs", "q"),
        "lambda" => account.arn("lambda", "function:f"),
        "sms" => "+15551234567".to_owned(),
        "http" => "http://hooks.example.com/in".to_owned(),
        "https" => "https://hooks.example.com/in".to_owned(),
        "application" => account.arn("sns", "endpoint/ADM/app/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"),
        "email" | "email-json" => "a@example.com".to_owned(),
        other => panic!("no address of {other} is known"),
    }
}

/// A subscription to the topic of the recordings.
pub(crate) fn subscription(account: &Account, protocol: &str) -> Result<String, Failed> {
    subscription_with(account, protocol, json!({}))
}

/// A subscription with these attributes.
pub(crate) fn subscription_with(account: &Account, protocol: &str, attributes: Value) -> Result<String, Failed> {
    subscribe(account, &topic(account)?, protocol, &address(account, protocol), attributes)
}

/// A FIFO queue's subscription to the FIFO topic.
pub(crate) fn fifo_subscription(account: &Account) -> Result<String, Failed> {
    subscribe(account, &fifo_topic(account)?, "sqs", &account.arn("sqs", "q.fifo"), json!({}))
}

/// Subscribes an address: the ARN, also while it is to be confirmed.
pub(crate) fn subscribe(
    account: &Account,
    topic: &str,
    protocol: &str,
    address: &str,
    attributes: Value,
) -> Result<String, Failed> {
    let parameters = json!({
        "TopicArn": topic,
        "Protocol": protocol,
        "Endpoint": address,
        "Attributes": attributes,
        "ReturnSubscriptionArn": true,
    });
    account.done("Subscribe", &parameters)?.one("SubscriptionArn")
}

/// The token with which a subscription to the topic can be confirmed.
pub(crate) fn token(account: &Account) -> Result<String, Failed> {
    subscription(account, "email")?;
    let sent = account.outbox(&topic(account)?, "type=SubscriptionConfirmation", 1)?;
    Ok(sent[0]["token"].as_str().ok_or("a confirmation has a token")?.to_owned())
}

/// A platform application.
pub(crate) fn application(account: &Account) -> Result<String, Failed> {
    let attributes = json!({ "PlatformPrincipal": "dummy", "PlatformCredential": "dummy" });
    let parameters = json!({ "Name": "app", "Platform": "ADM", "Attributes": attributes });
    account.done("CreatePlatformApplication", &parameters)?.one("PlatformApplicationArn")
}

/// An endpoint of the application.
pub(crate) fn endpoint(account: &Account) -> Result<String, Failed> {
    let parameters = json!({ "PlatformApplicationArn": application(account)?, "Token": "token_1" });
    account.done("CreatePlatformEndpoint", &parameters)?.one("EndpointArn")
}
