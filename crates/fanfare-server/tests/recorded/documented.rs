//! Rules of Amazon SNS's documentation that no recording shows.

use libtest_mimic::Failed;
use serde_json::json;

use crate::account::Account;
use crate::scene;

/// A topic takes messages of more than 262,144 bytes while it has at most 100 subscriptions, all of them of queues and
/// functions.
pub(crate) fn larger_messages(account: &Account) -> Result<(), Failed> {
    let topic = scene::topic(account)?;
    let set = |bytes: usize| {
        let bytes = bytes.to_string();
        let parameters = json!({ "TopicArn": topic, "AttributeName": "MaximumMessageSize", "AttributeValue": bytes });
        account.call("SetTopicAttributes", &parameters)
    };
    let subscribe = |protocol: &str, address: &str| {
        account.call("Subscribe", &json!({ "TopicArn": topic, "Protocol": protocol, "Endpoint": address }))
    };
    let refusal = |why: &str| {
        let message = format!(
            "Invalid parameter: MaximumMessageSize Reason: {why} while messages may have more than 262144 bytes"
        );
        (400, "Sender".to_owned(), "InvalidParameter".to_owned(), message)
    };

    let number = scene::subscription(account, "sms")?;
    same(&set(262_144)?.status, &200)?;
    same(&set(262_145)?.error()?, &refusal("the topic has a subscription over sms"))?;
    account.done("Unsubscribe", &json!({ "SubscriptionArn": number }))?;

    let queue = |number: usize| account.arn("sqs", &format!("q{number}"));
    same(&subscribe("sqs", &queue(1))?.status, &200)?;
    same(&set(1_048_576)?.status, &200)?;
    account.done("Publish", &json!({ "TopicArn": topic, "Message": "m".repeat(1_048_576) }))?;
    let kept = account.outbox(&topic, "protocol=sqs", 1)?;
    same(&kept[0]["text"].as_str().is_some_and(|envelope| envelope.contains(&"m".repeat(1_048_576))), &true)?;
    same(&subscribe("sms", "+15550100")?.error()?, &refusal("the topic cannot have a subscription over sms"))?;

    for number in 2..=100 {
        same(&subscribe("sqs", &queue(number))?.status, &200)?;
    }
    // One that is there is none more.
    same(&subscribe("sqs", &queue(100))?.status, &200)?;
    let function = account.arn("lambda", "function:f");
    let one_more = subscribe("lambda", &function)?.error()?;
    same(&one_more, &refusal("the topic cannot have more than 100 subscriptions"))?;
    same(&set(262_144)?.status, &200)?;
    same(&subscribe("lambda", &function)?.status, &200)?;
    same(&set(1_048_576)?.error()?, &refusal("the topic has more than 100 subscriptions"))
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}\n   found {found:?}").into()) }
}
