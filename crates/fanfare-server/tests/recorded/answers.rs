//! Answers: the same XML as recorded for the same result, but for the values.

use libtest_mimic::Failed;
use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::account::Account;
use crate::reply::Reply;
use crate::scene;

/// Calls the operation such that it comes to what was recorded, and compares the XML as a tree.
pub(crate) fn shaped(account: &Account, case: &Value) -> Result<(), Failed> {
    let recorded = case["xml"].as_str().expect("an answer is text");
    let reply = called(account, case)?;
    if json!(reply.status) != case["status"] {
        return Err(format!("{} {}", reply.status, reply.xml).into());
    }
    let expected = Document::parse(recorded)?;
    let (expected, found) = (shape(expected.root_element()), shape(reply.document()?.root_element()));
    if found == expected { Ok(()) } else { Err(format!("expected {expected}\n   found {found}").into()) }
}

/// A policy that refuses messages with e-mail addresses.
const NO_ADDRESSES: &str = r#"{"Name":"n","Version":"2021-06-01","Statement":[{"DataDirection":"Inbound","Principal":["*"],
    "DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Deny":{}}}]}"#;

/// An element as its name, its name space, and whether it has text or else its kinds of children: how many there are of a kind,
/// and in which order, is not its shape.
fn shape(node: Node<'_, '_>) -> Value {
    let mut children: Vec<Value> = node.children().filter(Node::is_element).map(shape).collect();
    children.sort_by_key(Value::to_string);
    children.dedup();
    let within = if children.is_empty() { json!(node.text().is_some()) } else { json!(children) };
    json!([node.tag_name().namespace(), node.tag_name().name(), within])
}

fn called(account: &Account, case: &Value) -> Result<Reply, Failed> {
    let operation = text(&case["operation"]);
    let call = |parameters: Value| account.call(operation, &parameters);
    let xml = text(&case["xml"]);
    match operation {
        "CreateTopic" => call(json!({ "Name": "MyTopic" })),
        "DeleteTopic" | "GetTopicAttributes" => call(json!({ "TopicArn": scene::topic(account)? })),
        "Unsubscribe" => call(json!({ "SubscriptionArn": scene::subscription(account, "sqs")? })),
        "TagResource" => call(json!({ "ResourceArn": scene::topic(account)?, "Tags": [{ "Key": "k", "Value": "v" }] })),
        "Publish" if xml.contains("SequenceNumber") => call(json!({
            "TopicArn": scene::fifo_topic(account)?, "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d",
        })),
        "Publish" if xml.contains("NotFound") => {
            call(json!({ "TopicArn": account.arn("sns", "unknown"), "Message": "m" }))
        }
        "Publish" => {
            let message = if xml.contains("Empty message") { "" } else { "m" };
            call(json!({ "TopicArn": scene::topic(account)?, "Message": message }))
        }
        "PublishBatch" => {
            let topic = scene::topic(account)?;
            let mut entries = vec![json!({ "Id": "1", "Message": "m" })];
            if xml.contains("<Failed><member>") {
                let policy = json!({ "ResourceArn": topic, "DataProtectionPolicy": NO_ADDRESSES });
                account.done("PutDataProtectionPolicy", &policy)?;
                entries.push(json!({ "Id": "2", "Message": "write to ann@example.com" }));
            }
            call(json!({ "TopicArn": topic, "PublishBatchRequestEntries": entries }))
        }
        "ListTopics" => {
            // One more than fit on a page, or none.
            let topics = if xml.contains("NextToken") { 101 } else { 0 };
            for number in 0..topics {
                account.done("CreateTopic", &json!({ "Name": format!("MyTopic{number}") }))?;
            }
            call(json!({}))
        }
        "ListSubscriptions" => {
            scene::subscription(account, "email")?;
            let reply = call(json!({}))?;
            match reply.one("SubscriptionArn")?.as_str() {
                "PendingConfirmation" => Ok(reply),
                other => Err(format!("it is confirmed: {other}").into()),
            }
        }
        "Subscribe" => {
            let topic = scene::topic(account)?;
            let reply = call(json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com" }))?;
            match reply.one("SubscriptionArn")?.as_str() {
                "pending confirmation" => Ok(reply),
                other => Err(format!("it is confirmed: {other}").into()),
            }
        }
        "ConfirmSubscription" => {
            let token = scene::token(account)?;
            call(json!({ "TopicArn": scene::topic(account)?, "Token": token }))
        }
        "ListTagsForResource" => {
            let topic = scene::topic(account)?;
            account.done("TagResource", &json!({ "ResourceArn": topic, "Tags": [{ "Key": "k", "Value": "v" }] }))?;
            call(json!({ "ResourceArn": topic }))
        }
        "GetSMSAttributes" => call(json!({})),
        "CheckIfPhoneNumberIsOptedOut" => {
            account.opt_out("+15551234567")?;
            let reply = call(json!({ "phoneNumber": "+15551234567" }))?;
            match reply.one("isOptedOut")?.as_str() {
                "true" => Ok(reply),
                other => Err(format!("who opted out did not: {other}").into()),
            }
        }
        "ListPhoneNumbersOptedOut" => {
            // One more than fit on a page.
            for number in 0..101 {
                account.opt_out(&format!("+1555{number:07}"))?;
            }
            call(json!({}))
        }
        "ListPlatformApplications" => {
            scene::application(account)?;
            call(json!({}))
        }
        "ListEndpointsByPlatformApplication" => {
            scene::endpoint(account)?;
            call(json!({ "PlatformApplicationArn": scene::application(account)? }))
        }
        other => Err(format!("no rule for {other}").into()),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the value is text")
}
