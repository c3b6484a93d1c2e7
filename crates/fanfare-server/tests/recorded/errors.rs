//! Requests that Amazon SNS refuses: they are refused with the same status, type, code and text.

use std::sync::Arc;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::account::Account;
use crate::form::object;
use crate::placeholders::{UNKNOWN_NAME, fill, own};
use crate::program::Program;
use crate::reply::Reply;
use crate::scene;

/// What is answered instead of what was recorded, by words that only the case has, and why.
const INSTEAD: [(&str, Instead); 3] = [
    // The recording of the text lacks one "really" of the id that was sent; elsewhere the text names the id as it was.
    (
        "myreallyreallyreallyreally",
        Instead::Message(
            "The Id of a batch entry in the batch request is too long: \
             myreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallylongid",
        ),
    ),
    // By its own note: FIFO topics take standard queues since 2023.
    ("historical (2020); since 2023 the subscription is accepted", Instead::Accepted),
    // An older wording; that of the other row goes on, and so does ours.
    (
        "aws-amplify/aws-sdk-ios#830",
        Instead::Message(
            "User: <principal ARN> is not authorized to perform: SNS:Subscribe on resource: <topic ARN> because no \
             identity-based policy allows the SNS:Subscribe action",
        ),
    ),
];

#[derive(Clone, Copy)]
enum Instead {
    Accepted,
    Message(&'static str),
}

/// Makes the requests that the case stands for, and compares the answers.
pub(crate) fn refused(account: &Account, case: &Value) -> Result<(), Failed> {
    let recorded = text(&case["operation"]);
    let note = case["note"].as_str().unwrap_or_default();
    let words = case.to_string();
    let instead = INSTEAD.iter().find(|(known, _)| words.contains(known)).map(|(_, instead)| *instead);
    let (action, by_link) = match recorded.split_once(' ') {
        Some((action, "(unsigned GET)")) => (action, true),
        Some(_) => return Err(format!("no rule for {recorded}").into()),
        None => (recorded, false),
    };
    let account = &match is_about_sending(case) {
        true => account.at(&Arc::new(Program::start("sqs"))),
        false => account.clone(),
    };
    for parameters in fill(account, action, "", &completed(account, action, &case["params"])?)? {
        let parameters = finished(account, parameters);
        prepare(account, note)?;
        let caller = &match text(&case["code"]) {
            "AuthorizationError" => account.stranger(),
            _ => account.clone(),
        };
        let reply = match by_link {
            true => caller.follow(action, &parameters)?,
            false => caller.call(action, &parameters)?,
        };
        match instead {
            Some(Instead::Accepted) if reply.status == 200 => {}
            Some(Instead::Accepted) => return Err(format!("not accepted: {}", reply.xml).into()),
            Some(Instead::Message(message)) => same(account, caller, case, message, &parameters, &reply)?,
            None => same(account, caller, case, text(&case["message"]), &parameters, &reply)?,
        }
    }
    Ok(())
}

fn same(
    account: &Account,
    caller: &Account,
    case: &Value,
    message: &str,
    parameters: &Value,
    reply: &Reply,
) -> Result<(), Failed> {
    let parameter = |name: &str| parameters[name].as_str().unwrap_or_default().to_owned();
    let mut message = own(account, message)
        .replace("<unknown name>", UNKNOWN_NAME)
        .replace("<protocol>", &parameter("Protocol"))
        .replace("<ENDPOINT-ARN>", &parameter("Endpoint"))
        .replace("<topic ARN>", &parameter("TopicArn"))
        .replace("<principal ARN>", &format!("arn:aws:iam::{}:root", caller.number()));
    if message.contains("<platform_application>") {
        let endpoint = account.arn("sns", "endpoint/ADM/<platform_application>/<resource:1>");
        message = message.replace(&endpoint, &scene::endpoint(account)?);
    }
    let status = u16::try_from(case["http_status"].as_u64().expect("a status is a number"))?;
    let expected = (status, text(&case["type"]).to_owned(), text(&case["code"]).to_owned(), message);
    let found = reply.error()?;
    if found == expected {
        return Ok(());
    }
    let sent: String = parameters.to_string().chars().take(600).collect();
    Err(format!("{sent}\nexpected {expected:?}\n   found {found:?}").into())
}

/// The parameters of a case with those that it leaves out because they do not matter.
fn completed(account: &Account, action: &str, parameters: &Value) -> Result<Value, Failed> {
    let mut parameters = parameters.clone();
    let with_target = ["TopicArn", "TargetArn", "PhoneNumber"].iter().any(|target| parameters.get(target).is_some());
    let protocol = parameters["subscription"].as_str().unwrap_or("sqs").to_owned();
    let topic = || scene::topic(account).map(Value::String);
    let defaults = match action {
        "Publish" if with_target => vec![("Message", json!("m"))],
        "Publish" => vec![("TopicArn", topic()?), ("Message", json!("m"))],
        "PublishBatch" => {
            let mut entries = parameters["entries"].take();
            for (id, entry) in (1..).zip(entries.as_array_mut().into_iter().flatten()) {
                *entry = one(account, "entries", entry)?;
                entry["Id"] = json!(format!("{id}"));
            }
            let entries = if entries.is_null() { json!([{ "Id": "1", "Message": "m" }]) } else { entries };
            vec![("TopicArn", topic()?), ("PublishBatchRequestEntries", entries)]
        }
        "Subscribe" => vec![("TopicArn", topic()?), ("Protocol", json!("sqs")), ("Endpoint", Value::Null)],
        "CreateTopic" => vec![("Name", json!("topic"))],
        "SetTopicAttributes" => {
            vec![("TopicArn", topic()?), ("AttributeName", json!("DisplayName")), ("AttributeValue", json!("x"))]
        }
        "SetSubscriptionAttributes" if parameters.get("SubscriptionArn").is_none() => {
            let fifo = parameters.to_string().contains(":standard");
            let subscription =
                if fifo { scene::fifo_subscription(account)? } else { scene::subscription(account, &protocol)? };
            vec![("SubscriptionArn", json!(subscription))]
        }
        "AddPermission" => {
            vec![("Label", json!("l")), ("AWSAccountId", json!([account.number()])), ("ActionName", json!(["Publish"]))]
        }
        "CreatePlatformApplication" => vec![
            ("Name", json!("app")),
            ("Attributes", json!({ "PlatformPrincipal": "dummy", "PlatformCredential": "dummy" })),
        ],
        "SetPlatformApplicationAttributes" => vec![("Attributes", json!({ "PlatformPrincipal": "dummy" }))],
        "CreatePlatformEndpoint" if parameters.get("PlatformApplicationArn").is_none() => {
            vec![("PlatformApplicationArn", json!(scene::application(account)?))]
        }
        "SetEndpointAttributes" => {
            let mut defaults = vec![("Attributes", json!({ "Enabled": "true" }))];
            if parameters.get("EndpointArn").is_none() {
                defaults.push(("EndpointArn", json!(scene::endpoint(account)?)));
            }
            defaults
        }
        _ => Vec::new(),
    };
    let members = parameters.as_object_mut().expect("parameters are an object");
    for about_the_case in ["entries", "subscription"] {
        members.remove(about_the_case);
    }
    for (name, value) in defaults {
        members.entry(name).or_insert(value);
    }
    Ok(parameters)
}

/// The one value that a placeholder stands for.
fn one(account: &Account, name: &str, value: &Value) -> Result<Value, Failed> {
    Ok(fill(account, "PublishBatch", name, value)?.remove(0))
}

/// The parameters with an address that fits the protocol where none is given.
fn finished(account: &Account, mut parameters: Value) -> Value {
    if object(&parameters).get("Endpoint").is_some_and(Value::is_null) {
        parameters["Endpoint"] = json!(scene::address(account, text(&parameters["Protocol"])));
    }
    parameters
}

/// Makes what the note says is there.
fn prepare(account: &Account, note: &str) -> Result<(), Failed> {
    match note {
        "after DeleteTopic" => {
            account.done("DeleteTopic", &json!({ "TopicArn": account.arn("sns", "topic") }))?;
        }
        "topic exists without tags" => {
            scene::topic(account)?;
        }
        "topic exists with DisplayName=Value1" => {
            scene::topic_with(account, json!({ "DisplayName": "Value1" }))?;
        }
        "subscription exists with RawMessageDelivery=true" => {
            scene::subscription_with(account, "sqs", json!({ "RawMessageDelivery": "true" }))?;
        }
        "Label already used" => {
            let parameters = json!({
                "TopicArn": scene::topic(account)?,
                "Label": "test",
                "AWSAccountId": [account.number()],
                "ActionName": ["Publish"],
            });
            account.done("AddPermission", &parameters)?;
        }
        "endpoint exists with Enabled=true" => {
            scene::endpoint(account)?;
        }
        _ => {}
    }
    Ok(())
}

/// Whether the case is about addresses and credentials that only matter where deliveries are sent.
fn is_about_sending(case: &Value) -> bool {
    let parameters = case["params"].to_string();
    ["cannot be reached", "<bad key>"].iter().any(|words| parameters.contains(words))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the value is text")
}
