//! The attributes of topics and subscriptions: the same ones, with the same values, and no others.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::account::{Account, REGION};
use crate::placeholders::own;
use crate::scene::{self, ELSEWHERE};
use crate::template;

/// Does what the recorded test did, and compares all attributes.
pub(crate) fn shown(account: &Account, case: &Value) -> Result<(), Failed> {
    let found = match text(&case["resource"]) {
        "topic" => {
            let (owner, topic) = topic(account, case)?;
            owner.done("GetTopicAttributes", &json!({ "TopicArn": topic }))?.map()?
        }
        "subscription" => {
            let subscription = subscription(account, case)?;
            account.done("GetSubscriptionAttributes", &json!({ "SubscriptionArn": subscription }))?.map()?
        }
        other => return Err(format!("no rule for {other}").into()),
    };
    let expected: BTreeMap<String, String> = crate::form::object(&case["attributes"])
        .iter()
        .map(|(name, value)| (name.clone(), own(account, &as_sent(name, value))))
        .collect();
    let mut known = BTreeMap::from([
        ("partition", "aws"),
        ("region", REGION),
        ("region-primary", REGION),
        ("region-secondary", ELSEWHERE),
    ]);
    if !found.keys().eq(expected.keys()) {
        return Err(format!("expected {:?}\n   found {:?}", expected.keys(), found.keys()).into());
    }
    for (name, value) in &found {
        if !template::matches(&expected[name], value, &mut known) {
            return Err(format!("{name}: expected {}\n   found {value}", expected[name]).into());
        }
    }
    Ok(())
}

/// A value as it is on the wire: policies are compact JSON, with their members in the order of the recording.
fn as_sent(name: &str, value: &Value) -> String {
    match (name, value) {
        // The server knows accounts, not users.
        ("SubscriptionPrincipal", _) => "arn:<partition>:iam::111111111111:root".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, policy) => policy.to_string(),
    }
}

