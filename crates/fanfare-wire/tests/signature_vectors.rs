//! The strings to sign, and the messages that Amazon SNS signed, one named test for each case.

use fanfare_testkit::vectors::{cases, document};
use fanfare_wire::{SignedKind, SignedParts, Verifier, VerifyErrorKind, canonical_string};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (number, case) in cases("signature-canonical-strings", "cases").into_iter().enumerate() {
        let kind = case["message"]["Type"].as_str().unwrap_or("?").to_owned();
        trials.push(Trial::test(format!("canonical_string_{number:02}_{kind}"), move || check_canonical(&case)));
    }
    for (number, case) in cases("signed-messages", "positive").into_iter().enumerate() {
        let name = format!("signed_{number:02}_{}_{}", text(&case["casing"]), text(&case["hash"]));
        trials.push(Trial::test(name, move || check_positive(&case)));
    }
    for (number, case) in cases("signed-messages", "negative").into_iter().enumerate() {
        let mutated = text(&case["mutated"]).split(' ').next().unwrap_or("?");
        let name = format!("altered_{number:02}_{mutated}");
        trials.push(Trial::test(name, move || check_negative(&case)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn check_canonical(case: &Value) -> Result<(), Failed> {
    let message = &case["message"];
    let (subscribe_url, token) = (text(&message["SubscribeURL"]), text(&message["Token"]));
    let kind = match text(&message["Type"]) {
        "Notification" => SignedKind::Notification { subject: message.get("Subject").and_then(Value::as_str) },
        "SubscriptionConfirmation" => SignedKind::SubscriptionConfirmation { subscribe_url, token },
        "UnsubscribeConfirmation" => SignedKind::UnsubscribeConfirmation { subscribe_url, token },
        other => return Err(format!("unknown type {other}").into()),
    };
    let made = canonical_string(&SignedParts {
        message_id: text(&message["MessageId"]),
        topic_arn: text(&message["TopicArn"]),
        message: text(&message["Message"]),
        timestamp: text(&message["Timestamp"]),
        kind,
    });
    same(&made, text(&case["canonical_string"]))
}

fn check_positive(case: &Value) -> Result<(), Failed> {
    let message = &case["message"];
    let verified = verify(message)?;
    same(verified.message_id(), text(&message["MessageId"]))?;
    same(verified.text(), text(&message["Message"]))?;
    same(verified.topic().as_str(), text(&message["TopicArn"]))?;
    same(verified.timestamp(), text(&message["Timestamp"]))
}

fn check_negative(case: &Value) -> Result<(), Failed> {
    let wanted = if case["valid"] == true { None } else { Some(VerifyErrorKind::WrongSignature) };
    let got = verify(&case["message"]).err().map(|error| error.kind());
    if got == wanted { Ok(()) } else { Err(format!("got {got:?}, wanted {wanted:?}").into()) }
}

fn verify(message: &Value) -> Result<fanfare_wire::VerifiedMessage, fanfare_wire::VerifyError> {
    let pem = text(&document("signed-messages")["certificate_pem"]).to_owned();
    let verifier = Verifier::amazon(move |url: &str| {
        let wanted =
            "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem";
        if url == wanted { Ok(pem.clone()) } else { Err(format!("asked for {url}").into()) }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers starts");
    runtime.block_on(verifier.verify(message.to_string().as_bytes()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn same(got: &str, wanted: &str) -> Result<(), Failed> {
    if got == wanted { Ok(()) } else { Err(format!("got {got:?}\nwanted {wanted:?}").into()) }
}
