//! What is taken and what is refused, and what becomes of what is taken.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::account::Account;
use crate::reply::Reply;
use crate::scene;

/// Publishes texts of so many bytes: what is taken is delivered to the last of them.
pub(crate) fn size(account: &Account, case: &Value) -> Result<(), Failed> {
    let topic = scene::topic(account)?;
    scene::subscription_with(account, "sqs", json!({ "RawMessageDelivery": "true" }))?;
    let sizes: Vec<usize> = match &case["message_bytes"] {
        Value::Array(sizes) => sizes.iter().map(bytes).collect(),
        size => vec![bytes(size)],
    };
    let mut messages: Vec<Value> = sizes.iter().map(|bytes| json!({ "Message": "a".repeat(*bytes) })).collect();
    let attributes = [&case["attributes"], &case["attributes_on_first"]].into_iter().find(|given| given.is_object());
    if let Some(attributes) = attributes {
        messages[0]["MessageAttributes"] = attributes.clone();
    }
    let call = text(&case["call"]);
    let reply = match call {
        "Publish" => {
            messages[0]["TopicArn"] = json!(topic);
            account.call(call, &messages[0])?
        }
        "PublishBatch" => {
            for (id, message) in (1..).zip(&mut messages) {
                message["Id"] = json!(format!("{id}"));
            }
            account.call(call, &json!({ "TopicArn": topic, "PublishBatchRequestEntries": messages }))?
        }
        other => return Err(format!("no rule for {other}").into()),
    };
    if case["accepted"] == json!(true) {
        same(&reply.status, &200)?;
        let delivered = account.outbox(&topic, "protocol=sqs", sizes.len())?;
        let mut found: Vec<usize> = delivered.iter().map(|kept| text(&kept["text"]).len()).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        return same(&found, &sizes);
    }
    let (code, message) = match call {
        "Publish" => ("InvalidParameter", "Invalid parameter: Message too long"),
        _ => ("BatchRequestTooLong", "The length of all the messages put together is more than the limit."),
    };
    // The text is not recorded with every row.
    same(&case.get("message").map_or(message, text), &message)?;
    refused(&reply, code, message)
}

/// Publishes a text for each protocol: the subscriber gets the one that is meant for it.
pub(crate) fn structure(account: &Account, case: &Value) -> Result<(), Failed> {
    let topic = scene::topic(account)?;
    let protocol = case["protocol"].as_str().filter(|protocol| *protocol != "*").unwrap_or("sqs");
    scene::subscription(account, protocol)?;
    let message = json!({ "TopicArn": topic, "Message": case["message"], "MessageStructure": "json" });
    let reply = account.call("Publish", &message)?;
    if let Some(message) = case["error"].as_str() {
        return refused(&reply, "InvalidParameter", message);
    }
    same(&reply.status, &200)?;
    let delivered = account.outbox(&topic, &format!("protocol={protocol}"), 1)?;
    let carried: Value = serde_json::from_str(text(&delivered[0]["text"]))?;
    let found = match protocol {
        "lambda" => &carried["Records"][0]["Sns"]["Message"],
        _ => &carried["Message"],
    };
    // Of two defaults the last one counts; the recording says no more than that both are taken.
    same(found, case.get("delivers").unwrap_or(&json!("Duplicate")))
}

