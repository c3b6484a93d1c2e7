//! What Amazon SNS was recorded to deliver, rendered again, one named test for each case.
//!
//! The recorder put placeholders for what differs from run to run; here they stand for values of this program's choice.
//! The message attributes and system attributes of SQS belong to the SQS adapter and are not compared.

#[allow(dead_code, reason = "each test program uses its part of the fixture")]
mod fixture;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_core::attribute::AttributeValue;
use fanfare_core::{Message, MessageBuilder, Notification, Publication, SubscriptionArn, Timestamp, TopicArn};
use fanfare_testkit::vectors::cases;
use fanfare_wire::{Links, Renderer};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Map, Value};

const BASE: &str = "https://sns.us-east-1.amazonaws.com";
const TIME: (i64, &str) = (1_767_323_045_678, "2026-01-02T03:04:05.678Z");

/// The order of keys in HTTP bodies, which the recorder sorted; from the facts about the protocol.
const NOTIFICATION_KEYS: [&str; 11] = [
    "Type",
    "MessageId",
    "TopicArn",
    "Subject",
    "Message",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
    "UnsubscribeURL",
    "MessageAttributes",
];
const CONFIRMATION_KEYS: [&str; 10] = [
    "Type",
    "MessageId",
    "Token",
    "TopicArn",
    "Message",
    "SubscribeURL",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
];

fn main() {
    let arguments = Arguments::from_args();
    let trial = |(number, case): (usize, Value)| {
        let [test, protocol, kind] = ["test", "protocol", "kind"].map(|key| text(&case[key]).to_owned());
        let test = test.rsplit("::").next().unwrap_or("?").to_owned();
        Trial::test(format!("{number:02}_{protocol}_{kind}_{test}"), move || check(&case, &protocol, &kind))
    };
    let trials = cases("aws-envelopes", "cases").into_iter().enumerate().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(case: &Value, protocol: &str, kind: &str) -> Result<(), Failed> {
    match (protocol, kind) {
        ("sqs", "raw") => check_raw(case),
        ("sqs", "envelope") => {
            let keys = case["keys_in_order"].as_array().ok_or("no keys")?.iter().map(text).collect();
            check_envelope(unmasked(&case["body"])?, keys)
        }
        ("http", "Notification") => check_envelope(unmasked(&case["body"])?, NOTIFICATION_KEYS.to_vec()),
        ("http", _) => check_envelope(unmasked(&case["body"])?, CONFIRMATION_KEYS.to_vec()),
        ("lambda", _) => check_event(unmasked(&case["body"])?),
        _ => Err("the vectors have a protocol that is not known here".into()),
    }
}

/// Renders the notification that `recorded` shows and compares every member and the order of the keys.
fn check_envelope(mut recorded: Map<String, Value>, mut keys: Vec<&str>) -> Result<(), Failed> {
    // The recorder parsed texts that happen to be JSON, and sorted the keys of one such body.
    if !recorded["Message"].is_string() {
        recorded["Message"] = recorded["Message"].to_string().into();
    }
    if keys.is_sorted() {
        keys = NOTIFICATION_KEYS.to_vec();
    }
    keys.retain(|key| recorded.contains_key(*key));

    let body = render(&notification(&recorded)?)?;
    let rendered: Map<String, Value> = serde_json::from_slice(&body)?;
    let rendered_keys: Vec<String> = rendered.keys().cloned().collect();
    same(&rendered_keys.iter().map(String::as_str).collect::<Vec<_>>(), &keys)?;
    if let Some(signature) = rendered.get("Signature") {
        same(&BASE64.decode(text(signature))?.len(), &256)?;
        recorded["Signature"] = signature.clone();
    }
    same(&rendered, &recorded)?;
    check_layout(std::str::from_utf8(&body)?, &rendered)
}

/// Renders the event whose `Sns` member was recorded and compares all of it; the recorder sorted the keys.
fn check_event(mut recorded: Map<String, Value>) -> Result<(), Failed> {
    let notification = notification(&in_http_form(recorded.clone()))?;
    let renderer = Renderer::new(fixture::signer(), Links::new(BASE)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let event: Value = serde_json::from_slice(&runtime.block_on(renderer.event(&notification))?)?;
    let signature = &event["Records"][0]["Sns"]["Signature"];
    same(&BASE64.decode(text(signature))?.len(), &256)?;
    recorded["Signature"] = signature.clone();
    let arn = notification.subscription().ok_or("no subscription")?.as_str();
    let expected = serde_json::json!({ "Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": arn, "Sns": recorded,
    }] });
    same(&event, &expected)
}

/// Every member on a line of its own, and nothing else.
fn check_layout(body: &str, members: &Map<String, Value>) -> Result<(), Failed> {
    let mut lines = vec!["{".to_owned()];
    let last = members.len() - 1;
    for (at, (key, value)) in members.iter().enumerate() {
        let comma = if at == last { "" } else { "," };
        match value.as_object() {
            None => lines.push(format!("  {:?} : {value}{comma}", key)),
            Some(attributes) => {
                lines.push(format!("  {:?} : {{", key));
                let last = attributes.len() - 1;
                for (at, (name, attribute)) in attributes.iter().enumerate() {
                    let comma = if at == last { "" } else { "," };
                    lines.push(format!("    {name:?} : {attribute}{comma}"));
                }
                lines.push(format!("  }}{comma}"));
            }
        }
    }
    lines.push("}".to_owned());
    same(&body, &&*lines.join("\n"))
}