/// The topic of the case, and who may ask for it.
fn topic(account: &Account, case: &Value) -> Result<(Account, String), Failed> {
    let fifo = |attributes: Value| {
        let mut all = json!({ "FifoTopic": "true" });
        for (name, value) in crate::form::object(&attributes) {
            all[name] = value.clone();
        }
        account.done("CreateTopic", &json!({ "Name": "topic.fifo", "Attributes": all }))?.one("TopicArn")
    };
    let titled = json!({ "DisplayName": "TestTopic", "SignatureVersion": "2" });
    let json_type = json!({ "http": { "defaultRequestPolicy": { "headerContentType": "application/json" } } });
    let set = |topic: &str, name: &str, value: &str| {
        let parameters = json!({ "TopicArn": topic, "AttributeName": name, "AttributeValue": value });
        account.done("SetTopicAttributes", &parameters).map(|_| ())
    };
    let topic = match (test(case), text(&case["key"])) {
        ("test_create_topic_with_attributes", _) => fifo(titled)?,
        ("test_create_topic_test_arn", _) => scene::topic(account)?,
        ("test_publish_fifo_messages_to_dlq[True]", _) => fifo(json!({}))?,
        ("test_publish_batch_messages_from_fifo_topic_to_fifo_queue[True]", _) => {
            fifo(json!({ "ContentBasedDeduplication": "true" }))?
        }
        ("test_delivery_lambda", _) => {
            let topic = scene::topic(account)?;
            let role = format!("arn:aws:iam::{}:role/logs", account.number());
            set(&topic, "LambdaSuccessFeedbackRoleArn", &role)?;
            set(&topic, "LambdaSuccessFeedbackSampleRate", "100")?;
            topic
        }
        ("test_topic_delivery_policy_crud", key) => {
            let topic = fifo(titled)?;
            set(&topic, "DeliveryPolicy", &json_type.to_string())?;
            if key != "get-topic-attrs" {
                let retries = json!({ "minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1 });
                let policy = json!({ "http": { "defaultHealthyRetryPolicy": retries } });
                set(&topic, "DeliveryPolicy", &policy.to_string())?;
            }
            if key == "get-topic-attrs-after-none" {
                set(&topic, "DeliveryPolicy", r#"{"http":{"defaultHealthyRetryPolicy":null}}"#)?;
            }
            topic
        }
        ("test_subscribe_external_http_endpoint_content_type[False]", _) => {
            let topic = scene::topic(account)?;
            set(&topic, "DeliveryPolicy", &json_type.to_string())?;
            topic
        }
        ("test_create_topic_should_be_idempotent", _) => {
            let topic = scene::topic_with(account, json!({ "DisplayName": "AlreadySet" }))?;
            scene::topic(account)?;
            topic
        }
        ("test_create_topic_in_multiple_regions", key) => {
            let elsewhere = account.in_region(ELSEWHERE);
            let (east, west) = (scene::topic(account)?, scene::topic(&elsewhere)?);
            return Ok(if key == "topic-east" { (account.clone(), east) } else { (elsewhere, west) });
        }
        ("test_create_topic_different_attrs", _) => scene::topic_with(account, json!({ "DisplayName": "Value1" }))?,
        (other, _) => return Err(format!("no rule for {other}").into()),
    };
    Ok((account.clone(), topic))
}

/// The subscription of the case.
fn subscription(account: &Account, case: &Value) -> Result<String, Failed> {
    let queue = |attributes| scene::subscription_with(account, "sqs", attributes);
    let dead_letters = json!({ "deadLetterTargetArn": account.arn("sqs", "dead") }).to_string();
    let filter = |policy: Value, scope: &str, raw: &str| {
        let subscription = queue(json!({ "RawMessageDelivery": raw }))?;
        for (name, value) in [("FilterPolicyScope", scope), ("FilterPolicy", &policy.to_string())] {
            let parameters = json!({ "SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value });
            account.done("SetSubscriptionAttributes", &parameters)?;
        }
        Ok(subscription)
    };
    let hook = |raw: &str, policy: Value| {
        let topic = scene::topic(account)?;
        let attributes = json!({ "RawMessageDelivery": raw, "DeliveryPolicy": policy.to_string() });
        scene::subscribe(account, &topic, "http", "http://hooks.example.com/sns-endpoint", attributes)
    };
    match (test(case), text(&case["key"])) {
        // The scope is hidden as long as there is no policy.
        ("test_create_subscriptions_with_attributes", _) => {
            queue(json!({ "RawMessageDelivery": "true", "FilterPolicyScope": "MessageBody" }))
        }
        ("test_not_found_error_on_set_subscription_attributes", _) => queue(json!({})),
        ("test_redrive_policy_lambda_subscription", _) => {
            scene::subscription_with(account, "lambda", json!({ "RedrivePolicy": dead_letters }))
        }
        ("test_subscribe_sqs_queue", _) => {
            queue(json!({ "FilterPolicy": json!({ "attr1": [{ "numeric": [">", 0, "<=", 100] }] }).to_string() }))
        }
        ("test_subscription_after_failure_to_deliver", _) => queue(json!({ "RedrivePolicy": dead_letters })),
        ("test_subscribe_sms_endpoint", _) => {
            scene::subscribe(account, &scene::topic(account)?, "sms", "+123123123", json!({}))
        }
        ("test_subscribe_external_http_endpoint_content_type[True]", _) => {
            hook("true", json!({ "requestPolicy": { "headerContentType": "text/csv" } }))
        }
        ("test_subscribe_external_http_endpoint_content_type[False]", _) => {
            topic(account, case)?;
            let retries = json!({ "minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 0 });
            hook("false", json!({ "healthyRetryPolicy": retries, "throttlePolicy": { "maxReceivesPerSecond": 1000 } }))
        }
        ("test_sub_filter_policy_nested_property", _) => {
            filter(json!({ "object": { "key": [{ "prefix": "auto-" }] } }), "MessageBody", "false")
        }
        ("test_set_subscription_filter_policy_scope", _) => {
            filter(json!({ "attr": ["match-this"] }), "MessageBody", "false")
        }
        ("test_filter_policy", _) => {
            filter(json!({ "attr1": [null, { "anything-but": "whatever" }] }), "MessageAttributes", "false")
        }
        ("test_exists_filter_policy", key) => {
            let exists = key == "subscription-attributes-policy-1";
            filter(json!({ "store": [{ "exists": exists }] }), "MessageAttributes", "false")
        }
        ("test_exists_filter_policy_attributes_array", _) => {
            filter(json!({ "store": ["value1"] }), "MessageAttributes", "true")
        }
        (other, _) => Err(format!("no rule for {other}").into()),
    }
}

/// The recorded test, without its class.
fn test(case: &Value) -> &str {
    let (_, test) = text(&case["test"]).split_once("::").expect("a test belongs to a class");
    test
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the value is text")
}
