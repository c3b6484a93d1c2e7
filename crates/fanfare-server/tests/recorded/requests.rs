//! Requests as a client writes them: each is posted as it is, and what it asks for has happened afterwards.

use std::sync::Arc;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::account::Account;
use crate::program::{PROTOCOLS, Program};
use crate::scene;

/// The account of the recorded requests.
const ACCOUNT: &str = "123456789012";

/// What of an answer or of a later look is compared.
type Look = fn(&Account) -> Result<Value, Failed>;

/// What comes of a request.
enum Outcome {
    /// It is answered with 200, and then this is seen.
    Seen(Look, Value),
    /// It is refused.
    Refused(u16, &'static str, &'static str),
}

use Outcome::{Refused, Seen};

/// Makes what has to be there, posts the body, and looks at what came of it.
pub(crate) fn performed(_: &Account, case: &Value) -> Result<(), Failed> {
    // The bodies name one account, so each gets a program of its own.
    let account = &Account::new(&Arc::new(Program::start(PROTOCOLS)), ACCOUNT.to_owned());
    let outcome = prepared(account, case)?;
    let body = case["body"].as_str().expect("a body is text");
    let reply = account.post(body.to_owned())?;
    match outcome {
        Seen(look, expected) => {
            if reply.status != 200 {
                return Err(format!("{} {}", reply.status, reply.xml).into());
            }
            let found = look(account)?;
            if found == expected { Ok(()) } else { Err(format!("expected {expected}\n   found {found}").into()) }
        }
        Refused(status, code, message) => {
            let (expected, found) =
                ((status, "Sender".to_owned(), code.to_owned(), message.to_owned()), reply.error()?);
            if found == expected { Ok(()) } else { Err(format!("expected {expected:?}\n   found {found:?}").into()) }
        }
    }
}

