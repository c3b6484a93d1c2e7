//! What Amazon SNS accepts and refuses in a message and in a topic's name, case by case.

use fanfare_core::attribute::AttributeValue;
use fanfare_core::{Message, SnsError, TopicName};
use fanfare_testkit::vectors;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (number, case) in vectors::cases("validation", "cases").into_iter().enumerate() {
        let what = case["what"].as_str().expect("a case says what it is about").to_owned();
        let name = format!("{what} {number}: {:.40}", case["input"].to_string());
        let trial = match what.as_str() {
            "topic-name" | "topic-name (standard)" | "topic-name (fifo)" => {
                Trial::test(name, move || topic_name(&case))
            }
            "message-attribute-name" => Trial::test(name, move || judged(&case, attribute(input(&case), "String"))),
            "message-attribute-type" => Trial::test(name, move || judged(&case, attribute("attr1", input(&case)))),
            "Subject" => Trial::test(name, move || judged(&case, Message::builder("x").subject(input(&case)).build())),
            "FilterPolicyScope" => Trial::test(name, move || scope(&case)),
            // Names and numbers that belong to the operations of the server and to the adapters for SMS and push.
            "sms-endpoint"
            | "publish-phone-number"
            | "batch-entry-id"
            | "RawMessageDelivery"
            | "platform-application-name" => continue,
            other => panic!("nobody answers for the cases {other:?}"),
        };
        trials.push(trial);
    }
    for (number, case) in vectors::cases("validation", "message_structure_json").into_iter().enumerate() {
        trials.push(Trial::test(format!("message-structure {number}"), move || structure(&case)));
    }
    for (number, case) in vectors::cases("validation", "size").into_iter().enumerate() {
        if case["call"] == "Publish" {
            trials.push(Trial::test(format!("size {number}"), move || size(&case)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn input(case: &Value) -> &str {
    case["input"].as_str().expect("the input is text")
}

fn attribute(name: &str, data_type: &str) -> Result<Message, SnsError> {
    let value = match data_type {
        "Number" | "Number.int" => AttributeValue::Text("1".to_owned()),
        "Binary" => AttributeValue::Binary("x".into()),
        _ => AttributeValue::Text("x".to_owned()),
    };
    Message::builder("x").attribute(name, data_type, value).build()
}

/// Compares with what the case says: accepted, or refused with this code and text.
fn judged<T: std::fmt::Debug>(case: &Value, result: Result<T, SnsError>) -> Result<(), Failed> {
    match (case["valid"].as_bool().expect("a case has a verdict"), result) {
        (true, Ok(_)) => Ok(()),
        (false, Err(error)) => {
            let expected = (case["code"].as_str(), case["message"].as_str());
            if expected == (Some(error.code().as_str()), Some(error.message())) {
                return Ok(());
            }
            Err(format!("expected {expected:?}, got {error}").into())
        }
        (_, result) => Err(format!("{result:?}").into()),
    }
}

/// Whether a FIFO name fits the kind of topic is for the operation that creates topics to say.
fn topic_name(case: &Value) -> Result<(), Failed> {
    let fifo = case["what"] == "topic-name (fifo)";
    let result = TopicName::parse(input(case)).and_then(|name| match name.is_fifo() == fifo {
        true => Ok(name),
        false => Err(SnsError::invalid_parameter("Topic Name")),
    });
    judged(case, result)
}

fn scope(case: &Value) -> Result<(), Failed> {
    let scope = input(case).parse::<fanfare_core::FilterPolicyScope>();
    judged(case, scope.map_err(|error| error.set_attributes_error()))
}

fn structure(case: &Value) -> Result<(), Failed> {
    let text = case["message"].as_str().expect("a message is text");
    match (Message::builder(text).json_structure().build(), case["error"].as_str()) {
        (Err(error), Some(expected)) if error.message() == expected => Ok(()),
        (Ok(message), None) => match (case["protocol"].as_str(), case["delivers"].as_str()) {
            (Some(protocol), Some(delivers)) if message.text_for(protocol) == delivers => Ok(()),
            (Some("*"), None) => Ok(()),
            _ => Err(format!("delivers {:?}", message.text_for("sqs")).into()),
        },
        (result, expected) => Err(format!("{result:?} for {expected:?}").into()),
    }
}

fn size(case: &Value) -> Result<(), Failed> {
    let bytes = usize::try_from(case["message_bytes"].as_u64().expect("a size is a number"))?;
    let mut builder = Message::builder("x".repeat(bytes));
    for (name, value) in case["attributes"].as_object().into_iter().flatten() {
        let text = value["StringValue"].as_str().expect("the attribute is text").to_owned();
        builder = builder.attribute(name, value["DataType"].as_str().expect("a type"), AttributeValue::Text(text));
    }
    let fits = builder.build()?.size() <= fanfare_core::topic::MAXIMUM_MESSAGE_SIZE_DEFAULT;
    if fits == case["accepted"].as_bool().expect("a case has a verdict") { Ok(()) } else { Err("misjudged".into()) }
}