fn check_raw(case: &Value) -> Result<(), Failed> {
    let mut message = Message::builder(text(&case["body"]));
    for (name, attribute) in case["sqs_message_attributes"].as_object().into_iter().flatten() {
        let value = match attribute.get("StringValue") {
            Some(value) => AttributeValue::Text(text(value).to_owned()),
            None => {
                same(&text(&attribute["BinaryValue"]), &"b'\\x02\\x03\\x04'")?;
                AttributeValue::Binary(vec![2, 3, 4].into())
            }
        };
        message = message.attribute(name, text(&attribute["DataType"]), value);
    }
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:111111111111:resource-1")?;
    let publication = Publication::new("id", topic, Timestamp::EPOCH, message.build()?);
    let body = render(&Notification::new(publication, "sqs").raw())?;
    same(&std::str::from_utf8(&body)?, &text(&case["body"]))
}

/// The notification that was recorded.
fn notification(recorded: &Map<String, Value>) -> Result<Notification, Failed> {
    let topic = TopicArn::parse(text(&recorded["TopicArn"]))?;
    let (id, time) = (text(&recorded["MessageId"]), Timestamp::from_unix_ms(TIME.0));
    match text(&recorded["Type"]) {
        "SubscriptionConfirmation" => {
            Ok(Notification::subscription_confirmation(id, topic, time, text(&recorded["Token"])))
        }
        "UnsubscribeConfirmation" => {
            let sentence = text(&recorded["Message"]).split(".\n").next().and_then(|first| first.rsplit(' ').next());
            let arn = SubscriptionArn::parse(sentence.ok_or("no subscription in the text")?)?;
            Ok(Notification::unsubscribe_confirmation(id, &arn, time, text(&recorded["Token"])))
        }
        _ => {
            let mut publication = Publication::new(id, topic, time, message(recorded)?);
            if let Some(number) = recorded.get("SequenceNumber") {
                publication = publication.with_sequence_number(text(number));
            }
            if let Some(version) = recorded.get("SignatureVersion") {
                publication = publication.with_signature_version(text(version).parse()?);
            }
            let (_, arn) = text(&recorded["UnsubscribeURL"]).split_once("SubscriptionArn=").ok_or("no subscription")?;
            Ok(Notification::new(publication, "sqs").for_subscription(SubscriptionArn::parse(arn)?))
        }
    }
}

fn message(recorded: &Map<String, Value>) -> Result<Message, Failed> {
    let mut message: MessageBuilder = Message::builder(text(&recorded["Message"]));
    if let Some(subject) = recorded.get("Subject") {
        message = message.subject(text(subject));
    }
    for (name, attribute) in recorded.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten() {
        let (data_type, value) = (text(&attribute["Type"]), text(&attribute["Value"]));
        let value = match data_type {
            "Binary" => AttributeValue::Binary(BASE64.decode(value)?.into()),
            _ => AttributeValue::Text(value.to_owned()),
        };
        message = message.attribute(name, data_type, value);
    }
    Ok(message.build()?)
}

fn render(notification: &Notification) -> Result<bytes::Bytes, Failed> {
    let renderer = Renderer::new(fixture::signer(), Links::new(BASE)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(renderer.body(notification))?)
}

/// The recorded body with our values where the recorder put placeholders.
fn unmasked(body: &Value) -> Result<Map<String, Value>, Failed> {
    let certificate = fixture::signer().ready_certificate().ok_or("the fixture has a key")?;
    let certificate = certificate.file_name().trim_start_matches("SimpleNotificationService-").to_owned();
    let mut json = body.to_string();
    for domain in ["<cert-domain>", "<subscribe-domain>", "<unsubscribe-domain>"] {
        json = json.replace(domain, BASE);
    }
    json = json.replace("<partition>", "aws").replace("<region>", "us-east-1");
    for number in 1..10 {
        json = json.replace(&format!("<resource:{number}>"), &format!("resource-{number}"));
        json = json.replace(&format!("<signing-cert-file:{number}>"), &certificate);
    }
    json = json.replace(r#""Timestamp":"date""#, &format!(r#""Timestamp":"{}""#, TIME.1));
    Ok(serde_json::from_str(&json)?)
}

/// A Lambda event's message under HTTP's names, and without what HTTP leaves out when there is none.
fn in_http_form(sns: Map<String, Value>) -> Map<String, Value> {
    let name = |key: String| match &*key {
        "SigningCertUrl" => "SigningCertURL".to_owned(),
        "UnsubscribeUrl" => "UnsubscribeURL".to_owned(),
        _ => key,
    };
    let absent = |key: &str, value: &Value| {
        (key == "Subject" && value.is_null())
            || (key == "MessageAttributes" && value.as_object().is_some_and(Map::is_empty))
    };
    sns.into_iter().filter(|(key, value)| !absent(key, value)).map(|(key, value)| (name(key), value)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn same<T: PartialEq + std::fmt::Debug>(got: &T, wanted: &T) -> Result<(), Failed> {
    if got == wanted { Ok(()) } else { Err(format!("got {got:#?}\nwanted {wanted:#?}").into()) }
}