/// Gives one input: what is valid is found again, and what is not is refused.
pub(crate) fn input(account: &Account, case: &Value) -> Result<(), Failed> {
    let (what, input) = (text(&case["what"]), text(&case["input"]));
    let (reply, found) = match what {
        "topic-name" | "topic-name (standard)" => created(account, json!({ "Name": input }))?,
        "topic-name (fifo)" => created(account, json!({ "Name": input, "Attributes": { "FifoTopic": "true" } }))?,
        "platform-application-name" => {
            let attributes = json!({ "PlatformPrincipal": "dummy", "PlatformCredential": "dummy" });
            let parameters = json!({ "Name": input, "Platform": "ADM", "Attributes": attributes });
            let reply = account.call("CreatePlatformApplication", &parameters)?;
            let arn = reply.one("PlatformApplicationArn");
            (reply, arn.map(|arn| arn.rsplit('/').next().unwrap_or_default().to_owned()))
        }
        "sms-endpoint" => {
            let topic = scene::topic(account)?;
            let parameters = json!({ "TopicArn": topic, "Protocol": "sms", "Endpoint": input });
            let reply = account.call("Subscribe", &parameters)?;
            (reply, account.done("ListSubscriptionsByTopic", &json!({ "TopicArn": topic }))?.one("Endpoint"))
        }
        "publish-phone-number" => {
            (account.call("Publish", &json!({ "PhoneNumber": input, "Message": "m" }))?, Ok(String::new()))
        }
        "batch-entry-id" => {
            let entries = json!([{ "Id": input, "Message": "m" }]);
            let parameters = json!({ "TopicArn": scene::topic(account)?, "PublishBatchRequestEntries": entries });
            let reply = account.call("PublishBatch", &parameters)?;
            let id = reply.one("Id");
            (reply, id)
        }
        "message-attribute-name" => {
            let attributes = json!({ input: { "DataType": "String", "StringValue": "v" } });
            published(account, json!({ "MessageAttributes": attributes }), |kept| {
                kept["attributes"].as_object()?.keys().next().cloned()
            })?
        }
        "message-attribute-type" => {
            let value = if input == "Binary" { "BinaryValue" } else { "StringValue" };
            // A number, and base64 too.
            let attributes = json!({ "attr1": { "DataType": input, value: "1234" } });
            published(account, json!({ "MessageAttributes": attributes }), |kept| {
                Some(kept["attributes"]["attr1"]["Type"].as_str()?.to_owned())
            })?
        }
        "Subject" => {
            published(account, json!({ "Subject": input }), |kept| Some(kept["subject"].as_str()?.to_owned()))?
        }
        "RawMessageDelivery" => {
            let (reply, found) = set(account, what, input)?;
            // It is echoed back in lower case.
            (reply, found.map(|found| if input == "True" && found == "true" { input.to_owned() } else { found }))
        }
        "FilterPolicyScope" => {
            let (reply, _) = set(account, what, input)?;
            // Hidden until there is a policy.
            (reply, set(account, "FilterPolicy", r#"{"a":["b"]}"#).and_then(|_| attribute(account, what)))
        }
        other => return Err(format!("no rule for {other}").into()),
    };
    match case["valid"].as_bool() {
        Some(true) => {
            same(&reply.status, &200)?;
            same(&found?, &input.to_owned())
        }
        _ => refused(&reply, text(&case["code"]), text(&case["message"])),
    }
}

/// What a call came to, and what of the input was found afterwards.
type Outcome = (Reply, Result<String, Failed>);

fn created(account: &Account, parameters: Value) -> Result<Outcome, Failed> {
    let reply = account.call("CreateTopic", &parameters)?;
    let listed = account.done("ListTopics", &json!({}))?.one("TopicArn");
    Ok((reply, listed.map(|arn| arn.rsplit(':').next().unwrap_or_default().to_owned())))
}

fn published(account: &Account, more: Value, part: fn(&Value) -> Option<String>) -> Result<Outcome, Failed> {
    let topic = scene::topic(account)?;
    scene::subscription(account, "sqs")?;
    let mut parameters = json!({ "TopicArn": topic, "Message": "m" });
    for (name, value) in crate::form::object(&more) {
        parameters[name] = value.clone();
    }
    let reply = account.call("Publish", &parameters)?;
    let found = match reply.status {
        200 => account.outbox(&topic, "protocol=sqs", 1).map(|kept| part(&kept[0]).unwrap_or_default()),
        _ => Ok(String::new()),
    };
    Ok((reply, found))
}

fn set(account: &Account, name: &str, value: &str) -> Result<Outcome, Failed> {
    let subscription = scene::subscription(account, "sqs")?;
    let parameters = json!({ "SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value });
    let reply = account.call("SetSubscriptionAttributes", &parameters)?;
    Ok((reply, attribute(account, name)))
}

fn attribute(account: &Account, name: &str) -> Result<String, Failed> {
    let subscription = account.done("ListSubscriptions", &json!({}))?.one("SubscriptionArn")?;
    let attributes = account.done("GetSubscriptionAttributes", &json!({ "SubscriptionArn": subscription }))?.map()?;
    Ok(attributes.get(name).cloned().unwrap_or_default())
}

fn refused(reply: &Reply, code: &str, message: &str) -> Result<(), Failed> {
    same(&reply.error()?, &(400, "Sender".to_owned(), code.to_owned(), message.to_owned()))
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}\n   found {found:?}").into()) }
}

fn bytes(size: &Value) -> usize {
    size.as_u64().and_then(|size| usize::try_from(size).ok()).expect("a size is a number")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the value is text")
}
