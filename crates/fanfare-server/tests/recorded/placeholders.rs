//! What stands for something in the recorded parameters, and what it stands for.

use libtest_mimic::Failed;
use serde_json::{Map, Value, json};

use crate::account::{Account, REGION};
use crate::scene::{self, ELSEWHERE};

/// The account of the recordings.
const RECORDED_ACCOUNT: &str = "111111111111";

/// What marks a text as one that stands for something. A text with one of these that no rule knows is an error.
const MARKS: [&str; 6] = ["<", "...", " x (", " bytes", " byte", " entries"];

/// `text` with the account put in.
pub(crate) fn own(account: &Account, text: &str) -> String {
    text.replace(RECORDED_ACCOUNT, account.number())
}

/// The parameters that `value` of the parameter or attribute `name` stands for: several, when it stands for several requests.
///
/// # Errors
/// What stands for something that no rule knows.
pub(crate) fn fill(account: &Account, operation: &str, name: &str, value: &Value) -> Result<Vec<Value>, Failed> {
    match value {
        Value::String(text) => match stands_for(account, name, text)? {
            Some(meant) => Ok(meant),
            None if MARKS.iter().any(|mark| text.contains(mark)) => {
                Err(format!("no rule for {operation} {name} {text:?}").into())
            }
            None => Ok(vec![json!(own(account, text))]),
        },
        Value::Array(items) => {
            let mut lists = vec![Vec::new()];
            for item in items {
                lists = product(lists, fill(account, operation, name, item)?, |list, item| list.push(item));
            }
            Ok(lists.into_iter().map(Value::Array).collect())
        }
        Value::Object(members) => {
            let mut objects = vec![Map::new()];
            for (member, value) in members {
                let member = if member == "<unknown name>" { UNKNOWN_NAME } else { member };
                let values = fill(account, operation, member, value)?;
                objects = product(objects, values, |object, value| {
                    object.insert(member.to_owned(), value);
                });
            }
            Ok(objects.into_iter().map(Value::Object).collect())
        }
        other => Ok(vec![other.clone()]),
    }
}

/// What no attribute is called.
pub(crate) const UNKNOWN_NAME: &str = "NoSuchAttribute";

fn product<T: Clone>(so_far: Vec<T>, next: Vec<Value>, add: impl Fn(&mut T, Value)) -> Vec<T> {
    let mut all = Vec::new();
    for known in so_far {
        for value in &next {
            let mut known = known.clone();
            add(&mut known, value.clone());
            all.push(known);
        }
    }
    all
}