/// Makes what the request needs, and says what comes of it.
fn prepared(account: &Account, case: &Value) -> Result<Outcome, Failed> {
    let operation = case["operation"].as_str().expect("an operation is text");
    let parameters = &case["params"];
    let topic = || account.done("CreateTopic", &json!({ "Name": "MyTopic" }))?.one("TopicArn");
    let queue = |topic: &str| scene::subscribe(account, topic, "sqs", &account.arn("sqs", "q"), json!({}));
    Ok(match operation {
        "CreateTopic" if parameters["Name"] == "MyTopic" => {
            Seen(listed_topics, json!(["arn:aws:sns:us-east-1:123456789012:MyTopic"]))
        }
        "CreateTopic" => Seen(fifo_and_tags, json!(["true", "true", ["env", "prod", "team", "a&b"]])),
        "Subscribe" => {
            topic()?;
            Seen(raw_and_filter, json!(["arn:aws:sqs:us-east-1:123456789012:q", "true", r#"{"a":["b"]}"#]))
        }
        "Publish" if parameters.get("PhoneNumber").is_some() => Seen(texted, json!(["+15551234567", "sms"])),
        "Publish" if parameters.get("MessageGroupId").is_some() => {
            let attributes = json!({ "FifoTopic": "true" });
            let parameters = json!({ "Name": "MyTopic.fifo", "Attributes": attributes });
            let topic = account.done("CreateTopic", &parameters)?.one("TopicArn")?;
            scene::subscribe(account, &topic, "sqs", &account.arn("sqs", "q.fifo"), json!({}))?;
            Seen(queued_in_order, json!(["m", "g", "d"]))
        }
        "Publish" if parameters.get("MessageStructure").is_some() => {
            queue(&topic()?)?;
            Seen(queued, json!(["s", null, {}]))
        }
        "Publish" => {
            queue(&topic()?)?;
            let attributes = json!({
                "b": { "Type": "Binary", "Value": "AgME" },
                "n": { "Type": "Number", "Value": "1.5" },
                "s": { "Type": "String", "Value": "v" },
            });
            Seen(queued, json!(["Hello & goodbye = é 😀", "Hi there", attributes]))
        }
        // One of its entries says that it is JSON, and is not.
        "PublishBatch" => {
            topic()?;
            let message = "Invalid parameter: Message Structure - JSON message body failed to parse";
            Refused(400, "InvalidParameter", message)
        }
        "ConfirmSubscription" => {
            topic()?;
            Refused(400, "InvalidParameter", "Invalid parameter: Token")
        }
        // Of no subscription, as it is well-formed.
        "Unsubscribe" => Seen(listed_topics, json!([])),
        "ListTopics" if parameters.get("NextToken").is_none() => {
            topic()?;
            Seen(listed_topics, json!(["arn:aws:sns:us-east-1:123456789012:MyTopic"]))
        }
        "ListTopics" => Refused(400, "InvalidParameter", "Invalid parameter: NextToken"),
        "ListSubscriptionsByTopic" => {
            topic()?;
            Refused(400, "InvalidParameter", "Invalid parameter: NextToken")
        }
        "SetTopicAttributes" => {
            topic()?;
            Seen(display_name, json!("My Topic"))
        }
        "SetSubscriptionAttributes" => {
            topic()?;
            Refused(404, "NotFound", "Subscription does not exist")
        }
        "AddPermission" => {
            topic()?;
            let accounts = json!(["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]);
            Seen(permitted, json!(["l", accounts, ["SNS:Publish", "SNS:Subscribe"]]))
        }
        "RemovePermission" => {
            let granted = json!({
                "TopicArn": topic()?, "Label": "l", "AWSAccountId": ["111111111111"], "ActionName": ["Publish"],
            });
            account.done("AddPermission", &granted)?;
            Seen(permitted, json!([null, null, null]))
        }
        "TagResource" => {
            topic()?;
            Seen(tags, json!(["k", ""]))
        }
        "UntagResource" => {
            let tags_before = ["a", "b", "c"].map(|key| json!({ "Key": key, "Value": "v" }));
            account.done("TagResource", &json!({ "ResourceArn": topic()?, "Tags": tags_before }))?;
            Seen(tags, json!(["c", "v"]))
        }
        "CreatePlatformApplication" => Seen(applications, json!(["arn:aws:sns:us-east-1:123456789012:app/GCM/app"])),
        "CreatePlatformEndpoint" => {
            application(account)?;
            Seen(endpoints, json!({ "CustomUserData": "u", "Enabled": "true", "Token": "tok" }))
        }
        "SetEndpointAttributes" => {
            application(account)?;
            Refused(404, "NotFound", "Endpoint does not exist")
        }
        "SetSMSAttributes" => Seen(
            sms_attributes,
            json!({ "DefaultSMSType": "Transactional", "DefaultSenderID": "ACME", "MonthlySpendLimit": "1" }),
        ),
        "GetSMSAttributes" => Seen(sms_attributes, json!({ "MonthlySpendLimit": "1" })),
        "CheckIfPhoneNumberIsOptedOut" | "OptInPhoneNumber" => Seen(opted_out, json!("false")),
        "ListPhoneNumbersOptedOut" => Refused(400, "InvalidParameter", "Invalid parameter: NextToken"),
        "PutDataProtectionPolicy" => {
            topic()?;
            // A document that says nothing takes the policy away.
            Seen(protection, json!(null))
        }
        "ListOriginationNumbers" => Seen(origination_numbers, json!([])),
        "CreateSMSSandboxPhoneNumber" => Seen(sandbox_numbers, json!(["+15551234567", "Pending"])),
        other => return Err(format!("no rule for {other}").into()),
    })
}

fn application(account: &Account) -> Result<(), Failed> {
    let attributes = json!({ "PlatformCredential": "x" });
    let parameters = json!({ "Name": "app", "Platform": "GCM", "Attributes": attributes });
    account.done("CreatePlatformApplication", &parameters).map(|_| ())
}

fn my_topic(account: &Account) -> String {
    account.arn("sns", "MyTopic")
}

fn listed_topics(account: &Account) -> Result<Value, Failed> {
    Ok(json!(account.done("ListTopics", &json!({}))?.all("TopicArn")?))
}

fn topic_attribute(account: &Account, topic: &str, name: &str) -> Result<Value, Failed> {
    Ok(json!(account.done("GetTopicAttributes", &json!({ "TopicArn": topic }))?.map()?.get(name)))
}

fn fifo_and_tags(account: &Account) -> Result<Value, Failed> {
    let topic = account.arn("sns", "orders.fifo");
    let attribute = |name| topic_attribute(account, &topic, name);
    let tags = tags_of(account, &topic)?;
    Ok(json!([attribute("FifoTopic")?, attribute("ContentBasedDeduplication")?, tags]))
}

fn tags_of(account: &Account, topic: &str) -> Result<Vec<String>, Failed> {
    let reply = account.done("ListTagsForResource", &json!({ "ResourceArn": topic }))?;
    Ok(reply.all("Key")?.into_iter().zip(reply.all("Value")?).flat_map(|(key, value)| [key, value]).collect())
}

fn tags(account: &Account) -> Result<Value, Failed> {
    Ok(json!(tags_of(account, &my_topic(account))?))
}

fn display_name(account: &Account) -> Result<Value, Failed> {
    topic_attribute(account, &my_topic(account), "DisplayName")
}

fn raw_and_filter(account: &Account) -> Result<Value, Failed> {
    let listed = account.done("ListSubscriptionsByTopic", &json!({ "TopicArn": my_topic(account) }))?;
    let subscription = listed.one("SubscriptionArn")?;
    let shown = account.done("GetSubscriptionAttributes", &json!({ "SubscriptionArn": subscription }))?.map()?;
    Ok(json!([shown.get("Endpoint"), shown.get("RawMessageDelivery"), shown.get("FilterPolicy")]))
}

fn queued(account: &Account) -> Result<Value, Failed> {
    let kept = account.outbox(&my_topic(account), "protocol=sqs", 1)?.remove(0);
    Ok(json!([message(&kept)?, kept["subject"], kept["attributes"]]))
}

fn queued_in_order(account: &Account) -> Result<Value, Failed> {
    let kept = account.outbox(&account.arn("sns", "MyTopic.fifo"), "protocol=sqs", 1)?.remove(0);
    Ok(json!([message(&kept)?, kept["messageGroupId"], kept["messageDeduplicationId"]]))
}

/// The message in the envelope that was kept.
fn message(kept: &Value) -> Result<Value, Failed> {
    let envelope: Value = serde_json::from_str(kept["text"].as_str().ok_or("an envelope is text")?)?;
    Ok(envelope["Message"].clone())
}

fn texted(account: &Account) -> Result<Value, Failed> {
    let kept = account.outbox_of_all("protocol=sms", 1)?.remove(0);
    Ok(json!([kept["destination"], kept["text"]]))
}

/// The statement that was added to the policy of the topic.
fn permitted(account: &Account) -> Result<Value, Failed> {
    let policy = topic_attribute(account, &my_topic(account), "Policy")?;
    let policy: Value = serde_json::from_str(policy.as_str().ok_or("a topic has a policy")?)?;
    let added = &policy["Statement"][1];
    Ok(json!([added["Sid"], added["Principal"]["AWS"], added["Action"]]))
}

fn applications(account: &Account) -> Result<Value, Failed> {
    Ok(json!(account.done("ListPlatformApplications", &json!({}))?.all("PlatformApplicationArn")?))
}

fn endpoints(account: &Account) -> Result<Value, Failed> {
    let application = account.arn("sns", "app/GCM/app");
    let listed = account
        .done("ListEndpointsByPlatformApplication", &json!({ "PlatformApplicationArn": application }))?
        .one("EndpointArn")?;
    Ok(json!(account.done("GetEndpointAttributes", &json!({ "EndpointArn": listed }))?.map()?))
}

fn sms_attributes(account: &Account) -> Result<Value, Failed> {
    Ok(json!(account.done("GetSMSAttributes", &json!({}))?.map()?))
}

fn opted_out(account: &Account) -> Result<Value, Failed> {
    let number = json!({ "phoneNumber": "+15551234567" });
    Ok(json!(account.done("CheckIfPhoneNumberIsOptedOut", &number)?.one("isOptedOut")?))
}

fn protection(account: &Account) -> Result<Value, Failed> {
    let resource = json!({ "ResourceArn": my_topic(account) });
    Ok(json!(account.done("GetDataProtectionPolicy", &resource)?.one("DataProtectionPolicy").ok()))
}

fn origination_numbers(account: &Account) -> Result<Value, Failed> {
    Ok(json!(account.done("ListOriginationNumbers", &json!({ "MaxResults": 5 }))?.all("PhoneNumber")?))
}

fn sandbox_numbers(account: &Account) -> Result<Value, Failed> {
    let listed = account.done("ListSMSSandboxPhoneNumbers", &json!({}))?;
    Ok(json!([listed.one("PhoneNumber")?, listed.one("Status")?]))
}
