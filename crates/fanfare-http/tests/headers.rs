//! The headers that a receiver gets, against those that Amazon SNS was recorded to send.

mod given;

use std::collections::BTreeMap;

use fanfare_core::{Notification, SubscriptionArn, Timestamp, TopicArn};
use fanfare_testkit::{HttpReceiver, vectors};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use given::{MESSAGE_ID, SUBSCRIPTION, TOPIC};

fn main() {
    let arguments = Arguments::from_args();
    let trials = vectors::cases("http-headers", "cases")
        .into_iter()
        .map(|case| {
            let name = format!("{} {}", text(&case["test"]), text(&case["what"]));
            Trial::test(name, move || check(&case))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(case: &Value) -> Result<(), Failed> {
    let recorded = recorded_headers(case);
    let notification = notification_for(&recorded);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (receiver, request) = runtime.block_on(async {
        let receiver = HttpReceiver::start().await;
        let outcome = given::endpoint(given::config(), &receiver.url("/")).deliver(&notification).await;
        outcome.expect("the receiver takes everything");
        let request = receiver.requests().remove(0);
        (receiver, request)
    });
    let sent: BTreeMap<String, String> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();

    let mut expected: BTreeMap<String, String> = recorded
        .iter()
        .map(|(name, value)| (name.clone(), unmasked(name, value, &receiver, request.body.len())))
        .collect();
    // Some were recorded behind a gateway that keeps these to itself.
    for name in ["connection", "content-length", "host"] {
        expected.entry(name.to_owned()).or_insert_with(|| unmasked(name, "", &receiver, request.body.len()));
    }
    assert_eq!(sent, expected);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
    Ok(())
}

/// The recorded headers, names in lower case.
fn recorded_headers(case: &Value) -> BTreeMap<String, String> {
    let headers = case["headers"].as_object().expect("headers are an object");
    headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect()
}

/// A notification of the recorded kind and form.
fn notification_for(recorded: &BTreeMap<String, String>) -> Notification {
    let subscription = SubscriptionArn::parse(SUBSCRIPTION).expect("it is an ARN");
    let topic = TopicArn::parse(TOPIC).expect("it is an ARN");
    let token = "2336412f37fb687f5d51e6e2425e90ca";
    let notification = match recorded["x-amz-sns-message-type"].as_str() {
        "SubscriptionConfirmation" => {
            return Notification::subscription_confirmation(MESSAGE_ID, topic, Timestamp::EPOCH, token)
                .for_subscription(subscription);
        }
        "UnsubscribeConfirmation" => {
            return Notification::unsubscribe_confirmation(MESSAGE_ID, &subscription, Timestamp::EPOCH, token);
        }
        _ => given::notification(),
    };
    let notification = match recorded["content-type"].as_str() {
        "text/plain; charset=UTF-8" => notification,
        other => notification.with_content_type(other),
    };
    if recorded.contains_key("x-amz-sns-rawdelivery") {
        return notification;
    }
    let message = fanfare_core::Message::text("hello").expect("it is a message");
    let publication = fanfare_core::Publication::new(MESSAGE_ID, topic, Timestamp::EPOCH, message);
    let enveloped = Notification::new(publication, "http").for_subscription(subscription);
    match notification.content_type() {
        Some(content_type) => enveloped.with_content_type(content_type),
        None => enveloped,
    }
}

/// The value that stands behind what the recording masks.
fn unmasked(name: &str, value: &str, receiver: &HttpReceiver, body_bytes: usize) -> String {
    match name {
        "host" => receiver.addr().to_string(),
        "connection" => "Keep-Alive".to_owned(),
        "content-length" => body_bytes.to_string(),
        "x-amz-sns-message-id" => MESSAGE_ID.to_owned(),
        "x-amz-sns-topic-arn" => TOPIC.to_owned(),
        "x-amz-sns-subscription-arn" => SUBSCRIPTION.to_owned(),
        _ => value.to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is a string").to_owned()
}