/// The table.
fn stands_for(account: &Account, name: &str, text: &str) -> Result<Option<Vec<Value>>, Failed> {
    let topic = format!("arn:aws:sns:{REGION}:{RECORDED_ACCOUNT}:topic");
    let elsewhere = account.in_region(ELSEWHERE);
    let one = match (name, text) {
        ("TopicArn" | "ResourceArn", text) if text == topic => scene::topic(account)?,
        ("TopicArn", text) if text == format!("{topic}.fifo") => scene::fifo_topic(account)?,
        ("TopicArn", "<fifo topic>") => scene::fifo_topic(account)?,
        ("TopicArn", "<fifo topic with an ArchivePolicy>") => scene::archived_topic(account)?,
        ("TopicArn", "<unknown topic>" | "<unknown>" | "<well-formed ARN of a topic that does not exist>") => {
            account.arn("sns", "unknown")
        }
        ("TopicArn", "<topic of another region>") => scene::topic(&elsewhere)?,
        ("TopicArn", "<same topic, other region>") => elsewhere.arn("sns", "topic"),
        ("SubscriptionArn", text) if text == format!("{topic}:uuid") => scene::subscription(account, "sqs")?,
        ("SubscriptionArn", "<well-formed, unknown>") => {
            format!("{}:0f7d5971-aa8b-4bd5-b585-0826e9f93a66", scene::topic(account)?)
        }
        ("SubscriptionArn", "<unsubscribed>") => {
            let subscription = scene::subscription(account, "sqs")?;
            account.done("Unsubscribe", &json!({ "SubscriptionArn": subscription }))?;
            subscription
        }
        ("Token", "<288 hex chars, unknown>") => "2336412f37".repeat(29)[..288].to_owned(),
        ("Token", "<good token>") => scene::token(account)?,
        ("PlatformApplicationArn", "<unknown>") => account.arn("sns", "app/ADM/unknown"),
        ("PlatformApplicationArn", "<deleted>") => {
            let application = scene::application(account)?;
            account.done("DeletePlatformApplication", &json!({ "PlatformApplicationArn": application }))?;
            application
        }
        ("EndpointArn", "<unknown>") => account.arn("sns", "endpoint/ADM/app/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"),
        ("EndpointArn", "<sns ARN whose last part has the wrong number of slashes>") => {
            account.arn("sns", "endpoint/ADM/app")
        }
        ("Endpoint", "<deleted endpoint ARN>") => {
            let endpoint = scene::endpoint(account)?;
            account.done("DeleteEndpoint", &json!({ "EndpointArn": endpoint }))?;
            endpoint
        }
        ("TargetArn", "<endpoint with Enabled=false>") => {
            let endpoint = scene::endpoint(account)?;
            let attributes = json!({ "Enabled": "false" });
            account.done("SetEndpointAttributes", &json!({ "EndpointArn": endpoint, "Attributes": attributes }))?;
            endpoint
        }
        ("Endpoint", "<standard queue>") => account.arn("sqs", "q"),
        ("Endpoint", "https://... (scheme differs from protocol)") => "https://hooks.example.com/in".to_owned(),
        ("Endpoint", "<host that cannot be reached from SNS / private address>") => "http://10.0.0.1/in".to_owned(),
        ("Message", "<264000 bytes>") => "a".repeat(264_000),
        ("Message", "'a' x (262144-12+1)") => "a".repeat(262_144 - 12 + 1),
        ("CustomUserData", "<2049 bytes>") => "a".repeat(2049),
        ("PlatformCredential", "<bad key>") => "not a key".to_owned(),
        ("RedrivePolicy", r#"{"deadLetterTargetArn":"...","maxReceiveCount":5}"#) => with_receive_count(account),
        ("AttributeValue", "{... maxReceiveCount ...}") => with_receive_count(account),
        ("DeliveryPolicy", "{healthyRetryPolicy:{minDelayTarget:0,...}}") => {
            json!({ "healthyRetryPolicy": { "minDelayTarget": 0, "maxDelayTarget": 20, "numRetries": 3 } }).to_string()
        }
        ("AttributeValue", "<policy naming a principal that does not exist>") => {
            policy(account, json!({ "Principal": { "AWS": "arn:aws:iam::0:user/nobody" } }))
        }
        ("PublishBatchRequestEntries", "11 entries") => {
            let entries = (1..=11).map(|id| json!({ "Id": id.to_string(), "Message": "m" }));
            return Ok(Some(vec![entries.collect()]));
        }
        ("entries", text) => {
            let (bytes, attributed) = match text.split_once(" + attr1/Number/1") {
                Some((bytes, _)) => (bytes, true),
                None => (text, false),
            };
            let bytes = bytes.trim_end_matches("s").strip_suffix(" byte").ok_or("the bytes are counted")?.parse()?;
            let mut entry = json!({ "Message": "a".repeat(bytes) });
            if attributed {
                entry["MessageAttributes"] = json!({ "attr1": { "DataType": "Number", "StringValue": "1" } });
            }
            return Ok(Some(vec![entry]));
        }
        ("Protocol", "lambda|sms|http|https|email|application") | ("AttributeValue", "true|false") => {
            return Ok(Some(text.split('|').map(|one| json!(one)).collect()));
        }
        // It follows from the protocol.
        ("Endpoint", "...") => return Ok(Some(vec![Value::Null])),
        ("AttributeValue", "<policy with no/invalid statements, wrong Resource, unknown keys>") => {
            let wrong = [
                json!({ "Version": "2012-10-17", "Statement": [] }).to_string(),
                policy(account, json!({ "Effect": "Perhaps" })),
                policy(account, json!({ "Resource": account.arn("sns", "another") })),
                policy(account, json!({ "Purpose": "none" })),
            ];
            return Ok(Some(wrong.into_iter().map(Value::String).collect()));
        }
        _ => return Ok(None),
    };
    Ok(Some(vec![Value::String(one)]))
}

/// A `RedrivePolicy` as it would be on a queue.
fn with_receive_count(account: &Account) -> String {
    json!({ "deadLetterTargetArn": account.arn("sqs", "dead"), "maxReceiveCount": 5 }).to_string()
}

/// An access policy of the topic whose statement is right but for `change`.
fn policy(account: &Account, change: Value) -> String {
    let mut statement = json!({
        "Sid": "one",
        "Effect": "Allow",
        "Principal": { "AWS": "*" },
        "Action": "SNS:Publish",
        "Resource": account.arn("sns", "topic"),
    });
    for (key, value) in crate::form::object(&change) {
        statement[key] = value.clone();
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}
